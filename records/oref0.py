"""oref0's folder: glucose, the pump's history, carbohydrate and the profile as JSON files.

The pump's history names a temporary rate and its duration in two items of one time; the profile's
sensitivity and targets carry their unit (oref0, lib/profile and lib/iob).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..physiology.errors import InputError
from ..physiology.units import mmol_l_to_mg_dl
from . import clock
from .delivery import Delivery, Epoch, TempRate
from .limits import ABSURD
from .nightscout import read_nightscout
from .quality import Ledger
from .raw import Event, RawRecord
from .series import MINUTES_PER_DAY, DailySchedule, TherapySettings
from .values import GlucoseUnit, glucose_unit, is_blank, number_of

PUMP_ITEMS = frozenset({"Bolus", "TempBasal", "TempBasalDuration", "PumpSuspend", "PumpResume"})
# The longest order that is believed; what follows ends it anyway (project choice).
LONGEST_MIN = 14 * 1440.0


def looks_like_history(rows: Sequence[object]) -> bool:
    """Tell whether a JSON list is a pump's history."""
    kinds = {str(row.get("_type")) for row in rows[:50] if isinstance(row, dict)}
    return bool(kinds & PUMP_ITEMS)


def looks_like_carbs(rows: Sequence[object]) -> bool:
    """Tell whether a JSON list is carbohydrate as oref0 hands it on."""
    first = [row for row in rows[:50] if isinstance(row, dict)]
    return bool(first) and all(
        {"carbs", "created_at"} <= set(row) and "eventType" not in row for row in first
    )


def looks_like_settings(document: Mapping[str, Any]) -> bool:
    """Tell whether a JSON object is a profile."""
    return {"isfProfile", "carb_ratios", "basalprofile"} <= set(document)


def read_oref0(
    glucose: Sequence[object],
    history: Sequence[object],
    carbs: Sequence[object],
    profile: Mapping[str, Any] | None,
    timezone: str | None = None,
    unit: GlucoseUnit | None = None,
) -> RawRecord:
    """Read one case.

    Parameters
    ----------
    glucose : sequence of JSON objects
        In Nightscout's form.
    history, carbs : sequence of JSON objects
    profile : JSON object or None
    timezone : str, optional
        Overrules the offset of the pump's clock.
    unit : "mg/dL" or "mmol/L", optional
        Of the glucose; mg/dL by definition.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When there is no glucose, or a unit is none.
    """
    if not glucose:
        raise InputError(
            "oref0: there is no glucose; give the folder that holds glucose.json beside "
            "pumphistory.json and profile.json"
        )
    read = read_nightscout(glucose, carbs, (), timezone, unit)
    ledger = read.ledger
    name = timezone or _offset(history)
    zone_name = read.timezone if name is None else clock.canonical_zone(name)
    boluses, temps = _history(history, ledger)
    settings = TherapySettings() if profile is None else _settings(profile)
    if profile is not None:
        ledger.header()
    zone = clock.zone_of(zone_name)
    spoken = [item.start_s for item in temps] + [item.time_s for item in boluses]
    ends = [item.end_s for item in temps] + spoken
    return replace(
        read,
        source_format="oref0",
        timezone=zone_name,
        boluses=[*read.boluses, *boluses],
        delivery=Delivery(
            epochs=[] if settings.basal_u_per_h is None
            else [Epoch(clock.EARLIEST_S, settings, zone)],
            temps=temps,
            logged=[(min(spoken), max(ends))] if temps else [],
        ),
        settings=settings,
        notes=() if name else read.notes,
    )  # fmt: skip


def _offset(history: Iterable[object]) -> str | None:
    """Return the offset of the pump's clock."""
    for row in history:
        parsed = (
            clock.parse_time(str(row.get("timestamp") or "")) if isinstance(row, dict) else None
        )
        if parsed is not None and parsed[1] is not None and abs(parsed[1]) <= 14 * 3600:
            return clock.offset_name(parsed[1])
    return None


def _history(rows: Sequence[object], ledger: Ledger) -> tuple[list[Event], list[TempRate]]:
    """Return boluses and temporary rates; a rate and its duration share a time."""
    lengths: dict[float, float] = {}
    for row in rows:
        time = _time(row)
        if isinstance(row, dict) and row.get("_type") == "TempBasalDuration" and time is not None:
            minutes = number_of(row.get("duration (min)"))
            if minutes is not None:
                lengths[time] = minutes
    boluses: list[Event] = []
    temps: list[TempRate] = []
    for number, row in enumerate(rows, start=1):
        ledger.row()
        _take(row, f"item {number}", lengths, boluses, temps, ledger)
    ledger.end_rows()
    return boluses, temps


def _take(
    row: object,
    where: str,
    lengths: Mapping[float, float],
    boluses: list[Event],
    temps: list[TempRate],
    ledger: Ledger,
) -> None:
    """Read one item or account for it."""
    kind = str(row.get("_type")) if isinstance(row, dict) else ""
    time = _time(row)
    if not isinstance(row, dict) or kind not in PUMP_ITEMS:
        ledger.see("row")
        ledger.drop("row", "an item that is no dose and no basal order", where)
    elif kind == "TempBasalDuration" and time is not None:
        ledger.use()
    elif time is None:
        ledger.see("row")
        ledger.drop("row", "no readable time", where)
    elif kind == "Bolus":
        units = number_of(row.get("amount"))
        ledger.see("bolus")
        if units is None:
            why = "no amount" if is_blank(row.get("amount")) else "not a number"
            ledger.drop("bolus", why, where)
        else:
            boluses.append(Event(time, units))
    elif kind.startswith("Pump"):
        ledger.see("basal")
        length = LONGEST_MIN if kind == "PumpSuspend" else 0.0
        temps.append(TempRate(time, time + length * 60.0, 0.0))
    else:
        _take_rate(row, time, lengths.get(time), where, temps, ledger)


def _take_rate(
    row: Mapping[str, Any],
    time: float,
    minutes: float | None,
    where: str,
    temps: list[TempRate],
    ledger: Ledger,
) -> None:
    ledger.see("basal")
    rate, of = number_of(row.get("rate")), str(row.get("temp") or "absolute").lower()
    if rate is None or minutes is None or not 0 <= minutes <= LONGEST_MIN:
        ledger.drop("basal", "temporary rate without a usable rate and duration", where)
    elif of == "percent":
        temps.append(TempRate(time, time + minutes * 60.0, None, rate))
    elif of == "absolute":
        temps.append(TempRate(time, time + minutes * 60.0, rate))
    else:
        ledger.drop("basal", "temporary rate neither absolute nor in percent", where)


def _time(row: object) -> float | None:
    """Return an item's time; the pump's clock without an offset is none."""
    parsed = clock.parse_time(str(row.get("timestamp") or "")) if isinstance(row, dict) else None
    if parsed is None or parsed[1] is None or not clock.plausible_time(parsed[0]):
        return None
    return parsed[0]


def _settings(profile: Mapping[str, Any]) -> TherapySettings:
    """Read the profile's schedules; sensitivity and targets become mg/dL."""
    factor = _schedule(_part(profile, "isfProfile", "sensitivities"), ("sensitivity",), "offset")
    target = _schedule(_part(profile, "bg_targets", "targets"), ("low", "high"), "offset")
    ratios = profile.get("carb_ratios")
    grams = isinstance(ratios, dict) and str(ratios.get("units") or "grams").lower() == "grams"
    ratio = _schedule(_part(profile, "carb_ratios", "schedule"), ("ratio",), "offset")
    return TherapySettings(
        basal_u_per_h=_schedule(profile.get("basalprofile"), ("rate",), "minutes"),
        carb_ratio_g_per_u=ratio if grams else None,
        correction_mg_dl_per_u=_in_mg_dl(factor, profile.get("isfProfile")),
        target_mg_dl=_in_mg_dl(target, profile.get("bg_targets")),
        insulin_duration_h=number_of(profile.get("dia")),
    )


def _part(profile: Mapping[str, Any], name: str, key: str) -> object:
    part = profile.get(name)
    return part.get(key) if isinstance(part, dict) else None


def _in_mg_dl(schedule: DailySchedule | None, part: object) -> DailySchedule | None:
    if schedule is None or not isinstance(part, dict):
        return None
    unit = glucose_unit(str(part.get("units") or part.get("user_preferred_units") or "mg/dL"))
    return schedule if unit == "mg/dL" else schedule.scaled(float(mmol_l_to_mg_dl(1.0)))


def _schedule(items: object, names: Sequence[str], at: str) -> DailySchedule | None:
    """Read ``[{minutes, value}, …]``; the mean of several named values."""
    steps: dict[float, float] = {}
    for item in items if isinstance(items, list) else ():
        minute = number_of(item.get(at)) if isinstance(item, dict) else None
        values = [number_of(item.get(name)) for name in names] if isinstance(item, dict) else []
        known = [value for value in values if value is not None]
        if minute is None or not 0 <= minute < MINUTES_PER_DAY or len(known) != len(names):
            return None
        steps[minute] = float(np.mean(np.clip(known, -ABSURD, ABSURD)))
    if not steps:
        return None
    minutes = sorted(steps)
    return DailySchedule(np.array(minutes), np.array([steps[minute] for minute in minutes]))
