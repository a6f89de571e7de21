"""AIM-94 diabetes files: finger sticks, regular, NPH and UltraLente insulin, a coded diary.

Four tab-separated fields a row: date, time, code, value; the codes are those of the data set's own
Data-Codes. AIM-94 data set provided by Michael Kahn, MD, PhD, Washington University, St. Louis, MO.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .diary import NOTED
from .files import Source, csv_rows
from .local_time import local_seconds
from .quality import Ledger
from .raw import Event, Noted, RawRecord, Reading
from .series import INSULINS
from .table import zone_notes
from .values import censoring_of, is_blank, number_of

DOSES = {33: "regular", 34: "nph", 35: "ultralente"}
STICKS = {
    48: "", 57: "", 58: "before breakfast", 59: "after breakfast", 60: "before lunch",
    61: "after lunch", 62: "before supper", 63: "after supper", 64: "before snack",
}  # fmt: skip
NOTES = {
    65: "hypoglycaemic symptoms", 66: "meal", 67: "large meal", 68: "small meal",
    69: "exercise", 70: "hard exercise", 71: "light exercise", 72: "special event",
}  # fmt: skip
CODES = frozenset({*DOSES, *STICKS, *NOTES})
BROKEN = 0
# A dose of more than five times the usual one of ten or more is a slip of the pen: 163 U of NPH
# between days of 13 U (project choice).
MANY, FEW_DOSES = 5.0, 10

_DATE = re.compile(r"\d{1,2}-\d{1,2}-\d{4}", re.ASCII)
_CODE = re.compile(r"\d{1,2}", re.ASCII)
_HEX = re.compile(r"[0-9A-F]{2}", re.ASCII)


class Row(NamedTuple):
    """One row: local clock (None where unreadable), code, the value's text, where it stands."""

    local_s: float | None
    code: int | None
    text: str
    where: str


def looks_like_aim94(head: Sequence[Sequence[str]]) -> bool:
    """Tell whether most of a file's first rows are date, time, known code, value."""
    fit = [
        len(row) == 4 and bool(_DATE.fullmatch(row[0].strip())) and _code(row[2]) in CODES
        for row in head
    ]
    return bool(fit) and 2 * sum(fit) > len(fit)


def read_aim94(source: Source, timezone: str | None = None) -> RawRecord:
    """Read one patient's file.

    A row that the data set broke in two, its code in hexadecimal, is put together again.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        The files name none; UTC where this is not given.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When no row holds a finger stick.
    """
    ledger = Ledger()
    zone_name = clock.canonical_zone(timezone or "UTC")
    rows, mended = _rows(source, ledger)
    local = [np.nan if row.local_s is None else row.local_s for row in rows]
    utc = clock.local_to_utc(np.nan_to_num(local), clock.zone_of(zone_name)).tolist()
    glucose: list[Reading] = []
    doses: list[tuple[int, Event, str]] = []
    diary: list[Noted] = []
    for row, time in zip(rows, utc, strict=True):
        ledger.row()
        _take(row, time, glucose, doses, diary, ledger)
    ledger.end_rows()
    if not glucose:
        raise InputError("AIM-94: no row is a finger stick (codes 48 and 57 to 64)")
    usual = list(_usual(doses, ledger))
    notes = [*zone_notes("AIM-94", timezone)]
    if mended:
        notes.append(f"Rows: {mended} rows broken in two, their code in hexadecimal, are mended.")
    return RawRecord(
        source_format="aim94",
        timezone=zone_name,
        glucose_unit="mg/dL",
        glucose=glucose,
        boluses=[event for code, event in usual if code == 33],
        long_acting=[event for code, event in usual if code != 33],
        ledger=ledger,
        notes=tuple(notes),
        glucose_source="finger",
        diary=diary,
    )


def _rows(source: Source, ledger: Ledger) -> tuple[list[Row], int]:
    """Return the file's rows and how many of them were put together from two."""
    rows: list[Row] = []
    mended = 0
    half: tuple[list[str], int] | None = None
    for number, cells in csv_rows(source):
        if half is not None:
            joined = _joined(half[0], cells, f"line {number}")
            rows.append(joined or _row(half[0], f"line {half[1]}"))
            half = None
            if joined is not None:
                ledger.header()  # the first half, which holds the second one's date
                mended += 1
                continue
        if len(cells) == 4 and _code(cells[2]) == BROKEN and not cells[3].strip():
            half = (cells, number)
        else:
            rows.append(_row(cells, f"line {number}"))
    if half is not None:
        rows.append(_row(half[0], f"line {half[1]}"))
    return rows, mended


def _joined(first: Sequence[str], second: Sequence[str], where: str) -> Row | None:
    """Return the row of two halves: date, time, 0, nothing; nothing, value, 33, code in hex."""
    whole = len(second) == 4 and not second[0].strip() and bool(_HEX.fullmatch(second[3].strip()))
    if not whole or int(second[3], 16) not in CODES:
        return None
    return _row([first[0], first[1], str(int(second[3], 16)), second[1]], where)


def _row(cells: Sequence[str], where: str) -> Row:
    whole = len(cells) == 4
    dated = whole and bool(_DATE.fullmatch(cells[0].strip()))
    local = local_seconds(cells[0], cells[1], "mdy") if dated and cells[1].strip() else None
    return Row(local, _code(cells[2]) if whole else None, cells[3] if whole else "", where)


def _code(cell: str) -> int | None:
    text = cell.strip()
    return int(text) if _CODE.fullmatch(text) else None


def _take(
    row: Row,
    time: float,
    glucose: list[Reading],
    doses: list[tuple[int, Event, str]],
    diary: list[Noted],
    ledger: Ledger,
) -> None:
    """Read one row or account for it."""
    kind = _kind(row.code)
    ledger.see(kind)
    text = row.text.strip().lstrip("0") or row.text.strip()
    value, censored = number_of(text), censoring_of(text) if row.code in STICKS else 0
    if kind == "row":
        known = "no code" if row.code is None else f"code {row.code}"
        ledger.drop("row", f"no known kind of entry ({known})", row.where)
    elif row.local_s is None or not clock.plausible_time(time):
        ledger.drop(kind, "no readable time", row.where)
    elif row.code in NOTES:
        diary.append(Noted(time, NOTED.index(NOTES[row.code])))
    elif value is None and not censored:
        ledger.drop(kind, "no value" if is_blank(text) else "not a number", row.where)
    elif row.code in STICKS:
        glucose.append(Reading(time, np.nan if value is None else value, censored))
        if STICKS[row.code]:
            ledger.see("note")
            diary.append(Noted(time, NOTED.index(STICKS[row.code])))
    elif row.code is not None and value is not None:
        doses.append((row.code, Event(time, value, INSULINS.index(DOSES[row.code])), row.where))


def _kind(code: int | None) -> str:
    if code in STICKS:
        return "glucose"
    if code in NOTES:
        return "note"
    if code in DOSES:
        return "bolus" if code == 33 else "long-acting insulin"
    return "row"


def _usual(doses: Sequence[tuple[int, Event, str]], ledger: Ledger) -> Iterable[tuple[int, Event]]:
    """Yield the doses that are not many times the person's usual one."""
    for code in DOSES:
        same = [(event, where) for of, event, where in doses if of == code]
        most = MANY * median([event.amount for event, _ in same]) if len(same) >= FEW_DOSES else 1e9
        for event, where in same:
            if event.amount > most:
                why = f"more than {MANY:g} times this person's usual dose"
                ledger.drop(_kind(code), why, where)
            else:
                yield code, event
