"""Loop issue report as JSON: a day of glucose, the settings and the last doses.

The layout is that of PyLoopKit's parsed reports: keys may carry leading blanks, numbers may be
text, and ``nil`` means nothing. Values are UTC; schedules run on the phone's offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..physiology.errors import InputError
from ..physiology.units import mmol_l_to_mg_dl
from . import clock
from .delivery import Delivery, Epoch, TempRate
from .limits import ABSURD
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .series import MINUTES_PER_DAY, DailySchedule, TherapySettings
from .values import GlucoseUnit, glucose_unit, number_of

MARKS = ("cached_glucose_samples", "basal_rate_schedule", "insulin_sensitivity_factor_schedule")
DOSE_LISTS = (
    "get_normalized_dose_entries",
    "get_normalized_pump_event_dose",
    "get_pump_event_values",
    "cached_dose_entries",
)
BASAL_TYPES = frozenset({"basal", "tempbasal", "suspend"})


def looks_like_loop(document: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a parsed Loop report."""
    return sum(mark in document for mark in MARKS) >= 2


def read_loop_report(document: object, timezone: str | None = None) -> RawRecord:
    """Read one report.

    Parameters
    ----------
    document : JSON object
    timezone : str, optional
        Overrules the offset that the report states.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When the report holds no glucose samples.
    """
    report = _trimmed(document)
    samples = report.get("cached_glucose_samples") if isinstance(report, dict) else None
    if not isinstance(report, dict) or not isinstance(samples, list) or not samples:
        raise InputError(
            "Loop report: 'cached_glucose_samples' holds no reading; issue the report again after "
            "the sensor has run"
        )
    ledger = Ledger()
    name, notes = _zone(report, timezone)
    unit = _samples_unit(samples)
    glucose = list(_glucose(samples, ledger))
    doses = [dose for key in DOSE_LISTS for dose in _objects(report.get(key), ledger)]
    last = report.get("last_temp_basal")
    doses += [last] if isinstance(last, dict) else []
    boluses, temps = _doses(doses, ledger)
    settings = _settings(report)
    times = [item.start_s for item in temps] + [item.time_s for item in boluses]
    ends = times + [item.end_s for item in temps]
    logged = [(min(times), max(ends))] if times else []
    return RawRecord(
        source_format="loop_report",
        timezone=name,
        glucose_unit=unit,
        glucose=glucose,
        boluses=boluses,
        meals=_carbs(report, ledger),
        delivery=Delivery(
            epochs=[Epoch(clock.EARLIEST_S, settings, clock.zone_of(name))],
            temps=temps,
            logged=logged,
        ),
        settings=settings,
        ledger=ledger,
        notes=tuple(notes),
    )


def _trimmed(value: object) -> object:
    """Strip the blanks and quotes that the report's text form leaves around keys and words."""
    if isinstance(value, dict):
        return {str(key).strip(): _trimmed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    if isinstance(value, str):
        text = value.strip().strip('"').strip()
        return None if text.lower() in {"nil", ""} else text
    return value


def _objects(value: object, ledger: Ledger) -> list[Mapping[str, Any]]:
    """Return the objects of a list; anything else in it is counted."""
    items = value if isinstance(value, list) else []
    for number, item in enumerate(items, start=1):
        if not isinstance(item, dict):
            ledger.row()
            ledger.see("row")
            ledger.drop("row", "not a JSON object", f"item {number}")
    return [item for item in items if isinstance(item, dict)]


def _time(row: Mapping[str, Any], key: str) -> float | None:
    parsed = clock.parse_time(str(row.get(key) or ""))
    return None if parsed is None or not clock.plausible_time(parsed[0]) else parsed[0]


def _zone(report: Mapping[str, Any], timezone: str | None) -> tuple[str, list[str]]:
    if timezone:
        return clock.canonical_zone(timezone), []
    for key in ("basal_rate_timeZone", "carb_ratio_timeZone"):
        offset = number_of(report.get(key))
        if offset is not None and abs(offset) <= 14 * 3600:
            return clock.offset_name(offset), []
    return "UTC", ["Timezone: the report states none; the day is taken in UTC. Pass timezone=."]


def _samples_unit(samples: Iterable[object]) -> GlucoseUnit:
    """Return the unit that the samples share."""
    units: set[GlucoseUnit] = {
        glucose_unit(str(item.get("quantity_units") or "mg/dL"))
        for item in samples
        if isinstance(item, dict)
    }
    if len(units) > 1:
        raise InputError(
            "Loop report: glucose samples are in mg/dL and mmol/L; bring them to one unit"
        )
    return units.pop() if units else "mg/dL"


def _glucose(samples: Iterable[object], ledger: Ledger) -> Iterable[Reading]:
    for number, item in enumerate(samples, start=1):
        ledger.row()
        ledger.see("glucose")
        time = _time(item, "startDate") if isinstance(item, dict) else None
        value = number_of(item.get("quantity")) if isinstance(item, dict) else None
        if time is None:
            ledger.drop("glucose", "no readable time", f"sample {number}")
        elif value is None:
            ledger.drop("glucose", "not a number", f"sample {number}")
        else:
            yield Reading(time, value)


def _carbs(report: Mapping[str, Any], ledger: Ledger) -> list[Event]:
    found: list[Event] = []
    for number, item in enumerate(_objects(report.get("cached_carb_entries"), ledger), start=1):
        ledger.row()
        ledger.see("carbs")
        time, grams = _time(item, "startDate"), number_of(item.get("quantity"))
        if time is None or grams is None or str(item.get("quantity_units") or "g") != "g":
            ledger.drop("carbs", "no readable time or amount in g", f"entry {number}")
        else:
            found.append(Event(time, grams))
    return found


def _doses(
    doses: Iterable[Mapping[str, Any]], ledger: Ledger
) -> tuple[list[Event], list[TempRate]]:
    """Sort doses into boluses and basal orders; one dose listed twice counts once."""
    boluses: list[Event] = []
    temps: list[TempRate] = []
    for number, item in enumerate(doses, start=1):
        kind = str(item.get("type") or "").rsplit(".", 1)[-1].lower()
        start, end = _time(item, "startDate"), _time(item, "endDate")
        value, unit = number_of(item.get("value")), str(item.get("unit") or "").lower()
        where = f"dose {number}"
        ledger.row()
        if kind == "bolus":
            ledger.see("bolus")
            if start is None or value is None:
                ledger.drop("bolus", "no readable time or amount", where)
            else:
                boluses.append(Event(start, value))
        elif kind in BASAL_TYPES:
            ledger.see("basal")
            if start is None or end is None or end <= start:
                ledger.drop("basal", "no readable start and end", where)
            elif kind == "suspend":
                temps.append(TempRate(start, end, 0.0))
            elif value is None:
                ledger.drop("basal", "no rate", where)
            else:
                per_hour = unit.endswith("unitsperhour")
                rate = value if per_hour else value * 3600 / (end - start)
                temps.append(TempRate(start, end, rate))
        else:
            ledger.see("row")
            ledger.drop("row", "a dose that is neither bolus nor basal", where)
    return boluses, temps


def _settings(report: Mapping[str, Any]) -> TherapySettings:
    molar = str(report.get("insulin_sensitivity_factor_unit") or "").lower().startswith("mmol")
    scale = float(mmol_l_to_mg_dl(1.0)) if molar else 1.0
    factor = _schedule(report.get("insulin_sensitivity_factor_schedule"))
    target = _schedule(report.get("correction_range_schedule"))
    seconds = number_of(report.get("insulin_action_duration"))
    return TherapySettings(
        basal_u_per_h=_schedule(report.get("basal_rate_schedule")),
        carb_ratio_g_per_u=_schedule(report.get("carb_ratio_schedule")),
        correction_mg_dl_per_u=None if factor is None else factor.scaled(scale),
        target_mg_dl=None if target is None else target.scaled(scale),
        insulin_duration_h=None if seconds is None else seconds / 3600,
    )


def _schedule(items: object) -> DailySchedule | None:
    """Read ``[{"startTime": seconds, "value": number or [low, high]}, …]``."""
    steps: dict[float, float] = {}
    for item in _objects(items, Ledger()):
        seconds, value = number_of(item.get("startTime")), item.get("value")
        bounds = value if isinstance(value, list) else [value]
        numbers = [number for number in map(number_of, bounds) if number is not None]
        if seconds is None or len(numbers) != len(bounds) or not numbers:
            return None
        if 0 <= seconds < MINUTES_PER_DAY * 60:
            steps[seconds / 60] = float(np.mean(np.clip(numbers, -ABSURD, ABSURD)))
    if not steps:
        return None
    minutes = sorted(steps)
    return DailySchedule(np.array(minutes), np.array([steps[minute] for minute in minutes]))
