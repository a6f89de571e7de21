"""The scalar namespace: the few functions models may call, compiled by Numba for one number each.

``tanh`` and ``exp`` are written in plain arithmetic (argument reduction, a polynomial, eight
squarings), so that LLVM can vectorise a loop over patients; a call into libm would forbid that. The
absolute error of ``tanh`` and the relative error of ``exp`` within [-5, 5] are below 1e-13
(tests/unit/physiology/test_scalar.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .jit import njit

_COEFFICIENTS = tuple(1.0 / math.factorial(k) for k in range(12))
_C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10 = _COEFFICIENTS[2:11]


def function(pure: Callable[..., Any]) -> Any:
    """Compile a pure function of numbers so that a compiled right-hand side may call it."""
    return njit(forceinline=True, error_model="numpy", fastmath={"contract", "nsz"})(pure)


@function
def maximum(a: float, b: float) -> float:
    """Return the larger of two numbers."""
    return a if a > b else b


@function
def minimum(a: float, b: float) -> float:
    """Return the smaller of two numbers."""
    return a if a < b else b


@function
def where(condition: bool, a: float, b: float) -> float:
    """Return ``a`` where the condition holds and ``b`` elsewhere."""
    return a if condition else b


@function
def _exp_small(r: float) -> float:
    """Return exp(256 r) for |r| below 0.24: a polynomial of degree 10, then eight squarings."""
    poly = _C9 + r * _C10
    poly = _C8 + r * poly
    poly = _C7 + r * poly
    poly = _C6 + r * poly
    poly = _C5 + r * poly
    poly = _C4 + r * poly
    poly = _C3 + r * poly
    poly = _C2 + r * poly
    e = 1.0 + r * (1.0 + r * poly)
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    e = e * e
    return e * e


@function
def tanh(x: float) -> float:
    """Return the hyperbolic tangent."""
    size = x if x >= 0.0 else -x
    size = size if size < 20.0 else 20.0
    e = _exp_small(-2.0 * size / 256.0)
    value = (1.0 - e) / (1.0 + e)
    return value if x >= 0.0 else -value


@function
def log(x: float) -> float:
    """Return the natural logarithm."""
    return math.log(x)


@function
def exp(x: float) -> float:
    """Return the exponential of a number within [-60, 60]; of a number beyond, that of the end."""
    size = x if x < 60.0 else 60.0
    size = size if size > -60.0 else -60.0
    return _exp_small(size / 256.0)
