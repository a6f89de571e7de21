"""Bootstrap intervals of any statistic, whole patients being drawn again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from .bootstrap import Interval, Method, bca_tails
from .declared import error_probability

Array = NDArray[np.float64]


def bca(
    values: ArrayLike,
    statistic: Callable[[Array], float],
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    repetitions: int = 2000,
) -> Interval:
    """Bias-corrected and accelerated interval of any statistic of independent patients.

    Parameters
    ----------
    values : array (n, ...)
        One row per patient; a ratio or a slope takes several columns.
    statistic : callable
        From rows (m, ...) to one number.
    rng : numpy.random.Generator
        The only source of randomness.
    confidence : float
        Two-sided, nominal.
    repetitions : int
        Resamples.

    Returns
    -------
    Interval
        Approximate, never a certificate. Efron 1987, doi 10.1080/01621459.1987.10478410.

    Raises
    ------
    InputError
        No rows, a missing value, a statistic that is no finite number, bad confidence.
    """
    rows = np.arange(np.shape(values)[0] if np.ndim(values) else 0)
    return cluster_bootstrap(
        values, rows.tolist(), statistic, rng, confidence=confidence, repetitions=repetitions
    )


def cluster_bootstrap(
    values: ArrayLike,
    clusters: Sequence[str] | Sequence[int],
    statistic: Callable[[Array], float],
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    repetitions: int = 2000,
    method: Method = "bca",
) -> Interval:
    """Interval of any statistic of rows that belong to patients: days, seeds, episodes.

    Rows of one patient are alike, so patients are drawn with replacement, each with all its rows;
    acceleration comes from leaving one patient out at a time. Drawing rows would be too sure.

    Parameters
    ----------
    values : array (n, ...)
        One row per observation.
    clusters : sequence (n,)
        Patient of each row.
    statistic, rng, confidence, repetitions
        As in :func:`bca`.
    method : {"bca", "percentile"}

    Returns
    -------
    Interval
        ``n`` counts patients; NaN ends for a single one.

    Raises
    ------
    InputError
        As :func:`bca`, or if patients and rows differ in number.
    """
    data, delta = np.asarray(values, float), error_probability(confidence)
    members = _members(data, clusters)
    estimate, n = _finite(statistic(data)), len(members)
    if n == 1:
        return Interval(estimate, float("nan"), float("nan"), confidence, method, 1)
    draws = np.array(
        [
            _finite(statistic(data[np.concatenate([members[i] for i in picked])]))
            for picked in (rng.integers(0, n, n) for _ in range(repetitions))
        ]
    )
    tails = np.array([0.5 * delta, 1.0 - 0.5 * delta])
    if method == "bca":
        left_out = [_finite(statistic(np.delete(data, rows, axis=0))) for rows in members]
        tails = bca_tails(tails, draws, estimate, np.array(left_out))
    low, high = (float(end) for end in np.quantile(draws, tails))
    return Interval(estimate, low, high, confidence, method, n)


def _members(data: Array, clusters: Sequence[str] | Sequence[int]) -> list[NDArray[np.int64]]:
    """Return the rows of each cluster, after checking the data."""
    if data.ndim == 0 or not data.size:
        raise InputError(f"values have shape {data.shape}; give one row per observation")
    if len(clusters) != data.shape[0]:
        raise InputError(f"clusters has {len(clusters)} labels, values {data.shape[0]}; match them")
    if not np.isfinite(data).all():
        raise InputError("values hold a missing or infinite entry; give every row whole")
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def _finite(value: float) -> float:
    if not np.isfinite(value):
        raise InputError(f"the statistic of a resample is {value}; choose one defined on every one")
    return float(value)
