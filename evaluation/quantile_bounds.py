"""Distribution-free bounds on quantiles: order statistics (Wilks) and the DKW band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..physiology.errors import InputError
from .bound import Bound, Side
from .declared import Array, Support, error_probability, finite_series, within_support


@dataclass(frozen=True)
class Band:
    """A band that holds the whole distribution function at once.

    Parameters
    ----------
    values : array (n,)
        The sample in rising order.
    low, high : array (n,)
        Bounds on the distribution function from each value on, up to the next.
    half_width : float
        Of the band, a probability.
    confidence : float
        That the band holds the distribution function everywhere; two-sided.
    """

    values: Array
    low: Array
    high: Array
    half_width: float
    confidence: float

    def quantile(self, level: float) -> tuple[float, float]:
        """Return bounds on the quantile at ``level``; those of all levels hold together.

        An end is infinite where the sample is too small to bound it.
        """
        _check_level(level)
        n = self.values.size
        first = int(np.ceil(n * (level - self.half_width) - 1e-9))
        last = int(np.ceil(n * (level + self.half_width) - 1e-9))
        below = float(self.values[first - 1]) if first >= 1 else -np.inf
        return below, float(self.values[last - 1]) if last <= n else np.inf


def dkw_band(values: ArrayLike, confidence: float = 0.95) -> Band:
    """Band around the empirical distribution function that holds the true one everywhere.

    Parameters
    ----------
    values : array (n,)
        One independent value per patient.
    confidence : float
        Two-sided, of the whole band.

    Returns
    -------
    Band
        Dvoretzky, Kiefer and Wolfowitz 1956 with the constant of Massart 1990,
        doi 10.1214/aop/1176990746. Needs no support.

    Raises
    ------
    InputError
        No data, missing values, a confidence outside (0, 1).
    """
    data = np.sort(finite_series(values))
    half = float(np.sqrt(np.log(2.0 / error_probability(confidence)) / (2.0 * data.size)))
    share = np.searchsorted(data, data, side="right") / data.size
    low, high = np.clip(share - half, 0.0, 1.0), np.clip(share + half, 0.0, 1.0)
    return Band(data, low, high, half, confidence)


def order_statistic_bound(
    values: ArrayLike,
    *,
    level: float,
    confidence: float = 0.95,
    side: Side = "upper",
    support: Support | None = None,
) -> Bound:
    """Exact bound on a quantile, and so a tolerance limit, from one value of the sorted sample.

    An upper bound on the 0.95 quantile is a limit that at least 95 % of patients keep; it is the
    largest of 59 values, of 299 for 99 % (``planning.patients_needed(0.05)`` and ``(0.01)``).

    Parameters
    ----------
    values : array (n,)
        One independent value per patient; any distribution, ties included.
    level : float
        Which quantile, in (0, 1).
    confidence : float
        One-sided.
    side : {"lower", "upper"}
        Which bound.
    support : tuple of float, optional
        Range known in advance; its end is returned where the sample is too small. Without one the
        bound is then infinite.

    Returns
    -------
    Bound
        In the unit of the data. Wilks 1941, doi 10.1214/aoms/1177731788.

    Raises
    ------
    InputError
        No data, missing values, data outside the support, level or confidence out of range.
    """
    _check_level(level)
    delta = error_probability(confidence)
    data = np.sort(
        finite_series(values)
        if support is None
        else within_support(values, support, "order-statistic")[0]
    )
    low, high = (-np.inf, np.inf) if support is None else support
    # At rank k the chance to bound the quantile is that of fewer than k values below it (upper) or
    # of at least k up to it (lower); atoms only raise both.
    below = stats.binom.cdf(np.arange(data.size), data.size, level)
    if side == "upper":
        good = np.flatnonzero(below >= confidence)
        value = float(data[good[0]]) if good.size else float(high)
    else:
        good = np.flatnonzero(below <= delta)
        value = float(data[good[-1]]) if good.size else float(low)
    method = f"order statistic of quantile {level:g}"
    return Bound(value, side, method, confidence, data.size, support, True)


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise InputError(f"level is {level:g}; choose a quantile strictly between 0 and 1")
