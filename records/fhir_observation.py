"""FHIR Observations into pressures, labs and smoking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from . import clock
from . import fhir_codes as fc
from . import fhir_json as fj
from .chart import LAB_UNITS
from .fhir_json import LOINC, SNOMED, Resource
from .pressure_series import Labs, Pressures
from .quality import Ledger
from .series import frozen_column
from .ucum import in_chart_unit

GOOD_STATUS = frozenset({"final", "amended", "corrected", "preliminary", ""})


class Reading(NamedTuple):
    """One blood pressure; NaN where its heart rate or number is not told."""

    time_s: float
    sbp: float
    dbp: float
    heart_rate: float
    setting: str
    averaged: float


@dataclass
class Gathered:
    """What was read so far; `told` counts the readings whose place the file tells."""

    readings: list[Reading] = field(default_factory=list)
    labs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    smoking: list[tuple[float, bool]] = field(default_factory=list)
    halves: dict[tuple[float, str, str], dict[str, float]] = field(default_factory=dict)
    placed: int = 0


def read_observation(resource: Resource, gathered: Gathered, ledger: Ledger) -> None:
    """Read one Observation into what was gathered."""
    codes = set(fj.code_in(fj.part(resource, "code"), LOINC))
    labs = [fc.LAB_CODES[code] for code in sorted(codes) if code in fc.LAB_CODES]
    is_panel, is_half = codes & fc.PANELS, codes & (fc.SYSTOLIC | fc.DIASTOLIC)
    if not (labs or is_panel or is_half or fc.SMOKING in codes or codes & fc.OTHER_POSITION):
        return
    kind = labs[0] if labs else ("smoking" if fc.SMOKING in codes else "pressure")
    ledger.see(kind)
    time = fj.effective(resource)
    if time is None:
        ledger.drop(kind, "no time", "an Observation")
        return
    if fj.word(resource, "status") not in GOOD_STATUS:
        ledger.drop(kind, "not a valid result (status)", clock.utc_text(time))
    elif kind == "smoking":
        _smoking(resource, time, gathered, ledger)
    elif labs:
        _lab(resource, time, kind, gathered, ledger)
    elif codes & fc.OTHER_POSITION:
        ledger.drop(kind, "standing or lying, not seated", clock.utc_text(time))
    elif is_panel:
        _panel(resource, time, codes, gathered, ledger)
    else:
        _half(resource, time, codes, gathered, ledger)


def _lab(resource: Resource, time: float, kind: str, gathered: Gathered, ledger: Ledger) -> None:
    quantity = fj.part(resource, "valueQuantity")
    value, why = in_chart_unit(kind, *fj.amount(quantity))
    if fj.comparator(quantity) and not why:
        why = "a bound, not a value"
    if why:
        ledger.drop(kind, why, clock.utc_text(time))
    else:
        gathered.labs.setdefault(kind, []).append((time, value))


def _smoking(resource: Resource, time: float, gathered: Gathered, ledger: Ledger) -> None:
    codes = set(fj.code_in(fj.part(resource, "valueCodeableConcept"), SNOMED))
    if codes & fc.SMOKERS:
        gathered.smoking.append((time, True))
    elif codes & fc.NON_SMOKERS:
        gathered.smoking.append((time, False))
    else:
        ledger.drop("smoking", "says neither yes nor no", clock.utc_text(time))


def _panel(
    resource: Resource, time: float, codes: set[str], gathered: Gathered, ledger: Ledger
) -> None:
    values: dict[str, float] = {}
    found: set[str] = set(codes)
    for row in fj.parts(resource, "component"):
        concept = fj.part(row, "code")
        loinc = set(fj.code_in(concept, LOINC))
        found |= loinc
        name = _component(loinc, set(fj.code_in(concept, SNOMED)))
        if name == "count":
            values["count"] = fj.amount(row.get("valueQuantity")).value or np.nan
        elif name:
            value, why = in_chart_unit(name, *fj.amount(row.get("valueQuantity")))
            if why and name != "heart_rate":
                ledger.drop("pressure", f"{name}: {why}", clock.utc_text(time))
                return
            if not why:
                values[name] = value
    if "sbp" not in values or "dbp" not in values:
        ledger.drop("pressure", "systolic or diastolic is missing", clock.utc_text(time))
        return
    _keep(time, values, _setting(resource, found), bool(found & fc.MEANS), gathered, ledger)


def _component(loinc: set[str], snomed: set[str]) -> str:
    if loinc & fc.SYSTOLIC:
        return "sbp"
    if loinc & fc.DIASTOLIC:
        return "dbp"
    if fc.HEART_RATE in loinc:
        return "heart_rate"
    return "count" if fc.NUMBER_OF_READINGS in snomed else ""


def _half(
    resource: Resource, time: float, codes: set[str], gathered: Gathered, ledger: Ledger
) -> None:
    """Keep one half of a pressure until its other half turns up."""
    name = "sbp" if codes & fc.SYSTOLIC else "dbp"
    value, why = in_chart_unit(name, *fj.amount(resource.get("valueQuantity")))
    if why:
        ledger.drop("pressure", f"{name}: {why}", clock.utc_text(time))
        return
    setting = _setting(resource, codes)
    values = gathered.halves.setdefault((time, setting, str(bool(codes & fc.MEANS))), {})
    if name in values:
        ledger.drop("pressure", "two values of one moment", clock.utc_text(time))
        return
    values[name] = value
    if len(values) == 2:
        ledger.see("pressure", -1)  # two Observations, one reading
        _keep(time, values, setting, bool(codes & fc.MEANS), gathered, ledger)


def _keep(
    time: float,
    values: dict[str, float],
    setting: str,
    mean: bool,
    gathered: Gathered,
    ledger: Ledger,
) -> None:
    if values["dbp"] >= values["sbp"]:
        ledger.drop("pressure", "diastolic is not below systolic", clock.utc_text(time))
        return
    gathered.placed += bool(setting)
    gathered.readings.append(
        Reading(
            time,
            values["sbp"],
            values["dbp"],
            values.get("heart_rate", np.nan),
            setting or "office",
            values.get("count", np.nan if mean else 1.0),
        )
    )


def _setting(resource: Resource, codes: set[str]) -> str:
    """Return where a pressure was measured, or an empty text where nothing tells."""
    if codes & fc.OF_24_H:
        return "ambulatory"
    concepts = [fj.part(row, "valueCodeableConcept") for row in fj.parts(resource, "extension")]
    concepts += [fj.part(resource, "method"), *fj.parts(resource, "category")]
    for concept in concepts:
        if fc.HOME_SETTING in fj.code_in(concept, SNOMED) or "home" in fj.wording(concept).lower():
            return "home"
    performers = [fj.word(row, "reference") for row in fj.parts(resource, "performer")]
    if any(text.startswith(("Patient/", "RelatedPerson/")) for text in performers):
        return "home"
    if fj.part(resource, "encounter") or any(text.startswith("Pract") for text in performers):
        return "office"
    return ""


def unpaired(gathered: Gathered, ledger: Ledger) -> None:
    """Drop the halves whose other half never came."""
    for (time, _, _), values in gathered.halves.items():
        if len(values) == 1:
            ledger.drop("pressure", "systolic or diastolic is missing", clock.utc_text(time))


def pressures_of(readings: list[Reading], ledger: Ledger) -> Pressures:
    """Return readings as sorted columns; exact copies are dropped."""
    unique = sorted(set(readings), key=lambda item: (item.time_s, item.sbp, item.dbp))
    kept: dict[tuple[float, float, float, str], Reading] = {}
    for item in unique:
        kept.setdefault((item.time_s, item.sbp, item.dbp, item.setting), item)
    if len(kept) < len(readings):
        first = clock.utc_text(readings[0].time_s)
        ledger.drop("pressure", "a copy of another", first, len(readings) - len(kept))
    rows = list(kept.values())
    return Pressures(
        time_s=np.array([item.time_s for item in rows], dtype=float),
        sbp=np.array([item.sbp for item in rows], dtype=float),
        dbp=np.array([item.dbp for item in rows], dtype=float),
        heart_rate=np.array([item.heart_rate for item in rows], dtype=float),
        setting=frozen_column([item.setting for item in rows], np.str_),
        averaged=np.array([item.averaged for item in rows], dtype=float),
    )


def labs_of(found: dict[str, list[tuple[float, float]]], ledger: Ledger) -> dict[str, Labs]:
    """Return the values of each quantity in the order of time; exact copies are dropped."""
    labs = {}
    for name in (name for name in LAB_UNITS if name in found):
        rows = sorted(set(found[name]))
        lost = len(found[name]) - len(rows)
        ledger.drop(name, "a copy of another", clock.utc_text(rows[0][0]), lost)
        labs[name] = Labs(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    return labs
