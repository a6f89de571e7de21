"""Sums of weighted means over patients, the form of every weighted estimator, and their bootstrap.

An estimate is sum_k mean_i(numerator_ik) / mean_i(denominator_ik). Its influence function, its
jackknife and its bootstrap over patients follow from the two tables alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from ...physiology.errors import InputError
from ..bca_tails import bca_tails
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
    picks = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
    counts = np.bincount(picks.ravel(), minlength=rows * n).reshape(rows, n)
    return counts.astype(np.float64)


def interval(
    ratios: Ratios,
    *,
    rng: np.random.Generator,
    confidence: float,
    ess: float,
    repetitions: int = REPETITIONS,
) -> tuple[float, float, float]:
    """Return an interval over patients, the outer of two, and what was lost of the bootstrap.

    One is the bias-corrected and accelerated bootstrap (Efron 1987, doi
    10.1080/01621459.1987.10478410), the other Student's with the jackknife's standard error and as
    many degrees of freedom as there are effective patients, less one. With unequal weights the
    bootstrap alone covers too rarely, for resamples know nothing of heavy weights that were not
    drawn; measured coverage of both stands in ``docs/reference/ope.md``.

    Parameters
    ----------
    ratios : Ratios
    rng : numpy.random.Generator
    confidence : float
    ess : float
        Effective sample size of the weights, in patients.
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
    draws = in_blocks(lambda rows: ratios.of(resampled(n, rows, rng)), n, repetitions)
    left_out = ratios.left_out
    lost = float(np.mean(~np.isfinite(draws)))
    if not np.isfinite(estimate) or lost > MOST_LOST or not np.isfinite(left_out).all():
        return float("nan"), float("nan"), lost
    draws = draws[np.isfinite(draws)]
    tails = np.array([0.5 * delta, 1.0 - 0.5 * delta])
    low, high = np.quantile(draws, bca_tails(tails, draws, estimate, left_out)).tolist()
    half = student_half(jackknife_error(left_out), ess, confidence)
    return min(low, estimate - half), max(high, estimate + half), lost


def in_blocks(draw: Callable[[int], Array], n: int, repetitions: int) -> Array:
    """Return so many draws of a statistic, made in blocks that memory holds."""
    step = max(1, _CHUNK // n)
    return np.concatenate([draw(min(step, repetitions - k)) for k in range(0, repetitions, step)])


def jackknife_error(left_out: Array) -> float:
    """Return the jackknife's standard error from estimates (n,) with one patient left out each."""
    n = len(left_out)
    return float(np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2)))


def student_half(error: float, ess: float, confidence: float) -> float:
    """Return Student's half-width at as many degrees of freedom as effective patients, less 1."""
    reach = student.ppf(1.0 - 0.5 * error_probability(confidence), max(1.0, ess - 1.0))
    return float(reach * error)
