"""One person's day, which every reader's documents tell, and what a format says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

MIDNIGHT = 1767225600  # 2026-01-01T00:00:00Z
MINUTES = range(0, 1440, 5)
GLUCOSE = {minute: 90 + round(60 * np.sin(minute / 180) ** 2) for minute in MINUTES}
BOLUSES, MEALS = {480: 4.0, 780: 6.5, 1170: 5.0}, {480: 40.0, 780: 65.0, 1170: 50.0}
RATE = 0.9


def stamp(minute: int) -> str:
    """Return a local time as most formats write it."""
    return f"2026-01-{1 + minute // 1440:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00"


class Format(NamedTuple):
    """How to write the day: rows of a factor on glucose, and rows into a file's text."""

    rows: Callable[[float], list[object]]
    text: Callable[[Sequence[object]], str]
    suffix: str
    joins: bool
    holds: frozenset[str] = frozenset({"bolus", "carbs"})
    basal_u: float = 24 * RATE
    molar: bool = False  # the format's own unit is mmol/L
    shuffles: bool = True  # rows carry their own time
    source: str = "sensor"


def lines(*header):
    """Return a function that writes rows below a header."""
    return lambda rows: "\n".join([*header, *rows, ""])
