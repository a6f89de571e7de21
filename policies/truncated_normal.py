"""The normal distribution cut to an interval: drawing from it, its exact density."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

_LOG_ROOT_TAU = 0.5 * math.log(2.0 * math.pi)
# Single precision moves an action at the bound by less than this.
EDGE = 1e-6


def draw(mean: ArrayLike, sd: float, low: float, high: float, rng: np.random.Generator) -> Array:
    """Draw from normals about ``mean`` (...), cut to [low, high], by inversion.

    Parameters
    ----------
    mean : array (...)
        Within [low, high].
    sd : float
        Before cutting.
    low, high : float
    rng : numpy.random.Generator

    Returns
    -------
    array (...)
    """
    centre = np.asarray(mean, dtype=np.float64)
    below, above = ndtr((low - centre) / sd), ndtr((high - centre) / sd)
    share = below + rng.random(centre.shape) * (above - below)
    tiny = np.finfo(np.float64).tiny
    drawn = centre + sd * ndtri(np.clip(share, tiny, 1.0 - np.finfo(np.float64).epsneg))
    return np.clip(drawn, low, high)


def log_density(x: ArrayLike, mean: ArrayLike, sd: float, low: float, high: float) -> Array:
    """Return the logarithm of the density at ``x`` (...); minus infinity outside [low, high]."""
    at, centre = np.asarray(x, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    inside = ndtr((high - centre) / sd) - ndtr((low - centre) / sd)
    found = -0.5 * ((at - centre) / sd) ** 2 - math.log(sd) - _LOG_ROOT_TAU - np.log(inside)
    return np.where((at >= low - EDGE) & (at <= high + EDGE), found, -np.inf)
