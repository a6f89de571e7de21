"""A timeline into DoseGym's plain CSV, whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from pathlib import Path

from .clock import utc_text
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
WORDS = {-1: "Low", 1: "High"}


def write_record(timeline: Timeline, path: str | Path) -> None:
    """Write a timeline as plain CSV that `read_record` reads back to equal columns.

    Parameters
    ----------
    timeline : Timeline
    path : path
        Replaced only when all is written.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".record-", suffix=".csv")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(record_text(timeline))
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


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
    writer = csv.DictWriter(out, [*usual, *rare], restval="", lineterminator="\n")
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
    return rows
