"""Sums of weighted means over patients, the form of every weighted estimator, and their bootstrap.

An estimate is sum_k mean_i(numerator_ik) / mean_i(denominator_ik). Its influence function, its
jackknife and its bootstrap over patients follow from the two tables alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...physiology.errors import InputError
from ..bootstrap import bca_tails
from ..declared import error_probability
from ..logged_episode import Array

REPETITIONS = 2000
# More lost resamples than this share leave no interval.
MOST_LOST = 0.02
_CHUNK = 2_000_000


@dataclass(frozen=True)
class Ratios:
    """Numerators and denominators per patient.

    Parameters
    ----------
    top : array (n, K)
    bottom : array (n, K), optional
        None divides by the number of patients: a plain mean.
    """

    top: Array
    bottom: Array | None = None

    @property
    def value(self) -> float:
        """The estimate; NaN where a denominator is 0."""
        return float(self.of(np.ones((1, len(self.top))))[0])

    def of(self, counts: Array) -> Array:
        """Return the estimates (R,) of weighted patients, counts (R, n)."""
        top = counts @ self.top
        bottom = counts.sum(axis=1, keepdims=True) if self.bottom is None else counts @ self.bottom
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((top / bottom).sum(axis=1))

    @property
    def left_out(self) -> Array:
        """Estimates (n,) with each patient left out in turn."""
        top = self.top.sum(axis=0) - self.top
        n = len(self.top)
        bottom = np.full((n, 1), n - 1.0)
        if self.bottom is not None:
            bottom = self.bottom.sum(axis=0) - self.bottom
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((top / bottom).sum(axis=1))

    @property
    def influence(self) -> Array:
        """Each patient's part (n,), whose mean is the estimate."""
        if self.bottom is None:
            return np.asarray(self.top.sum(axis=1))
        mean = self.bottom.mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.top.mean(axis=0) / mean
            own = ((self.top - ratio * self.bottom) / mean).sum(axis=1)
        return np.asarray(own + ratio.sum())


def resampled(n: int, rows: int, rng: np.random.Generator) -> Array:
    """Return how often each of n patients stands in bootstrap resamples, (rows, n)."""
    return rng.multinomial(n, np.full(n, 1.0 / n), rows).astype(np.float64)


def interval(
    ratios: Ratios,
    *,
    rng: np.random.Generator,
    confidence: float,
    repetitions: int = REPETITIONS,
) -> tuple[float, float, float]:
    """Return a bias-corrected and accelerated bootstrap interval over patients, and what was lost.

    Efron 1987 (doi 10.1080/01621459.1987.10478410). Valid for many patients only: where few carry
    the weights, resamples know nothing of those who would, and coverage falls.

    Parameters
    ----------
    ratios : Ratios
    rng : numpy.random.Generator
    confidence : float
    repetitions : int

    Returns
    -------
    low, high : float
        NaN if the estimate is, or if more than 2 % of resamples have no weight.
    lost : float
        Share of resamples without weight.
    """
    delta, estimate, n = error_probability(confidence), ratios.value, len(ratios.top)
    if repetitions < 2:
        raise InputError(f"repetitions is {repetitions}; give at least 2")
    step = max(1, _CHUNK // n)
    draws = np.concatenate(
        [
            ratios.of(resampled(n, min(step, repetitions - k), rng))
            for k in range(0, repetitions, step)
        ]
    )
    lost = float(np.mean(~np.isfinite(draws)))
    if not np.isfinite(estimate) or lost > MOST_LOST or n < 2:
        return float("nan"), float("nan"), lost
    draws = draws[np.isfinite(draws)]
    tails = bca_tails(np.array([0.5 * delta, 1.0 - 0.5 * delta]), draws, estimate, ratios.left_out)
    low, high = (float(end) for end in np.quantile(draws, tails))
    return low, high, lost
