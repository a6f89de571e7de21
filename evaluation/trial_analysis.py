"""Estimates of a trial with intervals over people: means, differences and ratios of arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .bootstrap import bootstrap_interval

Array = NDArray[np.float64]

_CHUNK: Final = 2_000_000  # resampled values held at once


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval; NaN bounds where one person is all there is.

    Parameters
    ----------
    value, low, high : float
    n : int
        People in the endpoint's first arm.
    """

    value: float
    low: float
    high: float
    n: int


def mean_of(values: Array, plan: Any, rng: np.random.Generator) -> Estimate:
    """Return the mean (n,) over people with a t or bootstrap (BCa) interval.

    Parameters
    ----------
    values : array (n,)
    plan : Analysis
        Kind of interval, confidence and resamples.
    rng : numpy.random.Generator
    """
    if plan.interval == "bootstrap":
        found = bootstrap_interval(
            values, rng=rng, confidence=plan.confidence, repetitions=plan.repetitions
        )
        return Estimate(found.estimate, found.low, found.high, len(values))
    mean, variance = float(values.mean()), _variance_of_mean(values)
    half = _t(plan.confidence, len(values) - 1.0) * np.sqrt(variance)
    return Estimate(mean, mean - float(half), mean + float(half), len(values))


def difference_of(first: Array, second: Array, plan: Any, rng: np.random.Generator) -> Estimate:
    """Return the first mean minus the second.

    Paired by person where the plan says so (then rows correspond); else Welch's t interval, or the
    percentile bootstrap of both arms.
    """
    if plan.paired:
        return mean_of(first - second, plan, rng)
    gap = float(first.mean() - second.mean())
    if plan.interval == "bootstrap":
        draws = _resampled(first, plan, rng) - _resampled(second, plan, rng)
        return Estimate(gap, *_percentiles(draws, plan.confidence), len(first))
    parts = np.array([_variance_of_mean(first), _variance_of_mean(second)])
    sizes = np.array([len(first), len(second)]) - 1.0
    spread = float(parts.sum())
    # Welch-Satterthwaite; without any spread the degrees of freedom do not matter.
    freedom = spread**2 / float((parts**2 / sizes).sum()) if spread > 0.0 else 1.0
    half = _t(plan.confidence, freedom) * np.sqrt(spread)
    return Estimate(gap, gap - float(half), gap + float(half), len(first))


def ratio_of(first: Array, second: Array, plan: Any, rng: np.random.Generator) -> Estimate:
    """Return the ratio of the means, with a percentile bootstrap interval.

    NaN where the second mean is zero; resamples in which it is zero count as infinite.
    """
    if second.mean() == 0.0:
        return Estimate(np.nan, np.nan, np.nan, len(first))
    if plan.paired:
        both = _resampled(np.stack([first, second]), plan, rng)
        above, below = both[0], both[1]
    else:
        above, below = _resampled(first, plan, rng), _resampled(second, plan, rng)
    draws = np.divide(above, below, out=np.full_like(above, np.inf), where=below > 0.0)
    return Estimate(
        float(first.mean() / second.mean()), *_percentiles(draws, plan.confidence), len(first)
    )


def _variance_of_mean(values: Array) -> float:
    return float(values.var(ddof=1) / len(values)) if len(values) > 1 else np.nan


def _t(confidence: float, freedom: float) -> float:
    return float(special.stdtrit(freedom, 0.5 + 0.5 * confidence)) if freedom > 0.0 else np.nan


def _resampled(values: Array, plan: Any, rng: np.random.Generator) -> Array:
    """Return means (..., repetitions) of people (..., n) drawn with replacement."""
    n = values.shape[-1]
    step = max(1, _CHUNK // n)
    means = []
    for start in range(0, plan.repetitions, step):
        rows = min(step, plan.repetitions - start)
        means.append(values[..., rng.integers(0, n, (rows, n))].mean(axis=-1))
    return np.concatenate(means, axis=-1)


def _percentiles(draws: Array, confidence: float) -> tuple[float, float]:
    tails = [0.5 * (1.0 - confidence), 0.5 * (1.0 + confidence)]
    low, high = np.quantile(draws, tails, method="inverted_cdf")
    return float(low), float(high)
