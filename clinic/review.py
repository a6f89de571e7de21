"""L9 of the gate: what was answered and what a clinician decided, on the audit record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..evaluation.audit import append, verify
from ..evaluation.audit_entry import Entry
from ..physiology.errors import InputError

if TYPE_CHECKING:
    from .pressure_recommendation import PressureRecommendation
    from .recommendation import Recommendation

ANSWERED: Final = "recommended"
REVIEWED: Final = "reviewed"
DECISIONS: Final = ("accept", "modify", "reject")


def note_answer(path: str | Path, found: Recommendation | PressureRecommendation) -> Entry:
    """Append a recommendation or a refusal to an audit record: hashes and checks, no person's data.

    Raises
    ------
    InputError
        If the record cannot be written, or its end is broken.
    """
    payload = {
        "refused": found.refused,
        "created": found.created,
        "hashes": dict(found.hashes),
        "checks": {check.id: check.status for check in found.checks},
        "versions": dict(found.versions),
    }
    return append(path, ANSWERED, payload)


def review(
    answer: Mapping[str, Any] | str | Path,
    audit: str | Path,
    *,
    decision: str,
    reviewer: str,
    reason: str,
) -> Entry:
    """Put a clinician's decision about a proposal on the audit record.

    Parameters
    ----------
    answer : mapping, str or Path
        The recommendation's JSON, or its file.
    audit : str or Path
        The record that holds the recommendation itself.
    decision : {"accept", "modify", "reject"}
    reviewer : str
        Who decided: a role or an identifier of the house.
    reason : str
        Why, in the reviewer's words.

    Raises
    ------
    InputError
        If a word is missing, the record is broken or does not hold this answer, or what was
        answered is a refusal and not to be accepted or modified.
    """
    told = _answer(answer)
    if decision not in DECISIONS:
        raise InputError(f"decision is {decision!r}; choose one of {', '.join(DECISIONS)}")
    for name, text in (("reviewer", reviewer), ("reason", reason)):
        if not text.strip():
            raise InputError(
                f"{name} is empty; say {'who decides' if name == 'reviewer' else 'why'}"
            )
    report = verify(audit)
    if not report.ok:
        raise InputError(f"audit record {audit} is broken: {report.reason}")
    if told["refused"] and decision != "reject":
        raise InputError(f"decision is {decision!r}, but nothing was proposed; only reject it")
    entry = _entry_of(audit, told)
    return append(
        audit,
        REVIEWED,
        {
            "decision": decision,
            "reviewer": reviewer.strip(),
            "reason": reason.strip(),
            "of": entry["seq"],
            "hashes": told["hashes"],
        },
    )


def _answer(answer: Mapping[str, Any] | str | Path) -> dict[str, Any]:
    if isinstance(answer, Mapping):
        content: Any = dict(answer)
    else:
        try:
            content = json.loads(Path(answer).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"recommendation {answer} cannot be read ({error})") from None
    if not isinstance(content, dict) or not {"refused", "created", "hashes"} <= content.keys():
        raise InputError("the file holds no recommendation; give what `recommend --json` wrote")
    return content


def _entry_of(audit: str | Path, told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of the record that holds an answer; the latest, where several do."""
    found = None
    for line in Path(audit).read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        same = entry["kind"] == ANSWERED and all(
            entry["payload"][key] == told[key] for key in ("created", "hashes", "refused")
        )
        found = entry if same else found
    if found is None:
        raise InputError(
            f"audit record {audit} does not hold this recommendation; make it with --audit"
        )
    return dict(found)
