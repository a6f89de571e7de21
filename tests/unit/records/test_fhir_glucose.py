"""FHIR glucose, insulin and drugs that were given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import kind_of_record, read_pressure, read_record

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def observation(code, minute, value, unit, **more):
    """Return an Observation."""
    return {
        "resourceType": "Observation", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "urn:uuid:7"},
        "effectiveDateTime": f"2026-01-05T{minute // 60:02d}:{minute % 60:02d}:00+01:00",
        "valueQuantity": {"value": value, "unit": unit, "code": unit}, **more,
    }  # fmt: skip


def given(text, dosage, status="completed", **when):
    """Return a MedicationAdministration."""
    when = when or {"effectiveDateTime": "2026-01-05T08:30:00+01:00"}
    return {"resourceType": "MedicationAdministration", "status": status, "dosage": dosage,
            "subject": {"reference": "urn:uuid:7"},
            "medicationCodeableConcept": {"text": text}, **when}  # fmt: skip


def units(value, code="[iU]"):
    """Return a dosage of units."""
    return {"dose": {"value": value, "code": code}}


def bundle(tmp_path, rows):
    """Write a transaction bundle of one patient, referred to by urn:uuid."""
    patient = {"resourceType": "Patient", "id": "7", "gender": "male", "birthDate": "1960-02-01"}
    entries = [{"fullUrl": "urn:uuid:7", "resource": patient}, *({"resource": r} for r in rows)]
    path = tmp_path / "bundle.json"
    text = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    path.write_text(text)
    return path


SENSOR = [observation("99504-3", 480 + 5 * k, 120, "mg/dL") for k in range(24)]


def test_both_codes_of_a_sensor_read_into_one_series(tmp_path):
    """mg/dL, mmol/L and both; the offset of the times is the zone; bounds are censored."""
    molar = [observation("105272-9", 700 + 5 * k, 6.1, "mmol/L") for k in range(24)]
    low = observation("99504-3", 1000, 40, "mg/dL")
    low["valueQuantity"]["comparator"] = "<"
    timeline = read_record(bundle(tmp_path, [*SENSOR, *molar, low]))
    assert kind_of_record(tmp_path / "bundle.json") == "glucose"
    assert sorted(set(timeline.glucose.mg_dl.round(1).tolist())) == [40.0, 109.9, 120.0]
    assert timeline.glucose.censored[-1] == -1
    assert timeline.timezone == "UTC+01:00"
    only = read_record(bundle(tmp_path, molar))
    assert only.glucose.mg_dl == pytest.approx(6.1 * 18.01559)


def test_insulin_that_was_given(tmp_path):
    """Pen and pump by the drug's name; mixtures, other drugs and doses without a unit are named."""
    period = {"start": "2026-01-05T08:00:00+01:00", "end": "2026-01-05T10:00:00+01:00"}
    rate = {"rateQuantity": {"value": 0.7, "unit": "U/h"}}
    timeline = read_record(bundle(tmp_path, [
        *SENSOR, given("Insulin aspart 100 UNT/ML", units(4)), given("insulin glargine", units(18)),
        given("insulin lispro", rate, effectivePeriod=period),
        given("insulin lispro protamine 75/25", units(12)), given("insulin aspart", units(3, "mL")),
        given("insulin aspart", units(9), status="not-done"), given("Metformin 500 MG", units(1)),
        observation("9059-7", 500, 45, "g"), observation("2339-0", 500, 130, "mg/dL"),
        observation("99504-3", 505, 130, "mg/mL"),
    ]))  # fmt: skip
    assert timeline.boluses.units.tolist() == [4]
    assert timeline.long_acting.units.tolist() == [18]
    assert timeline.basal.u_per_h.tolist() == [0.7]
    assert timeline.meals.carbs_g.tolist() == [45]
    assert {item.reason for item in timeline.dropped} == {
        "bolus: dose unknown (no amount in units)", "bolus: not given (status)",
        "glucose: a single value, not a sensor reading",
        "glucose: the unit is neither mg/dL nor mmol/L",
        "insulin: neither fast- nor long-acting", "medication: not insulin",
    }  # fmt: skip


def test_a_few_values_are_no_record_but_labs(tmp_path):
    """Single glucose values are refused as a timeline, and are labs of the chart."""
    rows = [observation("2345-7", 480, 96, "mg/dL"), observation("14749-6", 500, 5.5, "mmol/L")]
    path = bundle(tmp_path, rows)
    with pytest.raises(InputError, match="2 single values are no sensor record, which needs 12"):
        read_record(path)
    labs = read_pressure(path).labs["glucose"]
    assert labs.value == pytest.approx([96, 5.5 * 18.01559])


def test_an_administration_has_a_strength_and_no_daily_dose(tmp_path):
    """The strength comes from the text, the dose a day is unknown and says so."""
    order = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "subject": {"reference": "urn:uuid:7"}, "authoredOn": "2026-01-02",
        "medicationCodeableConcept": {"text": "Amlodipine 5 MG Oral Tablet"},
        "dosageInstruction": [{"text": "1 tablet once daily"}],
    }  # fmt: skip
    rows = [
        order, given("Lisinopril 10 MG Oral Tablet", {}), given("Amlodipine 5 MG", {}),
        given("Losartan 50 MG", {}, status="not-done"), given("Amoxicillin 250 MG", {}),
    ]  # fmt: skip
    record = read_pressure(bundle(tmp_path, rows))
    found = {item.drug: item for item in record.medications}
    assert (found["lisinopril"].strength_mg, found["lisinopril"].daily_mg) == (10.0, None)
    assert "dose unknown" in found["lisinopril"].why_unknown
    assert found["amlodipine"].daily_mg == 5.0
    assert "losartan" not in found
    assert [drug.drug for drug in record.chart().drugs] == ["amlodipine"]
    seen = {item.kind: (item.seen, item.kept) for item in record.accounts}
    assert seen["medication"] == (5, 2)


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="shared data are not here")
def test_every_shared_fhir_file_reads_or_is_refused_with_a_reason():
    """US Core examples one by one and Synthea bundles: charts read, and none holds a sensor."""
    files = [*(SHARED / "fhir_examples").glob("*.json"), *(SHARED / "synthea_r4").glob("*.json")]
    assert len(files) >= 12
    for path in files:
        record = read_pressure(path)
        lost = sum(item.count for item in record.dropped)
        assert lost == sum(item.seen - item.kept for item in record.accounts)
        with pytest.raises(InputError, match="are no sensor record"):
            read_record(path)
    means = read_pressure(
        SHARED / "fhir_examples" / "uscore_Observation-average-blood-pressure.json"
    )
    assert (means.readings.sbp[0], means.readings.averaged[0]) == (109, 3)
    glucose = read_pressure(SHARED / "fhir_examples" / "uscore_observation-serum-glucose.json")
    assert glucose.labs["glucose"].value.tolist() == [76]
