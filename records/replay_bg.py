"""ReplayBG CSV: one table of glucose, insulin and meals in five-minute rows.

Rates are per minute over the row's interval: `cho` in g/min, `bolus` and `basal` in U/min,
glucose in mg/dL (Cappon et al. 2023, doi 10.1109/TBME.2023.3286856; py_replay_bg's data format).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .delivery import Delivery, TempRate
from .files import Source, csv_rows
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .series import TherapySettings
from .values import censoring_of, is_blank, number_of

COLUMNS = ("t", "glucose", "cho", "bolus", "basal")
INFO_COLUMNS = ("patient", "bw")
COLUMN_KINDS = {"glucose": "glucose", "cho": "carbs", "bolus": "bolus", "basal": "basal"}
LONGEST_STEP_S = 3600.0


@dataclass(frozen=True)
class Table:
    """The columns of a file; `rates` holds (start, kind, amount per minute)."""

    glucose: list[Reading] = field(default_factory=list)
    rates: list[tuple[float, str, float]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def looks_like_replay(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of a ReplayBG table."""
    return set(COLUMNS) <= {cell.strip() for cell in header}


def looks_like_info(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of ReplayBG's patient table."""
    return set(INFO_COLUMNS) <= {cell.strip() for cell in header}


def read_replay(source: Source, info: Source | None, timezone: str | None = None) -> RawRecord:
    """Read one ReplayBG table and, where it lies beside, the patient table.

    Parameters
    ----------
    source, info : Source
    timezone : str, optional
        The tables name none; UTC where this is not given.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When the table has no step, or a column is missing.
    """
    zone_name = clock.canonical_zone(timezone or "UTC")
    ledger = Ledger()
    table = _read_table(source, zone_name, ledger)
    step_s = _step(table.times)
    minutes = step_s / 60
    settings, notes = _settings(info)
    if timezone is None:
        notes.append(
            "Timezone: ReplayBG tables name none; the day is taken as written. Pass timezone=."
        )
    temps = [
        TempRate(time, time + step_s, rate * 60)
        for time, kind, rate in table.rates
        if kind == "basal"
    ]

    def events(wanted: str) -> list[Event]:
        return [Event(time, rate * minutes) for time, kind, rate in table.rates if kind == wanted]

    return RawRecord(
        source_format="replay_bg",
        timezone=zone_name,
        glucose_unit="mg/dL",
        glucose=table.glucose,
        boluses=events("bolus"),
        meals=events("carbs"),
        delivery=Delivery(temps=temps, logged=[(item.start_s, item.end_s) for item in temps]),
        settings=settings,
        ledger=ledger,
        notes=tuple(notes),
    )


def _read_table(source: Source, zone_name: str, ledger: Ledger) -> Table:
    lines = csv_rows(source)
    header = [cell.strip() for cell in next(lines, (0, []))[1]]
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InputError(
            f"ReplayBG: the column '{missing[0]}' is missing; the columns are {', '.join(COLUMNS)}"
        )
    ledger.header()
    place = {name: header.index(name) for name in COLUMNS}
    rows = [(number, row) for number, row in lines]
    texts = [row[place["t"]] if place["t"] < len(row) else "" for _, row in rows]
    parsed = [clock.parse_time(text) for text in texts]
    local = np.array([np.nan if item is None else item[0] for item in parsed])
    readable = np.isfinite(local)
    utc = np.full(local.size, np.nan)
    utc[readable] = clock.local_to_utc(local[readable], clock.zone_of(zone_name))
    table = Table()
    for (number, row), when, time in zip(rows, parsed, utc.tolist(), strict=True):
        ledger.row()
        ledger.see("row")
        if len(row) < max(place.values()) + 1:
            ledger.drop("row", "row cut short", f"line {number}")
        elif when is None:
            ledger.drop("row", "no readable time", f"line {number}")
        else:
            moment = time if when[1] is None else when[0]
            _take(row, moment, place, table, ledger)
    ledger.end_rows()
    return table


def _take(
    row: Sequence[str], time: float, place: dict[str, int], table: Table, ledger: Ledger
) -> None:
    """Read the cells of one row; zeros mean that nothing was given."""
    table.times.append(time)
    for name, kind in COLUMN_KINDS.items():
        cell = row[place[name]]
        value = number_of(cell)
        censored = censoring_of(cell) if kind == "glucose" else 0
        if (
            is_blank(cell)
            or cell.strip().lower() == "nan"
            or (value == 0 and name in ("cho", "bolus"))
        ):
            continue
        ledger.see(kind)
        if value is None and not censored:
            ledger.drop(kind, "not a number", clock.utc_text(time))
        elif kind == "glucose":
            table.glucose.append(Reading(time, float("nan") if value is None else value, censored))
        elif value is not None:
            table.rates.append((time, kind, value))


def _step(times: Sequence[float]) -> float:
    """Return the table's step, s."""
    gaps = np.diff(np.unique(times))
    step = float(np.median(gaps)) if gaps.size else float("nan")
    if not 0 < step <= LONGEST_STEP_S:
        raise InputError(
            f"ReplayBG: the step between rows is {step / 60:.3g} min, not between 0 and "
            f"{LONGEST_STEP_S / 60:g} min; rates per minute need equal steps"
        )
    return step


def _settings(info: Source | None) -> tuple[TherapySettings, list[str]]:
    """Read the body weight of a patient table that holds exactly one person."""
    if info is None:
        return TherapySettings(), []
    lines = csv_rows(info)
    header = [cell.strip() for cell in next(lines, (0, []))[1]]
    people = [row for _, row in lines]
    if len(people) != 1 or "bw" not in header or len(people[0]) <= header.index("bw"):
        return TherapySettings(), ["Weight: patient_info.csv does not hold exactly one person."]
    return TherapySettings(weight_kg=number_of(people[0][header.index("bw")])), []
