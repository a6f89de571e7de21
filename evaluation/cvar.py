"""Finite-sample bounds on the mean of the worst patients (conditional value at risk)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..physiology.errors import InputError
from .bound import Bound, Side
from .declared import Array, Support, error_probability, within_support
from .mean_bounds import betting


def cvar_rockafellar_uryasev(
    values: ArrayLike,
    *,
    support: Support | None,
    alpha: float,
    confidence: float = 0.95,
    side: Side = "upper",
    pilot: float = 0.2,
) -> Bound:
    """Bound the mean of the worst ``alpha`` share of patients; tight where harm is rare.

    For every fixed c, CVaR_alpha <= c + E[(X - c)+] / alpha (Rockafellar and Uryasev 2000, doi
    10.21314/JOR.2000.038). Here c is the 1 - alpha quantile of the first patients, the pilot, and
    the expectation is bounded by betting on the others, which c does not depend on. That the two
    put together hold at every n is this project's own, elementary step, tested by simulation.

    Parameters
    ----------
    values : array (n,)
        One independent value per patient, in an order fixed before looking (never sorted by value);
        at least two.
    support : tuple of float
        Range known in advance; the upper end sets the price of what was not seen.
    alpha : float
        Share of the worst patients, in (0, 1]; 0.05 is the worst twentieth.
    confidence : float
        One-sided.
    side : {"lower", "upper"}
        ``upper``: high values harm, an upper bound on the mean of the highest. ``lower``: low
        values harm, a lower bound on the mean of the lowest.
    pilot : float
        Share of the patients, in (0, 1), spent on choosing c.

    Returns
    -------
    Bound
        In the unit of the data, ``n`` counting the pilot too; at worst an end of the support.

    Raises
    ------
    InputError
        No declared support, data outside it, fewer than two values, alpha or pilot out of range.
    """
    data, low, high = _harm_upwards(values, support, alpha, side)
    error_probability(confidence)
    if not 0.0 < pilot < 1.0:
        raise InputError(f"pilot is {pilot:g}; choose a share strictly between 0 and 1")
    first = min(max(1, round(pilot * data.size)), data.size - 1)
    corner = float(np.quantile(data[:first], 1.0 - alpha, method="higher"))
    value = high
    if corner < high:
        excess = np.maximum(data[first:] - corner, 0.0)
        mean = betting(excess, support=(0.0, high - corner), confidence=confidence).value
        value = min(high, corner + mean / alpha)
    return _told(value, "rockafellar-uryasev", alpha, side, confidence, data.size, (low, high))


def cvar_dkw(
    values: ArrayLike,
    *,
    support: Support | None,
    alpha: float,
    confidence: float = 0.95,
    side: Side = "upper",
) -> Bound:
    """Bound the mean of the worst ``alpha`` share of patients from a band on their distribution.

    With the sorted sample Z_1 to Z_n and Z_{n+1} = b, CVaR_alpha <= b - (1/alpha) sum_i
    (Z_{i+1} - Z_i) (i/n - sqrt(ln(1/delta) / 2n) - (1 - alpha))+. Needs no pilot and no order, but
    says nothing while the band is wider than ``alpha``.

    Parameters and errors are those of :func:`cvar_rockafellar_uryasev`, less the pilot; the
    one-sided band holds for a confidence of at least 0.5 (Massart 1990).

    Notes
    -----
    The bound of Thomas and Learned-Miller 2019 (Proceedings of Machine Learning Research
    97:6225). Re-derived here by putting the lower band in place of the distribution function; the
    paper's full text was not at hand.
    """
    data, low, high = _harm_upwards(values, support, alpha, side)
    if confidence < 0.5:
        raise InputError(f"confidence is {confidence:g}; the band needs at least 0.5")
    n = data.size
    half = np.sqrt(np.log(1.0 / error_probability(confidence)) / (2.0 * n))
    steps = np.diff(np.append(np.sort(data), high))
    sure = np.maximum(np.arange(1, n + 1) / n - half - (1.0 - alpha), 0.0)
    value = high - float(steps @ sure) / alpha
    return _told(value, "dkw", alpha, side, confidence, n, (low, high))


def _harm_upwards(
    values: ArrayLike, support: Support | None, alpha: float, side: Side
) -> tuple[Array, float, float]:
    """Check the request and return data and support, mirrored so that high values harm."""
    data, low, high = within_support(values, support, "cvar", least=2)
    if not 0.0 < alpha <= 1.0:
        raise InputError(f"alpha is {alpha:g}; choose a share of patients above 0 and at most 1")
    return (data, low, high) if side == "upper" else (-data, -high, -low)


def _told(
    value: float,
    way: str,
    alpha: float,
    side: Side,
    confidence: float,
    n: int,
    support: Support,
) -> Bound:
    """Mirror a bound back and name it."""
    low, high = support
    if side == "lower":
        value, low, high = -value, -high, -low
    return Bound(value, side, f"cvar {alpha:g} ({way})", confidence, n, (low, high), True)
