"""Compiled loops of drug kinetics: the matrices of one day, and days of tablets taken or not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import njit

Floats = NDArray[np.float64]

# Below this many mg an untaken drug counts as gone; it also keeps subnormal numbers away.
EMPTY_MG = 1e-6
_TERMS = 14


@njit(nogil=True, cache=True)
def exponentials(rates: Floats, out: Floats) -> None:
    """Fill ``out`` (B, N, N) with the matrix exponentials of ``rates`` (B, N, N).

    Scaling and squaring of the Taylor series: after halving until the norm is below a half, 14
    terms leave less than rounding. Matrices with positive off-diagonals stay positive.
    """
    size = rates.shape[1]
    a, power, scratch = np.empty((size, size)), np.empty((size, size)), np.empty((size, size))
    for b in range(rates.shape[0]):
        norm = 0.0
        for i in range(size):
            row = 0.0
            for j in range(size):
                row += abs(rates[b, i, j])
            norm = max(norm, row)
        halvings = 0
        while norm > 0.5:
            norm *= 0.5
            halvings += 1
        scale = 0.5**halvings
        for i in range(size):
            for j in range(size):
                a[i, j] = rates[b, i, j] * scale
                power[i, j] = 1.0 if i == j else 0.0
        # Horner: I + A/1 (I + A/2 (I + ...)).
        for k in range(_TERMS, 0, -1):
            _multiply(a, power, scratch, 1.0 / k)
            for i in range(size):
                for j in range(size):
                    power[i, j] = scratch[i, j] + (1.0 if i == j else 0.0)
        for _ in range(halvings):
            _multiply(power, power, scratch, 1.0)
            for i in range(size):
                for j in range(size):
                    power[i, j] = scratch[i, j]
        for i in range(size):
            for j in range(size):
                out[b, i, j] = power[i, j]


@njit(nogil=True, cache=True)
def _multiply(left: Floats, right: Floats, out: Floats, scale: float) -> None:
    size = left.shape[0]
    for i in range(size):
        for j in range(size):
            total = 0.0
            for k in range(size):
                total += left[i, k] * right[k, j]
            out[i, j] = scale * total


@njit(nogil=True, cache=True)
def expose_days(
    phi: Floats, gain: Floats, read: Floats, read_dose: Floats, mg: Floats, taken: Any, x: Floats,
    out: Floats, first: int, last: int,
) -> None:  # fmt: skip
    """Write the exposures of T days and advance ``x``; see ``pharmacokinetics.expose``.

    ``taken`` is (B, T, S), or (B, T, 1) for tablets that are taken or missed together. Lanes
    ``first`` to ``last`` only are touched, so that threads can share a batch.
    """
    days, apart = out.shape[0], taken.shape[2] > 1
    for b in range(first, last):
        for s in range(phi.shape[1]):
            dose = mg[b, s]
            x0, x1, x2, x3 = x[b, s, 0], x[b, s, 1], x[b, s, 2], x[b, s, 3]
            if dose == 0.0 and x0 + x1 + x2 + x3 < EMPTY_MG:
                for t in range(days):
                    out[t, s, b] = 0.0
                for i in range(4):
                    x[b, s, i] = 0.0
                continue
            p, g, r = phi[b, s], gain[b, s], read[b, s]
            now = read_dose[b, s]
            column = s if apart else 0
            for t in range(days):
                d = dose if taken[b, t, column] else 0.0
                out[t, s, b] = r[0] * x0 + r[1] * x1 + r[2] * x2 + r[3] * x3 + now * d
                y0 = p[0, 0] * x0 + p[0, 1] * x1 + p[0, 2] * x2 + p[0, 3] * x3 + g[0] * d
                y1 = p[1, 0] * x0 + p[1, 1] * x1 + p[1, 2] * x2 + p[1, 3] * x3 + g[1] * d
                y2 = p[2, 0] * x0 + p[2, 1] * x1 + p[2, 2] * x2 + p[2, 3] * x3 + g[2] * d
                y3 = p[3, 0] * x0 + p[3, 1] * x1 + p[3, 2] * x2 + p[3, 3] * x3 + g[3] * d
                x0, x1, x2, x3 = y0, y1, y2, y3
            x[b, s, 0], x[b, s, 1], x[b, s, 2], x[b, s, 3] = x0, x1, x2, x3
