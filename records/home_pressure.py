"""Home blood-pressure CSV of any maker: Omron, Withings, iBP, HealthPod, a person's own table.

Columns are found by their names, mmHg or kPa by the header or the argument. Notes are looked at
for where the pressure was taken and then forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .chart import LAB_UNITS, Person, PressureRecord
from .files import Source, combined_sha256, csv_rows, text_of
from .home_columns import Columns, begins_a_table, cell_of, find_columns, header_row, setting_of
from .home_keys import Keys, read_keys
from .local_time import DayOrder, carries_offset, day_order, local_seconds
from .pressure_raw import Reading, labs_of, pressures_of
from .quality import Ledger
from .ucum import LIMITS
from .values import is_blank, number_of

KPA_BELOW = 40.0
"""Systolic medians below are kPa (40 kPa is 300 mmHg), above mmHg (40 mmHg is not lived with)."""


def read_home_pressure(
    source: Source,
    *,
    timezone: str | None = None,
    unit: str | None = None,
    setting: str = "home",
    dates: DayOrder | None = None,
) -> PressureRecord:
    """Read a table of blood pressures taken at home.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        IANA name or fixed offset of the local times.
    unit : str, optional
        ``mmHg`` or ``kPa``, where the header does not say it.
    setting : {"home", "office", "ambulatory"}
        Of readings whose row does not tell where they were taken.
    dates : {"mdy", "dmy"}, optional
        Order of day and month where the file leaves it open.

    Returns
    -------
    PressureRecord

    Raises
    ------
    InputError
        When columns, units or dates are missing or ambiguous, in one line.
    """
    if dates not in {None, "dmy", "mdy"}:
        raise InputError(f"dates: {str(dates)[:20]!r} is unknown; use 'dmy' or 'mdy'")
    keys = read_keys([line for line in text_of(source).splitlines() if line.startswith("#")])
    rows = [(n, row) for n, row in csv_rows(source) if not row[0].lstrip("\ufeff ").startswith("#")]
    if not rows:
        raise InputError(f"home CSV: '{source.name}' holds no row; export it again")
    ledger = Ledger()
    ledger.header(sum(1 for _ in csv_rows(source)) - len(rows))
    above = header_row([row for _, row in rows])
    _leave_out(rows[:above], "a title or another table above the pressures", ledger)
    rows = rows[above:]
    columns = find_columns(rows[0][1], unit)
    ledger.header()
    notes: list[str] = []
    table = _table(rows, columns, ledger)
    zone, zone_note = _zone(timezone, keys)
    times, naive = _times(table, columns, zone, dates)
    readings = _readings(table, times, columns, setting, ledger)
    if naive and zone_note:
        notes.append(zone_note)
    if not readings:
        raise InputError(
            f"home CSV: none of the {len(table)} rows of '{source.name}' is a usable reading; "
            "check its columns and units"
        )
    return _record(source, keys, readings, zone, ledger, notes)


def _record(
    source: Source,
    keys: Keys,
    readings: list[Reading],
    zone: str,
    ledger: Ledger,
    notes: list[str],
) -> PressureRecord:
    pressures = pressures_of(readings, ledger)
    last_s = float(pressures.time_s[-1])
    found: dict[str, list[tuple[float, float]]] = {}
    for item in keys.values:
        body = item.name in {"weight", "height"}
        if item.time_s is None and not body:
            raise InputError(
                f"home CSV: the {item.name} ({item.value:g} {LAB_UNITS[item.name]}) has no date; "
                "write it as '4.3 @ 2026-01-31'"
            )
        ledger.see(item.name)
        found.setdefault(item.name, []).append((item.time_s or last_s, item.value))
    labs = labs_of(found, ledger)
    last_s = max([last_s, *(float(series.time_s[-1]) for series in labs.values())])
    sha256 = combined_sha256([source])
    age = keys.age_years
    return PressureRecord(
        subject=keys.subject or f"P{sha256[:8]}",
        source_format="home_csv",
        source_sha256=sha256,
        timezone=zone,
        person=Person(
            age_years=age if age is None or age < 90 else 90.0,
            female=keys.female,
            smoker=keys.smoker,
        ),
        readings=pressures,
        labs=labs,
        conditions=tuple(keys.conditions),
        medications=tuple(keys.medications),
        medications_told=keys.medications_told,
        last_s=last_s,
        dropped=ledger.dropped(),
        accounts=ledger.accounts(),
        notes=tuple(notes),
        rows=ledger.rows(),
    )


def _leave_out(rows: Sequence[tuple[int, list[str]]], why: str, ledger: Ledger) -> None:
    """Account for rows of which nothing is read."""
    for number, _ in rows:
        ledger.row()
        ledger.see("row")
        ledger.drop("row", why, f"line {number}")
    ledger.end_rows()


def _table(
    rows: Sequence[tuple[int, list[str]]], columns: Columns, ledger: Ledger
) -> list[tuple[int, list[str]]]:
    """Return the rows up to where another table (steps, weight) begins, header left out."""
    first = columns.place.get("moment", columns.place.get("date", 0))
    for index, (_, row) in enumerate(rows[1:], start=1):
        again = first < len(row) and begins_a_table(row[first])
        if again or (len(row) == 1 and len(rows[0][1]) > 2):
            _leave_out(rows[index:], "another table below the pressures", ledger)
            return list(rows[1:index])
    return list(rows[1:])


def _zone(timezone: str | None, keys: Keys) -> tuple[str, str]:
    if timezone is not None:
        return clock.canonical_zone(timezone), ""
    if keys.timezone:
        return clock.canonical_zone(keys.timezone), ""
    return "UTC", "Time zone: the file names none; its clock counts as UTC. Pass timezone= if not."


def _times(
    table: Sequence[tuple[int, list[str]]], columns: Columns, zone: str, dates: DayOrder | None
) -> tuple[list[float | None], bool]:
    """Return the UTC time of each row, None where there is none, and whether any was local."""
    place = columns.place
    days = [cell_of(row, place, "moment") or cell_of(row, place, "date") for _, row in table]
    clocks = [cell_of(row, place, "time") if "moment" not in place else "" for _, row in table]
    order = day_order(days, dates)
    times: list[float | None] = []
    naive = False
    for (_, row), day, at in zip(table, days, clocks, strict=True):
        parsed = clock.parse_time(day) if carries_offset(day) else None
        if parsed is not None:
            times.append(parsed[0])
            continue
        local = local_seconds(day, at, order)
        if local is None or not clock.plausible_time(local):
            times.append(None)
            continue
        own = cell_of(row, place, "zone")
        naive |= not own
        times.append(float(clock.local_to_utc([local], clock.zone_of(own or zone))[0]))
    return times, naive


def _readings(
    table: Sequence[tuple[int, list[str]]],
    times: Sequence[float | None],
    columns: Columns,
    setting: str,
    ledger: Ledger,
) -> list[Reading]:
    """Return the rows that are readings; the others are dropped by name."""
    place = columns.place
    factor = columns.factor or _guarded_factor(table, place)
    readings = []
    for (number, row), time in zip(table, times, strict=True):
        ledger.row()
        ledger.see("pressure")
        where = f"line {number}"
        sbp, dbp = (number_of(cell_of(row, place, name)) for name in ("sbp", "dbp"))
        if time is None:
            ledger.drop("pressure", "no time that can be read", where)
        elif sbp is None or dbp is None:
            ledger.drop("pressure", "systolic or diastolic is missing", where)
        elif not LIMITS["sbp"].holds(sbp * factor):
            ledger.drop("pressure", f"sbp: outside {LIMITS['sbp']}", where)
        elif not LIMITS["dbp"].holds(dbp * factor):
            ledger.drop("pressure", f"dbp: outside {LIMITS['dbp']}", where)
        elif dbp >= sbp:
            ledger.drop("pressure", "diastolic is not below systolic", where)
        else:
            pulse = _pulse(cell_of(row, place, "heart_rate"), where, ledger)
            at = setting_of(row, place) or setting
            readings.append(Reading(time, sbp * factor, dbp * factor, pulse, at, 1.0))
    ledger.end_rows()
    return readings


def _guarded_factor(table: Sequence[tuple[int, list[str]]], place: dict[str, int]) -> float:
    """Return 1 where the values are plainly mmHg; kPa without a word is refused."""
    values = [number_of(cell_of(row, place, "sbp")) for _, row in table]
    known = [min(value, KPA_BELOW * 10) for value in values if value is not None]
    if known and float(np.median(known)) < KPA_BELOW:
        raise InputError(
            f"home CSV: the median systolic value is {np.median(known):g}, which is no mmHg; pass "
            "unit='kPa' if it is kPa"
        )
    return 1.0


def _pulse(cell: str, where: str, ledger: Ledger) -> float:
    if is_blank(cell):
        return float("nan")
    value = number_of(cell)
    if value is not None and LIMITS["heart_rate"].holds(value):
        return value
    ledger.see("heart_rate")
    ledger.drop("heart_rate", f"outside {LIMITS['heart_rate']}", where)
    return float("nan")
