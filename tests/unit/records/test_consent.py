"""Consent: what lies beside a record is obeyed before anything of the record is read."""

from __future__ import annotations

import json

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import permit_twin, read_pressure, read_record

CSV = "time,glucose_mg_dl\n" + "".join(f"2026-01-01T00:{m:02d}:00Z,100\n" for m in range(0, 60, 5))
GOOD = {"consent": "dosegym", "id": "c-1", "purposes": ["research"], "expires": "2199-01-01"}


@pytest.fixture
def record(tmp_path):
    """Return a record."""
    path = tmp_path / "day.csv"
    path.write_text(CSV)
    return path


def put(record, document, name="consent.json"):
    """Write a consent document beside a record."""
    path = record.with_name(name)
    path.write_text(json.dumps(document))
    return path


def test_without_a_document_it_is_said_and_may_be_refused(record, monkeypatch):
    """Sample data read with a sentence; an argument or the environment refuses them."""
    assert "No consent document" in read_record(record).consent
    with pytest.raises(InputError, match="one is required"):
        read_record(record, require_consent=True)
    monkeypatch.setenv("DOSEGYM_REQUIRE_CONSENT", "1")
    with pytest.raises(InputError, match="one is required"):
        read_record(record)
    assert read_record(record, require_consent=False)


@pytest.mark.parametrize("name", ["consent.json", "day.csv.consent.json", "day.consent.json"])
def test_a_document_beside_the_record_is_found(record, name):
    """By either name; the timeline says under which consent it was read, without its id."""
    put(record, GOOD, name)
    timeline = read_record(record, require_consent=True)
    assert timeline.consent.startswith("Consent ")
    assert "permits research until 2199" in timeline.consent
    assert timeline.consent_id
    assert "c-1" not in repr(timeline)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"revoked": "2026-02-01"}, "it was withdrawn"),
        ({"revoked": True}, "it was withdrawn"),
        ({"expires": "2020-01-01"}, r"it expired at 2020-01-02T00:00:00Z"),
        ({"granted": "2199-01-01"}, "begins at 2199"),
        ({"purposes": ["treatment"]}, "it permits treatment, not research"),
        ({"purposes": []}, "it permits nothing, not research"),
        ({"purposes": ["resarch"]}, "purposes is not a list of"),
        ({"expire": "2020-01-01"}, "1 key is unknown"),
        ({"expires": "soon"}, "expires is no date"),
        ({"id": ""}, "id is missing"),
        ({"records": ["0" * 64]}, "it names other records"),
        ({"records": ["zz"]}, "records is not a list of SHA-256"),
    ],
)
def test_what_does_not_permit_is_refused_in_one_line(record, change, says):
    """Withdrawn, expired, not begun, for another purpose or record, or not understood."""
    put(record, {**GOOD, **change})
    with pytest.raises(InputError, match=says) as refused:
        read_record(record)
    assert "\n" not in str(refused.value)


def test_nothing_is_read_before_the_consent(record):
    """Of a withdrawn record not even the fault in its content is found."""
    record.write_text("not a record at all")
    put(record, {**GOOD, "revoked": True})
    with pytest.raises(InputError, match="withdrawn"):
        read_record(record)


def test_the_purpose_is_told_and_checked(record):
    """What the document names may be read for; a word that is no purpose is refused."""
    put(record, {**GOOD, "purposes": ["treatment", "quality"]})
    assert "permits quality" in read_record(record, purpose="quality").consent
    with pytest.raises(InputError, match="'curiosity' is unknown"):
        read_record(record, purpose="curiosity")


def test_a_document_elsewhere_and_one_that_is_broken(record, tmp_path):
    """consent= wins over what lies beside; a document in doubt permits nothing."""
    put(record, {**GOOD, "revoked": True})
    other = tmp_path / "elsewhere.json"
    other.write_text(json.dumps(GOOD))
    assert read_record(record, consent=other)
    for text in ("", "{", "[]", "7"):
        other.write_text(text)
        with pytest.raises(InputError, match="consent:"):
            read_record(record, consent=other)
    with pytest.raises(InputError, match="cannot be read"):
        read_record(record, consent=tmp_path / "missing.json")


def fhir(**provision):
    """Return a FHIR R4 Consent."""
    return {
        "resourceType": "Consent", "id": "x", "status": provision.pop("status", "active"),
        "patient": {"display": "Ann Example"},
        "provision": {"type": "permit", "period": {"start": "2020-01-01"}, **provision},
    }  # fmt: skip


def purpose(*codes):
    """Return codings of purposes."""
    return [{"code": code} for code in codes]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (fhir(), ""),
        (fhir(purpose=purpose("HRESCH", "TREAT")), ""),
        (fhir(type="deny", provision=[{"type": "permit", "purpose": purpose("HRESCH")}]), ""),
        (fhir(purpose=purpose("TREAT")), "it permits treatment, not research"),
        (fhir(type="deny"), "permits nothing"),
        (fhir(provision=[{"type": "deny", "purpose": purpose("HRESCH")}]), "not research"),
        (fhir(provision=[{"type": "deny"}]), "an exception names no purpose"),
        (fhir(data=[{"meaning": "instance"}]), "of certain data only"),
        (fhir(period={"end": "2020-06-01"}), "it expired"),
        (fhir(status="inactive"), "it was withdrawn"),
        (fhir(status="draft"), "neither active nor ended"),
        ({"resourceType": "Consent", "status": "active"}, "neither permit nor deny"),
    ],
)
def test_fhir_consents(record, document, says):
    """Status, period, purposes and exceptions of FHIR R4; what cannot be judged permits nothing."""
    put(record, document)
    if says:
        with pytest.raises(InputError, match=says):
            read_record(record)
    else:
        assert read_record(record).consent_id


def test_a_consent_within_a_bundle_is_obeyed(tmp_path):
    """A bundle that carries its own withdrawn consent is refused by both readers."""
    patient = {"resourceType": "Patient", "id": "1", "gender": "female", "birthDate": "1980-01-01"}
    bundle = {"resourceType": "Bundle", "entry": [
        {"resource": patient}, {"resource": fhir(status="inactive")}]}  # fmt: skip
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle))
    for reader in (read_record, read_pressure):
        with pytest.raises(InputError, match="withdrawn"):
            reader(path)


def test_a_folder_reads_past_its_consent(record, tmp_path):
    """A consent document in the folder is no part of the record and does not change its hash."""
    before = read_record(tmp_path).source_sha256
    put(record, GOOD)
    assert read_record(tmp_path).source_sha256 == before


def test_a_twin_lives_no_longer_than_its_consent(record):
    """A stored twin is refused under a withdrawn, expired or another's consent."""
    place = put(record, GOOD)
    timeline = read_record(record)
    twin = (timeline.source_sha256, timeline.consent_id)
    assert permit_twin(*twin, place).text.startswith("Consent")
    put(record, {**GOOD, "id": "another"})
    with pytest.raises(InputError, match="names neither"):
        permit_twin(*twin, place)
    put(record, {**GOOD, "id": "another", "records": [timeline.source_sha256]})
    assert permit_twin(*twin, place)
    put(record, {**GOOD, "revoked": "2026-05-01"})
    with pytest.raises(InputError, match="withdrawn"):
        permit_twin(*twin, place)
