"""Safe looks into FHIR JSON: whatever the file holds, a missing piece is None and never a crash."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from . import clock
from .values import number_of

Resource = Mapping[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = ("http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10")
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


class Coding(NamedTuple):
    """One coding of a concept; empty texts where it lacks a part."""

    system: str
    code: str
    display: str


class Amount(NamedTuple):
    """A quantity: its number and its UCUM code, or its printed unit where it has no code."""

    value: float | None
    unit: str


def part(thing: object, *names: str) -> Resource:
    """Return a nested object, or an empty one."""
    for name in names:
        thing = thing.get(name) if isinstance(thing, Mapping) else None
    return thing if isinstance(thing, Mapping) else {}


def parts(thing: object, name: str) -> list[Resource]:
    """Return the objects of a list, leaving out whatever is none."""
    value = thing.get(name) if isinstance(thing, Mapping) else None
    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, Mapping)]


def word(thing: object, name: str) -> str:
    """Return a text, or an empty one."""
    value = thing.get(name) if isinstance(thing, Mapping) else None
    return value.strip() if isinstance(value, str) else ""


def codings(concept: object) -> Iterator[Coding]:
    """Yield the codings of a CodeableConcept."""
    for row in parts(concept, "coding"):
        yield Coding(word(row, "system").rstrip("/"), word(row, "code"), word(row, "display"))


def code_in(concept: object, system: str) -> list[str]:
    """Return the codes of a concept in one system."""
    return [item.code for item in codings(concept) if item.system == system and item.code]


def wording(concept: object) -> str:
    """Return what a concept says in words: its text, or the first display."""
    text = word(concept, "text")
    return text or next((item.display for item in codings(concept) if item.display), "")


def amount(quantity: object) -> Amount:
    """Read a Quantity."""
    value = number_of(quantity.get("value")) if isinstance(quantity, Mapping) else None
    return Amount(value, word(quantity, "code") or word(quantity, "unit"))


def comparator(quantity: object) -> str:
    """Return ``<``, ``>`` and the like where a value is only a bound."""
    return word(quantity, "comparator")


def instant(text: str, zone_s: float = 0.0) -> float | None:
    """Read a FHIR date or time as seconds since 1970 UTC.

    Parameters
    ----------
    text : str
        ``2020``, ``2020-05``, ``2020-05-01`` (taken at noon) or a time with an offset.
    zone_s : float, s
        Offset of times that carry none.
    """
    text = text.strip()
    if len(text) == 4 and text.isdigit():
        text += "-07-01"
    elif len(text) == 7:
        text += "-15"
    if len(text) == 10:
        text += "T12:00:00Z"
    parsed = clock.parse_time(text)
    if parsed is None or not clock.plausible_time(parsed[0]):
        return None
    return parsed[0] if parsed[1] is not None else parsed[0] - zone_s


def effective(resource: Resource) -> float | None:
    """Return when an observation holds: its time, the end of its period, or when it was issued."""
    period = part(resource, "effectivePeriod")
    for text in (
        word(resource, "effectiveDateTime"),
        word(resource, "effectiveInstant"),
        word(period, "end") or word(period, "start"),
        word(resource, "issued"),
    ):
        time = instant(text) if text else None
        if time is not None:
            return time
    return None
