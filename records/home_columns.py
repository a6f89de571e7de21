"""The columns of a home blood-pressure CSV, found by their names in several languages' exports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..physiology.errors import InputError
from ..physiology.units import MMHG_PER_KPA
from .values import shown

_NAMES = {
    "moment": r"timestamp|date ?/? ?time|measurement date|date and time|datetime|measured at|zeit"
    r"punkt|time of measurement|when",
    "date": r"date|day|datum|fecha",
    "time": r"time|hour|uhrzeit|hora|clock",
    "sbp": r"sys(?:tolic|tolisch)?(?: (?:blood )?pressure| bp)?|sbp|upper|bp sys(?:tolic)?",
    "dbp": r"dia(?:stolic|stolisch)?(?: (?:blood )?pressure| bp)?|dbp|lower|bp dia(?:stolic)?",
    "heart_rate": r"pulse(?: rate)?|heart ?rate|hr|bpm|puls",
    "setting": r"setting|place|location|where|measurement setting",
    "zone": r"time ?zone",
    "note": r"notes?|comments?|remarks?|symptoms",
}
_PATTERNS = {name: re.compile(text) for name, text in _NAMES.items()}
_UNIT = re.compile(r"[\[(]\s*([^\])]*?)\s*[\])]\s*$")
_OFFICE = re.compile(r"\b(?:dr|doctor|clinic|office|nurse|surgery|hospital|gp|practice)\b")
_HOME = re.compile(r"\b(?:home|self|kitchen|bedroom)\b")
_AMBULATORY = re.compile(r"\b(?:ambulatory|abpm|24 ?h)\b")


@dataclass(frozen=True)
class Columns:
    """Where each value stands in a row, and the factor to mmHg (None where not told)."""

    place: dict[str, int]
    factor: float | None


def looks_like_pressure(header: Sequence[str]) -> bool:
    """Tell whether a CSV header names a systolic and a diastolic pressure and a time."""
    place = _places(header)
    return {"sbp", "dbp"} <= set(place) and bool({"moment", "date"} & set(place))


def _places(header: Sequence[str]) -> dict[str, int]:
    """Return where each column stands; the first of two columns of one kind counts."""
    place: dict[str, int] = {}
    for index, cell in enumerate(header):
        name = _UNIT.sub("", cell.strip().strip('"').lower()).replace("_", " ").strip()
        name = re.sub(r"\s*(?:mm ?hg|kpa|bpm)$", "", name).strip() or name
        kind = next((kind for kind, p in _PATTERNS.items() if p.fullmatch(name)), None)
        if kind and kind not in place:
            place[kind] = index
    if "time" in place and not {"moment", "date"} & set(place):
        place["moment"] = place.pop("time")
    return place


def find_columns(header: Sequence[str], unit: str | None) -> Columns:
    """Return where the columns stand and the unit that the header, or the caller, tells."""
    place = _places(header)
    missing = [name for name in ("sbp", "dbp") if name not in place]
    if missing or not {"moment", "date"} & set(place):
        told = ", ".join(shown(cell.strip(), 20) for cell in header[:12])
        raise InputError(
            "home CSV: columns such as date, time, systolic, diastolic, pulse are needed, found "
            f"{told}"
        )
    told = header[place["sbp"]].lower()
    named = "kpa" if "kpa" in told else ("mmhg" if re.search(r"mm ?hg", told) else None)
    if unit is not None:
        named = unit.replace(" ", "").lower()
        if named not in {"mmhg", "mm[hg]", "kpa"}:
            raise InputError(f"unit: {unit[:20]!r} is not one of pressure; use 'mmHg' or 'kPa'")
    factor = {None: None, "kpa": MMHG_PER_KPA}.get(named, 1.0)
    return Columns(place, factor)


def cell_of(row: Sequence[str], place: dict[str, int], name: str) -> str:
    """Return the text of one column of a row, empty where the row lacks it."""
    index = place.get(name)
    return row[index].strip() if index is not None and index < len(row) else ""


def setting_of(row: Sequence[str], place: dict[str, int]) -> str:
    """Return where a row says its pressure was taken, or an empty text."""
    for name in ("setting", "note"):
        text = cell_of(row, place, name).lower()
        for setting, pattern in (("office", _OFFICE), ("ambulatory", _AMBULATORY), ("home", _HOME)):
            if pattern.search(text):
                return setting
    return ""


def begins_a_table(text: str) -> bool:
    """Tell whether a cell is the name of a date column: another table's header."""
    return bool(_PATTERNS["date"].fullmatch(text.strip().lower()))
