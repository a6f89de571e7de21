"""D1NAMO: sensor and finger-stick glucose in mmol/L, insulin in a second file beside it.

Columns and unit are those of Dubosson 2018 (doi:10.1016/j.imu.2018.09.003).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import clock
from .files import Source
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .table import Table, amount, local_times, read_table, reading, zone_notes

GLUCOSE_COLUMNS = ("date", "time", "glucose", "type")
INSULIN_COLUMNS = ("date", "time", "fast_insulin", "slow_insulin")
KINDS = {"cgm": "glucose", "manual": "finger stick"}
DOSES = {"fast_insulin": "bolus", "slow_insulin": "long-acting insulin"}


def looks_like_d1namo(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of D1NAMO's glucose."""
    return set(GLUCOSE_COLUMNS) <= {cell.strip() for cell in header}


def looks_like_d1namo_insulin(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of D1NAMO's insulin."""
    return set(INSULIN_COLUMNS) <= {cell.strip() for cell in header}


def read_d1namo(
    source: Source, insulin: Source | None = None, timezone: str | None = None
) -> RawRecord:
    """Read one person's glucose and, where it lies beside, insulin.

    Parameters
    ----------
    source, insulin : Source
    timezone : str, optional
        The tables name none; UTC where this is not given.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When a column is missing.
    """
    ledger = Ledger()
    zone_name = clock.canonical_zone(timezone or "UTC")
    table = read_table(source, GLUCOSE_COLUMNS, "D1NAMO", ledger)
    readings: dict[str, list[Reading]] = {kind: [] for kind in KINDS.values()}
    for where, row, time in _timed(table, zone_name, ledger):
        kind = KINDS.get(table.cell(row, "type").lower())
        if kind is None:
            ledger.see("row")
            ledger.drop("row", "neither cgm nor manual", where)
            continue
        found = reading(table.cell(row, "glucose"), time, kind, where, ledger)
        if found is not None:
            readings[kind].append(found)
    boluses, slow = _doses(insulin, zone_name, ledger)
    return RawRecord(
        source_format="d1namo",
        timezone=zone_name,
        glucose_unit="mmol/L",
        glucose=readings["glucose"],
        boluses=boluses,
        long_acting=slow,
        ledger=ledger,
        notes=zone_notes("the table", timezone),
        fingers=readings["finger stick"],
    )


def _timed(
    table: Table, zone_name: str, ledger: Ledger
) -> Iterator[tuple[str, list[str], float | None]]:
    """Yield place, cells and time of each row, begun in the ledger."""
    texts = [f"{table.cell(row, 'date')} {table.cell(row, 'time')}" for _, row in table.rows]
    times = local_times(texts, zone_name)
    told = {f"line {number}": time for (number, _), time in zip(table.rows, times, strict=True)}
    for where, row in table.whole(ledger):
        yield where, row, told[where]


def _doses(
    source: Source | None, zone_name: str, ledger: Ledger
) -> tuple[list[Event], list[Event]]:
    """Return fast and slow insulin."""
    found: dict[str, list[Event]] = {name: [] for name in DOSES}
    if source is not None:
        table = read_table(source, INSULIN_COLUMNS, "D1NAMO insulin", ledger)
        for where, row, time in _timed(table, zone_name, ledger):
            for name, kind in DOSES.items():
                units = amount(table.cell(row, name), kind, where, ledger)
                if units is not None and time is None:
                    ledger.drop(kind, "no readable time", where)
                elif units is not None and time is not None:
                    found[name].append(Event(time, units))
    return found["fast_insulin"], found["slow_insulin"]
