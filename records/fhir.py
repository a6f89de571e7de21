"""FHIR R4 JSON (a Bundle, a resource, or a folder of both) into one person's chart.

Nothing that names a person is kept: no name, address, identifier, birth date or free text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..physiology.errors import InputError
from . import fhir_json as fj
from .chart import DAY_S, Condition, Medication, Person, PressureRecord
from .fhir_condition import read_allergy, read_condition
from .fhir_json import Resource
from .fhir_medication import KINDS, read_medication
from .fhir_observation import Gathered, labs_of, pressures_of, read_observation, unpaired
from .files import Source, combined_sha256, json_of
from .quality import Ledger

NESTING = 6
RESOURCE_LIMIT = 200_000
OLDEST_TOLD = 90.0
"""Ages above 89 are kept as 90, as the HIPAA safe harbour asks."""


@dataclass
class Pool:
    """Every resource of the files, and how references find them."""

    resources: list[Resource] = field(default_factory=list)
    by_reference: dict[str, Resource] = field(default_factory=dict)
    paged: bool = False

    def find(self, reference: str) -> Resource:
        """Return the resource that a reference names, or an empty one."""
        return self.by_reference.get(reference.removeprefix("#"), {})

    def of(self, *kinds: str) -> list[Resource]:
        """Return the resources of these kinds, in the files' order."""
        return [item for item in self.resources if fj.word(item, "resourceType") in kinds]


def is_fhir(document: object) -> bool:
    """Tell whether JSON is a FHIR resource or a list of some."""
    rows = document if isinstance(document, list) else [document]
    return bool(rows) and all(
        isinstance(row, dict) and isinstance(row.get("resourceType"), str) for row in rows[:20]
    )


def read_fhir(sources: Sequence[Source]) -> PressureRecord:
    """Read one person's FHIR R4 resources.

    Parameters
    ----------
    sources : sequence of Source
        Files of one person; several are read as one record.

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
    if pool.paged and len(sources) == 1:
        raise InputError(
            "FHIR: the bundle is one page of several, so drugs and labs may be missing; give all "
            "pages in one folder"
        )
    patient, references = _patient(pool)
    ledger = Ledger()
    own = _own(pool, references, ledger)
    gathered, medications, conditions, intolerances = _read(pool, own, ledger)
    readings = pressures_of(gathered.readings, ledger)
    labs = labs_of(gathered.labs, ledger)
    times = [*(item for series in labs.values() for item in series.time_s[-1:])]
    times += [*readings.time_s[-1:], *(item.start_s for item in medications if item.start_s)]
    times += [item.start_s for item in conditions if item.start_s]
    times += [time for time, _ in gathered.smoking]
    last_s = float(max(times, default=0.0))
    sha256 = combined_sha256(sources)
    return PressureRecord(
        subject=f"P{sha256[:8]}",
        source_format="fhir_r4",
        source_sha256=sha256,
        timezone="UTC",
        person=_person(patient, last_s, gathered),
        readings=readings,
        labs=labs,
        conditions=tuple(conditions),
        medications=tuple(sorted(medications, key=lambda item: (item.start_s or 0.0, item.drug))),
        medications_told=any(fj.word(item, "resourceType") in KINDS for item in own),
        intolerances=intolerances,
        last_s=last_s,
        dropped=ledger.dropped(),
        accounts=ledger.accounts(),
        notes=_notes(patient, gathered, conditions, ledger),
    )


def gather(documents: Iterable[object]) -> Pool:
    """Return every resource that documents hold: bundles are opened, contained ones too.

    Raises
    ------
    InputError
        When something is no FHIR resource, or there are too many.
    """
    pool = Pool()
    for document in documents:
        rows = document if isinstance(document, list) else [document]
        for row in rows:
            if not isinstance(row, dict) or not is_fhir(row):
                raise InputError("FHIR: a JSON object without resourceType; give R4 resources")
            _open(row, "", pool, NESTING)
    return pool


def _open(resource: Resource, url: str, pool: Pool, depth: int) -> None:
    if len(pool.resources) >= RESOURCE_LIMIT:
        raise InputError(
            f"FHIR: more than {RESOURCE_LIMIT} resources; give the record of one person"
        )
    if fj.word(resource, "resourceType") == "Bundle":
        pool.paged |= any(
            fj.word(link, "relation") == "next" for link in fj.parts(resource, "link")
        )
        for entry in fj.parts(resource, "entry"):
            inner = fj.part(entry, "resource")
            if inner and depth:
                _open(inner, fj.word(entry, "fullUrl"), pool, depth - 1)
        return
    pool.resources.append(resource)
    kind, own_id = fj.word(resource, "resourceType"), fj.word(resource, "id")
    names = [url, f"{kind}/{own_id}" if own_id else "", f"urn:uuid:{own_id}" if own_id else ""]
    for name in filter(None, names):
        pool.by_reference.setdefault(name, resource)
    for inner in fj.parts(resource, "contained"):
        inner_id = fj.word(inner, "id")
        if inner_id:
            pool.by_reference.setdefault(inner_id, inner)


def _patient(pool: Pool) -> tuple[Resource, frozenset[str]]:
    """Return the one patient and the references that mean them."""
    patients = pool.of("Patient")
    names = {fj.word(item, "id") for item in patients}
    if len(names) > 1:
        raise InputError(
            f"FHIR: there are {len(names)} patients; give the record of one person at a time"
        )
    if patients:
        means = [name for name, item in pool.by_reference.items() if item in patients]
        return patients[-1], frozenset(means)
    subjects = {_subject(item) for item in pool.resources} - {""}
    if len(subjects) > 1:
        raise InputError(
            f"FHIR: there is no Patient and the resources speak of {len(subjects)} persons; give "
            "the record of one"
        )
    if not pool.resources:
        raise InputError("FHIR: the bundle holds no resource; export it again")
    return {}, frozenset(subjects)


def _subject(resource: Resource) -> str:
    """Return whom a resource speaks of; an absolute address is cut to its last two parts."""
    for name in ("subject", "patient"):
        reference = fj.word(fj.part(resource, name), "reference")
        if reference.startswith("http"):
            return "/".join(reference.split("/_history")[0].split("/")[-2:])
        if reference:
            return reference
    return ""


def _own(pool: Pool, references: frozenset[str], ledger: Ledger) -> list[Resource]:
    """Return the clinical resources that speak of the person, or of nobody."""
    kinds = ("Observation", "Condition", "AllergyIntolerance", *KINDS)
    own = []
    ends = {"/".join(name.split("/")[-2:]) for name in references}
    for resource in pool.of(*kinds):
        subject = _subject(resource)
        if not subject or subject in references or subject in ends:
            own.append(resource)
        else:
            ledger.see("resource")
            kind = fj.word(resource, "resourceType")
            ledger.drop("resource", "it speaks of another person", kind)
    return own


def _read(
    pool: Pool, own: Sequence[Resource], ledger: Ledger
) -> tuple[Gathered, list[Medication], list[Condition], tuple[str, ...]]:
    gathered, medications, conditions = Gathered(), [], []
    intolerances: set[str] = set()
    for resource in own:
        kind = fj.word(resource, "resourceType")
        if kind == "Observation":
            read_observation(resource, gathered, ledger)
        elif kind in KINDS:
            medications += read_medication(resource, pool.find, ledger)
        elif kind == "Condition":
            conditions += read_condition(resource, ledger)
        else:
            names, reactions = read_allergy(resource)
            intolerances.update(names)
            conditions += reactions
    unpaired(gathered, ledger)
    return gathered, medications, conditions, tuple(sorted(intolerances))


def _person(patient: Resource, last_s: float, gathered: Gathered) -> Person:
    born = fj.instant(fj.word(patient, "birthDate"))
    age = None if born is None or last_s <= born else (last_s - born) / (365.25 * DAY_S)
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
