"""Dates and clock times as people's devices write them: 01/02/2026 7:05 PM, Jan 12 2026, 2026.1.12.

Whether 01/02 is January or February is found from the whole file, and asked where it cannot be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Literal

from ..physiology.errors import InputError
from . import clock

DayOrder = Literal["mdy", "dmy"]

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?!\d)")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})[-\s]([A-Za-z]{3})[a-z]*\.?,?[-\s](\d{4})")
_CLOCK = re.compile(
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE
)
_OFFSET = re.compile(r".*\d(?:Z|[+-]\d{2}:?\d{2})\s*", re.IGNORECASE | re.ASCII)


def day_order(texts: Sequence[str], wanted: DayOrder | None) -> DayOrder:
    """Return whether the month or the day stands first in a file's dates.

    Parameters
    ----------
    texts : sequence of str
        Every date of the file.
    wanted : "mdy", "dmy" or None
        What the caller says; None to find out.

    Raises
    ------
    InputError
        When every date could be either.
    """
    matches = [match for text in texts if (match := _YEAR_LAST.match(text.strip()))]
    if wanted is not None or not matches:
        return wanted or "dmy"
    if any("." in match[0] for match in matches):
        return "dmy"  # dots are written in day-first countries only
    first, second = max(int(m[1]) for m in matches), max(int(m[2]) for m in matches)
    if first > 12 >= second:
        return "dmy"
    if second > 12 >= first:
        return "mdy"
    raise InputError(
        f"dates: {matches[0][0]!r} may be day first or month first; pass dates='dmy' or 'mdy'"
    )


def record_day_order(texts: Sequence[str], wanted: DayOrder | None) -> DayOrder:
    """Return the order of a sensor record's dates; neighbouring days settle what one date cannot.

    A sensor is worn day after day, and read in the wrong order those days lie a month apart.

    Parameters
    ----------
    texts : sequence of str
        Every date of the file, each day once or more.
    wanted : "mdy", "dmy" or None
        What the caller says; None to find out.

    Raises
    ------
    InputError
        When every date could be either and no two days are neighbours in one order only.
    """
    matches = [match for text in set(texts) if (match := _YEAR_LAST.match(text.strip()))]
    days = sorted({(int(m[1]), int(m[2]), int(m[3])) for m in matches})
    dotted = any("." in match[0] for match in matches)
    if wanted is not None or not days or dotted:
        return wanted or "dmy"
    day_first = any(first > 12 for first, _, _ in days)
    month_first = any(second > 12 for _, second, _ in days)
    if day_first != month_first:
        return "dmy" if day_first else "mdy"
    if not day_first:
        if all(first == second for first, second, _ in days):
            return "dmy"
        runs = {order: _neighbours(days, order) for order in ("dmy", "mdy")}
        if bool(runs["dmy"]) != bool(runs["mdy"]):
            return "dmy" if runs["dmy"] else "mdy"
    example = "-".join(f"{part:02d}" for part in days[0])
    raise InputError(
        f"dates: '{example}' may be day first or month first; export a period of several days "
        "with one after the 12th, or pass dates='dmy' or 'mdy'"
    )


def _neighbours(days: Sequence[tuple[int, int, int]], order: str) -> int:
    """Count the days that follow on another one."""
    ordinals = set()
    for one, two, year in days:
        month, day = (one, two) if order == "mdy" else (two, one)
        with suppress(ValueError):  # a day that no calendar has is nobody's neighbour
            ordinals.add(date(year + (2000 if year < 100 else 0), month, day).toordinal())
    return sum(number + 1 in ordinals for number in ordinals)


def local_seconds(day: str, time: str, order: DayOrder) -> float | None:
    """Return a local clock reading, counted as if it were UTC; None where it is no time.

    Parameters
    ----------
    day, time : str
        `time` may be empty where `day` holds both.
    order : "mdy" or "dmy"
    """
    text = day.strip()
    found = _date(text, order)
    if found is None:
        return None
    parts, rest = found
    at = _CLOCK.match(time.strip() if time.strip() else rest.strip(" ,T"))
    if at is None:
        return None
    hour, minute, second = int(at[1]), int(at[2]), int(at[3] or 0)
    if at[4]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if at[4].lower() == "p" else 0)
    try:
        days = date(*parts).toordinal() - clock.EPOCH.toordinal()
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return days * 86400.0 + hour * 3600.0 + minute * 60.0 + second


def carries_offset(text: str) -> bool:
    """Tell whether a written time carries its offset from UTC."""
    return bool(_OFFSET.fullmatch(text)) and ":" in text


def _date(text: str, order: DayOrder) -> tuple[tuple[int, int, int], str] | None:
    """Return year, month, day and what follows them."""
    if match := _YEAR_FIRST.match(text):
        return (int(match[1]), int(match[2]), int(match[3])), text[match.end() :]
    if match := _YEAR_LAST.match(text):
        year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
        one, two = int(match[1]), int(match[2])
        month, day = (one, two) if order == "mdy" else (two, one)
        return (year, month, day), text[match.end() :]
    if (match := _MONTH_FIRST.match(text)) and match[1].lower() in _MONTHS:
        month = _MONTHS.index(match[1].lower()) + 1
        return (int(match[3]), month, int(match[2])), text[match.end() :]
    if (match := _DAY_FIRST.match(text)) and match[2].lower() in _MONTHS:
        month = _MONTHS.index(match[2].lower()) + 1
        return (int(match[3]), month, int(match[1])), text[match.end() :]
    return None
