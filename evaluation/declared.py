"""Checks made before a bound is computed: confidence, finite data, support declared in advance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError

Support = tuple[float, float]
Array = NDArray[np.float64]


def error_probability(confidence: float) -> float:
    """Return 1 - confidence.

    Raises
    ------
    InputError
        If the confidence is not strictly between 0 and 1.
    """
    if not 0.0 < confidence < 1.0:
        raise InputError(f"confidence is {confidence:g}; choose one strictly between 0 and 1")
    return 1.0 - confidence


def finite_series(values: ArrayLike, *, least: int = 1) -> Array:
    """Return the values as a flat float array (n,) of at least ``least`` finite entries.

    Raises
    ------
    InputError
        If they are too few, not flat, or one is missing: dropping a patient would bias a bound.
    """
    data = np.asarray(values, float)
    if data.ndim != 1 or data.size < least:
        raise InputError(f"values have shape {data.shape}; give a flat series of at least {least}")
    missing = int(np.sum(~np.isfinite(data)))
    if missing:
        raise InputError(
            f"values hold {missing} missing or infinite entries of {data.size}; give every "
            "patient's value, for a dropped patient biases the bound"
        )
    return data


def within_support(
    values: ArrayLike, support: Support | None, method: str, *, least: int = 1
) -> tuple[Array, float, float]:
    """Return the data (n,) and the two ends of the support declared for them in advance.

    The sample's own range is no support: a bound computed from it does not hold.

    Raises
    ------
    InputError
        If no support is declared, it is empty, or a value lies outside it.
    """
    if support is None:
        raise InputError(
            f"{method} needs support=(lo, hi), the range known before seeing data; declare it, "
            "for instance (0, 100) for a percentage"
        )
    low, high = float(support[0]), float(support[1])
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"support is ({low:g}, {high:g}); give two finite numbers lo < hi")
    data = finite_series(values, least=least)
    if data.min() < low or data.max() > high:
        worst = data.min() if data.min() < low else data.max()
        raise InputError(
            f"a value is {worst:g}, outside the declared support {low:g} to {high:g}; "
            "declare the true range or correct the value"
        )
    return data, low, high
