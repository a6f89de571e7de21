"""Stratified bootstrap intervals over patients, for description beside the certified bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ..physiology.errors import InputError
from .declared import error_probability, finite_series

Array = NDArray[np.float64]
Method = Literal["bca", "percentile"]
Statistic = Literal["mean", "iqm", "median"]

_CUT = 0.25  # share trimmed at each end by the interquartile mean (Agarwal 2021, arXiv 2108.13264)
_CHUNK = 4_000_000  # resampled values held at once


@dataclass(frozen=True)
class Interval:
    """A two-sided bootstrap interval; approximate, never a certificate.

    Parameters
    ----------
    estimate, low, high : float
        In the unit of the data; ``low`` and ``high`` are NaN for a single patient.
    confidence : float
        Two-sided, nominal.
    method : str
        ``bca`` or ``percentile``.
    n : int
        Patients.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    method: str
    n: int


def bootstrap_interval(
    values: ArrayLike,
    *,
    rng: np.random.Generator,
    strata: Sequence[str] | None = None,
    statistic: Statistic = "mean",
    confidence: float = 0.95,
    repetitions: int = 2000,
    method: Method = "bca",
) -> Interval:
    """Interval of a statistic over patients, resampling patients within their strata.

    Parameters
    ----------
    values : array (n,)
        One value per patient (seeds already averaged).
    rng : numpy.random.Generator
        The only source of randomness.
    strata : sequence of str (n,), optional
        Group of each patient; its size is kept in every resample.
    statistic : {"mean", "iqm", "median"}
        ``iqm`` is the mean of the middle half.
    confidence : float
        Two-sided.
    repetitions : int
        Resamples.
    method : {"bca", "percentile"}
        Bias-corrected and accelerated (Efron 1987, doi 10.1080/01621459.1987.10478410) or plain.

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        No data, missing values, strata of another length, a confidence outside (0, 1).
    """
    data = finite_series(values)
    if strata is not None and len(strata) != data.size:
        raise InputError(f"strata has {len(strata)} labels, values {data.size}; match them")
    blocks = _resamples(data.size, strata, repetitions, rng)
    draws = np.concatenate([_statistic(data[picks], statistic) for picks in blocks])
    return _interval(data, draws, statistic, confidence, method)


def mean_intervals(
    columns: Array,
    *,
    rng: np.random.Generator,
    strata: Sequence[str] | None = None,
    confidence: float = 0.95,
    repetitions: int = 2000,
    method: Method = "bca",
) -> list[Interval]:
    """Intervals of the means of many metrics over the same patients, from shared resamples.

    Parameters
    ----------
    columns : array (n, M)
        One row per patient, one column per metric, all finite.
    rng, strata, confidence, repetitions, method
        As in :func:`bootstrap_interval`.

    Returns
    -------
    list of Interval
        One per column.
    """
    n = columns.shape[0]
    means = []
    for picks in _resamples(n, strata, repetitions, rng):
        offset = n * np.arange(picks.shape[0])[:, None]
        counts = np.bincount((picks + offset).ravel(), minlength=picks.shape[0] * n)
        means.append(counts.reshape(picks.shape[0], n) @ columns / n)
    draws = np.concatenate(means)
    return [
        _interval(columns[:, j], draws[:, j], "mean", confidence, method)
        for j in range(columns.shape[1])
    ]


def paired_difference_interval(
    first: Mapping[str, float],
    second: Mapping[str, float],
    *,
    rng: np.random.Generator,
    groups: Mapping[str, str] | None = None,
    statistic: Statistic = "mean",
    confidence: float = 0.95,
    repetitions: int = 2000,
    method: Method = "bca",
) -> Interval:
    """Interval of ``first`` minus ``second``, paired by patient.

    Parameters
    ----------
    first, second : mapping of patient to value
        The same patients under two policies.
    groups : mapping of patient to group, optional
        Strata.
    rng, statistic, confidence, repetitions, method
        As in :func:`bootstrap_interval`.

    Raises
    ------
    InputError
        If the two do not hold the same patients.
    """
    patients = _same_patients(first, second)
    differences = [first[name] - second[name] for name in patients]
    strata = None if groups is None else [groups[name] for name in patients]
    return bootstrap_interval(
        differences,
        rng=rng,
        strata=strata,
        statistic=statistic,
        confidence=confidence,
        repetitions=repetitions,
        method=method,
    )


def probability_of_improvement(
    first: Mapping[str, float],
    second: Mapping[str, float],
    *,
    rng: np.random.Generator,
    groups: Mapping[str, str] | None = None,
    higher_is_better: bool = True,
    confidence: float = 0.95,
    repetitions: int = 2000,
) -> Interval:
    """Share of patients better off under ``first``, ties counting half, with an interval.

    Parameters are those of :func:`paired_difference_interval`; ``higher_is_better`` says which way
    the metric improves. The percentile method is used: the share is bounded by 0 and 1.
    """
    sign = 1.0 if higher_is_better else -1.0
    patients = _same_patients(first, second)
    wins = [0.5 + 0.5 * float(np.sign(sign * (first[p] - second[p]))) for p in patients]
    return bootstrap_interval(
        wins,
        rng=rng,
        strata=None if groups is None else [groups[p] for p in patients],
        confidence=confidence,
        repetitions=repetitions,
        method="percentile",
    )


def interquartile_mean(values: ArrayLike) -> float:
    """Mean of the middle half, trimming floor(n / 4) values at each end."""
    return float(_statistic(finite_series(values)[None, :], "iqm")[0])


def _same_patients(first: Mapping[str, float], second: Mapping[str, float]) -> list[str]:
    odd = sorted(set(first) ^ set(second))
    if odd:
        raise InputError(f"patient {odd[0]} is in only one of the two sets; pair every patient")
    return list(first)


def _statistic(samples: Array, statistic: Statistic) -> Array:
    """Apply the statistic to each row (R, n) -> (R,)."""
    if statistic == "mean":
        return np.asarray(samples.mean(axis=1), float)
    cut = int(_CUT * samples.shape[1])
    if statistic == "iqm":
        middle = np.sort(samples, axis=1)[:, cut : samples.shape[1] - cut]
        return np.asarray(middle.mean(axis=1), float)
    if statistic == "median":
        return np.asarray(np.median(samples, axis=1), float)
    raise InputError(f"statistic {statistic!r} is unknown; choose mean, iqm or median")


def _resamples(
    n: int, strata: Sequence[str] | None, repetitions: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield blocks (rows, n) of patient numbers drawn with replacement within each stratum."""
    labels = np.zeros(n, int) if strata is None else np.unique(strata, return_inverse=True)[1]
    members = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    step = max(1, _CHUNK // n)
    for start in range(0, repetitions, step):
        rows = min(step, repetitions - start)
        picks = [who[rng.integers(0, who.size, (rows, who.size))] for who in members]
        yield np.concatenate(picks, axis=1)


def _interval(
    data: Array, draws: Array, statistic: Statistic, confidence: float, method: Method
) -> Interval:
    """Read the interval off the resampled statistics."""
    delta = error_probability(confidence)
    estimate = float(_statistic(data[None, :], statistic)[0])
    if data.size == 1:
        return Interval(estimate, float("nan"), float("nan"), confidence, method, 1)
    tails = np.array([0.5 * delta, 1.0 - 0.5 * delta])
    if method == "bca":
        tails = bca_tails(tails, draws, estimate, _jackknife(data, statistic))
    low, high = (float(end) for end in np.quantile(draws, tails))
    return Interval(estimate, low, high, confidence, method, data.size)


def _jackknife(data: Array, statistic: Statistic) -> Array:
    """Statistic (n,) with each patient left out in turn."""
    n = data.size
    if statistic == "mean":
        return np.asarray((data.sum() - data) / (n - 1), float)
    left_out = [_statistic(np.delete(data, i)[None, :], statistic)[0] for i in range(n)]
    return np.array(left_out)


def bca_tails(tails: Array, draws: Array, estimate: float, left_out: Array) -> Array:
    """Shift the two quantile levels for bias and acceleration (Efron 1987)."""
    below = (np.sum(draws < estimate) + 0.5 * np.sum(draws == estimate)) / draws.size
    spread = left_out.mean() - left_out
    # Its power is what is divided by: in the smallest numbers a scale above 0 has a power of 0.
    power = float(np.sum(spread**2)) ** 1.5
    # All draws on one side, or no spread: no correction can be estimated.
    if power == 0.0 or not 0.0 < below < 1.0:
        return tails
    acceleration = float(np.sum(spread**3)) / (6.0 * power)
    shift = special.ndtri(below)
    z = shift + special.ndtri(tails)
    stretch = 1.0 - acceleration * z
    if (stretch <= 0.0).any():
        return tails
    return np.asarray(special.ndtr(shift + z / stretch), float)
