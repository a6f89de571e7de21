"""Exact statements about a failure probability, from counted failures."""

from __future__ import annotations

from typing import Final

from scipy import special, stats

from ..physiology.errors import InputError
from .bound import Bound, Side
from .declared import Support, error_probability

_FRACTION: Final[Support] = (0.0, 1.0)


def clopper_pearson(
    failures: int, n: int, *, confidence: float = 0.95, side: Side = "upper"
) -> Bound:
    """Exact one-sided bound on a failure probability.

    Parameters
    ----------
    failures, n : int
        Failures among ``n`` independent patients.
    confidence : float
        One-sided.
    side : {"lower", "upper"}
        Which bound.

    Returns
    -------
    Bound
        A fraction. Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404.

    Raises
    ------
    InputError
        Counts or confidence out of range.
    """
    delta = error_probability(confidence)
    if n < 1 or not 0 <= failures <= n:
        raise InputError(f"failures is {failures} of n = {n}; give 0 <= failures <= n with n >= 1")
    if side == "upper":
        tail = special.betaincinv(failures + 1, n - failures, 1 - delta) if failures < n else 1.0
    else:
        tail = special.betaincinv(failures, n - failures + 1, delta) if failures > 0 else 0.0
    return Bound(float(tail), side, "clopper-pearson", confidence, n, _FRACTION, True)


def clopper_pearson_interval(
    failures: int, n: int, *, confidence: float = 0.95
) -> tuple[Bound, Bound]:
    """Exact two-sided interval: a lower and an upper bound, each at half the error probability.

    Parameters
    ----------
    failures, n : int
        Failures among ``n`` independent patients.
    confidence : float
        Of both sides together.

    Returns
    -------
    tuple of Bound
        Lower and upper; their ``confidence`` is one-sided, 1 - (1 - confidence) / 2.
    """
    one_sided = 1.0 - error_probability(confidence) / 2.0
    return (
        clopper_pearson(failures, n, confidence=one_sided, side="lower"),
        clopper_pearson(failures, n, confidence=one_sided, side="upper"),
    )


def binomial_p_value(failures: int, n: int, risk: float) -> float:
    """P-value of "the failure probability exceeds ``risk``"; small when few patients failed."""
    return float(stats.binom.cdf(failures, n, risk))
