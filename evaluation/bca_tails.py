"""The two quantile levels of a bias-corrected and accelerated bootstrap (Efron 1987)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]


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
