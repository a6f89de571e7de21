"""Apple Health exports into a timeline of glucose, or a record of blood pressure."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..physiology.errors import InputError
from ..physiology.units import mmol_l_to_mg_dl
from . import clock
from .activity import Sample
from .apple_rows import Found, take
from .apple_sources import Seen, one_of_each
from .apple_stream import elements, opened
from .chart import Person, PressureRecord
from .delivery import Delivery, TempRate
from .pressure_raw import Reading as PressureReading
from .pressure_raw import labs_of, pressures_of
from .raw import Event, RawRecord, Reading
from .series import TherapySettings
from .values import GlucoseUnit

FORMAT = "apple_health"
_COPY = "a copy by another app or device"


def scan(path: Path) -> tuple[Found, str]:
    """Return what an export holds, and the hash of its XML.

    Raises
    ------
    InputError
        When it breaks off, is malformed, too large or hostile.
    """
    found = Found()
    with opened(path) as stream:
        for element in elements(stream):
            take(element, found)
        found.ledger.end_rows()
        while stream.read():  # to the end, so that the hash is that of the whole file
            pass
        return found, stream.sha256


def kind_of(found: Found) -> str:
    """Return ``glucose`` or ``pressure``: what an export holds more of to be read."""
    return "pressure" if found.halves and not found.values.get("glucose") else "glucose"


def raw_of(found: Found, timezone: str | None, unit: GlucoseUnit | None) -> RawRecord:
    """Return the glucose side of an export as raw numbers.

    Raises
    ------
    InputError
        When there is no sensor glucose.
    """
    kept = _kept(found)
    if not kept["glucose"]:
        also = f" ({found.entered} entered by hand)" if found.entered else ""
        other = "; read_pressure reads its blood pressures" if found.halves else ""
        raise InputError(f"Apple Health: there is no sensor glucose{also}{other}")
    readings, glucose_unit = _glucose(kept["glucose"], unit)
    zone, notes = _zone(found, timezone)
    temps = [_rate(item) for item in kept["basal"]]
    last_s = max(item.time_s for item in readings)
    weights = sorted(kept["weight"])
    return RawRecord(
        source_format=FORMAT,
        timezone=zone,
        glucose_unit=glucose_unit,
        glucose=readings,
        boluses=[Event(item.start_s, item.amount) for item in kept["bolus"]],
        long_acting=[Event(item.start_s, item.amount) for item in kept["long-acting insulin"]],
        meals=[Event(item.start_s, item.amount) for item in kept["carbs"]],
        delivery=Delivery(temps=temps, logged=[(temp.start_s, temp.end_s) for temp in temps]),
        settings=TherapySettings(
            weight_kg=weights[-1].amount if weights else None, age_years=_age(found, last_s)
        ),
        ledger=found.ledger,
        notes=notes,
        activity={
            name: [Sample(item.start_s, item.end_s, item.amount) for item in kept[name]]
            for name in ("heart_rate", "steps", "sleep")
            if kept[name]
        },
    )


def pressure_of(found: Found, sha256: str, timezone: str | None, setting: str) -> PressureRecord:
    """Return the blood-pressure side of an export.

    Raises
    ------
    InputError
        When there is no blood pressure.
    """
    kept = _kept(found)
    readings = [
        PressureReading(item.start_s, item.amount, item.extra[0], np.nan, setting, 1.0)
        for item in kept["pressure"]
    ]
    if not readings:
        raise InputError("Apple Health: there is no blood pressure; read_record reads its glucose")
    pressures = pressures_of(readings, found.ledger)
    labs = labs_of(
        {
            name: [(item.start_s, item.amount) for item in kept[name]]
            for name in ("weight", "height")
            if kept[name]
        },
        found.ledger,
    )
    zone, notes = _zone(found, timezone)
    last_s = max(float(pressures.time_s[-1]), *(float(s.time_s[-1]) for s in labs.values()), 0.0)
    return PressureRecord(
        subject=f"P{sha256[:8]}",
        source_format=FORMAT,
        source_sha256=sha256,
        timezone=zone,
        person=Person(age_years=_age(found, last_s), female=found.female),
        readings=pressures,
        labs=labs,
        last_s=last_s,
        dropped=found.ledger.dropped(),
        accounts=found.ledger.accounts(),
        notes=notes,
        rows=found.ledger.rows(),
    )


def _kept(found: Found) -> dict[str, list[Seen]]:
    """Return the values of each kind without copies by lesser sources, which are accounted for."""
    found.values["pressure"] = _pressures(found)
    kinds = (
        "glucose", "bolus", "long-acting insulin", "basal", "carbs", "heart_rate", "steps",
        "sleep", "weight", "height", "pressure",
    )  # fmt: skip
    kept = {}
    for kind in kinds:
        kept[kind], copies = one_of_each(kind, found.values.get(kind, []))
        if copies:
            found.ledger.drop(kind, _COPY, clock.utc_text(min(copies).start_s), len(copies))
    return kept


def _pressures(found: Found) -> list[Seen]:
    """Join the halves of one moment and source."""
    whole = []
    for (time_s, source), values in sorted(found.halves.items()):
        found.ledger.see("pressure")
        where = clock.utc_text(time_s)
        if len(values) < 2:
            found.ledger.drop("pressure", "systolic or diastolic is missing", where)
        elif values["dbp"] >= values["sbp"]:
            found.ledger.drop("pressure", "diastolic is not below systolic", where)
        else:
            whole.append(Seen(time_s, time_s, values["sbp"], source, (values["dbp"],)))
    return whole


def _glucose(seen: list[Seen], unit: GlucoseUnit | None) -> tuple[list[Reading], GlucoseUnit]:
    """Return readings in one unit; an export may hold both, since each value has its own."""
    molar = {bool(item.extra[0]) for item in seen}
    if unit is not None or len(molar) == 1:
        declared: GlucoseUnit = unit or ("mmol/L" if molar == {True} else "mg/dL")
        return [Reading(item.start_s, item.amount) for item in seen], declared
    return [
        Reading(item.start_s, mmol_l_to_mg_dl(item.amount) if item.extra[0] else item.amount)
        for item in seen
    ], "mg/dL"


def _rate(item: Seen) -> TempRate:
    hours = (item.end_s - item.start_s) / 3600.0
    return TempRate(item.start_s, item.end_s, item.amount / hours)


def _age(found: Found, last_s: float) -> float | None:
    """Return whole years, so that no birth date can be worked out; above 89 as 90."""
    if found.born_s is None or last_s <= found.born_s:
        return None
    return min(clock.whole_years(found.born_s, last_s), 90.0)


def _zone(found: Found, timezone: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the zone asked for, else the one named most often, else the offset met most often."""
    if timezone:
        return clock.canonical_zone(timezone), ()
    for name, _ in sorted(found.zones.items(), key=lambda item: (-item[1], item[0])):
        try:
            return clock.canonical_zone(name), ()
        except InputError:
            continue
    offsets = sorted(found.offsets.items(), key=lambda item: (-item[1], item[0]))
    return clock.offset_name(offsets[0][0]) if offsets else "UTC", ()
