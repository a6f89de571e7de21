"""A clinician's decision goes on the record of the recommendation that it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dosegym.cli.main import main
from dosegym.clinic.review import note_answer, review
from dosegym.evaluation.audit import verify
from dosegym.physiology.errors import InputError


@pytest.fixture
def noted(released: Any, tmp_path: Path) -> tuple[Path, Path]:
    """Return the JSON of a proposal, and the audit record that holds it."""
    answer, audit = tmp_path / "answer.json", tmp_path / "audit.jsonl"
    released.write_json(answer)
    note_answer(audit, released)
    return answer, audit


@pytest.mark.parametrize("decision", ["accept", "modify", "reject"])
def test_a_decision_is_appended(noted: tuple[Path, Path], decision: str) -> None:
    """Who decided what and why, bound to the proposal's hashes; the record stays unbroken."""
    answer, audit = noted
    words = ["review", str(answer), "--audit", str(audit), "--decision", decision]
    assert main([*words, "--reviewer", "Dr A", "--reason", "fits the week's log"]) == 0
    *_, last = (json.loads(line) for line in audit.read_text("utf-8").splitlines())
    assert last["kind"] == "reviewed"
    assert last["payload"]["decision"] == decision
    assert last["payload"]["hashes"] == json.loads(answer.read_text("utf-8"))["hashes"]
    report = verify(audit)
    assert report.ok
    assert report.entries == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision": "maybe"}, "decision is 'maybe'"),
        ({"reviewer": " "}, "reviewer is empty"),
        ({"reason": ""}, "reason is empty"),
    ],
)
def test_an_incomplete_review_is_refused(
    noted: tuple[Path, Path], change: dict[str, str], message: str
) -> None:
    """Nothing is appended where who, what or why is missing."""
    answer, audit = noted
    before = audit.read_bytes()
    given = {"decision": "accept", "reviewer": "Dr A", "reason": "because"} | change
    with pytest.raises(InputError, match=message):
        review(answer, audit, **given)
    assert audit.read_bytes() == before


def test_a_proposal_that_is_not_on_record_is_refused(
    noted: tuple[Path, Path], refused: Any, tmp_path: Path
) -> None:
    """A review is of what was recommended with this record, and of nothing else."""
    _, audit = noted
    other = tmp_path / "other.json"
    refused.write_json(other)
    with pytest.raises(InputError, match="does not hold this recommendation"):
        review(other, audit, decision="reject", reviewer="Dr A", reason="x")


def test_a_refusal_can_only_be_rejected(refused: Any, tmp_path: Path) -> None:
    """Where nothing was proposed nothing can be accepted."""
    answer, audit = tmp_path / "answer.json", tmp_path / "audit.jsonl"
    refused.write_json(answer)
    note_answer(audit, refused)
    with pytest.raises(InputError, match="nothing was proposed"):
        review(answer, audit, decision="accept", reviewer="Dr A", reason="x")


def test_a_tampered_record_takes_no_review(noted: tuple[Path, Path]) -> None:
    """A record that was changed is told, not written on."""
    answer, audit = noted
    whole = audit.read_bytes()
    audit.write_bytes(whole.replace(b'"refused":false', b'"refused":true ', 1))
    with pytest.raises(InputError, match="broken"):
        review(answer, audit, decision="reject", reviewer="Dr A", reason="x")


def test_no_name_or_date_of_birth_goes_on_record(noted: tuple[Path, Path], record: Any) -> None:
    """The audit record holds hashes and checks, not the person."""
    text = noted[1].read_text("utf-8")
    assert record.subject not in text
    assert "glucose_mg_dl" not in text
