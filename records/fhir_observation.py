"""FHIR Observations into pressures, labs and smoking."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import clock
from . import fhir_codes as fc
from . import fhir_json as fj
from .fhir_json import LOINC, SNOMED, Resource
from .pressure_raw import Gathered, Reading
from .quality import Ledger
from .ucum import in_chart_unit

Resolve = Callable[[str], Resource]

GOOD_STATUS = frozenset({"final", "amended", "corrected", "preliminary", ""})


def read_observation(
    resource: Resource, resolve: Resolve, gathered: Gathered, ledger: Ledger
) -> None:
    """Read one Observation into what was gathered.

    Parameters
    ----------
    resource : mapping
    resolve : callable
        From a reference to the resource it names, or an empty mapping.
    gathered : Gathered
    ledger : Ledger
        Told what was left out.
    """
    codes = set(fj.code_in(fj.part(resource, "code"), LOINC))
    kind = _kind(codes)
    if not kind:
        return
    ledger.see(kind)
    time = fj.effective(resource)
    if time is None:
        ledger.drop(kind, "no time", "an Observation")
        return
    where = clock.utc_text(time)
    if fj.word(resource, "status") not in GOOD_STATUS:
        ledger.drop(kind, "not a valid result (status)", where)
    elif kind in {"smoking", "pregnancy"}:
        _yes_or_no(resource, time, kind, gathered, ledger)
    elif kind != "pressure":
        _lab(resource, time, kind, gathered, ledger)
    elif codes & fc.OTHER_POSITION:
        ledger.drop(kind, "standing or lying, not seated", where)
    elif _encounter(resource, resolve) in fc.ACUTE_CARE:
        ledger.drop(kind, "taken in hospital or emergency care", where)
    else:
        setting = _setting(resource, codes, resolve)
        read = _panel if codes & fc.PANELS else _half
        read(resource, time, codes, setting, gathered, ledger)


def _kind(codes: set[str]) -> str:
    """Return what an Observation is of, empty where it is of nothing in the chart."""
    lab = next((fc.LAB_CODES[code] for code in sorted(codes) if code in fc.LAB_CODES), "")
    if lab:
        return lab
    if fc.SMOKING in codes:
        return "smoking"
    if fc.PREGNANCY in codes:
        return "pregnancy"
    pressure = fc.PANELS | fc.SYSTOLIC | fc.DIASTOLIC | fc.OTHER_POSITION
    return "pressure" if codes & pressure else ""


def _lab(resource: Resource, time: float, kind: str, gathered: Gathered, ledger: Ledger) -> None:
    quantity = fj.part(resource, "valueQuantity")
    value, why = in_chart_unit(kind, *fj.amount(quantity))
    if fj.comparator(quantity) and not why:
        why = "a bound, not a value"
    if why:
        ledger.drop(kind, why, clock.utc_text(time))
    else:
        gathered.labs.setdefault(kind, []).append((time, value))


def _yes_or_no(
    resource: Resource, time: float, kind: str, gathered: Gathered, ledger: Ledger
) -> None:
    codes = set(fj.code_in(fj.part(resource, "valueCodeableConcept"), SNOMED))
    yes, no = fc.ANSWERS[kind]
    if codes & (yes | no):
        answers = gathered.smoking if kind == "smoking" else gathered.pregnancy
        answers.append((time, bool(codes & yes)))
    else:
        ledger.drop(kind, "says neither yes nor no", clock.utc_text(time))


def _panel(
    resource: Resource,
    time: float,
    codes: set[str],
    setting: str,
    gathered: Gathered,
    ledger: Ledger,
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
    place = "ambulatory" if found & fc.OF_24_H else setting
    _keep(time, values, place, bool(found & fc.MEANS), gathered, ledger)


def _component(loinc: set[str], snomed: set[str]) -> str:
    if loinc & fc.SYSTOLIC:
        return "sbp"
    if loinc & fc.DIASTOLIC:
        return "dbp"
    if fc.HEART_RATE in loinc:
        return "heart_rate"
    return "count" if fc.NUMBER_OF_READINGS in snomed else ""


def _half(
    resource: Resource,
    time: float,
    codes: set[str],
    setting: str,
    gathered: Gathered,
    ledger: Ledger,
) -> None:
    """Keep one half of a pressure until its other half turns up."""
    name = "sbp" if codes & fc.SYSTOLIC else "dbp"
    value, why = in_chart_unit(name, *fj.amount(resource.get("valueQuantity")))
    if why:
        ledger.drop("pressure", f"{name}: {why}", clock.utc_text(time))
        return
    values = gathered.halves.setdefault((time, setting, str(bool(codes & fc.MEANS))), {})
    if name in values:
        ledger.drop("pressure", "two values of one moment", clock.utc_text(time))
        return
    values[name] = value
    if len(values) == 2:
        ledger.see("pressure", -1)  # two Observations, one reading
        ledger.use()
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


def _encounter(resource: Resource, resolve: Resolve) -> str:
    """Return the class of the encounter in which an Observation was made."""
    reference = fj.word(fj.part(resource, "encounter"), "reference")
    return fj.word(fj.part(resolve(reference), "class"), "code") if reference else ""


def _setting(resource: Resource, codes: set[str], resolve: Resolve) -> str:
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
    if _encounter(resource, resolve) in fc.HOME_CARE:
        return "home"
    if fj.part(resource, "encounter") or any(text.startswith("Pract") for text in performers):
        return "office"
    return ""
