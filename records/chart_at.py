"""A record read at one moment: newest values and their age, standing conditions, current drugs."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ..physiology.renal_function import ckd_epi_2021
from .chart import (
    CONDITIONS,
    DAY_S,
    LASTING,
    PREGNANCY_DAYS,
    Chart,
    Condition,
    Medication,
    PressureRecord,
)


def chart_at(record: PressureRecord, at_s: float) -> Chart:
    """Return what a record tells at a time; nothing later than it is used.

    Parameters
    ----------
    record : PressureRecord
    at_s : float, seconds since 1970 UTC

    Returns
    -------
    Chart
    """
    latest: dict[str, float] = {}
    age_days: dict[str, float] = {}
    for name, series in record.labs.items():
        known = int(np.searchsorted(series.time_s, at_s, side="right"))
        if known:
            latest[name] = float(series.value[known - 1])
            age_days[name] = float((at_s - series.time_s[known - 1]) / DAY_S)
    if "bmi" not in latest and {"weight", "height"} <= set(latest):
        latest["bmi"] = latest["weight"] / (latest["height"] / 100.0) ** 2
        age_days["bmi"] = age_days["weight"]
    _by_creatinine(record, latest, age_days)
    standing = {
        name: any(stands(item, at_s) for item in record.conditions if item.name == name)
        for name in CONDITIONS
    }
    return Chart(
        at_s=at_s,
        person=record.person,
        latest=latest,
        age_days=age_days,
        conditions=standing,
        drugs=current_drugs(record.medications, at_s),
        intolerances=record.intolerances,
    )


def _by_creatinine(
    record: PressureRecord, latest: dict[str, float], age_days: dict[str, float]
) -> None:
    """Put CKD-EPI 2021's eGFR in place of a reported one that is not newer than creatinine.

    Reports follow several equations; the chart, the model and the contraindications follow one.
    """
    age, female = record.person.age_years, record.person.female
    if "creatinine" not in latest or age is None or female is None:
        return
    if age_days.get("egfr", np.inf) < age_days["creatinine"] - 1.0:
        return
    latest["egfr"] = float(ckd_epi_2021(latest["creatinine"], age, float(female)))
    age_days["egfr"] = age_days["creatinine"]


def stands(condition: Condition, at_s: float) -> bool:
    """Tell whether a condition counts at a time."""
    start = condition.start_s
    if start is not None and start > at_s:
        return False
    if condition.name in LASTING:
        return True
    ended = condition.end_s is not None and condition.end_s <= at_s
    if not condition.active or ended:
        return False
    forgotten = start is not None and at_s - start > PREGNANCY_DAYS * DAY_S
    return not (condition.name == "pregnant" and forgotten)


def current_drugs(medications: tuple[Medication, ...], at_s: float) -> tuple[Medication, ...]:
    """Return the drugs taken at a time; of several prescriptions of one drug the latest."""
    chosen: dict[str, Medication] = {}
    for item in medications:
        if item.taken_at(at_s):
            before = chosen.get(item.drug)
            if before is None or (item.start_s or 0.0) >= (before.start_s or 0.0):
                chosen[item.drug] = item
    return tuple(chosen[name] for name in sorted(chosen))


def disputed_drugs(medications: tuple[Medication, ...], at_s: float) -> tuple[str, ...]:
    """Return the drugs of which active prescriptions tell different strengths or doses."""
    doses: dict[str, set[float]] = {}
    strengths: dict[str, set[float]] = {}
    for item in medications:
        if item.taken_at(at_s):
            if item.daily_mg is not None:
                doses.setdefault(item.drug, set()).add(item.daily_mg)
            elif item.strength_mg is not None:
                strengths.setdefault(item.drug, set()).add(item.strength_mg)
    told = (*doses.items(), *strengths.items())
    return tuple(sorted({name for name, values in told if len(values) > 1}))


RENEWAL_DAYS = 400.0
"""Ours: an equal prescription begun within this of the one before renews it (yearly renewals)."""


def last_change(
    medications: tuple[Medication, ...], at_s: float, classes: Collection[str]
) -> float | None:
    """Return when a drug of these classes was last begun, changed in dose or stopped.

    Parameters
    ----------
    medications : tuple of Medication
    at_s : float, seconds since 1970 UTC
        Later changes are not known yet.
    classes : collection of str

    Returns
    -------
    float or None, seconds since 1970 UTC
        None where no change is dated.
    """
    mine = [item for item in medications if item.drug_class in classes]
    current = current_drugs(tuple(mine), at_s)
    times = [_begun(item, mine) for item in current]
    taken = {item.drug for item in current}
    times += [item.end_s for item in mine if item.drug not in taken]
    return max((time for time in times if time is not None and time <= at_s), default=None)


def _begun(item: Medication, every: list[Medication]) -> float | None:
    """Return when the dose of a drug began: renewals of an equal prescription are no change."""
    begun = item.start_s
    if begun is None:
        return None
    alike = sorted(
        (other for other in every if other.drug == item.drug and other.start_s is not None),
        key=lambda other: other.start_s or 0.0,
        reverse=True,
    )
    for other in alike:
        start = other.start_s or 0.0
        if start > begun:
            continue
        same = (other.strength_mg, other.daily_mg) == (item.strength_mg, item.daily_mg)
        if not same or begun - start > RENEWAL_DAYS * DAY_S:
            break
        begun = start
    return begun
