"""What the blood-pressure report shows of the record: readings, doses over time, laboratory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..records.chart import DAY_S, LAB_UNITS, Medication, PressureRecord
from ..records.drug_names import PRESSURE_CLASSES
from ..therapy.pressure_protocols import LIMITS
from .figures_pressure import Lane, Panel, Readings, lab_panel, readings_and_doses

if TYPE_CHECKING:
    from .pressure_recommendation import PressureRecommendation

LONGEST_SHOWN_DAYS: Final = 730.0
SHORTEST_SHOWN_DAYS: Final = 28.0
UNITS: Final = {name: unit.replace("m2", "m\u00b2") for name, unit in LAB_UNITS.items()}
LATEST_SHOWN: Final = 12
PANELS: Final = (
    ("potassium", "Potassium", (LIMITS.potassium_low, LIMITS.potassium_high), 1),
    ("sodium", "Sodium", (130.0,), 0),
    ("creatinine", "Creatinine", (), 2),
    ("egfr", "eGFR", (60.0,), 0),
)


def pressure_record_view(found: PressureRecommendation) -> dict[str, Any]:
    """Return everything the report shows of the record."""
    record = found.record
    span = _span(record)
    return {
        "subject": record.subject,
        "who": _who(record),
        "period": _period(record),
        "readings": len(record.readings),
        "figure": _figure(record, span),
        "settings": _settings(record),
        "latest": _latest(record),
        "drugs": [_drug(item) for item in _current(record)],
        "told": record.medications_told,
        "panels": _panels(record, span),
        "conditions": ", ".join(_conditions(record)) or "none of those that matter here",
        "format": record.source_format.replace("_", " "),
        "notes": list(record.notes),
        "accounts": [(row.kind, row.seen, row.kept) for row in record.accounts],
        "dropped": [(row.reason, row.count, row.example) for row in record.dropped],
    }


def _date(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%d %b %Y}"


def _who(record: PressureRecord) -> str:
    person = record.person
    sex = {True: "female", False: "male", None: "sex unknown"}[person.female]
    age = "age unknown" if person.age_years is None else f"{person.age_years:.0f} years"
    return f"{sex}, {age}"


def _period(record: PressureRecord) -> str:
    times = record.readings.time_s
    if not len(times):
        return "no readings"
    return f"{_date(float(times[0]))} to {_date(float(times[-1]))}"


def _span(record: PressureRecord) -> tuple[float, float]:
    """Return the time shown: two years at most, unless hardly any reading lies in them."""
    times = record.readings.time_s
    end = record.last_s
    if len(times):
        end = max(float(times[-1]), min(end, float(times[-1]) + 90.0 * DAY_S))
        recent = times[times >= end - LONGEST_SHOWN_DAYS * DAY_S]
        shown = recent if len(recent) >= 3 else times[-LATEST_SHOWN:]
        begin = min(float(shown[0]), end - SHORTEST_SHOWN_DAYS * DAY_S)
    else:
        begin = end - LONGEST_SHOWN_DAYS * DAY_S
    room = 0.03 * (end - begin)
    return begin - room, end + room


def _figure(record: PressureRecord, span: tuple[float, float]) -> str | None:
    inside = record.readings.take(record.readings.time_s >= span[0])
    if not len(inside):
        return None
    readings = Readings(inside.time_s, inside.sbp, inside.dbp, inside.setting == "home")
    return readings_and_doses(readings, _lanes(record, span), span)


def _lanes(record: PressureRecord, span: tuple[float, float]) -> list[Lane]:
    """Return one lane for each drug against pressure that the shown time touches."""
    spans: dict[str, list[tuple[float, float, str]]] = {}
    for item in record.medications:
        if item.drug_class not in PRESSURE_CLASSES:
            continue
        start = span[0] if item.start_s is None else max(item.start_s, span[0])
        taken = item.status in ("active", "unknown")
        end = item.end_s if item.end_s is not None else span[1] if taken else start
        end = min(end, span[1])
        if end > start:
            spans.setdefault(item.drug, []).append((start, end, _amount(item)))
    return [Lane(drug, _joined(parts)) for drug, parts in sorted(spans.items())]


def _joined(parts: list[tuple[float, float, str]]) -> tuple[tuple[float, float, str], ...]:
    """Return spans in order; one ends where the next begins, and equal ones run together."""
    found: list[tuple[float, float, str]] = []
    for start, end, words in sorted(parts):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], start, found[-1][2])
        if found and found[-1][2] == words and start - found[-1][1] < DAY_S:
            found[-1] = (found[-1][0], end, words)
        else:
            found.append((start, end, words))
    return tuple(found)


def _amount(item: Medication) -> str:
    return "dose unknown" if item.daily_mg is None else f"{item.daily_mg:g} mg"


def _settings(record: PressureRecord) -> list[dict[str, str]]:
    """Return mean, spread and number of readings of each setting, over the last three months."""
    readings = record.readings
    rows = []
    for setting in dict.fromkeys(readings.setting.tolist()):
        every = readings.take(readings.setting == setting)
        near = every.take(every.time_s >= every.time_s[-1] - 90.0 * DAY_S)
        count = np.nan_to_num(near.averaged, nan=1.0)
        mean = [float(np.average(v, weights=count)) for v in (near.sbp, near.dbp)]
        rows.append(
            {
                "setting": {"home": "at home", "office": "in the office"}.get(setting, setting),
                "mean": f"{mean[0]:.0f}/{mean[1]:.0f}",
                "range": f"{near.sbp.min():.0f}-{near.sbp.max():.0f}/"
                f"{near.dbp.min():.0f}-{near.dbp.max():.0f}",
                "readings": f"{count.sum():.0f}",
                "last": _date(float(near.time_s[-1])),
            }
        )
    return rows


def _latest(record: PressureRecord) -> list[dict[str, str]]:
    chart = record.chart()
    names = ("potassium", "sodium", "creatinine", "egfr", "heart_rate", "weight", "bmi")
    return [
        {
            "name": {"egfr": "eGFR", "bmi": "BMI"}.get(name, name.replace("_", " ").capitalize()),
            "value": f"{chart.latest[name]:.3g} {UNITS[name]}",
            "age": f"{chart.age_days[name]:.0f} days",
        }
        for name in names
        if name in chart.latest
    ]


def _current(record: PressureRecord) -> list[Medication]:
    return [d for d in record.chart().drugs if d.drug_class in PRESSURE_CLASSES]


def _drug(item: Medication) -> dict[str, str]:
    unknown = f"unknown: {item.why_unknown or 'the record does not say'}"
    strength = "" if item.strength_mg is None else f", tablets of {item.strength_mg:g} mg"
    return {
        "drug": item.drug,
        "dose": f"{item.daily_mg:g} mg a day" if item.daily_mg is not None else unknown + strength,
        "since": "-" if item.start_s is None else _date(item.start_s),
    }


def _conditions(record: PressureRecord) -> list[str]:
    return [k.replace("_", " ") for k, stands in record.chart().conditions.items() if stands]


def _panels(record: PressureRecord, span: tuple[float, float]) -> list[tuple[str, str]]:
    """Return (title, drawing) of each laboratory quantity with a result in the shown time."""
    found = []
    for name, title, limits, digits in PANELS:
        series = record.labs.get(name)
        if series is None:
            continue
        inside = (series.time_s >= span[0]) & (series.time_s <= span[1])
        if inside.any():
            panel = Panel(
                title,
                UNITS[name],
                series.time_s[inside],
                series.value[inside],
                limits,
                digits,
            )
            found.append((title, lab_panel(panel, span)))
    return found
