"""Compiled loops that lay out what many bodies eat and inject, minute by minute.

One NumPy call after the other would do as well, but each holds the interpreter's lock, for which
the threads that run other bodies then wait.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physiology.jit import njit

Array = NDArray[np.float64]
Wholes = NDArray[np.int64]


@njit(nogil=True, cache=True)
def lay_out(
    u: Array, carbs: Array, meal: Wholes, insulin: Array, factor: Array, own: Array, basal: Array
) -> None:
    """Fill inputs u (T, 2, B): carbohydrate, g/min, and insulin, U/min.

    Parameters
    ----------
    carbs, insulin : array (T,)
        As recorded.
    meal : array (T,)
        Number of the meal that is eaten; below 0 for none.
    factor : array (B,)
        Eaten over recorded carbohydrate of each body.
    own : array (M, B)
        Further factor of each meal.
    basal : array (B,)
        Insulin besides that recorded.
    """
    for t in range(u.shape[0]):
        for j in range(u.shape[2]):
            u[t, 0, j] = carbs[t] * factor[j]
            u[t, 1, j] = insulin[t] + basal[j]
        if meal[t] >= 0:
            for j in range(u.shape[2]):
                u[t, 0, j] *= own[meal[t], j]


@njit(nogil=True, cache=True)
def serve(u: Array, first_minute: float, onset: Array, grams: Array, pace: float) -> None:
    """Add meals to inputs u (T, 2, B), of onset (B, X), min, and size (B, X), g, at g/min."""
    for j in range(u.shape[2]):
        for k in range(onset.shape[1]):
            eaten, last = 0.0, grams[j, k] / pace
            first = max(0, int(np.floor(onset[j, k] - first_minute)))
            end = min(u.shape[0], int(np.ceil(onset[j, k] + last - first_minute)))
            if first < end:
                since = first_minute + first - onset[j, k]
                eaten = min(max(pace * since, 0.0), grams[j, k])
            for t in range(first, end):
                so_far = min(max(pace * (first_minute + t + 1.0 - onset[j, k]), 0.0), grams[j, k])
                u[t, 0, j] += so_far - eaten
                eaten = so_far
