"""A record into DoseGym's plain CSV or Parquet, whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path

from ..physiology.errors import InputError
from .chart import PressureRecord
from .clock import utc_text
from .parquet import timeline_bytes
from .parquet_pressure import pressure_bytes
from .plain_csv import ACTIVITY_COLUMNS
from .plain_keys import NUMBER_KEYS, SCHEDULE_KEYS
from .series import INSULINS, DailySchedule
from .timeline import Timeline

COLUMNS: tuple[str, ...] = (
    "time",
    "glucose_mg_dl",
    "bolus_u",
    "long_acting_u",
    "carbs_g",
    "basal_u_per_h",
    "basal_end",
    "basal_logged",
)
# Written only where a record holds such values.
RARE = ("finger_mg_dl", "insulin", "note")
ACTIVITY = (*ACTIVITY_COLUMNS, "activity_end")
WORDS = {-1: "Low", 1: "High"}


def write_record(record: Timeline | PressureRecord, path: str | Path) -> None:
    """Write a record that `read_record`, or `read_pressure`, reads back to equal columns.

    Parameters
    ----------
    record : Timeline or PressureRecord
        A PressureRecord goes to Parquet only.
    path : path
        Replaced only when all is written. Ending in ``.parquet`` it becomes Parquet (extra
        ``parquet``), else plain CSV.

    Raises
    ------
    InputError
        When pyarrow is missing, or a PressureRecord is to become CSV.
    """
    target = Path(path)
    data = _bytes_of(record, target)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".record-", suffix=target.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _bytes_of(record: Timeline | PressureRecord, target: Path) -> bytes:
    packed = target.suffix.lower() == ".parquet"
    if isinstance(record, PressureRecord):
        if not packed:
            raise InputError(
                f"write: '{target}' is no Parquet file, the only form that holds a whole record of "
                "blood pressure; end its name in .parquet"
            )
        return pressure_bytes(record)
    return timeline_bytes(record) if packed else record_text(record).encode("utf-8")


def record_text(timeline: Timeline) -> str:
    """Return the plain CSV of a timeline."""
    out = io.StringIO()
    out.write("# DoseGym plain record, version 1\n")
    for key, value in _settings(timeline):
        out.write(f"# {key}: {value}\n")
    rows = _rows(timeline)
    rare = [name for name in RARE if any(name in row for _, row in rows)]
    by_finger = timeline.glucose_source == "finger"
    usual = [name for name in COLUMNS if not (by_finger and name == "glucose_mg_dl")]
    activity = ACTIVITY if timeline.activity else ()
    writer = csv.DictWriter(out, [*usual, *activity, *rare], restval="", lineterminator="\n")
    writer.writeheader()
    for _, row in sorted(rows, key=lambda item: item[0]):
        writer.writerow(row)
    return out.getvalue()


def _settings(timeline: Timeline) -> list[tuple[str, str]]:
    lines = [("subject", timeline.subject), ("timezone", timeline.timezone)]
    for key in (*NUMBER_KEYS, *SCHEDULE_KEYS):
        value = getattr(timeline.settings, key)
        if isinstance(value, DailySchedule):
            lines.append((key, _schedule(value)))
        elif value is not None:
            lines.append((key, _number(value)))
    return lines


def _schedule(schedule: DailySchedule) -> str:
    steps = zip(schedule.minute_of_day.tolist(), schedule.value.tolist(), strict=True)
    return ", ".join(f"{_clock(minute)}={_number(value)}" for minute, value in steps)


def _clock(minute: float) -> str:
    hours, rest = divmod(round(minute * 60), 3600)
    return f"{hours:02d}:{rest // 60:02d}" + (f":{rest % 60:02d}" if rest % 60 else "")


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _rows(timeline: Timeline) -> list[tuple[tuple[float, int], dict[str, str]]]:
    """Return one row per value, each with its place in the order of time."""
    rows: list[tuple[tuple[float, int], dict[str, str]]] = []

    def add(time_s: float, rank: int, cells: dict[str, str]) -> None:
        rows.append(((time_s, rank), {"time": utc_text(time_s), **cells}))

    basal = timeline.basal
    if basal is not None:
        for index in range(len(basal)):
            cells = {
                "basal_u_per_h": _number(basal.u_per_h[index]),
                "basal_end": utc_text(float(basal.end_s[index])),
                "basal_logged": "no" if basal.assumed[index] else "yes",
            }
            add(float(basal.start_s[index]), 0, cells)
    series = [("finger_mg_dl", timeline.finger_sticks)]
    if timeline.glucose_source == "sensor":
        series.append(("glucose_mg_dl", timeline.glucose))
    for column, glucose in series:
        for index in range(len(glucose)):
            word = WORDS.get(int(glucose.censored[index]), _number(glucose.mg_dl[index]))
            add(float(glucose.time_s[index]), 1, {column: word})
    for rank, (column, doses) in enumerate(
        (("bolus_u", timeline.boluses), ("long_acting_u", timeline.long_acting)), start=2
    ):
        for time, units, code in zip(
            doses.time_s.tolist(), doses.units.tolist(), doses.insulin.tolist(), strict=True
        ):
            named = {"insulin": INSULINS[code]} if code else {}
            add(time, rank, {column: _number(units), **named})
    for time, grams in zip(
        timeline.meals.time_s.tolist(), timeline.meals.carbs_g.tolist(), strict=True
    ):
        add(time, 4, {"carbs_g": _number(grams)})
    for time, words in zip(timeline.diary.time_s.tolist(), timeline.diary.words, strict=True):
        add(time, 5, {"note": words})
    for rank, (column, name) in enumerate(ACTIVITY_COLUMNS.items(), start=6):
        if name not in timeline.activity:
            continue
        channel = timeline.activity[name]
        samples = zip(channel.start_s, channel.end_s, channel.value, strict=True)
        for start, end, value in samples:
            ends = {"activity_end": utc_text(float(end))} if end > start else {}
            add(float(start), rank, {column: _number(value), **ends})
    return rows
