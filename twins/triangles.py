"""Compiled solutions of many small triangular systems; SciPy calls LAPACK once for each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physiology.jit import njit

Array = NDArray[np.float64]


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def _forward(root: Array, x: Array) -> None:
    for k in range(root.shape[0]):
        for i in range(root.shape[1]):
            known = 0.0
            for j in range(i):
                known += root[k, i, j] * x[k, j]
            x[k, i] = (x[k, i] - known) / root[k, i, i]


@njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def _backward(root: Array, x: Array) -> None:
    for k in range(root.shape[0]):
        for i in range(root.shape[1] - 1, -1, -1):
            x[k, i] /= root[k, i, i]
            for j in range(i):
                x[k, j] -= root[k, i, j] * x[k, i]


def solved(root: Array, right: Array, transposed: bool = False) -> Array:
    """Return solutions (n, K) of L x = b, or of L^T x = b.

    Parameters
    ----------
    root : array (n, K, K)
        Lower triangles L; what stands above the diagonal is not read.
    right : array (n, K)
    """
    x = np.array(right, dtype=np.float64, order="C")
    (_backward if transposed else _forward)(np.ascontiguousarray(root), x)
    return x
