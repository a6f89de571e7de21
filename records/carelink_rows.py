"""One row of CareLink's sections into readings, events and basal rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .carelink_basal import BasalRows, add_rate, add_state, local_day_start
from .delivery import ExtraRate, TempRate
from .quality import Ledger
from .raw import Event, Reading
from .values import GlucoseUnit, censoring_of, number_of

COLUMNS = {
    "sensor": "sensor glucose (",
    "stick": "bg reading (",
    "basal": "basal rate (u/h)",
    "temp": "temp basal amount",
    "temp type": "temp basal type",
    "temp time": "temp basal duration (h:mm:ss)",
    "bolus": "bolus volume delivered (u)",
    "bolus order": "bolus volume selected (u)",
    "bolus time": "bolus duration (h:mm:ss)",
    "bolus time old": "programmed bolus duration (h:mm:ss)",
    "bolus source": "bolus source",
    "carbs": "bwz carb input (grams)",
    "exchanges": "bwz carb input (exchanges)",
    "suspend": "suspend",
    "marker": "event marker",
}
TAKEN = ("sensor", "bolus", "carbs", "basal", "temp", "suspend")
MICRO_BOLUS = "micro_bolus"
LARGEST_PERCENT = 500.0  # ours: above any pump's temporary rate

_MARKER = re.compile(r"(meal|insulin): *([\d.,]+) *(?:grams)?", re.IGNORECASE | re.ASCII)
_LENGTH = re.compile(r"(\d{1,3}):(\d{2}):(\d{2})", re.ASCII)


@dataclass(frozen=True)
class Header:
    """Where the columns of a section stand."""

    index: dict[str, int]
    width: int
    unit: GlucoseUnit

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return one cell, empty where the row or the section lacks it."""
        place = self.index.get(name)
        return row[place].strip() if place is not None and place < len(row) else ""


class Line(NamedTuple):
    """One row of data below its section's header."""

    where: str
    row: Sequence[str]
    header: Header
    is_day_total: bool

    def is_cut(self, name: str) -> bool:
        """Tell whether a cell ends a row that is too short, so that it may be half a number."""
        row = self.row
        return len(row) < self.header.width and self.header.index[name] == len(row) - 1


@dataclass
class Found:
    """What the rows hold, by use."""

    glucose: list[Reading] = field(default_factory=list)
    boluses: list[Event] = field(default_factory=list)
    meals: list[Event] = field(default_factory=list)
    basal: BasalRows = field(default_factory=BasalRows)


def take_line(line: Line, time: float | None, zone: str, found: Found, ledger: Ledger) -> None:
    """Read the cells of one row into `found`, or account for them in `ledger`.

    Parameters
    ----------
    line : Line
    time : float or None, seconds since 1970 UTC
    zone : str
        The name of the zone in which the pump's days run.
    found : Found
    ledger : Ledger
    """
    cell = line.header.cell
    if line.is_day_total:
        ledger.see("insulin")
        ledger.drop("insulin", "a day's automatic total, without times", line.where)
        if time is not None and (number_of(cell(line.row, "bolus")) or 0.0) > 0:
            found.basal.totals.add(local_day_start(time, zone))
        return
    told = [name for name in TAKEN if cell(line.row, name)]
    for name in told:
        kind = _kind(name, line)
        ledger.see(kind)
        if line.is_cut(name):
            ledger.drop(kind, "row cut short", line.where)
        elif time is None:
            ledger.drop(kind, "no readable time", line.where)
        else:
            _take_cell(name, line, time, found, ledger)
    if time is not None and MICRO_BOLUS in cell(line.row, "bolus source").lower():
        found.basal.micro.add(local_day_start(time, zone))
    if not told:
        _take_other(line, time, found, ledger)


def _kind(name: str, line: Line) -> str:
    """Return the kind of value under which a cell is accounted for."""
    if name == "bolus" and _bolus_length_s(line):
        return "extended bolus"
    return {"sensor": "glucose", "temp": "basal", "suspend": "suspension"}.get(name, name)


def _take_cell(name: str, line: Line, time: float, found: Found, ledger: Ledger) -> None:
    """Read one cell whose row is whole and dated."""
    text, kind = line.header.cell(line.row, name), _kind(name, line)
    value, censored = number_of(text), censoring_of(text) if name == "sensor" else 0
    if name == "suspend":
        add_state(found.basal, time, text, line.where, ledger)
    elif value is None and not censored:
        ledger.drop(kind, "not a number", line.where)
    elif name == "sensor":
        found.glucose.append(Reading(time, float("nan") if value is None else value, censored))
    elif value is None:
        return
    elif name == "carbs":
        found.meals.append(Event(time, value))
    elif name == "basal":
        add_rate(found.basal, time, value, line.where, ledger)
    elif name == "temp":
        _take_temp(line, time, value, found, ledger)
    elif length := _bolus_length_s(line):
        found.basal.extras.append(ExtraRate(time, time + length, value * 3600 / length))
    else:
        found.boluses.append(Event(time, value))


def _take_temp(line: Line, time: float, amount: float, found: Found, ledger: Ledger) -> None:
    """Read a temporary rate in U/h or in percent; one of no length ends the one before."""
    length = _seconds(line.header.cell(line.row, "temp time"))
    kind = line.header.cell(line.row, "temp type").lower()
    if length is None:
        ledger.drop("basal", "no readable duration", line.where)
    elif ("percent" in kind or "%" in kind) and not 0 <= amount <= LARGEST_PERCENT:
        ledger.drop("basal", f"outside 0 to {LARGEST_PERCENT:g} %", line.where)
    elif "percent" in kind or "%" in kind:
        found.basal.temps.append(TempRate(time, time + length, None, amount))
    elif "rate" in kind or "u/h" in kind or "insulin" in kind:
        found.basal.temps.append(TempRate(time, time + length, amount))
    else:
        ledger.drop("basal", "a temporary rate of a type that is not known", line.where)


def _take_other(line: Line, time: float | None, found: Found, ledger: Ledger) -> None:
    """Read a logbook entry, or say why the row holds nothing to read."""
    cell, where = line.header.cell, line.where
    marker = _MARKER.fullmatch(cell(line.row, "marker"))
    amount = number_of(marker[2]) if marker else None
    if marker and marker[1].lower() == "meal":
        ledger.see("carbs")
        if time is None or amount is None or line.is_cut("marker"):
            ledger.drop("carbs", "no readable time or amount", where)
        else:
            found.meals.append(Event(time, amount))
    elif marker:
        ledger.see("insulin")
        ledger.drop("insulin", "neither fast- nor long-acting", where)
    elif cell(line.row, "stick"):
        ledger.see("glucose")
        ledger.drop("glucose", "finger stick, not a sensor reading", where)
    elif cell(line.row, "exchanges"):
        ledger.see("carbs")
        ledger.drop("carbs", "in exchanges, whose grams the file does not say", where)
    else:
        ledger.see("row")
        order = bool(cell(line.row, "bolus order"))
        what = "a bolus ordered; its delivery is a row of its own" if order else "other"
        ledger.drop("row", f"no glucose, insulin or carbohydrate ({what})", where)


def _bolus_length_s(line: Line) -> float:
    """Return how long a bolus flows, s; 0 where it is given at once."""
    cell = line.header.cell
    return _seconds(cell(line.row, "bolus time") or cell(line.row, "bolus time old")) or 0.0


def _seconds(text: str) -> float | None:
    match = _LENGTH.fullmatch(text)
    return None if match is None else int(match[1]) * 3600.0 + int(match[2]) * 60 + int(match[3])
