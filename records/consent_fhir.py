"""FHIR R4 Consent into terms that can be judged; what cannot be judged permits nothing.

Purposes are HL7's v3 PurposeOfUse codes. Actors are not judged: whoever reads must be the actor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from . import fhir_json as fj
from .fhir_json import Resource

PURPOSE_OF_USE: Final = {
    "TREAT": "treatment", "CAREMGT": "treatment", "ETREAT": "treatment", "PATRQT": "treatment",
    "HRESCH": "research", "CLINTRCH": "research", "BIORCH": "research",
    "HQUALIMP": "quality", "HOPERAT": "quality",
}  # fmt: skip
_NARROWER = ("data", "class", "code", "securityLabel", "dataPeriod")


@dataclass(frozen=True)
class Terms:
    """What a consent document says.

    Parameters
    ----------
    id : str
        The document's own; never shown.
    purposes : frozenset of str or None
        None where every purpose is permitted.
    begins_s, ends_s : float or None, seconds since 1970 UTC
    revoked : bool
    records : frozenset of str
    doubt : str
        Why it cannot be judged; empty where it can.
    """

    id: str
    purposes: frozenset[str] | None
    begins_s: float | None = None
    ends_s: float | None = None
    revoked: bool = False
    records: frozenset[str] = frozenset()
    doubt: str = ""


def is_fhir_consent(document: object) -> bool:
    """Tell whether JSON is a FHIR Consent."""
    return fj.word(document, "resourceType") == "Consent"


def terms_of_fhir(consent: Resource) -> Terms:
    """Read a FHIR R4 Consent."""
    provision = fj.part(consent, "provision")
    status = fj.word(consent, "status")
    period = fj.part(provision, "period")
    purposes, doubt = _purposes(provision)
    ends = fj.word(period, "end")
    begins = fj.word(period, "start")
    ends_s, begins_s = fj.instant(ends) if ends else None, fj.instant(begins) if begins else None
    if (ends and ends_s is None) or (begins and begins_s is None):
        doubt = doubt or "its period cannot be read"
    if ends_s is not None and len(ends) == 10:
        ends_s += 43_200.0
    if begins_s is not None and len(begins) == 10:
        begins_s -= 43_200.0
    if status not in {"active", "inactive", "rejected", "entered-in-error"}:
        doubt = doubt or "its status is neither active nor ended"
    return Terms(
        id=fj.word(consent, "id") or "consent",
        purposes=purposes,
        begins_s=begins_s,
        ends_s=ends_s,
        revoked=status in {"inactive", "rejected", "entered-in-error"},
        doubt=doubt,
    )


def _purposes(provision: Resource) -> tuple[frozenset[str] | None, str]:
    """Return the purposes that are permitted (None for all), and what cannot be judged."""
    kind = fj.word(provision, "type")
    inner = fj.parts(provision, "provision")
    if kind not in {"permit", "deny"}:
        return frozenset(), "its provision says neither permit nor deny"
    if any(name in row for row in (provision, *inner) for name in _NARROWER):
        return frozenset(), "a provision is of certain data only"
    if any(fj.parts(row, "provision") for row in inner):
        return frozenset(), "its provisions are nested twice"
    named = [(fj.word(row, "type"), _named(row)) for row in inner]
    if any(what not in {"permit", "deny"} or not purposes for what, purposes in named):
        return frozenset(), "an exception names no purpose"
    denied = {name for what, names in named if what == "deny" for name in names}
    permitted = {name for what, names in named if what == "permit" for name in names}
    if kind == "deny":
        return frozenset(permitted - denied), ""
    own = _named(provision)
    if not own and not fj.parts(provision, "purpose"):
        if denied:
            every = set(PURPOSE_OF_USE.values()) | {"training", "federation"}
            return frozenset(every - denied), ""
        return None, ""
    return frozenset((own | permitted) - denied), ""


def _named(provision: Resource) -> set[str]:
    codes = [fj.word(row, "code") for row in fj.parts(provision, "purpose")]
    return {PURPOSE_OF_USE.get(code, f"other:{len(code)}") for code in codes if code}
