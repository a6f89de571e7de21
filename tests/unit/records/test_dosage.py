"""Prescriptions into mg a day: what is said is read, what is not said stays unknown."""

from __future__ import annotations

import pytest

from dosegym.records.dosage import dose_in_words, strengths_mg, times_a_day
from dosegym.records.drug_names import CLASS_OF, PRESSURE_CLASSES, RXNORM, names_in
from dosegym.records.fhir_medication import drugs_of, read_medication
from dosegym.records.quality import Ledger
from dosegym.therapy.formulary import DRUGS

DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


def order(text="Lisinopril 10 MG Oral Tablet", code="x", **fields):
    """Return a MedicationRequest."""
    coding = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code}
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "authoredOn": "2026-01-01",
        "medicationCodeableConcept": {"text": text, "coding": [coding]},
        **fields,
    }


def dosage(value=1, unit="tablet", repeat=DAILY, **fields):
    """Return a dosageInstruction with an amount and a timing."""
    amount = {"value": value, "unit": unit} if unit else {"value": value}
    return {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": amount}], **fields}


def read(**fields):
    """Read one order."""
    return read_medication(order(**fields), lambda reference: {}, Ledger())


@pytest.mark.parametrize(
    ("text", "tablets", "mg"),
    [
        ("Take 1 tablet by mouth daily", 1, None),
        ("TAKE ONE TABLET BY MOUTH TWICE DAILY WITH OR WITHOUT FOOD", 2, None),
        ("1/2 tab po qd", 0.5, None),
        ("10 mg once daily", None, 10),
        ("12,5 mg every morning", None, 12.5),
        ("1 tablet (10 mg) every 12 hours", 2, 20),
        ("Take 1 (one) capsule three times a day", 3, None),
        ("1-0-1", 2, None),
        ("1-0-½-0", 1.5, None),
    ],
)
def test_plain_dosage_texts_read(text, tablets, mg):
    """Amount and frequency said plainly, in words, Latin or the three-times scheme."""
    dose = dose_in_words(text)
    assert (dose.tablets, dose.mg) == (tablets, mg)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "as directed",
        "Take 1 tablet",
        "daily",
        "1-2 tablets daily",
        "1 to 2 tablets daily",
        "1 tablet daily as needed",
        "1 tablet every other day",
        "1 tablet once every 2 days",
        "1 tablet once a week",
        "1 tablet morning, 2 tablets evening",
        "1 tablet in the morning and 1 tablet at night",
        "1 tablet in the morning, 1 tablet in the evening",
        "1 tablet daily for a month then 2 tablets daily",
        "up to 2 tablets daily",
        "1 tablet daily if blood pressure is above 140",
        "5 mL daily",
        "start 2020-01-02",
        "1 tablet daily Monday",
    ],
)
def test_conditional_vague_and_stepped_texts_stay_unknown(text):
    """Nothing is guessed, and the reason is told."""
    dose = dose_in_words(text)
    assert (dose.tablets, dose.mg) == (None, None)
    assert dose.why


def test_strengths_and_ingredients_of_rxnorm_texts():
    """mg, mcg and g; volumes and puffs have no tablet's strength; combinations pair in order."""
    assert strengths_mg("Hydrochlorothiazide 12.5 MG / Lisinopril 10 MG") == [12.5, 10.0]
    assert strengths_mg("Clonidine 100 MCG") == pytest.approx([0.1])
    assert strengths_mg("Nizatidine 15 MG/ML") == [None]
    assert strengths_mg("Clonidine 0.1 MG/24HR Patch") == [None]
    assert drugs_of("Amlodipine 5 MG / Hydrochlorothiazide 12.5 MG / valsartan 160 MG", []) == [
        ("amlodipine", 5.0),
        ("hydrochlorothiazide", 12.5),
        ("valsartan", 160.0),
    ]
    assert drugs_of("Aspirin 81 MG / Pravastatin 40 MG", []) == [("pravastatin", 40.0)]
    assert drugs_of("losartan potassium 50 MG", []) == [("losartan", 50.0)]
    assert drugs_of("losartan/hydrochlorothiazide 50/12.5 mg", []) == [
        ("losartan", None),
        ("hydrochlorothiazide", None),
    ]
    assert drugs_of("", ["197361"]) == [("amlodipine", 5.0)]
    assert drugs_of("Lithium Carbonate 300 MG", []) == [("lithium", 300.0)]
    assert drugs_of("Amoxicillin 250 MG", ["1"]) == []
    assert drugs_of("Norvasc 10 mg", []) == [("amlodipine", 10.0)]
    assert drugs_of("Lisinopril 10 MG Oral Tablet [Zestril]", []) == [("lisinopril", 10.0)]


def test_every_formulary_drug_is_known_in_its_class():
    """The names of the treated classes are those of the formulary."""
    for name, drug in DRUGS.items():
        assert CLASS_OF[name] == drug.drug_class
        assert drug.drug_class in PRESSURE_CLASSES
        assert names_in(f"{name} 5 MG Oral Tablet") == [name]
    assert {name for name, _ in RXNORM.values()} <= set(CLASS_OF)


@pytest.mark.parametrize(
    ("rows", "daily_mg"),
    [
        ([dosage()], 10),
        ([dosage(unit="{tbl}")], 10),
        ([dosage(value=0.5, unit="TAB")], 5),
        ([dosage(value=20, unit="mg")], 20),
        ([dosage(repeat={"frequency": 2, "period": 1, "periodUnit": "d"})], 20),
        ([dosage(repeat={"period": 12, "periodUnit": "h"})], 20),
        ([dosage(repeat={"frequency": 1, "period": 2, "periodUnit": "d"})], 5),
        ([dosage(repeat={}, timing={"code": {"coding": [{"code": "BID"}]}})], 20),
        ([dosage(), dosage(value=2)], 30),
        ([{"text": "1 tablet daily"}], 10),
        ([{"text": "1 tablet (10 mg) daily"}], 10),
    ],
)
def test_structured_dosages_give_mg_a_day(rows, daily_mg):
    """Tablets times strength times frequency, or mg as they stand."""
    (drug,) = read(dosageInstruction=rows)
    assert drug.daily_mg == pytest.approx(daily_mg)
    assert drug.dose_known


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (None, "no dosage is given"),
        ([{}], "no dosage is given"),
        ([{"asNeededBoolean": True}], "as needed"),
        ([dosage(unit="")], "the amount has no unit"),
        ([dosage(unit="mL")], "the amount's unit is 'mL'"),
        ([dosage(repeat={"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "d"})],
         "no plain daily frequency"),
        ([dosage(repeat={"frequency": 1, "period": 1, "periodUnit": "wk"})],
         "no plain daily frequency"),
        ([dosage(repeat={**DAILY, "dayOfWeek": ["mon"]})], "no plain daily frequency"),
        ([{"doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}],
         "no plain daily frequency"),
        ([dosage(sequence=1), dosage(sequence=2)], "changes in steps"),
        ([{"text": "2 tablets (10 mg) daily"}], "do not agree"),
        ([dosage(value=100)], "100 tablets a day are beyond reason"),
    ],
)  # fmt: skip
def test_what_a_prescription_does_not_say_is_unknown_with_its_reason(rows, why):
    """Synthea's doses without a unit, ranges, weeks and steps: no daily dose."""
    (drug,) = read(**({} if rows is None else {"dosageInstruction": rows}))
    assert drug.daily_mg is None
    assert why in drug.why_unknown
    assert drug.strength_mg == 10.0


def test_combinations_status_and_periods():
    """Each ingredient has its dose; mg of a combination say nothing; drafts do not count."""
    text = "Hydrochlorothiazide 12.5 MG / Lisinopril 10 MG Oral Tablet"
    both = read(text=text, dosageInstruction=[dosage(value=2)])
    assert {drug.drug: drug.daily_mg for drug in both} == {
        "hydrochlorothiazide": 25.0,
        "lisinopril": 20.0,
    }
    for drug in read(text=text, dosageInstruction=[dosage(value=10, unit="mg")]):
        assert "combination" in drug.why_unknown
    for fields in ({"status": "draft"}, {"intent": "proposal"}, {"doNotPerform": True}):
        assert read(**fields) == []
    ended = {"validityPeriod": {"end": "2026-02-01"}}
    (drug,) = read(status="completed", dispenseRequest=ended)
    assert drug.status == "stopped"
    assert drug.end_s - drug.start_s == 31 * 86400
    assert not drug.taken_at(drug.start_s + 1)


def test_a_reference_is_followed_and_a_nameless_order_is_counted():
    """A medicationReference finds the Medication; where it names nothing, that is told."""
    medication = {"code": {"text": "Amlodipine 5 MG"}}
    fields = {"medicationCodeableConcept": None, "medicationReference": {"reference": "urn:uuid:m"}}
    resource = {**order(), **fields}
    ledger = Ledger()
    (drug,) = read_medication(resource, {"urn:uuid:m": medication}.__getitem__, ledger)
    assert (drug.drug, drug.strength_mg) == ("amlodipine", 5.0)
    assert read_medication(resource, lambda reference: {}, ledger) == []
    assert [item.reason for item in ledger.dropped()] == ["medication: names no drug"]


def test_times_a_day():
    """Hours and days; weeks are no daily rhythm."""
    assert times_a_day(1, 8, "h") == 3
    assert times_a_day(2, 1, "d") == 2
    assert times_a_day(1, 1, "wk") is None
    assert times_a_day(1, 0, "d") is None
