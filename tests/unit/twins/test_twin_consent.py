"""A stored twin obeys the consent of the record it was made of."""

from __future__ import annotations

import json

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import demo_record, read_record
from dosegym.twins import fit_twin, load_twin


def test_a_twin_of_a_withdrawn_record_is_refused(tmp_path):
    """It carries the consent's id, loads while that holds, and no longer once it is withdrawn."""
    document = {"id": "c-17", "purposes": ["research", "training"], "expires": "2199-01-01"}
    place = tmp_path / "consent.json"
    place.write_text(json.dumps(document))
    record = read_record(demo_record(), consent=place)
    end = float(record.glucose.time_s[-1])
    twin = fit_twin(record.window(end - 2 * 86400.0, end), starts=1)
    assert twin.consent_id == record.consent_id != ""
    path = tmp_path / "twin.json"
    path.write_text(json.dumps(twin.to_dict()))
    assert load_twin(path).consent_id == twin.consent_id
    assert load_twin(path, consent=place, purpose="training").subject == twin.subject
    with pytest.raises(InputError, match="not treatment"):
        load_twin(path, consent=place, purpose="treatment")
    place.write_text(json.dumps({**document, "revoked": "2026-05-01"}))
    with pytest.raises(InputError, match="withdrawn"):
        load_twin(path, consent=place)
    with pytest.raises(InputError, match="pass consent= as well"):
        load_twin(path, purpose="training")
