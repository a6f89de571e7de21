"""Consent checked before a record is read: for what, until when, and whether it was withdrawn.

docs/explanation/consent-and-privacy.md tells people how to write one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..physiology.errors import InputError
from . import fhir_json as fj
from .clock import utc_text
from .consent_fhir import Terms, is_fhir_consent, terms_of_fhir

PURPOSES: Final = ("treatment", "research", "quality", "training", "federation")
"""Care of this person; research; improving care; training agents; a federated round."""
USUAL_PURPOSE: Final = "research"
REQUIRED_BY: Final = "DOSEGYM_REQUIRE_CONSENT"
"""Environment variable that refuses records without a consent document."""
NONE_GIVEN: Final = (
    "No consent document lies beside the record; it is taken as research or sample data."
)
LARGEST_BYTES: Final = 1_000_000
_KEYS = {"consent", "version", "id", "purposes", "granted", "expires", "revoked", "records"}
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DAY_ONLY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Permit:
    """What a consent document allows, found to hold now.

    Parameters
    ----------
    text : str
        One sentence for the timeline, without any name.
    id : str
        Short hash of the document's own id; empty where there is no document.
    records : frozenset of str
        SHA-256 of the records it is for; empty for whatever lies beside it.
    """

    text: str
    id: str = ""
    records: frozenset[str] = frozenset()

    def for_record(self, sha256: str) -> None:
        """Raise InputError where the document is for other records."""
        if self.records and sha256 not in self.records:
            raise InputError(
                "consent: it names other records than this one; give the consent of this record"
            )


def permit(
    record: Path,
    consent: str | Path | None = None,
    purpose: str | None = None,
    required: bool | None = None,
) -> Permit:
    """Return under which consent a record may be read.

    Parameters
    ----------
    record : path
        A file or a folder. ``FILE.consent.json`` beside a file, or ``consent.json`` in its folder,
        is its consent document.
    consent : path, optional
        Another consent document.
    purpose : str, optional
        One of ``PURPOSES``; ``research`` where it is not told.
    required : bool, optional
        Refuse a record without a document; by default as the environment says.

    Raises
    ------
    InputError
        When the consent is missing though required, expired, withdrawn, for another purpose or
        cannot be understood.
    """
    wanted = checked_purpose(purpose)
    place = Path(consent) if consent is not None else _beside(record)
    if place is None:
        must = _environment() if required is None else required
        if must:
            raise InputError(
                f"consent: no document lies beside '{record}' and one is required; put "
                "consent.json there or pass consent="
            )
        return Permit(NONE_GIVEN)
    return _permit(read_terms(place), wanted, time.time())


def permit_twin(
    record_sha256: str, consent_id: str, consent: str | Path, purpose: str | None = None
) -> Permit:
    """Return under which consent a stored twin may be used; it lives no longer than its record's.

    Parameters
    ----------
    record_sha256, consent_id : str
        As the twin carries them.
    consent : path
        The consent document as it is today.
    purpose : str, optional

    Raises
    ------
    InputError
        When the consent is another's, expired, withdrawn or for another purpose.
    """
    terms = read_terms(Path(consent))
    found = _permit(terms, checked_purpose(purpose), time.time())
    if found.id == consent_id or record_sha256 in found.records:
        return found
    raise InputError(
        "consent: it names neither the twin's record nor the consent the twin was made under; give "
        "the document of that record"
    )


def permit_resources(
    resources: Collection[Mapping[str, Any]], purpose: str | None
) -> tuple[Permit, ...]:
    """Return what FHIR Consents within a record allow; each must permit the purpose."""
    now, wanted = time.time(), checked_purpose(purpose)
    return tuple(_permit(terms_of_fhir(item), wanted, now) for item in resources)


def checked_purpose(purpose: str | None) -> str:
    """Return a purpose that is known.

    Raises
    ------
    InputError
        When it is none of ``PURPOSES``.
    """
    if purpose is not None and purpose not in PURPOSES:
        raise InputError(f"purpose: {purpose[:20]!r} is unknown; use {', '.join(PURPOSES)}")
    return purpose or USUAL_PURPOSE


def read_terms(place: Path) -> Terms:
    """Read a consent document: DoseGym's JSON or a FHIR R4 Consent.

    Raises
    ------
    InputError
        When it cannot be read or understood; a document in doubt permits nothing.
    """
    try:
        if place.stat().st_size > LARGEST_BYTES:
            raise InputError(f"consent: '{place}' is larger than any consent; give the document")
        document = json.loads(place.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"consent: '{place}' cannot be read ({error.strerror})") from None
    except InputError:
        raise
    except (ValueError, RecursionError):
        raise InputError(f"consent: '{place}' is not JSON; mend the document") from None
    if not isinstance(document, dict):
        raise InputError(f"consent: '{place}' is no JSON object; give one document")
    if is_fhir_consent(document):
        return terms_of_fhir(document)
    return _own_terms(document)


def _own_terms(document: Mapping[str, Any]) -> Terms:
    strange = sorted(set(document) - _KEYS)
    if strange:
        raise InputError(
            f"consent: {len(strange)} key is unknown; use {', '.join(sorted(_KEYS))} and no other"
            if len(strange) == 1
            else f"consent: {len(strange)} keys are unknown; use {', '.join(sorted(_KEYS))} only"
        )
    purposes, name = document.get("purposes"), document.get("id")
    records = document.get("records", [])
    if not isinstance(purposes, list) or not set(map(str, purposes)) <= set(PURPOSES):
        raise InputError(f"consent: purposes is not a list of {', '.join(PURPOSES)}; mend it")
    if not isinstance(name, str) or not name.strip():
        raise InputError("consent: id is missing; give each document an id of its own")
    hashes = isinstance(records, list) and all(
        isinstance(item, str) and _SHA256.fullmatch(item) for item in records
    )
    if not hashes:
        raise InputError("consent: records is not a list of SHA-256 in hexadecimal; mend it")
    revoked = document.get("revoked")
    return Terms(
        id=name,
        purposes=frozenset(purposes),
        begins_s=_time(document, "granted"),
        ends_s=_time(document, "expires", end=True),
        revoked=revoked is not None and revoked is not False,
        records=frozenset(records),
    )


def _time(document: Mapping[str, Any], key: str, end: bool = False) -> float | None:
    """Read a date (its beginning, or its end) or a time with an offset."""
    value = document.get(key)
    if value is None:
        return None
    time_s = fj.instant(value) if isinstance(value, str) else None
    if time_s is None:
        raise InputError(f"consent: {key} is no date; write 2027-01-31 or a time with an offset")
    day_only = isinstance(value, str) and _DAY_ONLY.fullmatch(value.strip())
    return time_s + (43_200.0 if end else -43_200.0) if day_only else time_s


def _permit(terms: Terms, purpose: str, now_s: float) -> Permit:
    """Judge the terms of a document."""
    if terms.revoked:
        raise InputError("consent: it was withdrawn, so the record is not read; delete the copy")
    if terms.doubt:
        raise InputError(f"consent: {terms.doubt}; what cannot be judged permits nothing")
    if terms.ends_s is not None and now_s >= terms.ends_s:
        raise InputError(
            f"consent: it expired at {utc_text(terms.ends_s)}; ask for it again before reading"
        )
    if terms.begins_s is not None and now_s < terms.begins_s:
        raise InputError(f"consent: it begins at {utc_text(terms.begins_s)} only; wait until then")
    if terms.purposes is not None and purpose not in terms.purposes:
        allowed = ", ".join(sorted(terms.purposes)) or "nothing"
        raise InputError(
            f"consent: it permits {allowed}, not {purpose}; pass the purpose= it was given for"
        )
    short = hashlib.sha256(terms.id.encode()).hexdigest()[:16]
    until = "" if terms.ends_s is None else f" until {utc_text(terms.ends_s)}"
    return Permit(f"Consent {short} permits {purpose}{until}.", short, terms.records)


def _beside(record: Path) -> Path | None:
    """Return the consent document of a record, if one lies where it belongs."""
    folder = record if record.is_dir() else record.parent
    places = [folder / "consent.json"]
    if not record.is_dir():
        places.insert(0, record.with_name(f"{record.name}.consent.json"))
        places.insert(1, record.with_name(f"{record.stem}.consent.json"))
    return next((place for place in places if place.exists()), None)


def _environment() -> bool:
    return os.environ.get(REQUIRED_BY, "").strip().lower() not in {"", "0", "no", "false"}
