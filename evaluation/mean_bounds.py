"""Confidence bounds on a mean that say what they assume: finite-sample or asymptotic."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..physiology.errors import InputError
from .betting import betting_lower_unit, betting_peak_log_capital
from .bound import Bound, Side
from .declared import Array, Support, error_probability, finite_series, within_support


def betting(
    values: ArrayLike, *, support: Support | None, confidence: float = 0.95, side: Side = "upper"
) -> Bound:
    """Finite-sample bound on the mean by betting; adapts to the variance of the data.

    Parameters
    ----------
    values : array (n,)
        One independent value per patient, in an order fixed before looking (never sorted by value).
    support : tuple of float
        Range known in advance, for instance (0, 100) for a percentage.
    confidence : float
        One-sided.
    side : {"lower", "upper"}
        Which bound.

    Returns
    -------
    Bound
        Waudby-Smith and Ramdas 2024, doi 10.1093/jrsssb/qkad009.

    Raises
    ------
    InputError
        No declared support, data outside it, no data.
    """
    data, low, high = within_support(values, support, "betting")
    delta = error_probability(confidence)
    unit = (data - low) / (high - low)
    if side == "lower":
        value = low + (high - low) * betting_lower_unit(unit, delta)[0]
    else:
        value = high - (high - low) * betting_lower_unit(1.0 - unit, delta)[0]
    return Bound(float(value), side, "betting", confidence, data.size, (low, high), True)


def hoeffding(
    values: ArrayLike, *, support: Support | None, confidence: float = 0.95, side: Side = "upper"
) -> Bound:
    """Hoeffding's bound on the mean: valid, blind to the variance, so wide.

    Parameters and errors are those of :func:`betting`. Hoeffding 1963,
    doi 10.1080/01621459.1963.10500830.
    """
    data, low, high = within_support(values, support, "hoeffding")
    delta = error_probability(confidence)
    width = (high - low) * np.sqrt(np.log(1.0 / delta) / (2.0 * data.size))
    return _around(data, width, side, "hoeffding", confidence, (low, high))


def empirical_bernstein(
    values: ArrayLike, *, support: Support | None, confidence: float = 0.95, side: Side = "upper"
) -> Bound:
    """Empirical Bernstein bound on the mean, from the sample variance.

    Parameters and errors are those of :func:`betting`; needs two values. Maurer and Pontil 2009,
    theorem 4, arXiv 0907.3740.
    """
    data, low, high = within_support(values, support, "empirical-bernstein", least=2)
    log_term = np.log(2.0 / error_probability(confidence))
    width = np.sqrt(2.0 * data.var(ddof=1) * log_term / data.size)
    width += 7.0 * (high - low) * log_term / (3.0 * (data.size - 1))
    return _around(data, float(width), side, "empirical-bernstein", confidence, (low, high))


def student_t(values: ArrayLike, *, confidence: float = 0.95, side: Side = "upper") -> Bound:
    """Student's t bound on the mean: asymptotic, for description and never for a verdict.

    On rare harm it covers far less than it claims; see the coverage tests.

    Parameters
    ----------
    values : array (n,)
        At least two values.
    confidence : float
        One-sided, nominal.
    side : {"lower", "upper"}
        Which bound.
    """
    data = finite_series(values, least=2)
    quantile = stats.t.ppf(1.0 - error_probability(confidence), data.size - 1)
    width = float(quantile * data.std(ddof=1) / np.sqrt(data.size))
    return _around(data, width, side, "student-t (asymptotic)", confidence, None)


def paired_difference(
    candidate: ArrayLike,
    comparator: ArrayLike,
    *,
    support: Support | None,
    confidence: float = 0.95,
    side: Side = "upper",
) -> Bound:
    """Betting bound on the mean of candidate minus comparator over the same patients.

    Non-inferiority of a harm is shown by an upper bound at most the margin, of a benefit by a lower
    bound at least minus the margin.

    Parameters
    ----------
    candidate, comparator : array (n,)
        The same metric of the same patients on the same disturbances, in one order.
    support : tuple of float
        Range of the metric itself, known in advance; differences then lie in +/- its width.
    confidence : float
        One-sided.
    side : {"lower", "upper"}
        Which bound.

    Returns
    -------
    Bound
        In the metric's unit; its ``support`` is that of the difference.

    Raises
    ------
    InputError
        As :func:`betting`, or if the two series differ in length.
    """
    first, low, high = within_support(candidate, support, "betting")
    second, _, _ = within_support(comparator, support, "betting")
    if first.size != second.size:
        raise InputError(
            f"candidate has {first.size} patients, comparator {second.size}; pair them one to one"
        )
    width = high - low
    return betting(first - second, support=(-width, width), confidence=confidence, side=side)


def betting_p_value(values: ArrayLike, limit: float, *, support: Support | None) -> float:
    """P-value of "the mean exceeds ``limit``" by betting; small when the values stay below it.

    Parameters
    ----------
    values : array (n,)
        One independent value per patient.
    limit : float
        Strictly inside ``support``.
    support : tuple of float
        Range known in advance.
    """
    data, low, high = within_support(values, support, "betting")
    if not low < limit < high:
        raise InputError(f"limit is {limit:g}; choose one inside the support {low:g} to {high:g}")
    mirrored = (high - data) / (high - low)
    peak = betting_peak_log_capital(mirrored, (high - limit) / (high - low), 0.05)
    return float(np.exp(-peak))


def _around(
    data: Array, width: float, side: Side, method: str, confidence: float, support: Support | None
) -> Bound:
    """Build the bound mean +/- width, cut at the support where there is one."""
    value = float(data.mean()) + (width if side == "upper" else -width)
    if support is not None:
        value = min(max(value, support[0]), support[1])
    return Bound(value, side, method, confidence, data.size, support, support is not None)
