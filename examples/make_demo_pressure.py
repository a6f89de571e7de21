"""Make the bundled record of high blood pressure: ten months of a simulated person in FHIR R4.

Nobody's data are in it. A virtual man whose pressure the model simulates comes untreated, starts an
ACE inhibitor, which is doubled, then a calcium channel blocker likewise, and is still too high.
He is measured at the clinic and, twice, for a week at home; blood is drawn now and then.

    python examples/make_demo_pressure.py records/data/demo_pressure.json
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from dosegym.physiology import load_model, load_population, simulate
from dosegym.therapy.laboratory import load_laboratory
from dosegym.therapy.pressure_measurement import load_measurement

SEED = 20260411
START = datetime(2025, 9, 1, 8, 0, tzinfo=UTC)
DAYS = 301
ADHERENCE, WHITE_COAT = 0.9, 6.0

# (day of the start, drug, tablet mg, tablets a day, model input, standard doses)
THERAPY: list[tuple[int, int | None, str, float, str, float]] = [
    (14, 84, "lisinopril", 10.0, "acei", 1.0),
    (84, None, "lisinopril", 20.0, "acei", 2.0),
    (112, 210, "amlodipine", 5.0, "ccb", 1.0),
    (210, None, "amlodipine", 10.0, "ccb", 2.0),
]
OFFICE_DAYS = [0, 14, 42, 84, 112, 154, 210, 266]
HOME_WEEKS = [203, 294]
LAB_DAYS = [7, 42, 112, 182, 280]

model = load_model("dosegym_bp_2026")
person = load_population("hypertension_30")["person#004"].params[0].copy()
column = model.parameter_index
person[column["MAP0"]], person[column["PP0"]] = 113.0, 60.0
person[column["eGFR0"]], person[column["creatinine0"]] = 86.0, 1.0
person[column["r_acei"]] *= 0.8

doses = {name: np.zeros(DAYS) for name in ("acei", "ccb")}
for start, stop, _, _, kind, standard in THERAPY:
    doses[kind][start : stop or DAYS] = standard * ADHERENCE
inputs = {**doses, "sodium_intake": np.ones(DAYS)}
truth = simulate(model, person, inputs, np.arange(DAYS + 1.0))

rng = np.random.default_rng(SEED)
office = load_measurement({"preset": "office_attended", "missed_rate": 0.0})
single = load_measurement({"preset": "office_unattended", "missed_rate": 0.0})
entries: list[dict[str, Any]] = []


def code(system: str, value: str, words: str) -> dict[str, Any]:
    """Return a coded concept."""
    return {"coding": [{"system": system, "code": value, "display": words}], "text": words}


def loinc(value: str, words: str) -> dict[str, Any]:
    """Return a LOINC concept."""
    return code("http://loinc.org", value, words)


def quantity(value: float, unit: str) -> dict[str, Any]:
    """Return a value with its UCUM unit."""
    return {
        "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit,
    }  # fmt: skip


def when(day: float) -> str:
    """Return the time of a day of the course."""
    return (START + timedelta(days=day)).isoformat()


def add(kind: str, **fields: Any) -> None:
    """Write one resource."""
    name = f"{kind.lower()}-{len(entries):04d}"
    entries.append({"resource": {"resourceType": kind, "id": name, **fields}})


def observe(what: dict[str, Any], day: float, **fields: Any) -> None:
    """Write one observation."""
    subject = {"reference": "Patient/demo"}
    add("Observation", status="final", code=what, subject=subject,
        effectiveDateTime=when(day), **fields)  # fmt: skip


def pressure(day: float, device: Any, home: bool) -> None:
    """Measure and write one pressure with its heart rate."""
    names = ("sbp", "dbp", "heart_rate", "standing_sbp", "standing_dbp")
    true = [truth[name][int(day) : int(day) + 1] for name in names]
    read = device.apply(*true, device.draws(rng, 1), WHITE_COAT)
    parts = [
        {"code": loinc("8480-6", "Systolic"), "valueQuantity": quantity(read.sbp[0], "mm[Hg]")},
        {"code": loinc("8462-4", "Diastolic"), "valueQuantity": quantity(read.dbp[0], "mm[Hg]")},
        {
            "code": loinc("8867-4", "Heart rate"),
            "valueQuantity": quantity(read.heart_rate[0], "/min"),
        },
    ]
    who = {"reference": "Patient/demo" if home else "Practitioner/demo"}
    observe(loinc("85354-9", "Blood pressure panel"), day, performer=[who], component=parts)


entries.append(
    {"resource": {"resourceType": "Patient", "id": "demo", "gender": "male",
                  "birthDate": "1968-03-14"}}
)  # fmt: skip
snomed = "http://snomed.info/sct"
active = code("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active")
add("Condition", clinicalStatus=active, subject={"reference": "Patient/demo"},
    code=code(snomed, "59621000", "Essential hypertension"), onsetDateTime=when(0))  # fmt: skip

for day in OFFICE_DAYS:
    pressure(day + 0.1, office, home=False)
for week in HOME_WEEKS:
    for day in range(7):
        for hour in (-1.0, 11.0):  # seven in the morning, seven in the evening
            pressure(week - 7 + day + 1 + hour / 24.0, single, home=True)
lab = load_laboratory()
for day in LAB_DAYS:
    true = [truth[name][day : day + 1] for name in ("potassium", "sodium", "creatinine")]
    result = lab.apply(*true, lab.draws(rng, 1)[0])
    observe(
        loinc("2823-3", "Potassium"), day, valueQuantity=quantity(result.potassium[0], "mmol/L")
    )
    observe(loinc("2951-2", "Sodium"), day, valueQuantity=quantity(result.sodium[0], "mmol/L"))
    observe(
        loinc("2160-0", "Creatinine"), day, valueQuantity=quantity(result.creatinine[0], "mg/dL")
    )
observe(loinc("2093-3", "Total cholesterol"), 7, valueQuantity=quantity(206.0, "mg/dL"))
observe(loinc("2085-9", "HDL cholesterol"), 7, valueQuantity=quantity(46.0, "mg/dL"))
observe(loinc("29463-7", "Body weight"), 0, valueQuantity=quantity(91.0, "kg"))
observe(loinc("8302-2", "Body height"), 0, valueQuantity=quantity(178.0, "cm"))
observe(loinc("72166-2", "Smoking status"), 0,
        valueCodeableConcept=code(snomed, "266919005", "Never smoked"))  # fmt: skip
for start, stop, drug, tablet, _, _ in THERAPY:
    bounds = {"start": when(start)} | ({"end": when(stop)} if stop else {})
    repeat = {"boundsPeriod": bounds, "frequency": 1, "period": 1, "periodUnit": "d"}
    add("MedicationRequest", status="completed" if stop else "active", intent="order",
        subject={"reference": "Patient/demo"}, authoredOn=when(start),
        medicationCodeableConcept={"text": f"{drug} {tablet:g} MG Oral Tablet"},
        dosageInstruction=[{"text": "Take 1 tablet once daily", "timing": {"repeat": repeat},
                            "doseAndRate": [{"doseQuantity": quantity(1, "{tbl}")}]}])  # fmt: skip

bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
Path(sys.argv[1]).write_text(json.dumps(bundle, indent=1) + "\n", "utf-8")
print(f"{len(entries)} resources, {DAYS} days: {sys.argv[1]}")
