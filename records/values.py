"""Cells of a file into numbers: text numerals, out-of-range words and units."""

from __future__ import annotations

import math
import re
from typing import Literal

from ..physiology.errors import InputError

GlucoseUnit = Literal["mg/dL", "mmol/L"]

_NUMERAL = re.compile(r"[+-]?(\d{1,18}([.,]\d{0,20})?|[.,]\d{1,20})([eE][+-]?\d{1,3})?", re.ASCII)
_LOW_WORDS = frozenset({"low", "lo", "<40", "< 40", "<2.2", "< 2.2"})
_HIGH_WORDS = frozenset({"high", "hi", ">400", "> 400", ">22.2", "> 22.2"})
_UNITS: dict[str, GlucoseUnit] = {
    "mg/dl": "mg/dL",
    "mgdl": "mg/dL",
    "mg_dl": "mg/dL",
    "mmol/l": "mmol/L",
    "mmol": "mmol/L",
    "mmoll": "mmol/L",
    "mmol_l": "mmol/L",
}


def number_of(cell: object) -> float | None:
    """Return a finite number, or None where the cell holds none.

    Parameters
    ----------
    cell : object
        A JSON value or the text of a CSV cell. A single comma counts as the decimal sign.

    Returns
    -------
    float or None
        None for blanks, null, words, booleans, NaN and infinities.
    """
    if isinstance(cell, bool) or cell is None:
        return None
    if isinstance(cell, int | float):
        try:
            value = float(cell)
        except OverflowError:
            return None
        return value if math.isfinite(value) else None
    if isinstance(cell, str):
        text = cell.strip()
        if _NUMERAL.fullmatch(text):
            value = float(text.replace(",", "."))
            return value if math.isfinite(value) else None
    return None


def shown(text: str, longest: int = 40) -> str:
    """Return a file's own word as a message may quote it: short and printable."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:longest])


def is_blank(cell: object) -> bool:
    """Tell whether a cell holds nothing at all."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def censoring_of(cell: object) -> int:
    """Return -1 for a word such as "Low", +1 for one such as "High", 0 for anything else."""
    if not isinstance(cell, str):
        return 0
    word = cell.strip().lower()
    if word in _LOW_WORDS:
        return -1
    return 1 if word in _HIGH_WORDS else 0


def glucose_unit(text: str) -> GlucoseUnit:
    """Return the canonical spelling of a glucose unit.

    Raises
    ------
    InputError
        When the unit is neither mg/dL nor mmol/L.
    """
    unit = _UNITS.get(text.strip().lower())
    if unit is None:
        raise InputError(f"unit: {text[:30]!r} is not a glucose unit; use 'mg/dL' or 'mmol/L'")
    return unit
