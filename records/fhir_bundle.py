"""FHIR bundles opened: every resource, what references mean, and the one person they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..physiology.errors import InputError
from . import fhir_json as fj
from .fhir_json import Resource
from .fhir_medication import KINDS
from .quality import Ledger

NESTING = 6
RESOURCE_LIMIT = 200_000
CLINICAL = frozenset(
    {"Observation", "Condition", "AllergyIntolerance", "MedicationAdministration", *KINDS}
)
ABOUT = frozenset({"Patient", "Consent"})
"""Kinds that say who it is and what is allowed, and hold no entry of the record."""


@dataclass
class Pool:
    """Every resource of the files, and how references find them."""

    resources: list[Resource] = field(default_factory=list)
    by_reference: dict[str, Resource] = field(default_factory=dict)
    paged: bool = False
    empty: int = 0
    """Entries without a resource, or nested deeper than is read."""

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
        held = resource.get("entry") or []
        for entry in held if isinstance(held, list) else [held]:
            inner = fj.part(entry, "resource")
            if inner and depth:
                _open(inner, fj.word(entry, "fullUrl"), pool, depth - 1)
            else:
                pool.empty += 1
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


def one_patient(pool: Pool) -> tuple[Resource, frozenset[str]]:
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


def own_resources(
    pool: Pool, references: frozenset[str], kinds: frozenset[str], ledger: Ledger
) -> Iterator[Resource]:
    """Yield the resources of these kinds that speak of the person, or of nobody.

    Every resource is a row of the account: those of the person that tell who it is count as header,
    and one of which nothing was taken before the next is asked for is dropped by name.
    """
    ends = {"/".join(name.split("/")[-2:]) for name in references}
    for resource in pool.resources:
        kind = fj.word(resource, "resourceType")
        if kind in ABOUT:
            ledger.header()
            continue
        ledger.row()
        subject = _subject(resource)
        if kind not in kinds:
            _leave_out("a resource of a kind that makes no entry", ledger)
        elif subject and subject not in references and subject not in ends:
            _leave_out("it speaks of another person", ledger)
        else:
            yield resource
            if ledger.untouched:
                _leave_out("it holds nothing that is used", ledger)
    for _ in range(pool.empty):
        ledger.row()
        _leave_out("an entry without a resource, or nested too deep", ledger)
    ledger.end_rows()


def _leave_out(why: str, ledger: Ledger) -> None:
    ledger.see("row")
    ledger.drop("row", why, "a resource")
