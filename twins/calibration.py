"""Simulation-based calibration: whether fits of virtual patients cover as often as they say.

Each patient is a draw of the prior; the first days are fitted, the next one foretold. The rank of
the truth among the posterior's draws is uniform where the whole procedure is right (Talts 2018,
arXiv:1804.06788).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .coordinates import NAMES
from .drawn import draws_of
from .forecast import outlook
from .observations import Observations
from .sample import Sample
from .search import starting_points
from .simulated import Simulated, first_days, simulated
from .unknowns import Unknowns
from .unlogged import TOLD_G

Array = NDArray[np.float64]

LEVEL: Final = 0.9
NOISE_NAMES: Final = ("noise_sigma", "noise_rho")
SPREAD_NAMES: Final = ("day_sd", "rhythm_sd", "window_sd", "meal_sd")
BINS: Final = 20
# A suspected meal and one that was eaten are the same if so near.
NEAR_MIN: Final = 45.0


@dataclass(frozen=True)
class Trial:
    """What one patient's fit said of the truth.

    Parameters
    ----------
    names : tuple of str
    rank : array (K,)
        Share of draws below the truth, for each unknown.
    glucose, reading : float
        Shares of the next day's true glucose and of its readings within their 90 % bands.
    error_mg_dl : float
        Of the median forecast, root mean square.
    good : bool
        Whether the fit passed its own checks.
    largest_k, remembered : float
    suspected : tuple of (float, bool)
        Of each hour in which the fit suspected a meal: the probability of one worth telling, and
        whether there was any.
    missing : tuple of (float, float)
        Grams of each meal without an entry, and that probability for its hour.
    """

    names: tuple[str, ...]
    rank: Array
    glucose: float
    reading: float
    error_mg_dl: float
    good: bool
    largest_k: float
    remembered: float
    suspected: tuple[tuple[float, bool], ...] = ()
    missing: tuple[tuple[float, float], ...] = ()


def names_of(unknowns: Unknowns) -> tuple[str, ...]:
    """Return the names of what is calibrated: body, noise, spreads, windows, meals."""
    windows = tuple(f"window_{i + 1}" for i in range(unknowns.windows))
    meals = tuple(f"meal_{i + 1}" for i in range(unknowns.meals))
    return (*NAMES, *NOISE_NAMES, *SPREAD_NAMES, *windows, *meals)


def values_of(unknowns: Unknowns, u: Array) -> Array:
    """Return the quantities (n, K) that ``names_of`` names."""
    body = unknowns.where.standard(unknowns.coordinates(u))
    parts = (body, unknowns.noise(u), unknowns.spread(u), unknowns.effects(u))
    return np.concatenate(parts, axis=1)


def trial(
    seed: int, *, draws: int = 256, method: str = "smc", independent: bool = False, starts: int = 8,
    unlogged: bool = False, meals: bool = True, days: int = 1,
) -> Trial:  # fmt: skip
    """Draw a patient, fit the first days, foretell the next.

    Parameters
    ----------
    independent : bool
        Fit as if errors forgot each other at once (the naive fit).
    unlogged : bool
        Whether the person may eat without an entry, on the days that are fitted.
    meals : bool
        Whether the fit looks for such meals.
    days : int
        That are fitted.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 20260302]))
    patient = simulated(rng, days + 1, unlogged=days if unlogged else 0)
    known = first_days(patient.seen, days)
    where = patient.truth.where
    drawn, _ = draws_of(
        where, known, starting_points(starts, rng), rng, method=method, n=draws,
        independent=independent, meals=meals,
    )  # fmt: skip
    unknowns = drawn.likelihood.unknowns
    mine = part_of(patient.truth, patient.u, unknowns)
    truth = values_of(unknowns, mine[None])[0]
    below = (values_of(unknowns, drawn.u) < truth).sum(axis=0)
    glucose, reading, error = next_day(drawn, known, patient.seen, patient.glucose, rng)
    told = drawn.diagnostics
    return Trial(
        names_of(unknowns), (below + rng.random(len(truth))) / (draws + 1.0), glucose, reading,
        error, drawn.good, float(told.get("largest_k", 0.0)), float(told.get("remembered", 0.0)),
        *missing_meals(patient, drawn),
    )  # fmt: skip


def missing_meals(
    patient: Simulated, drawn: Sample
) -> tuple[tuple[tuple[float, bool], ...], tuple[tuple[float, float], ...]]:
    """Return what a fit said of meals without an entry, as a trial's ``suspected``, ``missing``."""
    true, said = patient.truth.extra(patient.u[None]), drawn.likelihood.unknowns.extra(drawn.u)
    eaten = [] if true is None else np.flatnonzero(true.grams[0]).tolist()
    onset = np.array([0.0 if true is None else true.onset[0, i] for i in eaten])
    grams = [0.0 if true is None else float(true.grams[0, i]) for i in eaten]
    hour = np.array([slot.minute for slot in drawn.likelihood.unknowns.slots])
    sure = np.zeros(0) if said is None else (said.grams >= TOLD_G).mean(axis=0)
    near = np.abs(hour[:, None] - onset) <= NEAR_MIN
    suspected = [(float(p), bool(row.any())) for p, row in zip(sure, near, strict=True)]
    best = np.where(near, sure[:, None], 0.0).max(axis=0, initial=0.0)
    missing = [(g, float(p)) for g, p in zip(grams, best, strict=True)]
    return tuple(suspected), tuple(missing)


def part_of(longer: Unknowns, u: Array, shorter: Unknowns) -> Array:
    """Return what of a long record's unknowns a short one has, but for meals outside of the log."""
    a, b = longer.windows_at.start, longer.meals_at.start
    return np.concatenate([u[:a], u[a : a + shorter.windows], u[b : b + shorter.meals]])


def next_day(
    drawn: Sample, known: Observations, seen: Observations, truth: Array, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return coverage of glucose and readings after the known ones, and the forecast's error."""
    view = outlook(drawn, seen, rng, len(drawn.u))
    first = len(known.glucose)
    low, high = np.quantile(view.glucose, [0.05, 0.95], axis=1)
    inside = (truth[first:] >= low) & (truth[first:] <= high)
    bottom, top = np.quantile(view.draws, [0.05, 0.95], axis=1)
    reading, side = seen.glucose[first:], seen.censored[first:]
    within = ((reading >= bottom) | (side > 0)) & ((reading <= top) | (side < 0))
    error = np.median(view.glucose, axis=1) - truth[first:]
    return float(inside.mean()), float(within.mean()), float(np.sqrt(np.mean(error**2)))


@dataclass(frozen=True)
class Uniformity:
    """Whether ranks (n,) of one unknown are uniform.

    Parameters
    ----------
    covered : float
        Share within the central 90 %.
    low, high : float
        Its 95 % interval (Wilson 1927).
    p_value : float
        Of chi-square over 20 equal bins.
    distance : float
        Largest distance of the ranks' distribution from the straight line.
    band : float
        What 95 % of uniform samples of this size stay within.
    """

    covered: float
    low: float
    high: float
    p_value: float
    distance: float
    band: float


def uniformity(rank: Array) -> Uniformity:
    """Return how uniform ranks (n,) in (0, 1) are."""
    n, tail = len(rank), 0.5 * (1.0 - LEVEL)
    inside = int(((rank > tail) & (rank < 1.0 - tail)).sum())
    ci = stats.binomtest(inside, n).proportion_ci(method="wilson")
    counts = np.histogram(rank, bins=BINS, range=(0.0, 1.0))[0]
    p = float(stats.chisquare(counts).pvalue)
    distance = float(stats.kstest(rank, "uniform").statistic)
    band = float(stats.kstwo.ppf(0.95, n))
    return Uniformity(inside / n, float(ci.low), float(ci.high), p, distance, band)


def mean_interval(values: Array) -> tuple[float, float, float]:
    """Return the mean of patients' values (n,) and its 95 % interval, the patient as the unit."""
    mean, half = float(values.mean()), 1.96 * float(values.std(ddof=1) / np.sqrt(len(values)))
    return mean, mean - half, mean + half
