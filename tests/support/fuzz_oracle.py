"""What is wrong with what came of a broken file: sums, units, labels, secrets, refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import reader_documents as days
from planting import EXAMPLE, leaks

from dosegym.records import PressureRecord, Timeline
from dosegym.records import limits as bounds
from dosegym.records.clean_glucose import MG_DL_PER_MMOL_L
from dosegym.records.files import Source, text_of

LONGEST_LINE = 600
LONGEST_QUOTE = 60
DOSE_LABELS: Mapping[str, tuple[str, Callable[[Timeline], Any], Sequence[float]]] = {
    "grams": ("carbs", lambda record: record.meals.carbs_g, tuple(days.MEALS.values())),
    "(u)": ("bolus", lambda record: record.boluses.units, tuple(days.BOLUSES.values())),
    "U/h": ("basal", lambda record: _rates(record), (days.RATE,)),
    "unitsPerHour": ("basal", lambda record: _rates(record), (days.RATE,)),
}
NEAR = 0.03  # of a ratio: what rounding to 0.1 mmol/L makes
LEAVE_IN_PLACE = frozenset(
    {"scaled_numbers", "other_unit", "decimal_commas", "other_labels", "nuls", "marks",
     "line_ends", "doubled", "shuffled", "thinned", "truncate", "quotes"}
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A valid record on disk: what to give the reader, which file to break, what it holds.

    Parameters
    ----------
    given, victim : path
    read : callable
    glucose : mapping of int to float
        mg/dL by the minute of the day; empty where the document tells no day.
    midnight_s : float
    text : str
        Of the victim, before it is broken.
    """

    given: Path
    victim: Path
    read: Callable[[Path], Any]
    glucose: Mapping[int, float] = field(default_factory=dict)
    midnight_s: float = days.MIDNIGHT
    text: str = ""


def fault_of_line(line: str, victim: Path) -> str:
    """Return what is wrong with a refusal: several lines, too long, or quoting the file."""
    if "\n" in line or "\r" in line or not line.isprintable():
        return f"the refusal is not one printable line: {line[:80]!r}"
    if len(line) > LONGEST_LINE:
        return f"the refusal has {len(line)} characters: {line[:80]!r}"
    raw = victim.read_bytes().decode("latin-1")
    for at in range(len(line) - LONGEST_QUOTE):
        if line[at : at + LONGEST_QUOTE] in raw:
            return f"the refusal quotes the file: {line[at : at + LONGEST_QUOTE]!r}"
    secrets = leaks(line, EXAMPLE)
    return f"the refusal tells a secret: {secrets[0]}" if secrets else ""


def fault_of_timeline(record: Timeline) -> str:
    """Return what is wrong with a timeline: a value out of bounds, or not held as kept."""
    columns = [
        ("glucose", record.glucose.mg_dl, bounds.GLUCOSE),
        ("finger", record.finger_sticks.mg_dl, bounds.GLUCOSE),
        ("bolus", record.boluses.units, bounds.BOLUS),
        ("long-acting", record.long_acting.units, bounds.LONG_ACTING),
        ("carbs", record.meals.carbs_g, bounds.CARBS),
    ]
    if record.basal is not None:  # an extended bolus flows on top of the basal rate
        ceiling = bounds.Limit(0.0, 2 * bounds.BASAL.high, "U/h", "sum of two")
        columns.append(("basal", record.basal.u_per_h, ceiling))
    for kind, values, limit in columns:
        if not limit.holds(values).all():
            return f"{kind} outside {limit}"
    if len(record.glucose) == 0:
        return "a timeline without glucose"
    return ""


def fault_of_held(record: Timeline, counted: bool = True) -> str:
    """Return which column does not hold as many values as were kept."""
    held = {
        "glucose": len(record.glucose), "bolus": len(record.boluses), "carbs": len(record.meals),
        "long-acting insulin": len(record.long_acting), "note": len(record.diary),
    }  # fmt: skip
    if record.glucose_source == "sensor":
        held["finger stick"] = len(record.finger_sticks)
    kept = {item.kind: item.kept for item in record.accounts}
    for kind, count in held.items() if counted else ():
        if kept.get(kind, 0) != count:
            return f"{kind}: {kept.get(kind, 0)} kept but {count} held"
    return ""


def _rates(record: Timeline) -> Any:
    return np.zeros(0) if record.basal is None else record.basal.u_per_h


def fault_of_unit(record: Timeline, document: Written, faults: Sequence[str]) -> str:
    """Return which reading was read in the other unit: eighteen times off what was measured then.

    Only faults that leave each value at its own time and column are judged.
    """
    if not set(faults) <= LEAVE_IN_PLACE:
        return ""
    for time_s, value in zip(record.glucose.time_s, record.glucose.mg_dl, strict=True):
        measured = document.glucose.get(round((time_s - document.midnight_s) / 60.0))
        if measured is None:
            continue
        for ratio in (value / measured, measured / value):
            if abs(ratio / MG_DL_PER_MMOL_L - 1.0) < NEAR:
                return f"glucose in a wrong unit: {value:.4g} for {measured:.4g} mg/dL"
    return ""


def fault_of_label(record: Timeline, document: Written, faults: Sequence[str]) -> str:
    """Return which doses were taken as they stand although only their unit's name was changed."""
    if tuple(faults) != ("other_labels",):
        return ""
    broken = text_of(Source(document.victim.name, document.victim.read_bytes()))
    for label, (kind, values, told) in DOSE_LABELS.items():
        if label in document.text and label not in broken:
            same = set(np.round(values(record), 6).tolist()) & set(told)
            if same:
                return f"{kind} read under another unit's name: {min(same)}"
    return ""


def fault_of_account(record: Any, counted: bool = True) -> str:
    """Return what does not add up: rows, or a kind of value that is not seen = kept + dropped.

    A Parquet file only repeats the account that its record had, which may be empty: not `counted`.
    """
    rows = record.rows
    if (counted and rows.total <= 0) or min(rows.header, rows.used, rows.dropped, rows.silent) < 0:
        return f"rows do not add up: {rows}"
    lost: dict[str, int] = {}
    for item in record.dropped:
        kind = item.reason.split(":")[0]
        lost[kind] = lost.get(kind, 0) + item.count
        if item.count <= 0 or len(item.example) > 80 or len(item.reason) > 160:
            return f"a loss is not told in short: {item.reason[:60]!r}"
    for item in record.accounts:
        if item.kept < 0 or item.seen != item.kept + lost.get(item.kind, 0):
            return f"{item.kind}: {item.seen} seen, {item.kept} kept, {lost.get(item.kind, 0)} lost"
    return ""


def fault_of_pressure(record: PressureRecord, counted: bool = True) -> str:
    """Return what is wrong with a record of pressures."""
    readings = record.readings
    plausible = (readings.sbp > readings.dbp) & (readings.sbp < 400) & (readings.dbp > 10)
    if not np.all(plausible):
        return "a pressure outside what a living adult has"
    kept = {item.kind: item.kept for item in record.accounts}
    if counted and kept.get("pressure", 0) != len(readings):
        return f"pressure: {kept.get('pressure', 0)} kept but {len(readings)} held"
    return ""
