"""FHIR Condition and AllergyIntolerance into the chart's conditions and intolerances."""

from __future__ import annotations

from . import clock
from . import fhir_codes as fc
from . import fhir_json as fj
from .chart import Condition
from .drug_names import CLASS_OF, names_in
from .fhir_json import ICD10, SNOMED, Resource
from .quality import Ledger

_NOT_ACTIVE = frozenset({"inactive", "remission", "resolved"})
_NOT_TRUE = frozenset({"refuted", "entered-in-error"})
_CLASS_WORDS = {
    "ace inhibitor": "acei",
    "angiotensin-converting": "acei",
    "angiotensin converting": "acei",
    "angiotensin receptor": "arb",
    "calcium channel": "ccb",
    "thiazide": "thiazide",
    "beta blocker": "beta_blocker",
    "beta-blocker": "beta_blocker",
    "sulfonamide diuretic": "thiazide",
}


def read_condition(resource: Resource, ledger: Ledger) -> list[Condition]:
    """Return the chart's conditions that one Condition names."""
    ledger.see("condition")
    start = _time(resource, "onset") or fj.instant(fj.word(resource, "recordedDate"))
    end = _time(resource, "abatement")
    example = "no date" if start is None else clock.utc_text(start)
    if _coded(resource, "verificationStatus") & _NOT_TRUE:
        ledger.drop("condition", "refuted or entered in error", example)
        return []
    names, by_text = _names(resource)
    if not names:
        ledger.drop("condition", "not one that bears on treatment", example)
        return []
    active = not _coded(resource, "clinicalStatus") & _NOT_ACTIVE
    return [Condition(name, start, end, active, by_text) for name in names]


def read_allergy(resource: Resource) -> tuple[set[str], list[Condition]]:
    """Return the drugs or classes not tolerated, and an angioedema that was the reaction."""
    if _coded(resource, "verificationStatus") & _NOT_TRUE:
        return set(), []
    concepts = [fj.part(resource, "code")]
    reactions = fj.parts(resource, "reaction")
    concepts += [fj.part(row, "substance") for row in reactions]
    texts = [fj.wording(item) for item in concepts]
    texts += [item.display for concept in concepts for item in fj.codings(concept)]
    names = {name for text in texts for name in names_in(text)}
    for text in texts:
        names |= {kind for words, kind in _CLASS_WORDS.items() if words in text.lower()}
    swollen = False
    for row in reactions:
        for concept in fj.parts(row, "manifestation"):
            codes = fj.code_in(concept, SNOMED)
            named = [name for code in codes for name in fc.CONDITION_CODES.get(code, ())]
            named += fc.conditions_of_wording(fj.wording(concept))
            swollen |= "angioedema" in named
    start = fj.instant(fj.word(resource, "recordedDate"))
    known = {name for name in names if name in CLASS_OF or name in _CLASS_WORDS.values()}
    return known, [Condition("angioedema", start)] if swollen else []


def _names(resource: Resource) -> tuple[tuple[str, ...], bool]:
    """Return the conditions by code; by wording where no code is known."""
    concept = fj.part(resource, "code")
    found: list[str] = []
    for code in fj.code_in(concept, SNOMED):
        found += fc.CONDITION_CODES.get(code, ())
    for system in ICD10:
        for code in fj.code_in(concept, system):
            found += fc.conditions_of_icd10(code)
    if found:
        return tuple(dict.fromkeys(found)), False
    return fc.conditions_of_wording(fj.wording(concept)), True


def _time(resource: Resource, name: str) -> float | None:
    """Return when a condition began or ended, from its date or period."""
    period = fj.part(resource, f"{name}Period")
    text = fj.word(resource, f"{name}DateTime") or fj.word(period, "start")
    return fj.instant(text) if text else None


def _coded(resource: Resource, name: str) -> set[str]:
    """Return the codes of a status."""
    return {item.code for item in fj.codings(fj.part(resource, name))}
