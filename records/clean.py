"""Raw numbers of any reader into one clean timeline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..physiology.errors import InputError
from . import limits
from .activity import activities
from .clean_glucose import clean_glucose
from .clock import canonical_zone, plausible_time, utc_text
from .delivery import Delivery, Epoch, delivered_basal
from .diary import Diary
from .limits import Limit
from .quality import Ledger
from .raw import Event, Noted, RawRecord, Reading
from .series import (
    BasalIntervals,
    Boluses,
    DailySchedule,
    Floats,
    GlucoseSeries,
    Meals,
    TherapySettings,
)
from .timeline import Timeline
from .values import GlucoseUnit

SAME_EVENT_S = 1.0  # one dose sent by two uploaders: times agree but for the fraction of a second
NEAR_RECORD_S = 2 * 86400.0
LAST_SAMPLE_S = 300.0


def assemble(raw: RawRecord, sha256: str, unit: GlucoseUnit | None = None) -> Timeline:
    """Judge, sort and join what a reader found.

    Parameters
    ----------
    raw : RawRecord
    sha256 : str
        Of the source.
    unit : "mg/dL", "mmol/L" or None
        Overrules the unit that the file declares.

    Returns
    -------
    Timeline

    Raises
    ------
    InputError
        When the glucose values are of the other unit, mixed, or none is left.
    """
    ledger = Ledger()
    ledger.absorb(raw.ledger)
    readings = [_rounded(item) for item in raw.glucose if plausible_time(item.time_s)]
    _note_times(ledger, "glucose", [item.time_s for item in raw.glucose])
    by_finger = raw.glucose_source == "finger"
    device = limits.METER if by_finger else limits.SENSOR
    glucose = clean_glucose(readings, unit or raw.glucose_unit, ledger, device=device)
    fingers = glucose if by_finger else _fingers(raw, unit or raw.glucose_unit, ledger)
    near = (float(glucose.time_s[0]) - NEAR_RECORD_S, float(glucose.time_s[-1]) + NEAR_RECORD_S)
    boluses = _events(raw.boluses, "bolus", limits.BOLUS, near, ledger)
    long_acting = _events(raw.long_acting, "long-acting insulin", limits.LONG_ACTING, near, ledger)
    meals = _events(raw.meals, "carbs", limits.CARBS, near, ledger)
    activity = activities(raw.activity, near, ledger)
    delivery = _plausible_delivery(raw.delivery, ledger)
    settings = _plausible_settings(raw.settings, ledger)
    diary = _diary(raw.diary, near, ledger)
    told = np.concatenate([glucose.time_s, boluses[0], meals[0], long_acting[0]])
    basal = delivered_basal(delivery, *_basal_span(delivery, told, near))
    return Timeline(
        subject=raw.subject or f"record-{sha256[:8]}",
        source_format=raw.source_format,
        source_sha256=sha256,
        timezone=canonical_zone(raw.timezone),
        glucose=glucose,
        basal=basal,
        boluses=_injected(boluses),
        meals=Meals(*meals[:2]),
        settings=settings,
        dropped=ledger.dropped(),
        long_acting=_injected(long_acting),
        accounts=ledger.accounts(),
        notes=(*raw.notes, *_assumed_note(basal)),
        glucose_source=raw.glucose_source,
        finger_sticks=fingers,
        diary=diary,
        rows=ledger.rows(),
        activity=activity,
    )


def _fingers(raw: RawRecord, unit: GlucoseUnit, ledger: Ledger) -> GlucoseSeries:
    """Judge the finger sticks beside a sensor; none has to be left."""
    kind = "finger stick"
    if not raw.fingers:
        return GlucoseSeries(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int8))
    _note_times(ledger, kind, [item.time_s for item in raw.fingers])
    readings = [_rounded(item) for item in raw.fingers if plausible_time(item.time_s)]
    try:
        return clean_glucose(readings, unit, ledger, kind=kind, device=limits.METER)
    except InputError as error:
        lost = {item.reason: item.count for item in ledger.dropped()}
        before = sum(count for why, count in lost.items() if why.startswith(kind))
        ledger.drop(kind, "not usable", str(error)[:80], len(raw.fingers) - before)
        return GlucoseSeries(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int8))


def _diary(notes: Sequence[Noted], near: tuple[float, float], ledger: Ledger) -> Diary:
    """Return the notes near the glucose record in the order of time, each once."""
    kept = sorted({item for item in notes if near[0] <= item.time_s <= near[1]})
    far = sum(not near[0] <= item.time_s <= near[1] for item in notes)
    ledger.drop("note", "more than 2 days away from any glucose reading", "a note", far)
    twice = len(notes) - far - len(kept)
    ledger.drop("note", "duplicate (same time and words)", "a note", twice)
    return Diary(
        np.array([item.time_s for item in kept]), np.array([item.code for item in kept], np.int8)
    )


def _injected(columns: tuple[Floats, Floats, Floats]) -> Boluses:
    time, units, insulin = columns
    return Boluses(time, units, insulin.astype(np.int8))


def _rounded(item: Reading) -> Reading:
    """Keep milliseconds: all that any format writes, and what survives a round trip."""
    return item._replace(time_s=round(item.time_s, 3))


def _note_times(ledger: Ledger, kind: str, times: Sequence[float]) -> None:
    lost = [time for time in times if not plausible_time(time)]
    if lost:
        ledger.drop(kind, "time outside 1900 to 2200", f"{lost[0]:.6g} s since 1970", len(lost))


def _events(
    events: Sequence[Event], kind: str, limit: Limit, near: tuple[float, float], ledger: Ledger
) -> tuple[Floats, Floats, Floats]:
    """Return times, amounts and insulins: inside the limit, near the glucose, each event once."""
    seen: dict[tuple[float, int], float] = {}
    kept: list[Event] = []
    for event in sorted(events, key=lambda item: (item.amount, item.insulin, item.time_s)):
        why = _fault(event, limit, near, seen)
        if why is None:
            seen[event.amount, event.insulin] = event.time_s
            kept.append(event._replace(time_s=round(event.time_s, 3)))
        else:
            ledger.drop(kind, why, _event_text(event, limit))
    kept.sort()
    table = np.array(kept, dtype=float).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _fault(
    event: Event, limit: Limit, near: tuple[float, float], seen: dict[tuple[float, int], float]
) -> str | None:
    """Return why an event cannot stand, or None."""
    if not plausible_time(event.time_s):
        return "time outside 1900 to 2200"
    if event.amount == 0:
        return "amount is zero"
    if not limit.holds(event.amount):
        return f"outside {limit}"
    if not near[0] <= event.time_s <= near[1]:
        return "more than 2 days away from any glucose reading"
    if event.time_s - seen.get((event.amount, event.insulin), -math.inf) <= SAME_EVENT_S:
        return "duplicate (same time and amount)"
    return None


def _event_text(event: Event, limit: Limit) -> str:
    when = utc_text(event.time_s) if plausible_time(event.time_s) else "no time"
    return f"{when} {event.amount:.4g} {limit.unit}"


def _plausible_delivery(delivery: Delivery, ledger: Ledger) -> Delivery:
    """Drop rates that no pump delivers and schedules that hold one."""
    temps = [
        item for item in delivery.temps if _rate_stands("basal", item.u_per_h, item.start_s, ledger)
    ]
    extras = [
        item
        for item in delivery.extras
        if _rate_stands("extended bolus", item.u_per_h, item.start_s, ledger)
    ]
    epochs = [
        Epoch(item.start_s, _plausible_settings(item.settings, Ledger()), item.zone)
        for item in delivery.epochs
    ]
    return replace(delivery, temps=temps, extras=extras, epochs=epochs)


def _rate_stands(kind: str, u_per_h: float | None, start_s: float, ledger: Ledger) -> bool:
    if u_per_h is None or bool(limits.BASAL.holds(u_per_h)):
        return True
    ledger.drop(kind, f"outside {limits.BASAL}", f"{utc_text(start_s)} {u_per_h:.4g} U/h")
    return False


def _basal_span(delivery: Delivery, told: Floats, near: tuple[float, float]) -> tuple[float, float]:
    """Return from when to when basal is worked out.

    The log may start before the readings; an order that still runs counts to the end of the last
    sample, because what lies beyond is not yet delivered.
    """
    logged = np.array([end for window in delivery.logged for end in window], dtype=float)
    logged = logged[(logged >= near[0]) & (logged <= near[1])]
    everything = np.append(told, logged)
    last = float(told.max()) + LAST_SAMPLE_S
    return float(everything.min()), min(float(everything.max()), last)


def _plausible_settings(settings: TherapySettings, ledger: Ledger) -> TherapySettings:
    """Set each implausible setting to None and say so."""

    def schedule(name: str, value: DailySchedule | None, limit: Limit) -> DailySchedule | None:
        if value is None or bool(limit.holds(value.value).all()):
            return value
        worst = value.value[~limit.holds(value.value)][0]
        ledger.drop("settings", f"{name} outside {limit}", f"{worst:.4g} {limit.unit}")
        return None

    def number(name: str, value: float | None, limit: Limit) -> float | None:
        if value is None or bool(limit.holds(value)):
            return value
        ledger.drop("settings", f"{name} outside {limit}", f"{value:.4g} {limit.unit}")
        return None

    return TherapySettings(
        basal_u_per_h=schedule("basal rate", settings.basal_u_per_h, limits.BASAL),
        carb_ratio_g_per_u=schedule("carb ratio", settings.carb_ratio_g_per_u, limits.CARB_RATIO),
        correction_mg_dl_per_u=schedule(
            "correction factor", settings.correction_mg_dl_per_u, limits.CORRECTION
        ),
        target_mg_dl=schedule("target", settings.target_mg_dl, limits.TARGET),
        insulin_duration_h=number("insulin duration", settings.insulin_duration_h, limits.DURATION),
        weight_kg=number("weight", settings.weight_kg, limits.WEIGHT),
        age_years=number("age", settings.age_years, limits.AGE),
    )


def _assumed_note(basal: BasalIntervals | None) -> tuple[str, ...]:
    """Say for how long the schedule stands in for a missing delivery log."""
    if basal is None or not basal.assumed.any():
        return ()
    hours = (basal.end_s - basal.start_s) / 3600
    return (
        f"Basal: no delivery log covers {hours[basal.assumed].sum():.1f} of {hours.sum():.1f} h; "
        "the scheduled rates stand in.",
    )
