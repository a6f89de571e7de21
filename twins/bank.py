"""Several filters beside the main one, each under a hypothesis of what is wrong, weighed together.

An interacting-multiple-model scheme (Blom and Bar-Shalom, IEEE Trans Autom Control 1988;33:780-3)
for ensembles: between readings members pass from one hypothesis to another as its prior says; each
reading then weighs the hypotheses by how well they expected it. A person's main ensemble therefore
stays whole while its insulin does not arrive, and takes over what happened once it is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .ensemble import Ensemble, as_the_sensor_says
from .ensemble_kalman import (
    STEP_MIN,
    STEPS_A_DAY,
    Acting,
    Innovation,
    Interval,
    neutral,
    update,
)
from .hypotheses import HYPOTHESES, NAMES, TURNS, rows_of

Array = NDArray[np.float64]
MEMBERS_EACH = 64
MODES = len(HYPOTHESES)
# A reading in fifty is wrong in a way of its own (project choice).
WILD, WILD_SD = 0.02, 4.0
SETTLES = 0.5  # share of the way to its target that a compressed sensor goes in five minutes
SMALLEST_WEIGHT = 1e-9


@dataclass(frozen=True, eq=False)
class Bank:
    """The filters of several people.

    Parameters
    ----------
    main : Ensemble
        Nothing is wrong; one row per person.
    others : Ensemble
        One row per person and hypothesis, a person's rows together.
    weights : array (R, 1 + MODES)
        Probability of "nothing is wrong", then of each hypothesis.
    count : int
        Intervals so far, by which hypotheses take turns.
    held : array (R, MODES) of int
        Intervals for which each hypothesis has been more probable than everything else.
    """

    main: Ensemble
    others: Ensemble
    weights: Array
    count: int
    held: NDArray[np.int64]

    def take(self, person: int) -> Bank:
        """Return one person's filters."""
        rows = np.arange(person * MODES, (person + 1) * MODES)
        return Bank(
            self.main.take([person]), self.others.take(rows), self.weights[person : person + 1],
            self.count, self.held[person : person + 1],
        )  # fmt: skip

    def probability(self) -> Array:
        """Return the probability (R, len(hypotheses.NAMES)) of each kind of fault."""
        sums = [self.weights[:, [1 + i for i in rows_of(name)]].sum(axis=1) for name in NAMES]
        return np.stack(sums, axis=1)

    def lasting(self, hours: float) -> Array:
        """Return the probability (R,) of what takes turns and has lasted for so long at least."""
        hour = (self.count - 1) // STEPS_AN_HOUR
        old = [i for i, h in enumerate(HYPOTHESES)
               if h.turn is not None and (hour - h.turn) % TURNS >= hours]  # fmt: skip
        return np.asarray(self.weights[:, [1 + i for i in old]].sum(axis=1))

    def sensitivity(self) -> Array:
        """Return the expected log insulin sensitivity (R,) over the person's own, rhythm left out.

        The slow level, and what illness takes from it.
        """
        level = (self.others["level"] + 0.0).reshape(self.main.rows, MODES, -1).mean(axis=2)
        extra = self.others["extra"].reshape(self.main.rows, MODES, -1).mean(axis=2)
        ill = list(rows_of("illness"))
        level[:, ill] += extra[:, ill]
        whole = np.concatenate([self.main["level"].mean(axis=1)[:, None], level], axis=1)
        return np.asarray((self.weights * whole).sum(axis=1))


def bank_of(main: Ensemble, rng: np.random.Generator, members: int = MEMBERS_EACH) -> Bank:
    """Return the filters of people with nothing wrong so far."""
    few = main.resampled(members, rng)
    rows = np.repeat(np.arange(main.rows), MODES)
    others = few.take(rows)
    _enter(others, np.ones(others.values.shape[:2], dtype=bool), rng)
    held = np.zeros((main.rows, MODES), dtype=np.int64)
    return Bank(main, others, np.tile(prior_weights(), (main.rows, 1)), 0, held)


def prior_weights() -> Array:
    """Return the weights (1 + MODES,) that no reading has moved."""
    rest = np.array([h.per_day * h.hours / 24.0 for h in HYPOTHESES])
    rest = np.where(_TAKES_TURNS, rest / TURNS, rest)
    weights = np.concatenate([[1.0], rest])
    return np.asarray(weights / weights.sum())


def step(bank: Bank, interval: Interval, rng: np.random.Generator) -> tuple[Bank, Innovation]:
    """Return the filters five minutes later and the main one's innovation.

    Parameters
    ----------
    bank : Bank
    interval : Interval
        One row per person.
    rng : numpy.random.Generator
    """
    bank, entered = _mixed(bank, rng)
    main, innovation = update(bank.main, interval, rng)
    acting = _acting(bank.others, entered)
    others, theirs = update(bank.others, interval.repeated(MODES), rng, acting)
    fit = np.concatenate(
        [_log_likelihood(innovation)[:, None], _log_likelihood(theirs).reshape(-1, MODES)], axis=1
    )
    weights = bank.weights * np.exp(fit - fit.max(axis=1, keepdims=True))
    weights = np.maximum(weights / weights.sum(axis=1, keepdims=True), SMALLEST_WEIGHT)
    weights = weights / weights.sum(axis=1, keepdims=True)
    held = np.where(weights[:, 1:] > 0.5, bank.held + 1, 0)
    return _settled(Bank(main, others, weights, bank.count + 1, held), rng), innovation


def _log_likelihood(innovation: Innovation) -> Array:
    """Return the log density (R,) of innovations, 0 without a reading."""
    s, sd = innovation.standard, innovation.sd
    plain = (1.0 - WILD) * np.exp(-0.5 * s**2)
    wild = WILD / WILD_SD * np.exp(-0.5 * (s / WILD_SD) ** 2)
    density = np.log(np.maximum(plain + wild, 1e-300) / sd)
    return np.asarray(np.where(np.isfinite(s), density, 0.0))


_STEP_DAY = 1.0 / STEPS_A_DAY
_TAKES_TURNS = np.array([h.turn is not None for h in HYPOTHESES])
_PER_DAY = np.array([h.per_day for h in HYPOTHESES])
_BEGINS = np.where(_TAKES_TURNS, 0.0, _PER_DAY * _STEP_DAY)
_ENDS = np.array([1.0 - np.exp(-STEP_MIN / (60.0 * h.hours)) for h in HYPOTHESES])
_RENEWED = np.array([1.0 - np.exp(-STEP_MIN / (60.0 * h.fresh_hours)) for h in HYPOTHESES])
_RENEWED[_TAKES_TURNS] = 0.0
_LONGEST_MIN = np.array([np.inf if h.longest_h is None else 60.0 * h.longest_h for h in HYPOTHESES])
STEPS_AN_HOUR = 60 // STEP_MIN


def _rates(count: int) -> tuple[Array, Array, Array]:
    """Return how many begin, end and are renewed in an interval, each (MODES,)."""
    begins, ends, renewed = _BEGINS.copy(), _ENDS.copy(), _RENEWED.copy()
    if count % STEPS_AN_HOUR == 0:
        turn = count // STEPS_AN_HOUR % TURNS
        anew = np.array([h.turn == turn for h in HYPOTHESES])
        begins[anew] = _PER_DAY[anew] / 24.0
        ends[anew] = renewed[anew] = 1.0
    return begins, ends, renewed


def _mixed(bank: Bank, rng: np.random.Generator) -> tuple[Bank, NDArray[np.bool_]]:
    """Let members pass between "nothing is wrong" and each hypothesis; tell who entered one."""
    before = bank.weights
    begins, ends, renewed = _rates(bank.count)
    in_flow, out_flow = before[:, :1] * begins, before[:, 1:] * ends
    calm = before[:, 0] * (1.0 - begins.sum()) + out_flow.sum(axis=1)
    wrong = before[:, 1:] * (1.0 - ends) + in_flow
    weights = np.concatenate([calm[:, None], wrong], axis=1)
    main = _left(bank, out_flow / calm[:, None], rng)
    pace = renewed * (1.0 - before[:, 1:] / before.sum(axis=1)[:, None])
    share = np.maximum(in_flow / wrong, np.where(renewed < 1.0, pace, 1.0))
    shape = bank.others.values.shape[:2]
    entered = rng.random(shape) < share.reshape(-1, 1)
    person = np.repeat(np.arange(main.rows), MODES)[:, None]
    source = rng.integers(0, main.members, shape)
    values = np.where(entered[:, :, None], bank.main.values[person, source], bank.others.values)
    noise = np.where(entered[:, :, None], bank.main.noise[person, source], bank.others.noise)
    theirs = bank.others.surprise.reshape(-1, MODES)
    surprise = np.where(renewed < 1.0, theirs, bank.main.surprise[:, None])
    others = replace(bank.others, values=values, noise=noise, surprise=surprise.ravel())
    _enter(others, entered, rng)
    return replace(bank, main=main, others=others, weights=weights), entered


def _left(bank: Bank, share: Array, rng: np.random.Generator) -> Ensemble:
    """Return the main ensemble with members of hypotheses that have ended (share (R, MODES))."""
    main = bank.main
    edges = np.cumsum(share, axis=1)
    luck = rng.random(main.values.shape[:2])
    mode = (luck[:, :, None] >= edges[:, None, :]).sum(axis=2)
    came = mode < MODES
    if not came.any():
        return main
    who, member = np.nonzero(came)
    row = who * MODES + mode[who, member]
    source = rng.integers(0, bank.others.members, len(row))
    values, noise = main.values.copy(), main.noise.copy()
    values[who, member] = bank.others.values[row, source]
    noise[who, member] = bank.others.noise[row, source]
    freed = replace(main, values=values, noise=noise)
    for name in ("offset", "extra"):
        freed[name][who, member] = 0.0
    return freed


def _settled(bank: Bank, rng: np.random.Generator) -> Bank:
    """Return the filters, begun anew where a fault of the sensor has lasted longer than any does.

    Otherwise a sensor that was replaced after it had drifted would for ever be taken for a pressed
    one, and the main filter for one that had lost its person. Members of that hypothesis take over,
    with glucose where the sensor says.
    """
    late = np.argwhere(bank.held * STEP_MIN > _LONGEST_MIN)
    if not len(late):
        return bank
    main = replace(bank.main, values=bank.main.values.copy(), noise=bank.main.noise.copy())
    others = replace(bank.others, values=bank.others.values.copy(), noise=bank.others.noise.copy())
    weights, held = bank.weights.copy(), bank.held.copy()
    for person, mode in late.tolist():
        sure = as_the_sensor_says(others.take([person * MODES + mode]))
        take = np.arange(main.members) % others.members
        main.values[person], main.noise[person] = sure.values[0, take], sure.noise[0, take]
        rows = slice(person * MODES, (person + 1) * MODES)
        which = rng.integers(0, main.members, (MODES, others.members))
        others.values[rows], others.noise[rows] = (
            main.values[person, which], main.noise[person, which],
        )  # fmt: skip
        weights[person], held[person] = prior_weights(), 0
    begun = np.repeat((held == 0).all(axis=1) & np.isin(np.arange(main.rows), late[:, 0]), MODES)
    _enter(others, np.repeat(begun[:, None], others.members, axis=1), rng)
    return replace(bank, main=main, others=others, weights=weights, held=held)


def _enter(others: Ensemble, entered: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Give members that entered a hypothesis its number, in place."""
    for i, one in enumerate(HYPOTHESES):
        rows = slice(i, None, MODES)
        drawn = one.draw(rng, entered[rows].shape)
        others["extra"][rows] = np.where(entered[rows], drawn, others["extra"][rows])


def _acting(others: Ensemble, entered: NDArray[np.bool_]) -> Acting:
    """Return what each hypothesis does to its members in the next five minutes."""
    doing = neutral(others)
    extra, offset = others["extra"], others["offset"]

    for i, one in enumerate(HYPOTHESES):
        rows = slice(i, None, MODES)
        if one.name == "occlusion":
            doing.delivered[rows] = 0.0
        elif one.name == "meal":
            doing.grams[rows] = np.where(entered[rows], np.maximum(extra[rows], 0.0), 0.0)
        elif one.name == "compression":
            offset[rows] += SETTLES * (extra[rows] - offset[rows])
        elif one.name == "drift":
            offset[rows] += extra[rows]
        else:
            doing.sensitivity[rows] = np.minimum(extra[rows], 0.0)
    return doing
