"""Columns of a LibreView CSV: told by their English names, or in other languages by their order.

Exports in other languages have the same nineteen columns in the same order (German and French
headers in public projects); they are told by their number and by the units that some of them name.
Unverified: that this holds in every language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..physiology.errors import InputError
from .values import GlucoseUnit, glucose_unit

COLUMNS = {
    "time": "device timestamp",
    "type": "record type",
    "historic": "historic glucose",
    "scan": "scan glucose",
    "strip": "strip glucose",
    "rapid": "rapid-acting insulin",
    "long": "long-acting insulin",
    "carbs": "carbohydrates (grams)",
    "rapid word": "non-numeric rapid-acting insulin",
    "long word": "non-numeric long-acting insulin",
    "food word": "non-numeric food",
    "servings": "carbohydrates (servings)",
    "meal part": "meal insulin",
    "correction part": "correction insulin",
    "change part": "user change insulin",
}
REQUIRED = ("time", "type", "historic")
# All columns in order: device, serial number, ..., notes before strip, ketone after it.
ORDER = (
    "", "", "time", "type", "historic", "scan", "rapid word", "rapid", "food word", "carbs",
    "servings", "long word", "long", "", "strip", "", "meal part", "correction part", "change part",
)  # fmt: skip
WITH_GLUCOSE, KETONE = (4, 5, 14), 15


@dataclass(frozen=True)
class Header:
    """Where the columns stand and which unit glucose has."""

    index: dict[str, int]
    width: int
    unit: GlucoseUnit
    english: bool

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return one cell, empty where the row or the file lacks it."""
        place = self.index.get(name)
        return row[place].strip() if place is not None and place < len(row) else ""

    def is_cut(self, row: Sequence[str], name: str) -> bool:
        """Tell whether a cell ends a row that is too short, so that it may be half a number."""
        return len(row) < self.width and self.index[name] == len(row) - 1


def _by_order(cells: Sequence[str]) -> dict[str, int]:
    """Return where columns stand in a header of the known number and units, else nothing."""
    units = [_unit_in(cell) for cell in cells]
    told = {place for place, unit in enumerate(units) if unit}
    if len(cells) != len(ORDER) or told != {*WITH_GLUCOSE, KETONE} or units[KETONE] != "mmol/L":
        return {}
    return {name: place for place, name in enumerate(ORDER) if name}


def _unit_in(cell: str) -> GlucoseUnit | None:
    stated = re.search(r"m(?:g/d|mol/)l", cell, re.IGNORECASE)
    return glucose_unit(stated[0]) if stated else None


def _by_words(cells: Sequence[str]) -> dict[str, int]:
    """Return where columns stand in a header with English names, else nothing."""
    found: dict[str, int] = {}
    for place, cell in enumerate(cells):
        text = cell.strip().strip('"').lower()
        for name, start in COLUMNS.items():
            if text.startswith(start):
                found.setdefault(name, place)
    return found if all(name in found for name in REQUIRED) else {}


def is_header(row: Sequence[str]) -> bool:
    """Tell whether a row names the columns that are needed."""
    return bool(_by_words(row) or _by_order(row))


def header_of(cells: Sequence[str]) -> Header:
    """Return what a row that names the columns tells; an InputError where its units do not fit."""
    words = _by_words(cells)
    index = words or _by_order(cells)
    named = [cells[index[name]] for name in ("historic", "scan") if name in index]
    units: set[GlucoseUnit] = set()
    for cell in named:
        if unit := _unit_in(cell):
            units.add(unit)
    if len(units) != 1:
        fault = "name no unit" if not units else "are in mg/dL and in mmol/L"
        raise InputError(
            f"LibreView: the columns of historic and scan glucose {fault}; export the CSV again "
            "without editing it"
        )
    for name in ("rapid", "long"):
        stated = re.search(r"\(([^)]*)\)", cells[index[name]]) if name in index else None
        if words and stated is not None and stated[1].strip().lower() not in {"units", "u"}:
            raise InputError(
                "LibreView: a column of insulin is not in units; export the CSV again without "
                "editing it"
            )
    return Header(index, len(cells), units.pop(), english=bool(words))
