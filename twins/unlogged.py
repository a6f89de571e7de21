"""Meals that nobody logged: looked for where readings rise as only food would explain.

Any hour may hold such a meal; to sample all hours would drown the body in unknowns. Hours whose
readings speak against one are therefore left out: for an onset every half hour the record is taken
as a straight line in all its unknowns, and the probability of a meal follows in closed form, other
unknowns averaged over (for exponential grams, a normal tail). The few hours left are climbed from
(``drawn``); those that are worth it become unknowns of presence, size and time
(``Unknowns.extra``), which the sampler then weighs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from .forward import Extra, run
from .hypotheses import HYPOTHESES, rows_of
from .likelihood import Likelihood, whitened
from .mode import line_at
from .observations import SAMPLE_MIN, Observations
from .sample import Sample
from .unknowns import UNLOGGED_MEAN_G, Slot

Array = NDArray[np.float64]

# How often people eat without an entry, a day (project choice, that of a followed twin).
PER_DAY: Final = HYPOTHESES[rows_of("meal")[0]].per_day
HALF_WIDTH_MIN: Final = 30.0
PRIOR: Final = PER_DAY * 2.0 * HALF_WIDTH_MIN / 1440.0
GRID_MIN: Final = 30
# What a probe changes in glucose has faded after so long.
FADES_MIN: Final = 720
PROBE_G: Final = 20.0
# Below this, the straight line's word is taken that there was none. It is far from sure: a body
# that was bent to explain a meal answers to food otherwise than the true one.
LEAST_PROBABILITY: Final = 0.02
# In one look, answers of meals closer than this cannot be told apart.
APART_MIN: Final = 240.0
# The most hours that one look returns.
MOST: Final = 4
# So near to an entry, a meal may be one with it that was entered late, early, or too small.
NEAR_ENTRY_MIN: Final = 90.0
# Of a meal worth telling: grams, and the probability that at least so much was eaten.
TOLD_G: Final = 10.0
TOLD_PROBABILITY: Final = 0.5


@dataclass(frozen=True)
class Suspected:
    """Hours in which a meal may have gone unlogged, its likely grams, and its log odds (X,)."""

    slots: tuple[Slot, ...] = ()
    grams: tuple[float, ...] = ()
    log_odds: tuple[float, ...] = ()

    def __add__(self, other: Suspected) -> Suspected:
        return Suspected(
            (*self.slots, *other.slots),
            (*self.grams, *other.grams),
            (*self.log_odds, *other.log_odds),
        )

    @property
    def none(self) -> Suspected:
        """The same hours, nothing eaten in any."""
        return self.but(range(len(self.slots)))

    def parts(self, most: int) -> list[Suspected]:
        """Return all of the meals, then all but one, the most doubtful ones left out first."""
        doubtful = np.argsort(self.log_odds)[:most].tolist() if len(self.slots) > 1 else []
        return [self, *(self.but([i]) for i in doubtful)]

    def above(self, least: float, most: int) -> Suspected:
        """Return the hours more probable than that, the most probable ones first, a few at most."""
        bar = np.log(least / (1.0 - least))
        order = np.argsort(-np.array(self.log_odds)).tolist()
        return self.only([i for i in order if self.log_odds[i] > bar][:most])

    def only(self, keep: Sequence[int]) -> Suspected:
        """Return some of the hours."""
        return Suspected(
            tuple(self.slots[i] for i in keep),
            tuple(self.grams[i] for i in keep),
            tuple(self.log_odds[i] for i in keep),
        )

    def but(self, out: Iterable[int]) -> Suspected:
        """Return the same hours, nothing eaten in some."""
        eaten = list(self.grams)
        for i in out:
            eaten[i] = -1.0
        return Suspected(self.slots, tuple(eaten), self.log_odds)

    @property
    def extra(self) -> Extra | None:
        """The same meals in the middle of their hours, for every body alike."""
        if not self.slots:
            return None
        return Extra(np.array([[slot.minute for slot in self.slots]]), np.array([self.grams]))


def every_hour(days: int = 1) -> tuple[Slot, ...]:
    """Return the hours of some days: what a person's meals without an entry are drawn from."""
    middles = np.arange(HALF_WIDTH_MIN, 1440.0 * days, 2.0 * HALF_WIDTH_MIN).tolist()
    return tuple(Slot(middle, HALF_WIDTH_MIN, PRIOR) for middle in middles)


def look(likelihood: Likelihood, u: Array, known: Suspected) -> Suspected:
    """Return the hours, besides those known, that a meal is most probable in.

    Parameters
    ----------
    likelihood : Likelihood
        Of a record and the meals found in it so far.
    u : array (D,)
        The most probable vector, or near it.
    known : Suspected
        Those meals.
    """
    onset, response = _responses(likelihood, u)
    pull, stiff = _meal_terms(likelihood, u, onset, response)
    log_odds = np.log(PRIOR / (1.0 - PRIOR)) + log_bayes_factor(pull, stiff)
    grams = np.maximum(pull - 1.0 / UNLOGGED_MEAN_G, 0.0) / stiff
    bar, taken = np.log(LEAST_PROBABILITY / (1.0 - LEAST_PROBABILITY)), list[int]()
    for i in np.argsort(-log_odds).tolist():
        near = any(abs(onset[i] - onset[j]) < APART_MIN for j in taken)
        same = any(abs(onset[i] - slot.minute) < 2.0 * HALF_WIDTH_MIN for slot in known.slots)
        if log_odds[i] < bar or len(taken) >= MOST:
            break
        if not near and not same:
            taken.append(i)
    slots = tuple(Slot(float(onset[i]), HALF_WIDTH_MIN, PRIOR) for i in taken)
    odds = tuple(float(log_odds[i]) for i in taken)
    return Suspected(slots, tuple(float(grams[i]) for i in taken), odds)


def log_bayes_factor(pull: Array, stiff: Array) -> Array:
    """Return logarithms (C,) of how much likelier a meal makes readings than none does.

    Parameters
    ----------
    pull, stiff : array (C,)
        Slope, 1/g, and curvature, 1/g^2, of the log-likelihood by grams at none; grams are
        exponential with mean 25.
    """
    slope, root = pull - 1.0 / UNLOGGED_MEAN_G, np.sqrt(stiff)
    height = 0.5 * (slope / root) ** 2 + 0.5 * np.log(2.0 * np.pi) - np.log(root)
    return np.asarray(height + log_ndtr(slope / root) - np.log(UNLOGGED_MEAN_G))


def _responses(likelihood: Likelihood, u: Array) -> tuple[Array, Array]:
    """Return onsets (C,), min, and what a gram then changes glucose (N, C) at the readings by.

    One body for each half hour of the day eats then on every day: what it ate the day before has
    faded.
    """
    known, use = likelihood.unknowns, likelihood.use
    days, of_day = -(-len(likelihood.seen.insulin) // 1440), np.arange(0, 1440, GRID_MIN)
    lanes = len(of_day)
    onset = np.add.outer(np.append(of_day, 0), 1440 * np.arange(days)).astype(np.float64)
    eaten = np.full(onset.shape, PROBE_G)
    eaten[-1] = 0.0
    rows = np.repeat(u[None], lanes + 1, axis=0)
    own = known.extra(rows)
    if own is not None:
        onset, eaten = np.hstack([onset, own.onset]), np.hstack([eaten, own.grams])
    glucose = run(
        known.where, known.coordinates(rows), likelihood.seen, known.effects(rows),
        Extra(onset, eaten),
    )[use.index]  # fmt: skip
    change = (glucose[:, :-1] - glucose[:, -1:]) / PROBE_G
    each = onset[:-1, :days].T.ravel()
    after = SAMPLE_MIN * use.index[:, None] - each
    felt = (after > 0.0) & (after < FADES_MIN)
    response = np.where(felt, np.tile(change, days), 0.0)
    inside = felt.any(axis=0)
    return each[inside], response[:, inside]


def _meal_terms(
    likelihood: Likelihood, u: Array, onset: Array, response: Array
) -> tuple[Array, Array]:
    """Return slope (C,) and curvature (C,) by grams, all other unknowns averaged over."""
    line, use, power = line_at(likelihood, u), likelihood.use, likelihood.power
    free = np.delete(np.arange(len(u)), likelihood.unknowns.spreads)
    felt = np.where((line.felt == 0.0).all(axis=1)[:, None], 0.0, response)

    def white(columns: Array) -> Array:
        noise = np.repeat(likelihood.noise(u[None]), columns.shape[1], axis=0)
        return whitened(columns, noise, use.gap)[0]

    standard = line.weight * white(line.error[:, None])[:, 0]
    others, meals = white(line.felt[:, free]), white(felt)
    weighted = line.weight[:, None] * meals
    cross = power * others.T @ weighted
    curvature = power * (others.T * line.weight) @ others + np.eye(len(free))
    # How other unknowns follow a gram, and where readings would still move them.
    follow = np.asarray(np.linalg.solve(curvature, cross), dtype=np.float64)
    still = power * others.T @ standard - u[free]
    pull = power * meals.T @ standard - follow.T @ still
    stiff = power * (weighted * meals).sum(axis=0) - (cross * follow).sum(axis=0)
    return pull, np.maximum(stiff, 1e-6)


def told(drawn: Sample) -> list[dict[str, Any]]:
    """Return the meals outside of the log that draws believe in, in order of time.

    Returns
    -------
    list of dict
        ``time_s``, seconds since 1970 UTC; ``local``, the same by the person's clock, in words;
        ``entry``, by that clock, a meal in the log so near that this may be a part of it, or empty;
        ``grams``, ``low_g``, ``high_g``: median and central 90 %, where there was a meal;
        ``probability``.
    """
    likelihood = drawn.likelihood
    extra = likelihood.unknowns.extra(drawn.u)
    found: list[dict[str, Any]] = []
    for onset, grams in zip(extra.onset.T, extra.grams.T, strict=True) if extra else ():
        there = grams >= TOLD_G
        if there.mean() < TOLD_PROBABILITY:
            continue
        minute = float(np.median(onset[there]))
        low, middle, high = np.quantile(grams[there], [0.05, 0.5, 0.95]).tolist()
        found.append(
            {
                "time_s": likelihood.seen.start_s + 60.0 * minute,
                "local": _by_clock(likelihood.seen, minute),
                "entry": _near(likelihood.seen, minute),
                "grams": middle,
                "low_g": low,
                "high_g": high,
                "probability": float(there.mean()),
            }
        )
    return sorted(found, key=lambda meal: float(meal["time_s"]))


def besides(meals: Sequence[Mapping[str, Any]], seen: Observations) -> Extra | None:
    """Return the meals that ``told`` returned as eaten within a record, for every body alike."""
    end_s = seen.start_s + 60.0 * len(seen.insulin)
    inside = [meal for meal in meals if seen.start_s <= meal["time_s"] < end_s]
    if not inside:
        return None
    minute = [(meal["time_s"] - seen.start_s) / 60.0 for meal in inside]
    return Extra(np.array([minute]), np.array([[meal["grams"] for meal in inside]]))


def _by_clock(seen: Observations, minute: float) -> str:
    """Return a minute of a record by the person's clock."""
    begun = seen.start_s + (60.0 * seen.start_minute - seen.start_s + 43200.0) % 86400.0 - 43200.0
    return f"{datetime.fromtimestamp(begun + 60.0 * round(minute), UTC):%d %b %H:%M}"


def _near(seen: Observations, minute: float) -> str:
    """Return, by the clock, when the nearest meal in the log began, if it is near."""
    if not seen.meals:
        return ""
    nearest = float(min(seen.meal_begins, key=lambda begun: abs(begun - minute)))
    return _by_clock(seen, nearest) if abs(nearest - minute) <= NEAR_ENTRY_MIN else ""


def sentence(meal: Mapping[str, Any]) -> str:
    """Say one of the meals that ``told`` returns."""
    if meal["entry"]:
        return (
            f"{meal['local']}: about {meal['grams']:.0f} g seem to have been eaten then besides "
            f"the entry of {meal['entry']}, or that meal at another time than entered "
            f"(probability {meal['probability']:.2f}); the fit counts them in"
        )
    return (
        f"{meal['local']}: about {meal['grams']:.0f} g (90 %: {meal['low_g']:.0f} to "
        f"{meal['high_g']:.0f}) seem to have been eaten without an entry (probability "
        f"{meal['probability']:.2f}); the fit counts them in"
    )
