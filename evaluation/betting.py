"""Finite-sample bounds on a bounded mean by betting (Waudby-Smith and Ramdas)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A bet is capped at this share of the stake that could be lost at once (1 would risk ruin).
TRUNCATION = 0.75
_BISECTIONS = 44  # leaves a bracket of 2^-44, below any clinical unit's resolution


def betting_lower_unit(values: Array, delta: float, *, truncation: float = TRUNCATION) -> Array:
    """Lower bounds, each of confidence 1 - delta, on the means of variables in [0, 1].

    A gambler who bets that the mean exceeds m multiplies a capital of 1 by
    1 + lambda_i (y_i - m) at each observation. If m were the mean, the capital would be a
    non-negative martingale and reach 1/delta with probability at most delta (Ville), so every m
    at which it does is rejected. The bets are the predictable plug-in of the paper, computed from
    earlier observations only. The capital falls as m rises, so bisection finds the largest
    rejected m; the rejected end of the bracket is returned, which errs on the safe side.

    Parameters
    ----------
    values : array (n,) or (n, K), in [0, 1]
        Independent observations in an order fixed before looking at them; K problems at once.
    delta : float
        Probability of error, in (0, 1).
    truncation : float
        Cap of a bet as a share of 1/m, in (0, 1).

    Returns
    -------
    array (K,)
        One bound per column; (1,) for a flat input.

    Notes
    -----
    Waudby-Smith and Ramdas 2024, doi 10.1093/jrsssb/qkad009 (arXiv 2010.09686).
    """
    data = np.asarray(values, float)
    data = data[:, None] if data.ndim == 1 else data
    bets = _predictable_bets(data, delta)
    goal = np.log(1.0 / delta)
    low, high = np.zeros(data.shape[1]), np.ones(data.shape[1])
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        rejected = _peak_log_capital(data, bets, middle, truncation) >= goal
        low, high = np.where(rejected, middle, low), np.where(rejected, high, middle)
    return low


def betting_peak_log_capital(
    values: Array, mean: float, delta: float, *, truncation: float = TRUNCATION
) -> float:
    """Largest log-capital of the gambler who bets that the mean exceeds ``mean``.

    Parameters
    ----------
    values : array (n,), in [0, 1]
        Independent observations in an order fixed before looking at them.
    mean : float
        Hypothesised mean, in (0, 1].
    delta : float
        Level the bets are tuned for; any level gives a valid p-value.
    truncation : float
        As in :func:`betting_lower_unit`.

    Returns
    -------
    float
        At least 0; exp(-result) is a p-value of "the mean is at most ``mean``".
    """
    data = np.asarray(values, float)[:, None]
    bets = _predictable_bets(data, delta)
    return max(0.0, float(_peak_log_capital(data, bets, np.array([mean]), truncation)[0]))


def _predictable_bets(data: Array, delta: float) -> Array:
    """Size every bet (n, K) from the observations before it, with prior mean 1/2, variance 1/4."""
    n = data.shape[0]
    count = np.arange(1.0, n + 1.0)[:, None] + 1.0
    means = (0.5 + np.cumsum(data, axis=0)) / count
    variances = (0.25 + np.cumsum((data - means) ** 2, axis=0)) / count
    before = np.concatenate([np.full((1, data.shape[1]), 0.25), variances[:-1]])
    bets: Array = np.sqrt(2.0 * np.log(1.0 / delta) / (n * before))
    return bets


def _peak_log_capital(data: Array, bets: Array, mean: Array, truncation: float) -> Array:
    """Largest log-capital (K,) over the sequence at the hypothesised means (K,)."""
    capped = np.minimum(bets, truncation / mean)
    peak: Array = np.cumsum(np.log1p(capped * (data - mean)), axis=0).max(axis=0)
    return peak
