"""LibreView CSV: stored and scanned sensor readings, logged insulin and carbohydrate.

Abbott publishes no description. Columns and record types (0 stored, 1 scan, 2 strip, 4 insulin,
5 food, 6 other) are those of public exports and of a sample. Unverified: the words for readings out
of range (some exports may hold the bound itself), and how meal, correction and user-change insulin
add up, which are therefore not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .files import Source, csv_rows
from .libreview_columns import Header, header_of, is_header
from .local_time import DayOrder, local_seconds, record_day_order
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .values import censoring_of, is_blank, number_of

VALUES = {
    "historic": "glucose",
    "scan": "glucose",
    "rapid": "bolus",
    "long": "long-acting insulin",
    "carbs": "carbs",
}
NO_AMOUNT = "logged without an amount"
PART_OF_BOLUS = "told only as meal, correction or user-change part"
UNREAD = {  # column: kind of value, the column that would hold it, why it is not read
    "strip": ("glucose", "", "finger stick, not a sensor reading"),
    "rapid word": ("bolus", "rapid", NO_AMOUNT),
    "long word": ("long-acting insulin", "long", NO_AMOUNT),
    "food word": ("carbs", "carbs", NO_AMOUNT),
    "servings": ("carbs", "carbs", "in servings, whose grams the file does not say"),
    "meal part": ("bolus", "rapid", PART_OF_BOLUS),
    "correction part": ("bolus", "rapid", PART_OF_BOLUS),
    "change part": ("bolus", "rapid", PART_OF_BOLUS),
}
TYPES = frozenset("0123456")
HEADER_WITHIN = 10  # rows: a title of one line, more where a spreadsheet added some
SCAN_APART_S = 300.0  # ours: the step of Libre 3; a nearer scan tells nothing that is not stored


class Value(NamedTuple):
    """One number of a row; `name` is its column, `where` its line."""

    local_s: float
    name: str
    number: float
    censored: int
    where: str


def looks_like_libreview(rows: Iterable[Sequence[str]]) -> bool:
    """Tell whether one of a file's first rows is LibreView's header."""
    return any(is_header(row) for row in rows)


def read_libreview(
    source: Source, timezone: str | None = None, dates: DayOrder | None = None
) -> RawRecord:
    """Read one LibreView export.

    A scan counts only where no stored reading lies within 5 minutes of it.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        LibreView writes local times without a zone; UTC where this is not given.
    dates : {"dmy", "mdy"}, optional
        Order of day and month, where the file leaves it open.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When the header is missing, names no unit or two, or the dates are ambiguous.
    """
    lines = list(csv_rows(source))
    at = next((k for k, (_, row) in enumerate(lines[:HEADER_WITHIN]) if is_header(row)), None)
    if at is None:
        raise InputError(
            "LibreView: the line that names the columns is missing, or is not as LibreView writes "
            "it; export again, with LibreView set to English, without editing the file"
        )
    header, rows = header_of(lines[at][1]), lines[at + 1 :]
    order = record_day_order([header.cell(row, "time").split(" ")[0] for _, row in rows], dates)
    ledger = Ledger()
    ledger.header(at + 1)
    values = [item for line in rows for item in _values(line, header, order, ledger)]
    ledger.end_rows()
    zone_name = clock.canonical_zone(timezone or "UTC")
    utc = clock.local_to_utc([item.local_s for item in values], clock.zone_of(zone_name))
    timed = list(zip(utc.tolist(), values, strict=True))

    def events(name: str) -> list[Event]:
        return [Event(time, item.number) for time, item in timed if item.name == name]

    return RawRecord(
        source_format="libreview",
        timezone=zone_name,
        glucose_unit=header.unit,
        glucose=_readings(timed, ledger),
        boluses=events("rapid"),
        long_acting=events("long"),
        meals=events("carbs"),
        ledger=ledger,
        notes=_notes(timezone, header),
    )


def _notes(timezone: str | None, header: Header) -> tuple[str, ...]:
    notes = []
    if not timezone:
        notes.append(
            "Timezone: LibreView writes local times without a zone; the day is taken as written. "
            "Pass timezone=."
        )
    if not header.english:
        notes.append("Columns: the header is not in English; columns are told by their order.")
    return tuple(notes)


def _values(
    line: tuple[int, list[str]], header: Header, order: DayOrder, ledger: Ledger
) -> Iterable[Value]:
    """Yield the numbers of one row and account for everything else in it."""
    number, row = line
    where = f"line {number}"
    ledger.row()
    local = local_seconds(header.cell(row, "time"), "", order)
    told = [name for name in VALUES if header.cell(row, name)]
    lost = [name for name, (_, better, _) in UNREAD.items()
            if header.cell(row, name) and better not in told]  # fmt: skip
    for kind, why in dict.fromkeys((UNREAD[name][0], UNREAD[name][2]) for name in lost):
        ledger.see(kind)
        ledger.drop(kind, why, where)
    if not told and not lost:
        kind = header.cell(row, "type")
        ledger.see("row")
        what = f"type {kind}" if kind in TYPES else "no known type"
        ledger.drop("row", f"no glucose, insulin or carbohydrate ({what})", where)
    for name in told:
        kind, cell = VALUES[name], header.cell(row, name)
        value, censored = number_of(cell), censoring_of(cell) if kind == "glucose" else 0
        ledger.see(kind)
        if header.is_cut(row, name):
            ledger.drop(kind, "row cut short", where)
        elif local is None:
            ledger.drop(kind, "no readable time", where)
        elif value is None and not censored:
            ledger.drop(kind, "no value" if is_blank(cell) else "not a number", where)
        else:
            yield Value(local, name, np.nan if value is None else value, censored, where)


def _readings(timed: Sequence[tuple[float, Value]], ledger: Ledger) -> list[Reading]:
    """Return all stored readings, and the scans that lie apart from them."""
    stored = np.sort([time for time, item in timed if item.name == "historic"])
    kept: list[Reading] = []
    for time, item in timed:
        if VALUES[item.name] != "glucose":
            continue
        if item.name == "scan" and stored.size:
            after = int(np.searchsorted(stored, time))
            near = stored[max(after - 1, 0) : after + 1]
            if np.abs(near - time).min() < SCAN_APART_S:
                ledger.drop("glucose", "scan within 5 min of a stored reading", item.where)
                continue
        kept.append(Reading(time, item.number, item.censored))
    return kept
