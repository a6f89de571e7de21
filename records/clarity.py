"""Dexcom Clarity CSV: sensor readings, injections and carbohydrates of one person.

Rows are told apart by their event type, never by their number; the preamble with names, birth
date and devices is used only to tell persons apart in memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .files import Source, csv_rows
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .values import GlucoseUnit, censoring_of, glucose_unit, is_blank, number_of

COLUMNS = {
    "time": "timestamp",
    "event": "event type",
    "subtype": "event subtype",
    "patient": "patient info",
    "glucose": "glucose value",
    "insulin": "insulin value",
    "carbs": "carb value",
    "tick": "transmitter time",
    "device": "transmitter id",
}
REQUIRED = ("time", "event", "glucose")
DOSE_UNITS = {"insulin": ("u", "iu", "units"), "carbs": ("g", "gram", "grams")}
SENSOR_EVENTS = frozenset({"egv", "fasting glucose"})
PERSON_EVENTS = frozenset({"firstname", "lastname", "dateofbirth"})
KNOWN_EVENTS = frozenset(
    {"alert", "calibration", "device", "exercise", "health", "activity", "sensor", "notes"}
)


class Row(NamedTuple):
    """One dated row: its local clock, the transmitter's own counter, and what it says."""

    local_s: float
    offset_s: float | None
    tick: float
    device: str
    kind: str
    value: float
    censored: int


@dataclass(frozen=True)
class Header:
    """Where the columns stand and which unit glucose has."""

    index: dict[str, int]
    width: int
    unit: GlucoseUnit

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return one cell, empty where the row or the file lacks it."""
        place = self.index.get(name)
        return row[place].strip() if place is not None and place < len(row) else ""


@dataclass(frozen=True)
class Export:
    """The rows of a file, sorted by use."""

    rows: list[Row] = field(default_factory=list)
    person: set[str] = field(default_factory=set)


def looks_like_clarity(header: Sequence[str]) -> bool:
    """Tell whether a first line is Clarity's."""
    index = _index(header)
    return all(name in index for name in REQUIRED)


def read_clarity(source: Source, timezone: str | None = None) -> RawRecord:
    """Read one Clarity export.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        Clarity writes the display clock without a zone; UTC where this is not given.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When a column is missing.
    """
    lines = csv_rows(source)
    header = _header(next(lines, (0, []))[1])
    ledger, export = Ledger(), Export()
    ledger.header()
    for number, row in lines:
        ledger.row()
        _take(row, number, header, export, ledger)
    ledger.end_rows()
    zone_name = clock.canonical_zone(timezone or "UTC")
    times = _utc(export.rows, zone_name)
    notes = () if timezone else (
        "Timezone: Clarity writes local times without a zone; the day is taken as written. "
        "Pass timezone=.",
    )  # fmt: skip

    def events(kind: str) -> list[Event]:
        pairs = zip(export.rows, times, strict=True)
        return [Event(time, row.value) for row, time in pairs if row.kind == kind]

    return RawRecord(
        source_format="clarity",
        timezone=zone_name,
        glucose_unit=header.unit,
        glucose=[
            Reading(time, row.value, row.censored)
            for row, time in zip(export.rows, times, strict=True)
            if row.kind == "glucose"
        ],
        boluses=events("bolus"),
        long_acting=events("long-acting insulin"),
        meals=events("carbs"),
        ledger=ledger,
        notes=notes,
        person=frozenset(export.person),
    )


def _index(header: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, cell in enumerate(header):
        text = cell.strip().strip('"').lower()
        for name, start in COLUMNS.items():
            if text.startswith(start):
                found.setdefault(name, place)
    return found


def _header(cells: Sequence[str]) -> Header:
    index = _index(cells)
    missing = [COLUMNS[name] for name in REQUIRED if name not in index]
    if missing:
        raise InputError(
            f"Clarity: the column '{missing[0]}' is missing from the first line; export the CSV "
            "again from Clarity without editing it"
        )
    unit = re.search(r"\(([^)]*)\)", cells[index["glucose"]])
    if unit is None:
        raise InputError(
            "Clarity: the column 'Glucose Value' names no unit; write '(mg/dL)' or '(mmol/L)' "
            "behind it"
        )
    for name, words in DOSE_UNITS.items():
        stated = re.search(r"\(([^)]*)\)", cells[index[name]]) if name in index else None
        if stated is not None and stated[1].strip().lower() not in words:
            raise InputError(
                f"Clarity: the column of {name} is not in {words[-1]}; export the CSV again from "
                "Clarity without editing it"
            )
    return Header(index, len(cells), glucose_unit(unit[1]))


def _take(row: Sequence[str], number: int, header: Header, export: Export, ledger: Ledger) -> None:
    """Read one row or account for it."""
    event = header.cell(row, "event").lower()
    if event in PERSON_EVENTS:
        export.person.add(f"{event} {header.cell(row, 'patient')}")
    kind, cell = _kind_and_cell(row, event, header)
    ledger.see(kind)
    where = f"line {number}"
    parsed = clock.parse_time(header.cell(row, "time"))
    if kind == "row":
        name = event if event in KNOWN_EVENTS else "preamble or other"
        ledger.drop(kind, f"no glucose, insulin or carbohydrate ({name})", where)
    elif len(row) < header.width:
        ledger.drop(kind, "row cut short", where)
    elif parsed is None:
        ledger.drop(kind, "no readable time", where)
    elif kind == "insulin":
        ledger.drop(kind, "neither fast- nor long-acting", where)
    else:
        value, censored = number_of(cell), censoring_of(cell) if kind == "glucose" else 0
        if value is None and not censored:
            ledger.drop(kind, "no value" if is_blank(cell) else "not a number", where)
            return
        tick = number_of(header.cell(row, "tick"))
        export.rows.append(
            Row(
                local_s=parsed[0] + (parsed[1] or 0.0),
                offset_s=parsed[1],
                tick=float("nan") if tick is None else tick,
                device=header.cell(row, "device"),
                kind=kind,
                value=float("nan") if value is None else value,
                censored=censored,
            )
        )


def _kind_and_cell(row: Sequence[str], event: str, header: Header) -> tuple[str, str]:
    """Return what a row is about and the cell that holds its value."""
    if event in SENSOR_EVENTS:
        return "glucose", header.cell(row, "glucose")
    if event == "carbs":
        return "carbs", header.cell(row, "carbs")
    if event == "insulin":
        subtype = header.cell(row, "subtype").lower()
        kinds = {"fast-acting": "bolus", "long-acting": "long-acting insulin"}
        return kinds.get(subtype, "insulin"), header.cell(row, "insulin")
    return "row", ""


def _utc(rows: Sequence[Row], zone_name: str) -> list[float]:
    """Return the time of each row; the transmitter's counter settles the hour told twice."""
    devices = {name: place for place, name in enumerate(sorted({row.device for row in rows}))}
    times = clock.local_to_utc(
        [row.local_s for row in rows],
        clock.zone_of(zone_name),
        ticks=[row.tick for row in rows],
        device=[devices[row.device] for row in rows],
    )
    stated = np.array([np.nan if row.offset_s is None else row.offset_s for row in rows])
    local = np.array([row.local_s for row in rows], dtype=float)
    exact: list[float] = np.where(np.isnan(stated), times, local - stated).tolist()
    return exact
