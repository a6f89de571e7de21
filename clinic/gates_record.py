"""Gates on the record: glucose, insulin and carbohydrate enough and fresh, age and weight."""

from __future__ import annotations

from typing import Final

from ..records.sufficiency import Sufficiency
from ..records.timeline import Timeline
from .checks import Check, judged, percent
from .habits import Habits
from .limits import LIMITS, GateLimits

LONGER: Final = "export a longer period"


def record_checks(
    record: Timeline, enough: Sufficiency, habits: Habits, limits: GateLimits = LIMITS
) -> list[Check]:
    """Return the checks on what a record holds.

    Parameters
    ----------
    record : Timeline
        Age and weight given by the caller already in its settings.
    enough : Sufficiency
        Of the same record.
    habits : Habits
    limits : GateLimits
    """
    return [
        _length(enough, limits),
        _wear(enough, limits),
        _basal(record, limits),
        _boluses(record),
        _meals(habits, limits),
        _fresh(record, limits),
        _person(record),
    ]


def _length(enough: Sufficiency, limits: GateLimits) -> Check:
    need = limits.glucose_days
    return judged(
        "glucose-length",
        "Days of glucose",
        enough.days >= need.value - 0.01,
        f"{enough.days:.1f} days",
        f"at least {need.value:g} days",
        LONGER,
        reason=need.reason,
    )


def _wear(enough: Sufficiency, limits: GateLimits) -> Check:
    need = limits.wear
    return judged(
        "glucose-wear",
        "Time the sensor was worn",
        enough.wear_fraction >= need.value,
        percent(enough.wear_fraction),
        f"at least {percent(need.value)}",
        "export a period in which the sensor was worn",
        reason=need.reason,
    )


def _basal(record: Timeline, limits: GateLimits) -> Check:
    need = limits.basal_logged
    title, limit = (
        "Basal insulin by pump",
        f"a delivery log for at least {percent(need.value)} of the time",
    )
    mend = "add the pump's delivery log of the whole period"
    basal = record.basal
    if basal is None or not (basal.u_per_h > 0.0).any():
        injected = len(record.long_acting)
        found = "no basal rate" + (f", {injected} injections of long-acting" if injected else "")
        mend = "this version doses by pump only; a record of injections gets no proposal"
        return judged("basal-known", title, False, found, limit, mend, reason=need.reason)
    start, end = record.glucose.time_s[0], record.glucose.time_s[-1]
    part = basal.between(float(start), float(end))
    length = part.end_s - part.start_s
    logged = float(length[~part.assumed].sum() / max(end - start, 1.0))
    found = f"a delivery log for {percent(logged)} of the time"
    return judged(
        "basal-known", title, logged >= need.value, found, limit, mend, reason=need.reason
    )


def _boluses(record: Timeline) -> Check:
    count = len(record.boluses)
    return judged(
        "boluses-known",
        "Boluses",
        count > 0,
        f"{count} boluses",
        "at least 1",
        "add the pump's or pen's doses",
        reason="project choice: a record without any is taken for incomplete",
    )


def _meals(habits: Habits, limits: GateLimits) -> Check:
    need = limits.meals_per_day
    return judged(
        "meals-logged",
        "Carbohydrate logged",
        habits.meals_a_day >= need.value,
        f"{habits.meals_a_day:.1f} meals a day",
        f"at least {need.value:g} a day",
        "log the grams of every meal for some days and export again",
        reason=need.reason,
    )


def _fresh(record: Timeline, limits: GateLimits) -> Check:
    need = limits.stale_min
    ends = [
        float(times[-1])
        for times in (record.boluses.time_s, record.meals.time_s, record.long_acting.time_s)
        if times.size
    ]
    last = float(record.glucose.time_s[-1])
    behind = max(0.0, (max(ends) - last) / 60.0) if ends else 0.0
    return judged(
        "glucose-recent",
        "Last reading before the record's end",
        behind <= need.value,
        f"{behind:.0f} min before the last dose or meal",
        f"at most {need.value:g} min",
        "export glucose and doses up to the same time",
        reason=need.reason,
    )


def _person(record: Timeline) -> Check:
    age, weight = record.settings.age_years, record.settings.weight_kg
    known = [
        *([] if age is None else [f"{age:g} years"]),
        *([] if weight is None else [f"{weight:g} kg"]),
    ]
    unknown = [
        *(["age"] if age is None else []),
        *(["body weight"] if weight is None else []),
    ]
    missing = [
        *(["--age-years"] if age is None else []),
        *(["--weight-kg"] if weight is None else []),
    ]
    return judged(
        "person-known",
        "Age and body weight",
        not missing,
        ", ".join([*known, *(f"{name} not stated" for name in unknown)]),
        "both stated",
        f"give {' and '.join(missing)}",
        reason="project choice: a certificate holds for age groups, doses go by body weight",
    )
