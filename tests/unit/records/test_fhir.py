"""FHIR R4: pressures, labs, conditions and persons, from hand-written bundles and real samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import assess_pressure, kind_of_record, read_pressure
from dosegym.records.fhir import read_fhir
from dosegym.records.files import Source

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
SUBJECT = {"reference": "urn:uuid:p1"}


def coded(code, system="http://loinc.org", text=""):
    """Return a CodeableConcept."""
    return {"coding": [{"system": system, "code": code}], "text": text}


def quantity(value, unit="mm[Hg]"):
    """Return a Quantity in UCUM."""
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def observation(code, time, **fields):
    """Return a final Observation of the person."""
    return {"resourceType": "Observation", "status": "final", "code": coded(code),
            "subject": SUBJECT, "effectiveDateTime": time, **fields}  # fmt: skip


def panel(sbp, dbp, time="2026-01-05T09:00:00Z", code="85354-9", unit="mm[Hg]", **fields):
    """Return a pressure panel, diastolic first."""
    parts = [("8462-4", dbp), ("8480-6", sbp)]
    component = [{"code": coded(c), "valueQuantity": quantity(v, unit)} for c, v in parts]
    return observation(code, time, component=component, **fields)


def lab(code, value, unit, time="2026-01-05"):
    """Return a laboratory result."""
    return observation(code, time, valueQuantity=quantity(value, unit))


def condition(code, system="http://snomed.info/sct", status="active", text="", **fields):
    """Return a Condition."""
    return {"resourceType": "Condition", "subject": SUBJECT, "code": coded(code, system, text),
            "clinicalStatus": coded(status, "x"), **fields}  # fmt: skip


# fmt: off
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1966-01-05",
           "name": [{"family": "Secret", "given": ["Ada"]}], "telecom": [{"value": "555"}]}
# fmt: on


def bundle(*resources, patient=PATIENT, **fields):
    """Return a bundle as Synthea writes it."""
    entries = [{"fullUrl": f"urn:uuid:{r.get('id', n)}", "resource": r}
               for n, r in enumerate([patient, *resources]) if r]  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **fields}


def read(*resources, **fields):
    """Read hand-written resources."""
    return read_fhir([Source("x.json", json.dumps(bundle(*resources, **fields)).encode())])


def lost(record):
    """Return what was dropped, by reason."""
    return {item.reason: item.count for item in record.dropped}


@pytest.mark.parametrize("code", ["85354-9", "55284-4"])
def test_a_panel_reads_under_both_codes_whatever_the_order_of_its_components(code):
    """Systolic is told from diastolic by code, not by place; an encounter means office."""
    record = read(panel(151.5, 93, code=code, encounter={"reference": "urn:uuid:e"}))
    assert (record.readings.sbp[0], record.readings.dbp[0]) == (151.5, 93)
    assert record.readings.setting.tolist() == ["office"]
    assert record.notes == ()


def test_separate_observations_of_one_time_are_one_reading():
    """Systolic and diastolic as Observations of their own pair up; a lone half is dropped."""
    time = "2026-01-05T09:00:00Z"
    record = read(
        observation("8462-4", time, valueQuantity=quantity(88)),
        observation("8480-6", time, valueQuantity=quantity(142)),
        observation("8480-6", "2026-01-06T09:00:00Z", valueQuantity=quantity(139)),
    )
    assert (record.readings.sbp.tolist(), record.readings.dbp.tolist()) == ([142], [88])
    assert lost(record) == {"pressure: systolic or diastolic is missing": 1}


def test_settings_are_told_by_extension_performer_and_code():
    """Home by HL7's setting or by who measured, ambulatory by code, else office with a note."""
    home = {
        "extension": [
            {"url": "x", "valueCodeableConcept": coded("264362003", "http://snomed.info/sct")}
        ]
    }
    day = observation("97844-5", "2026-01-04", component=[
        {"code": coded("8490-5"), "valueQuantity": quantity(131)},
        {"code": coded("8472-3"), "valueQuantity": quantity(82)}])  # fmt: skip
    record = read(
        panel(140, 90, "2026-01-01T08:00:00Z", **home),
        panel(141, 90, "2026-01-02T08:00:00Z", performer=[{"reference": "Patient/p1"}]),
        panel(142, 90, "2026-01-03T08:00:00Z"),
        day,
    )
    assert record.readings.setting.tolist() == ["home", "home", "office", "ambulatory"]
    assert np.isnan(record.readings.averaged[3])
    assert any(note.startswith("Setting: 1 pressures") for note in record.notes)


def test_pressures_of_acute_care_are_left_out_and_of_home_visits_are_home():
    """The encounter's class decides: emergency and wards say nothing of treatment at home."""
    record = read(
        *[
            {"resourceType": "Encounter", "id": kind, "class": {"code": kind}}
            for kind in ("AMB", "HH", "EMER", "IMP")
        ],
        *[
            panel(140 + n, 90, encounter={"reference": f"urn:uuid:{kind}"})
            for n, kind in enumerate(("AMB", "HH", "EMER", "IMP"))
        ],
    )
    assert record.readings.setting.tolist() == ["office", "home"]
    assert record.readings.sbp.tolist() == [140, 141]
    assert lost(record) == {
        "pressure: taken in hospital or emergency care": 2,
        "row: a resource of a kind that makes no entry": 4,
    }


def test_a_pregnancy_told_as_an_observation_counts_until_it_is_denied():
    """LOINC 82810-3: the latest answer stands."""

    def told(code, time):
        value = coded(code, "http://snomed.info/sct")
        return observation("82810-3", time, valueCodeableConcept=value)

    yes, no = told("77386006", "2026-01-02"), told("60001007", "2026-01-04")
    assert read(yes, panel(150, 90)).chart().conditions["pregnant"]
    assert not read(yes, no, panel(150, 90)).chart().conditions["pregnant"]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (panel(18.6, 12.0, unit="cm[H2O]"), "pressure: dbp: the unit is 'cm[H2O]'"),
        (panel(150, 40, unit=""), "pressure: dbp: no unit"),
        (panel(400, 90), "pressure: sbp: outside 50 to 320 mmHg"),
        (panel(90, 120), "pressure: diastolic is not below systolic"),
        (panel(None, 80), "pressure: sbp: no number"),
        (panel(150, 90, status="entered-in-error"), "pressure: not a valid result (status)"),
        (panel(150, 90, time="yesterday"), "pressure: no time"),
        (observation("8460-8", "2026-01-05", valueQuantity=quantity(120)),
         "pressure: standing or lying, not seated"),
        (lab("6298-4", 4.4, "mg/dL"), "potassium: the unit is 'mg/dL'"),
        (lab("6298-4", 44, "mmol/L"), "potassium: outside 1.5 to 10 mmol/L"),
        (lab("33914-3", 111, "mL/min"), "egfr: the unit is 'mL/min'"),
        (lab("2160-0", 88, "mg/dL"), "creatinine: outside 0.1 to 25 mg/dL"),
    ],
)  # fmt: skip
def test_wrong_units_and_impossible_values_are_dropped_by_name(resource, reason):
    """Each loss is counted with its one-line reason and nothing of it is kept."""
    record = read(resource, panel(150, 90, "2026-01-09T09:00:00Z"))
    assert lost(record) == {reason: 1}
    assert len(record.readings) == 1
    assert not record.labs


def test_units_are_converted_into_those_of_the_chart():
    """kPa, meq/L, umol/L, mmol/L and mmol/mol become mmHg, mmol/L, mg/dL, mg/dL and %."""
    record = read(
        panel(20.0, 12.0, unit="kPa"),
        lab("2823-3", 4.1, "meq/L"),
        lab("14682-9", 88.42, "umol/L"),
        lab("14647-2", 5.172, "mmol/L"),
        lab("59261-8", 53.0, "mmol/mol"),
        lab("29463-7", 200, "[lb_av]"),
        lab("8302-2", 1.8, "m"),
    )
    assert record.readings.sbp[0] == pytest.approx(150.0124)
    latest = record.chart().latest
    assert latest["potassium"] == 4.1
    assert latest["creatinine"] == pytest.approx(1.0)
    assert latest["total_cholesterol"] == pytest.approx(200.0)
    assert latest["hba1c"] == pytest.approx(7.0, abs=0.01)
    assert latest["bmi"] == pytest.approx(200 * 0.45359237 / 1.8**2)


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        (condition("44054006"), {"diabetes"}),
        (condition("127013003"), {"diabetes", "ckd"}),
        (condition("E11.21", "http://hl7.org/fhir/sid/icd-10-cm"), {"diabetes", "ckd"}),
        (condition("N18.3", "http://hl7.org/fhir/sid/icd-10"), {"ckd"}),
        (condition("I50.9", "http://hl7.org/fhir/sid/icd-10-cm"), {"cvd", "heart_failure"}),
        (condition("I44.0", "http://hl7.org/fhir/sid/icd-10-cm"), set()),
        (condition("I44.2", "http://hl7.org/fhir/sid/icd-10-cm"), {"heart_block"}),
        (condition("41291007", status="resolved"), {"angioedema"}),
        (condition("195967001", status="resolved"), set()),
        (condition("15777000"), set()),
        (condition("", "", text="Severe asthma"), {"asthma"}),
        (condition("", "", text="Family history of gout"), set()),
        (condition("", "", text="First degree AV block"), set()),
        (condition("", "", text="Third degree AV block"), {"heart_block"}),
        (condition("72892002", onsetDateTime="2025-11-01"), {"pregnant"}),
        (condition("72892002", onsetDateTime="2024-01-01"), set()),
        (condition("90560007", verificationStatus=coded("refuted", "x")), set()),
        (condition("90560007", abatementDateTime="2025-01-01"), set()),
    ],
)
def test_conditions_by_code_wording_and_time(resource, names):
    """SNOMED, ICD-10 and plain words; lasting ones outlive their end, pregnancy does not."""
    chart = read(resource, panel(150, 90)).chart()
    assert {name for name, stands in chart.conditions.items() if stands} == names


def test_an_allergy_with_swelling_is_an_angioedema_and_an_intolerance():
    """A reaction to lisinopril by swelling forbids the class for ever."""
    record = read(
        panel(150, 90),
        {"resourceType": "AllergyIntolerance", "patient": SUBJECT,
         "code": coded("29046", "http://www.nlm.nih.gov/research/umls/rxnorm", "Lisinopril"),
         "reaction": [{"manifestation": [coded("41291007", "http://snomed.info/sct")]}]},
    )  # fmt: skip
    assert record.intolerances == ("lisinopril",)
    assert record.chart().conditions["angioedema"]


def test_filtration_is_that_of_creatinine_by_one_equation():
    """CKD-EPI 2021 of the newest creatinine counts; a report far from it earns a note."""
    pressure, creatinine = panel(150, 90), lab("2160-0", 1.5, "mg/dL")
    expected = 142 * (1.5 / 0.7) ** -1.2 * 0.9938**60 * 1.012  # Inker 2021, a woman of 60
    record = read(pressure, creatinine, lab("33914-3", 73, "mL/min/{1.73_m2}"))
    assert record.chart().latest["egfr"] == pytest.approx(expected, rel=1e-3)
    assert any("73 is reported, but creatinine 1.50 mg/dL gives 40" in n for n in record.notes)
    close = read(pressure, creatinine, lab("33914-3", 41, "mL/min/{1.73_m2}"))
    assert not any("eGFR" in note for note in close.notes)
    newer = read(pressure, creatinine, lab("33914-3", 73, "mL/min/{1.73_m2}", "2026-03-05"))
    assert newer.chart().latest["egfr"] == 73
    assert read(pressure, lab("33914-3", 73, "mL/min/{1.73_m2}")).chart().latest["egfr"] == 73


def test_the_person_is_known_by_age_and_sex_only():
    """No name, phone, identifier or birth date is left; ages above 89 are 90."""
    record = read(panel(150, 90))
    assert record.person.age_years == pytest.approx(60.0, abs=0.01)
    assert record.person.female is True
    for secret in ("Secret", "Ada", "555", "1966"):
        assert secret not in repr(record)
    old = read(panel(150, 90), patient={**PATIENT, "birthDate": "1930-01-01"})
    assert old.person.age_years == 90.0
    daily = coded("449868002", "http://snomed.info/sct")
    smoker = observation("72166-2", "2026-01-05", valueCodeableConcept=daily)
    assert read(smoker).person.smoker is True
    assert record.person.smoker is None


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"{", "breaks off"),
        (b'{"resourceType": "Bundle", "entry": [', "breaks off"),
        (b'{"resourceType": "Bundle"}', "holds no resource"),
        (b'{"resourceType": "Bundle", "entry": 7}', "holds no resource"),
        (b'[{"resourceType": "Patient"}, 3]', "without resourceType"),
    ],
)
def test_broken_files_are_refused_in_one_line(document, says):
    """Cut, hollow and foreign JSON each say what is wrong."""
    with pytest.raises(InputError, match=says) as refused:
        read_fhir([Source("x.json", document)])
    assert "\n" not in str(refused.value)


def test_two_persons_pages_and_strangers_are_refused_or_left_out():
    """One record is one person: two patients are refused, another's resource is left out."""
    other = {**PATIENT, "id": "p2"}
    with pytest.raises(InputError, match="there are 2 patients"):
        read(other, panel(150, 90))
    stranger = {**panel(190, 120), "subject": {"reference": "Patient/p9"}}
    record = read(stranger, panel(150, 90, "2026-01-07T00:00:00Z"))
    assert record.readings.sbp.tolist() == [150]
    assert lost(record) == {"row: it speaks of another person": 1}
    with pytest.raises(InputError, match="one page of several"):
        read(panel(150, 90), link=[{"relation": "next", "url": "x"}])
    with pytest.raises(InputError, match="speak of 2 persons"):
        read(stranger, panel(150, 90), patient=None)


def test_references_of_other_servers_still_mean_the_person():
    """An absolute address and a relative one both find the patient."""
    for text in (
        "https://x.org/fhir/Patient/p1",
        "Patient/p1",
        "https://x.org/Patient/p1/_history/2",
    ):
        record = read({**panel(150, 90), "subject": {"reference": text}})
        assert len(record.readings) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)
ORDER = {
    "resourceType": "MedicationRequest",
    "status": "active",
    "subject": SUBJECT,
    "authoredOn": "2025-01-01",
    "medicationCodeableConcept": coded("197361", "x", "Amlodipine 5 MG"),
    "dosageInstruction": [
        {
            "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
        }
    ],
}
WHOLE = json.dumps(bundle(panel(150, 90), lab("6298-4", 4, "mmol/L"), condition("44054006"), ORDER))


def places(node, path=()):
    """Yield the path of every value in a JSON tree."""
    inner = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


PLACES = sorted(places(json.loads(WHOLE)), key=repr)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_no_damage_to_a_bundle_makes_anything_but_a_record_or_one_line(path, junk):
    """Any one value anywhere replaced by any JSON: read or refused, never a crash."""
    document = json.loads(WHOLE)
    node = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = junk
    try:
        record = read_fhir([Source("x.json", json.dumps(document).encode())])
    except InputError:
        return
    assert isinstance(assess_pressure(record).reasons_insufficient, tuple)


def sample(name):
    """Return the path of a real sample, or skip."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the sample {name} is not beside this checkout (../shared/data)")
    return path


SYNTHEA = {  # readings, newest sbp, sex, drugs taken at the end of the record
    "Christopher_Abshire": (9, 175.7, False, {"amlodipine", "digoxin", "hydrochlorothiazide",
                                              "simvastatin", "verapamil"}),
    "Dirk_Kuhlman": (11, 166.4, False, {"hydrochlorothiazide"}),
    "Isaiah_Schaden": (18, None, False, {"hydrochlorothiazide"}),
    "Rashad_Blick": (19, None, False, set()),
    "Renea_Quigley": (11, None, True, {"hydrochlorothiazide", "naproxen"}),
}  # fmt: skip


@pytest.mark.shared_data
@pytest.mark.parametrize("name", sorted(SYNTHEA))
def test_synthea_bundles_read_and_are_rightly_refused(name):
    """Readings and drugs as a look into the file gives; no dose is made up; no name is kept."""
    path = next(iter(sample("synthea_r4").glob(f"{name}*.json")))
    readings, newest, female, drugs = SYNTHEA[name]
    assert kind_of_record(path) == "pressure"
    record = read_pressure(path)
    assert len(record.readings) == readings
    if newest:
        assert record.readings.sbp[-1] == pytest.approx(newest, abs=0.05)
    assert record.person.female is female
    taken = record.chart().drugs
    assert {drug.drug for drug in taken} == drugs
    assert not any(drug.dose_known for drug in taken)
    for part in name.split("_"):
        assert part not in repr(record)
    reasons = assess_pressure(record).reasons_insufficient
    treated = {item for item in drugs if item in {"amlodipine", "hydrochlorothiazide", "verapamil"}}
    assert sum(reason.startswith("dose unknown: ") for reason in reasons) == len(treated)
    assert any("has died" in reason for reason in reasons) == (name[:6] in {"Christ"[:6], "Rashad"})


@pytest.mark.shared_data
def test_us_core_examples_read_as_one_folder_and_five_persons_do_not():
    """A day and a three-reading mean at home of one person; the Synthea folder is five people."""
    record = read_pressure(sample("fhir_examples"))
    assert record.readings.setting.tolist() == ["office", "home"]
    assert record.readings.averaged.tolist() == [1.0, 3.0]
    assert record.readings.sbp.tolist() == [109.0, 109.0]
    assert record.labs["creatinine"].value.tolist() == [1.0]
    with pytest.raises(InputError, match="there are 5 patients"):
        read_pressure(sample("synthea_r4"))


def test_every_resource_is_a_row_of_the_account():
    """Entries without a resource, strangers, kinds and codes of no use are dropped by name."""
    strange = {**panel(150, 90), "code": {"coding": [{"system": "x", "code": "72514-3"}]}}
    record = read(
        panel(150, 90),
        strange,
        {"resourceType": "Encounter", "id": "e"},
        {"resourceType": "AllergyIntolerance", "code": {"text": "peanut"}},
    )
    counted = record.rows
    assert (counted.header, counted.used, counted.dropped, counted.silent) == (1, 1, 3, 0)
    assert lost(record)["row: it holds nothing that is used"] == 2
