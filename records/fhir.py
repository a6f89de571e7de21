"""FHIR R4 JSON (a Bundle, a resource, or a folder of both) into one person's chart.

Nothing that names a person is kept: no name, address, identifier, birth date or free text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..physiology.errors import InputError
from . import clock
from . import fhir_json as fj
from .chart import Condition, Medication, Person, PressureRecord
from .consent import permit_resources
from .fhir_bundle import CLINICAL, Pool, gather, one_patient, own_resources
from .fhir_condition import read_allergy, read_condition
from .fhir_json import Resource
from .fhir_medication import KINDS, read_administration, read_medication
from .fhir_observation import read_observation
from .files import Source, combined_sha256, json_of
from .pressure_raw import Gathered, labs_of, pressures_of, unpaired
from .quality import Ledger

TOLERATED_SHARE = 0.15
"""Ours: equations and calibrations differ by this much; more is worth a word."""
OLDEST_TOLD = 90.0
"""Ages above 89 are kept as 90, as the HIPAA safe harbour asks."""


def read_fhir(sources: Sequence[Source], purpose: str | None = None) -> PressureRecord:
    """Read one person's FHIR R4 resources.

    Parameters
    ----------
    sources : sequence of Source
        Files of one person; several are read as one record.
    purpose : str, optional
        Judged against the Consents among the resources.

    Returns
    -------
    PressureRecord

    Raises
    ------
    InputError
        When a file is broken, holds several persons or is one page of several, in one line.
    """
    documents = [json_of(source) for source in sources]
    pool = gather(documents)
    permits = permit_resources(pool.of("Consent"), purpose)
    if pool.paged and len(sources) == 1:
        raise InputError(
            "FHIR: the bundle is one page of several, so drugs and labs may be missing; give all "
            "pages in one folder"
        )
    patient, references = one_patient(pool)
    ledger = Ledger()
    gathered, medications, conditions, intolerances = _read(pool, references, ledger)
    readings = pressures_of(gathered.readings, ledger)
    labs = labs_of(gathered.labs, ledger)
    times = [*(item for series in labs.values() for item in series.time_s[-1:])]
    times += [*readings.time_s[-1:], *(item.start_s for item in medications if item.start_s)]
    times += [item.start_s for item in conditions if item.start_s]
    times += [time for time, _ in gathered.smoking]
    last_s = float(max(times, default=0.0))
    sha256 = combined_sha256(sources)
    record = PressureRecord(
        subject=f"P{sha256[:8]}",
        source_format="fhir_r4",
        source_sha256=sha256,
        timezone="UTC",
        person=_person(patient, last_s, gathered),
        readings=readings,
        labs=labs,
        conditions=tuple(conditions),
        medications=tuple(sorted(medications, key=lambda item: (item.start_s or 0.0, item.drug))),
        medications_told=gathered.drugs_told,
        intolerances=intolerances,
        last_s=last_s,
        dropped=ledger.dropped(),
        accounts=ledger.accounts(),
        rows=ledger.rows(),
        notes=_notes(patient, gathered, conditions, ledger),
        consent=permits[0].text if permits else "",
        consent_id=permits[0].id if permits else "",
    )
    return replace(record, notes=(*record.notes, *_filtration_note(record)))


def _read(
    pool: Pool, references: frozenset[str], ledger: Ledger
) -> tuple[Gathered, list[Medication], list[Condition], tuple[str, ...]]:
    gathered, medications, conditions = Gathered(), [], []
    given: list[Medication] = []
    intolerances: set[str] = set()
    for resource in own_resources(pool, references, CLINICAL, ledger):
        kind = fj.word(resource, "resourceType")
        if kind == "Observation":
            read_observation(resource, pool.find, gathered, ledger)
        elif kind in KINDS:
            gathered.drugs_told = True
            medications += read_medication(resource, pool.find, ledger)
        elif kind == "MedicationAdministration":
            given += read_administration(resource, pool.find, ledger)
        elif kind == "Condition":
            conditions += read_condition(resource, ledger)
        else:
            names, reactions = read_allergy(resource)
            intolerances.update(names)
            conditions += reactions
            if names or reactions:
                ledger.use()
    medications += _without_order(given, medications, ledger)
    unpaired(gathered, ledger)
    if gathered.pregnancy and max(gathered.pregnancy)[1]:
        conditions.append(Condition("pregnant", max(gathered.pregnancy)[0]))
    return gathered, medications, conditions, tuple(sorted(intolerances))


def _without_order(
    given: Sequence[Medication], ordered: Sequence[Medication], ledger: Ledger
) -> list[Medication]:
    """Return the latest administration of each drug that no order tells of."""
    known = {item.drug for item in ordered}
    latest = {item.drug: item for item in sorted(given, key=lambda item: item.start_s or 0.0)}
    kept = [item for name, item in latest.items() if name not in known]
    why = "an administration of a drug that an order or a later one tells of"
    ledger.drop("medication", why, "a MedicationAdministration", len(given) - len(kept))
    return kept


def _person(patient: Resource, last_s: float, gathered: Gathered) -> Person:
    born = fj.instant(fj.word(patient, "birthDate"))
    age = None if born is None or last_s <= born else clock.whole_years(born, last_s)
    gender = fj.word(patient, "gender")
    died = fj.word(patient, "deceasedDateTime") or patient.get("deceasedBoolean") is True
    return Person(
        age_years=age if age is None or age < OLDEST_TOLD else OLDEST_TOLD,
        female={"female": True, "male": False}.get(gender),
        smoker=max(gathered.smoking)[1] if gathered.smoking else None,
        deceased=bool(died),
    )


def _notes(
    patient: Resource, gathered: Gathered, conditions: Sequence[Condition], ledger: Ledger
) -> tuple[str, ...]:
    notes = []
    unplaced = len(gathered.readings) - gathered.placed
    if unplaced:
        notes.append(
            f"Setting: {unplaced} pressures do not say where they were taken; they count as office."
        )
    if not patient:
        notes.append("Person: the files hold no Patient, so age and sex are not known.")
    for name in sorted({item.name for item in conditions if item.by_text}):
        notes.append(f"Condition: {name.replace('_', ' ')} was read from its wording, not a code.")
    other = sum(
        item.count for item in ledger.dropped() if item.reason.endswith("bears on blood pressure")
    )
    if other:
        notes.append(
            f"Medication: {other} orders name no drug known to bear on blood pressure and are left "
            "out; a brand name that is not known would be among them."
        )
    return tuple(notes)


def _filtration_note(record: PressureRecord) -> tuple[str, ...]:
    """Say where the reported eGFR is not that of the creatinine beside it."""
    reported, now = record.labs.get("egfr"), record.chart()
    if reported is None or "creatinine" not in now.latest:
        return ()
    told, used = float(reported.value[-1]), now.latest["egfr"]
    if abs(told - used) <= TOLERATED_SHARE * used:
        return ()
    return (
        f"eGFR: {told:.0f} is reported, but creatinine {now.latest['creatinine']:.2f} mg/dL gives "
        f"{used:.0f} by CKD-EPI 2021, which is what counts here.",
    )
