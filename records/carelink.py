"""Medtronic CareLink CSV: sections of pump and sensor rows below a preamble with names.

Medtronic publishes no description. Columns and sections are those of public exports of MiniMed
pumps and Guardian sensors with English headers. Unverified: how a reading out of range is written,
whether a square bolus is stamped at its start (as taken here) or end, and how a temporary rate that
was cancelled early shows; the older layout with 'Raw-Type' columns is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .carelink_basal import BasalRows, delivery_of
from .carelink_rows import COLUMNS, Found, Header, Line, take_line
from .files import Source, csv_rows
from .local_time import DayOrder, local_seconds, record_day_order
from .quality import Ledger
from .raw import RawRecord
from .values import glucose_unit

DAY_TOTALS = "aggregated auto insulin"


def looks_like_carelink(rows: Iterable[Sequence[str]]) -> bool:
    """Tell whether one of a file's first rows heads a section of CareLink's."""
    return any(_is_header(row) for row in rows)


def read_carelink(
    source: Source, timezone: str | None = None, dates: DayOrder | None = None
) -> RawRecord:
    """Read one CareLink export.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        CareLink writes local times without a zone; UTC where this is not given.
    dates : {"dmy", "mdy"}, optional
        Order of day and month, where the file leaves it open.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When no section has a header, the units differ, or the dates are ambiguous.
    """
    ledger = Ledger()
    lines, person = _lines(source, ledger)
    zone_name = clock.canonical_zone(timezone or "UTC")
    days = [line.header.cell(line.row, "date") for line in lines]
    order = record_day_order(days, dates)
    local = [
        local_seconds(day, line.header.cell(line.row, "time"), order)
        for day, line in zip(days, lines, strict=True)
    ]
    known = [np.nan if item is None or not clock.plausible_time(item) else item for item in local]
    utc = clock.local_to_utc(np.nan_to_num(known), clock.zone_of(zone_name))
    found = Found()
    for line, stated, time in zip(lines, known, utc.tolist(), strict=True):
        ledger.row()
        take_line(line, None if np.isnan(stated) else time, zone_name, found, ledger)
    ledger.end_rows()
    return RawRecord(
        source_format="carelink",
        timezone=zone_name,
        glucose_unit=lines[0].header.unit if lines else "mg/dL",
        glucose=found.glucose,
        boluses=found.boluses,
        meals=found.meals,
        delivery=delivery_of(found.basal, ledger),
        ledger=ledger,
        notes=tuple(_notes(timezone, found.basal)),
        person=person,
    )


def _notes(timezone: str | None, basal: BasalRows) -> Iterable[str]:
    if not timezone:
        yield (
            "Timezone: CareLink writes local times without a zone; the day is taken as written. "
            "Pass timezone=."
        )
    if basal.totals:
        yield (
            "Basal: the pump's automatic insulin is exported as a total of each day, without "
            "times; the programmed rates stand in on those days."
        )
    if basal.micro:
        yield (
            "Basal: on days with micro-boluses the programmed rates are left out, and what was "
            "given at them outside automatic mode is not known."
        )
    if basal.extras:
        yield "Bolus: CareLink's square boluses are taken to start at the time of their row."


def _is_header(row: Sequence[str]) -> bool:
    names = [cell.strip().strip('"').lower() for cell in row]
    return {"index", "date", "time"} <= set(names[:4]) and any(
        name.startswith(COLUMNS["sensor"]) for name in names
    )


def _lines(source: Source, ledger: Ledger) -> tuple[list[Line], frozenset[str]]:
    """Part the preamble, the sections and their headers; names are kept to compare only."""
    header: Header | None = None
    lines: list[Line] = []
    person: set[str] = set()
    is_day_total = names_follow = False
    total = 0
    for number, row in csv_rows(source):
        total += 1
        first = row[0].strip()
        if first.startswith("-----"):
            is_day_total = DAY_TOTALS in " ".join(row).lower()
        elif _is_header(row):
            header = _header(row, header)
        elif header is not None:
            lines.append(Line(f"line {number}", row, header, is_day_total))
        elif names_follow:
            person |= {cell.strip() for cell in row[:2]} - {""}
        names_follow = first.lower() == "last name"
    if header is None:
        raise InputError(
            "CareLink: no line starts with 'Index', 'Date', 'Time' and holds 'Sensor Glucose'; "
            "export the CSV again in English without editing it"
        )
    ledger.header(total - len(lines))
    return lines, frozenset(person)


def _header(cells: Sequence[str], before: Header | None) -> Header:
    names = [cell.strip().strip('"').lower() for cell in cells]
    index = {name: names.index(name) for name in ("date", "time")}
    for place, text in enumerate(names):
        for name, start in COLUMNS.items():
            if text.startswith(start):
                index.setdefault(name, place)
    if "raw-type" in names:
        raise InputError(
            "CareLink: this is the old layout with 'Raw-Type' columns, which is not read; export "
            "the period again from today's CareLink"
        )
    unit = glucose_unit(names[index["sensor"]].split("(")[1].split(")")[0])
    if before is not None and before.unit != unit:
        raise InputError("CareLink: one section is in mg/dL and one in mmol/L; export again")
    return Header(index, len(names), unit)
