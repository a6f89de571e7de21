"""Checks of environment keywords: a value is refused in one line that says what to give."""

from __future__ import annotations

import math
import sys
from typing import Any

from ...physiology.errors import InputError


def number(name: str, value: Any, low: float, high: float, mend: str) -> float:
    """Return a finite number within [low, high].

    Raises
    ------
    InputError
        "NAME is VALUE; give MEND".
    """
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not right or not low <= value <= high:
        raise InputError(f"{name} is {value!r}; give {mend}")
    return float(value)


def whole(name: str, value: Any, low: int, high: int, unit: str = "") -> int:
    """Return a whole number within [low, high].

    Raises
    ------
    InputError
        Naming the keyword, its value and the bounds.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"{name} is {value!r}; give a whole number{unit} from {low} to {high}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return a truth value.

    Raises
    ------
    InputError
        Naming the keyword and its value.
    """
    if not isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; give true or false")
    return value


def hour(name: str, value: Any) -> float | None:
    """Return an hour of the day, or None.

    Raises
    ------
    InputError
        Naming the keyword and its value.
    """
    below_24 = math.nextafter(24.0, 0.0)
    mend = "an hour from 0 to below 24, or null"
    return None if value is None else number(name, value, 0.0, below_24, mend)


def interval(name: str, value: Any, unit: str) -> tuple[float, float] | None:
    """Return two ascending numbers of at least 0, or None.

    Raises
    ------
    InputError
        Naming the keyword and its value.
    """
    mend = f"[low, high] in {unit} with 0 <= low < high, or null"
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise InputError(f"{name} is {value!r}; give {mend}")
    ends = [number(name, v, 0.0, sys.float_info.max, mend) for v in value]
    if not ends[0] < ends[1]:
        raise InputError(f"{name} is {list(value)!r}; give {mend}")
    return ends[0], ends[1]
