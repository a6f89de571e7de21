"""Elements of an Apple Health export into values with times, units and kinds.

Types, units and metadata keys are those of Apple's HealthKit documentation and of the document type
inside an export; how a given app fills them could not be verified for want of a free sample.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from . import clock
from .apple_sources import Seen
from .quality import Ledger
from .ucum import in_chart_unit
from .values import number_of

_Q, _C = "HKQuantityTypeIdentifier", "HKCategoryTypeIdentifier"
GLUCOSE, INSULIN, CARBS = f"{_Q}BloodGlucose", f"{_Q}InsulinDelivery", f"{_Q}DietaryCarbohydrates"
SYSTOLIC, DIASTOLIC = f"{_Q}BloodPressureSystolic", f"{_Q}BloodPressureDiastolic"
HEART, STEPS, SLEEP = f"{_Q}HeartRate", f"{_Q}StepCount", f"{_C}SleepAnalysis"
BODY: Final = {f"{_Q}BodyMass": "weight", f"{_Q}Height": "height"}
ABOUT: Final = frozenset({"Me", "ExportDate"})
"""Elements that tell of the person and the export, not of a moment."""
PRESSURE: Final = "HKCorrelationTypeIdentifierBloodPressure"
NAMES: Final = {
    GLUCOSE: "glucose", INSULIN: "insulin", CARBS: "carbs", SYSTOLIC: "pressure",
    DIASTOLIC: "pressure", HEART: "heart_rate", STEPS: "steps", SLEEP: "sleep", **BODY,
}  # fmt: skip
_MMOL = re.compile(r"mmol(?:<180\.15\d*>)?/L", re.IGNORECASE)
_SEX = {"HKBiologicalSexFemale": True, "HKBiologicalSexMale": False}
_MASS_UNITS = {
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "st": "[stone_av]",
}
LONG_BASAL_S: Final = 60.0
"""Basal insulin over less is an injection, over more a pump's delivery (project choice)."""


@dataclass
class Found:
    """What an export holds; the person's birth date is used for the age and then forgotten."""

    values: dict[str, list[Seen]] = field(default_factory=dict)
    halves: dict[tuple[float, str], dict[str, float]] = field(default_factory=dict)
    units: set[str] = field(default_factory=set)
    entered: int = 0
    zones: Counter[str] = field(default_factory=Counter)
    offsets: Counter[float] = field(default_factory=Counter)
    ledger: Ledger = field(default_factory=Ledger)
    born_s: float | None = None
    female: bool | None = None

    def add(self, kind: str, item: Seen) -> None:
        """Keep one value."""
        self.values.setdefault(kind, []).append(item)


def take(element: Any, found: Found) -> None:
    """Read one element below the root, which is one row of the account."""
    if element.tag in ABOUT:
        found.ledger.header()
    else:
        found.ledger.row()
    if element.tag == "Record":
        _record(element.attrib, _metadata(element), found)
    elif element.tag == "Correlation" and element.get("type") == PRESSURE:
        halves = [x for x in element.iter("Record") if x.get("type") in {SYSTOLIC, DIASTOLIC}]
        for inner in halves:
            _record(inner.attrib, {}, found)
        if not halves:
            _unused(found, "a pressure without values", "a Correlation")
    elif element.tag not in ABOUT:
        _unused(found, "of a kind that is not used", "an element")
    if element.tag == "Me":
        born = element.get("HKCharacteristicTypeIdentifierDateOfBirth", "")
        parsed = clock.parse_time(f"{born} 12:00:00Z")
        found.born_s = parsed[0] if parsed else None
        found.female = _SEX.get(element.get("HKCharacteristicTypeIdentifierBiologicalSex", ""))


def _unused(found: Found, why: str, example: str) -> None:
    """Account for an element of which nothing is read."""
    found.ledger.see("row")
    found.ledger.drop("row", why, example)


def _metadata(element: Any) -> Mapping[str, str]:
    return {inner.get("key", ""): inner.get("value", "") for inner in element.iter("MetadataEntry")}


def _record(row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    kind = NAMES.get(row.get("type", ""))
    if kind is None:
        _unused(found, "of a type that is not used", "a Record")
        return
    start = clock.parse_time(row.get("startDate", ""))
    end = clock.parse_time(row.get("endDate", "")) or start
    bad = start is None or start[1] is None or end is None or end[0] < start[0]
    if bad or start is None or end is None or not clock.plausible_time(start[0]):
        found.ledger.see(kind)
        found.ledger.drop(kind, "no readable time with an offset", "a Record")
        return
    if kind == "glucose":
        found.offsets[float(start[1] or 0.0)] += 1
        if zone := told.get("HKTimeZone", ""):
            found.zones[zone[:64]] += 1
    item = Seen(start[0], end[0], number_of(row.get("value")) or 0.0, row.get("sourceName", ""))
    _TAKERS[kind](item, row, told, found)


def _value(kind: str, item: Seen, row: Mapping[str, str], found: Found) -> bool:
    """Count a value and tell whether there is a number."""
    found.ledger.see(kind)
    if number_of(row.get("value")) is not None:
        return True
    found.ledger.drop(kind, "not a number", clock.utc_text(item.start_s))
    return False


def _glucose(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    if not _value("glucose", item, row, found):
        return
    unit = row.get("unit", "").strip()
    molar = bool(_MMOL.fullmatch(unit))
    if not molar and unit.lower() != "mg/dl":
        why = "the unit is neither mg/dL nor mmol/L"
        found.ledger.drop("glucose", why, clock.utc_text(item.start_s))
        return
    found.units.add("mmol/L" if molar else "mg/dL")
    if told.get("HKWasUserEntered") == "1":
        found.entered += 1
        why = "entered by hand, not a sensor reading"
        found.ledger.drop("glucose", why, clock.utc_text(item.start_s))
        return
    found.add("glucose", item._replace(extra=(float(molar),)))


def _insulin(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    reason = told.get("HKInsulinDeliveryReason", "").strip().lower()
    length = item.end_s - item.start_s
    if reason in {"2", "bolus"}:
        kind = "bolus"
    elif reason in {"1", "basal"}:
        kind = "basal" if length >= LONG_BASAL_S else "long-acting insulin"
    else:
        kind = "insulin"
    if not _value(kind, item, row, found):
        return
    where = clock.utc_text(item.start_s)
    if kind == "insulin":
        found.ledger.drop(kind, "neither basal nor bolus by the file", where)
    elif row.get("unit", "").strip().lower() not in {"iu", "u"}:
        found.ledger.drop(kind, "the unit is not IU", where)
    elif item.amount == 0 and kind != "basal":
        found.ledger.drop(kind, "amount is zero", where)
    else:
        found.add(kind, item)


def _carbs(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    if not _value("carbs", item, row, found):
        return
    if row.get("unit", "").strip().lower() != "g":
        found.ledger.drop("carbs", "the unit is not g", clock.utc_text(item.start_s))
    elif item.amount == 0:
        found.ledger.drop("carbs", "amount is zero", clock.utc_text(item.start_s))
    else:
        found.add("carbs", item)


def _wearable(kind: str, item: Seen, row: Mapping[str, str], found: Found) -> None:
    if not _value(kind, item, row, found):
        return
    units = {"heart_rate": {"count/min", "bpm"}, "steps": {"count"}}[kind]
    if row.get("unit", "").strip().lower() in units:
        found.add(kind, item)
    else:
        found.ledger.drop(kind, "the unit is not a count", clock.utc_text(item.start_s))


def _heart(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    _wearable("heart_rate", item, row, found)


def _steps(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    _wearable("steps", item, row, found)


def _sleep(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    found.ledger.see("sleep")
    word = row.get("value", "")
    if "Asleep" in word:
        found.add("sleep", item._replace(amount=1.0))
    elif word.endswith("Awake"):
        found.add("sleep", item._replace(amount=0.0))
    else:
        found.ledger.drop("sleep", "in bed, not asleep", clock.utc_text(item.start_s))


def _body(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    kind = BODY[row["type"]]
    if not _value(kind, item, row, found):
        return
    unit = row.get("unit", "").strip()
    value, why = in_chart_unit(kind, item.amount, _MASS_UNITS.get(unit.lower(), unit))
    if why:
        found.ledger.drop(kind, why, clock.utc_text(item.start_s))
    else:
        found.add(kind, item._replace(amount=value))


def _half(item: Seen, row: Mapping[str, str], told: Mapping[str, str], found: Found) -> None:
    """Keep one half of a pressure; the same half stands within a Correlation and beside it."""
    name = "sbp" if row["type"] == SYSTOLIC else "dbp"
    value, why = in_chart_unit(name, number_of(row.get("value")), row.get("unit", "").strip())
    key = (item.start_s, item.source)
    if why:
        found.ledger.see("pressure")
        found.ledger.drop("pressure", f"{name}: {why}", clock.utc_text(item.start_s))
        return
    halves = found.halves.setdefault(key, {})
    if name in halves and halves[name] != value:
        found.ledger.see("pressure")
        found.ledger.drop("pressure", "two values of one moment", clock.utc_text(item.start_s))
        return
    halves.setdefault(name, value)
    found.ledger.use()  # the pressure is counted when its halves are joined


_TAKERS = {
    "glucose": _glucose, "insulin": _insulin, "carbs": _carbs, "heart_rate": _heart,
    "steps": _steps, "sleep": _sleep, "weight": _body, "height": _body, "pressure": _half,
}  # fmt: skip
