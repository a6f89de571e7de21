"""Compiled loop over readings at the sensor's limits, whose errors are bounded and not known.

Student-t with 5 degrees of freedom has a tail in closed form: with phi = atan2(sqrt(5), x), the
probability above x is 8 / (3 pi) times the integral of sin^4 from 0 to phi. The general functions
of SciPy took a quarter of a fit of one day.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..physiology.jit import njit

Array = NDArray[np.float64]

FREEDOM = 5.0
_ROOT = math.sqrt(FREEDOM)
_SHARE = 8.0 / (3.0 * math.pi)
# Below this angle the closed form loses digits, and eight terms of the series lose none.
_SMALL = 0.4
# Of phi^5, phi^7, ...: sin^4 is 3/8 - cos(2 phi) / 2 + cos(4 phi) / 8.
_SERIES = tuple(
    (-1.0) ** m * (16.0**m / 8.0 - 4.0**m / 2.0) / (math.factorial(2 * m) * (2 * m + 1))
    for m in range(2, 10)
)
# Half of the mass up to phi lies below about so much of phi: a polynomial in phi^2, good to 0.8 %,
# which three steps of Newton's method make exact.
_START = (0.8696, -0.01506, -0.006576, 0.0004404)
_NEWTON = 3


@njit(nogil=True, cache=True)
def _mass(phi: float, sine: float, cosine: float) -> float:
    """Return the integral of sin^4 from 0 to an angle in [0, pi], given its sine and cosine."""
    if phi >= _SMALL:
        double = 2.0 * sine * cosine
        return 0.375 * phi - 0.25 * double + 0.0625 * double * (cosine**2 - sine**2)
    square, term, total = phi * phi, phi**5, 0.0
    for coefficient in _SERIES:
        total += coefficient * term
        term *= square
    return total


@njit(nogil=True, cache=True)
def tail_and_median(x: float, least: float) -> tuple[float, float]:
    """Return the probability above x of a Student-t with 5 degrees, and the median of that part.

    Where the probability is below the least one, that is returned, and the median of the part
    that holds it.
    """
    size = math.sqrt(FREEDOM + x * x)
    phi = math.atan2(_ROOT, x)
    mass = _mass(phi, _ROOT / size, x / size)
    if _SHARE * mass < least:
        mass = least / _SHARE
        phi = (5.0 * mass) ** 0.2
    square = phi * phi
    at = phi * (_START[0] + square * (_START[1] + square * (_START[2] + square * _START[3])))
    for _ in range(_NEWTON):
        sine, cosine = math.sin(at), math.cos(at)
        at -= (_mass(at, sine, cosine) - 0.5 * mass) / (sine * sine * sine * sine)
    return _SHARE * mass, _ROOT / math.tan(at)


@njit(nogil=True, cache=True)
def bound_errors(
    known: Array, bound: Array, log_probability: Array, side: NDArray[np.int8], keep: Array,
    scale: Array, least: float,
) -> None:  # fmt: skip
    """Put errors (N, n) of censored readings at their medians, in place.

    Parameters
    ----------
    known : array (N, n), mg/dL
        Errors, if the readings were the sensor's limits; overwritten where they are.
    bound : array (N, n)
        Receives what the innovations of censored readings lie above, in units of their scale; of
        readings at the lower limit turned over.
    log_probability : array (n,)
        What censored readings say is added to it.
    side : array (N,)
        1 and -1 for readings at the upper and lower limit, else 0.
    keep, scale : array (K, n)
        For each censored reading in turn, what is remembered of the error before, and the scale,
        mg/dL, of its innovation.
    least : float
        Smallest probability.
    """
    row = 0
    for i in range(known.shape[0]):
        if side[i] == 0:
            continue
        sign = float(side[i])
        for j in range(known.shape[1]):
            before = keep[row, j] * known[i - 1, j] if i else 0.0
            bound[i, j] = sign * (known[i, j] - before) / scale[row, j]
            probability, median = tail_and_median(bound[i, j], least)
            log_probability[j] += math.log(probability)
            known[i, j] = before + sign * scale[row, j] * median
        row += 1
