"""Glucose and insulin out of FHIR R4 into raw numbers: sensor readings, pens and pumps.

Sensor readings are Observations of LOINC 99504-3 (mg/dL) or 105272-9 (mmol/L), as in
hl7.fhir.uv.cgm 1.0.0. Insulin is a MedicationAdministration that was given, in units.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ..physiology.errors import InputError
from ..physiology.units import mmol_l_to_mg_dl
from . import clock
from . import fhir_json as fj
from .clean import assemble
from .consent import permit_resources
from .delivery import Delivery, TempRate
from .fhir_bundle import Pool, gather, is_fhir, one_patient, own_resources
from .fhir_json import LOINC, Resource
from .fhir_observation import GOOD_STATUS
from .files import SUFFIXES, combined_sha256, is_json, json_of, load
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .timeline import Timeline
from .values import GlucoseUnit

SENSOR: Final = frozenset({"99504-3", "105272-9"})
POINTS: Final = frozenset({"2339-0", "2345-7", "41653-7", "32016-8", "15074-8", "14749-6"})
"""Blood, serum, capillary by meter, capillary; blood and serum in mmol/L."""
CARBS: Final = "9059-7"
"""Carbohydrate intake, estimated."""
ENOUGH: Final = 12
"""Ours: fewer sensor readings than an hour's are no record."""
_RAPID = re.compile(r"lispro|aspart|glulisine|humalog|novo(?:log|rapid)|apidra|fiasp|lyumjev", re.I)
_SLOW = re.compile(
    r"glargine|detemir|degludec|lantus|levemir|tresiba|toujeo|basaglar|semglee", re.I
)
_OTHER = re.compile(r"insulin|humulin|novolin|\bnph\b|isophane", re.I)
_MIXED = re.compile(r"\bmix|protamine|\b(?:70|75|50|25|30)\s*/\s*\d\d|isophane|\bnph\b", re.I)
_UNITS = frozenset({"u", "iu", "[iu]", "[iu'u]", "unit", "units", "{unit}", "[u]"})


class Found:
    """What the resources hold."""

    def __init__(self) -> None:
        self.glucose: list[tuple[Reading, GlucoseUnit]] = []
        self.events: dict[str, list[Event]] = {"bolus": [], "long-acting insulin": [], "carbs": []}
        self.temps: list[TempRate] = []
        self.offsets: list[float] = []
        self.points = 0


def read_fhir_glucose(
    place: Path, timezone: str | None, unit: GlucoseUnit | None, purpose: str | None = None
) -> Timeline | None:
    """Return the timeline of a FHIR file or folder; None where it is no FHIR.

    Raises
    ------
    InputError
        When there is no sensor record in it, or several persons.
    """
    if not _may_be_fhir(place):
        return None
    sources = [source for source in load(place) if is_json(source)]
    documents = [json_of(source) for source in sources]
    if not documents or not all(is_fhir(document) for document in documents):
        return None
    pool = gather(documents)
    permit_resources(pool.of("Consent"), purpose)
    raw = raw_of(pool, timezone)
    return assemble(raw, combined_sha256(sources), unit)


def _may_be_fhir(place: Path) -> bool:
    """Look at the beginning of each file, so that no other format is parsed twice."""
    if place.is_dir():
        files = [item for item in place.iterdir() if item.suffix.lower() in SUFFIXES]
        return bool(files) and all(_may_be_fhir(item) for item in files if item.is_file())
    try:
        with place.open("rb") as file:
            head = file.read(65536).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return False
    return head[:1] in {b"{", b"["} and b'"resourceType"' in head


def raw_of(pool: Pool, timezone: str | None) -> RawRecord:
    """Return the sensor glucose and insulin of one person as raw numbers.

    Raises
    ------
    InputError
        When there is no sensor record, or several persons.
    """
    _, references = one_patient(pool)
    ledger, found = Ledger(), Found()
    kinds = frozenset({"Observation", "MedicationAdministration"})
    for resource in own_resources(pool, references, kinds, ledger):
        if fj.word(resource, "resourceType") == "Observation":
            _observation(resource, found, ledger)
        else:
            _administration(resource, pool, found, ledger)
    if len(found.glucose) < ENOUGH:
        raise InputError(
            f"FHIR: {len(found.glucose)} sensor readings of glucose (LOINC 99504-3 or 105272-9) "
            f"and {found.points} single values are no sensor record, which needs {ENOUGH}; "
            "read_pressure reads blood pressures, labs and drugs"
        )
    units = {unit for _, unit in found.glucose}
    readings = [item for item, _ in found.glucose]
    declared: GlucoseUnit = "mmol/L" if units == {"mmol/L"} else "mg/dL"
    if len(units) > 1:
        readings = [
            item._replace(value=mmol_l_to_mg_dl(item.value)) if unit == "mmol/L" else item
            for item, unit in found.glucose
        ]
    notes: tuple[str, ...] = ()
    offset = max(set(found.offsets), key=found.offsets.count, default=0.0)
    if timezone is None and not any(found.offsets):
        notes = ("Timezone: times are in UTC; the day is taken there. Pass timezone=.",)
    return RawRecord(
        source_format="fhir_r4",
        timezone=clock.canonical_zone(timezone or clock.offset_name(offset)),
        glucose_unit=declared,
        glucose=readings,
        boluses=found.events["bolus"],
        long_acting=found.events["long-acting insulin"],
        meals=found.events["carbs"],
        delivery=Delivery(
            temps=found.temps, logged=[(item.start_s, item.end_s) for item in found.temps]
        ),
        ledger=ledger,
        notes=notes,
    )


def _observation(resource: Resource, found: Found, ledger: Ledger) -> None:
    codes = set(fj.code_in(fj.part(resource, "code"), LOINC))
    if codes & POINTS and not codes & SENSOR:
        found.points += 1
        ledger.see("glucose")
        ledger.drop("glucose", "a single value, not a sensor reading", "an Observation")
        return
    if CARBS in codes:
        _carbs(resource, found, ledger)
    if not codes & SENSOR:
        return
    ledger.see("glucose")
    time = fj.effective(resource)
    quantity = fj.part(resource, "valueQuantity")
    value, unit = fj.amount(quantity)
    where = "no time" if time is None else clock.utc_text(time)
    if time is None:
        ledger.drop("glucose", "no time", where)
    elif fj.word(resource, "status") not in GOOD_STATUS:
        ledger.drop("glucose", "not a valid result (status)", where)
    elif value is None:
        ledger.drop("glucose", "no number", where)
    elif unit.lower() not in {"mg/dl", "mmol/l"}:
        ledger.drop("glucose", "the unit is neither mg/dL nor mmol/L", where)
    else:
        bound = {"<": -1, "<=": -1, ">": 1, ">=": 1}.get(fj.comparator(quantity), 0)
        told: GlucoseUnit = "mg/dL" if unit.lower() == "mg/dl" else "mmol/L"
        found.glucose.append((Reading(time, value, bound), told))
        parsed = clock.parse_time(fj.word(resource, "effectiveDateTime"))
        if parsed is not None and parsed[1] is not None:
            found.offsets.append(parsed[1])


def _carbs(resource: Resource, found: Found, ledger: Ledger) -> None:
    """Read carbohydrate eaten."""
    ledger.see("carbs")
    time = fj.effective(resource)
    value, unit = fj.amount(fj.part(resource, "valueQuantity"))
    where = "no time" if time is None else clock.utc_text(time)
    if time is None or value is None or fj.word(resource, "status") not in GOOD_STATUS:
        ledger.drop("carbs", "no time, no number or no valid result", where)
    elif unit.lower() != "g":
        ledger.drop("carbs", "the unit is not g", where)
    else:
        found.events["carbs"].append(Event(time, value))


def _administration(resource: Resource, pool: Pool, found: Found, ledger: Ledger) -> None:
    """Read insulin that was given; any other drug is none of this record's."""
    concept = fj.part(resource, "medicationCodeableConcept")
    reference = fj.part(resource, "medicationReference")
    if not concept and reference:
        concept = fj.part(pool.find(fj.word(reference, "reference")), "code")
    texts = [fj.wording(concept), *(item.display for item in fj.codings(concept))]
    text = " ".join([*texts, fj.word(reference, "display")])
    if not (_RAPID.search(text) or _SLOW.search(text) or _OTHER.search(text)):
        ledger.see("medication")
        ledger.drop("medication", "not insulin", "a MedicationAdministration")
        return
    kind = "insulin"
    if not _MIXED.search(text):
        kind = "bolus" if _RAPID.search(text) else kind
        kind = "long-acting insulin" if _SLOW.search(text) else kind
    period = fj.part(resource, "effectivePeriod")
    start = fj.instant(fj.word(period, "start") or fj.word(resource, "effectiveDateTime"))
    end = fj.instant(fj.word(period, "end")) if fj.word(period, "end") else None
    dosage = fj.part(resource, "dosage")
    rate, rate_unit = fj.amount(dosage.get("rateQuantity"))
    dose, dose_unit = fj.amount(dosage.get("dose"))
    runs = rate is not None and start is not None and end is not None and end > start
    kind = "basal" if runs and kind == "bolus" else kind
    ledger.see(kind)
    where = "no time" if start is None else clock.utc_text(start)
    if fj.word(resource, "status") != "completed":
        ledger.drop(kind, "not given (status)", where)
    elif start is None:
        ledger.drop(kind, "no time", where)
    elif kind == "insulin":
        ledger.drop(kind, "neither fast- nor long-acting", where)
    elif kind == "basal" and rate is not None and end is not None:
        if rate_unit.lower().replace(" ", "") not in {f"{u}/h" for u in _UNITS}:
            ledger.drop(kind, "the rate's unit is not U/h", where)
        else:
            found.temps.append(TempRate(start, end, rate))
    elif dose is None or dose_unit.lower() not in _UNITS:
        ledger.drop(kind, "dose unknown (no amount in units)", where)
    else:
        found.events[kind].append(Event(start, dose))
