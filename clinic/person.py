"""What a record may not state of its person: age and body weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..physiology.errors import InputError
from ..records.chart import PressureRecord
from ..records.limits import AGE, WEIGHT
from ..records.pressure_series import Labs
from ..records.timeline import Timeline

TOLERANCE = 0.02


def with_person(
    record: Timeline, weight_kg: float | None = None, age_years: float | None = None
) -> Timeline:
    """Return the record with age and weight where it does not state them.

    Raises
    ------
    InputError
        If a value is impossible or contradicts the record.
    """
    settings = record.settings
    if weight_kg is not None:
        _check("weight_kg", weight_kg, settings.weight_kg, WEIGHT.low, WEIGHT.high, "kg")
        settings = replace(settings, weight_kg=float(weight_kg))
    if age_years is not None:
        _check("age_years", age_years, settings.age_years, AGE.low, AGE.high, "years")
        settings = replace(settings, age_years=float(age_years))
    return replace(record, settings=settings)


def with_patient(
    record: PressureRecord, weight_kg: float | None = None, age_years: float | None = None
) -> PressureRecord:
    """Return a record of pressures with age and weight where it does not state them.

    Raises
    ------
    InputError
        If a value is impossible or contradicts the record.
    """
    if weight_kg is not None:
        stated = record.chart().latest.get("weight")
        _check("weight_kg", weight_kg, stated, WEIGHT.low, WEIGHT.high, "kg")
        now = Labs(np.array([record.last_s]), np.array([float(weight_kg)]))
        record = replace(record, labs={**record.labs, "weight": now})
    if age_years is not None:
        _check("age_years", age_years, record.person.age_years, AGE.low, AGE.high, "years")
        record = replace(record, person=replace(record.person, age_years=float(age_years)))
    return record


def _check(
    name: str, given: float, stated: float | None, low: float, high: float, unit: str
) -> None:
    if not low <= given <= high:
        raise InputError(f"{name} is {given:g} {unit}; give {low:g} to {high:g} {unit}")
    if stated is not None and abs(stated - given) > TOLERANCE * stated:
        raise InputError(
            f"{name} is {given:g} {unit} but the record states {stated:g} {unit}; leave it out"
        )
