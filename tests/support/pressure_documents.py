"""One person's week of blood pressures in every format of text that `read_pressure` knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dosegym.records.clock import utc_text

MONDAY = 1767571200  # 2026-01-05T00:00:00Z
TIMES = [MONDAY + 86400 * d + h for d in range(7) for h in (25_200, 25_260, 68_400, 68_460)]
SBP = [148 + 7 * (n % 3) - n / 2 for n in range(len(TIMES))]
DBP = [91 + n % 4 for n in range(len(TIMES))]
LOINC = "http://loinc.org"


class Format(NamedTuple):
    """How to write the week: its rows, and rows into a file's text."""

    rows: Callable[[], list[object]]
    text: Callable[[Sequence[object]], str]
    suffix: str
    fixed: int
    """How many of the first rows say who it is, and are never doubled or left out."""


def coded(code, text=""):
    """Return a LOINC concept."""
    return {"coding": [{"system": LOINC, "code": code}], "text": text}


def observation(code, at, **fields):
    """Return an Observation at a time."""
    base = {"resourceType": "Observation", "status": "final", "code": coded(code)}
    return {**base, "subject": {"reference": "Patient/p"}, "effectiveDateTime": at, **fields}


def fhir_rows():
    """Return patient, drug and labs, then one panel a reading."""
    patient = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1960-01-11"}
    drug = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "subject": {"reference": "Patient/p"},
        "authoredOn": "2025-01-05",
        "medicationCodeableConcept": {"text": "Amlodipine 5 MG Oral Tablet"},
        "dosageInstruction": [{"text": "1 tablet daily"}],
    }
    labs = [
        observation(code, "2026-01-02", valueQuantity={"value": value, "code": unit})
        for code, value, unit in (("6298-4", 4.4, "mmol/L"), ("2160-0", 1.1, "mg/dL"))
    ]
    panels = [
        observation(
            "85354-9",
            utc_text(time),
            performer=[{"reference": "Patient/p"}],
            component=[
                {"code": coded(code), "valueQuantity": {"value": value, "code": "mm[Hg]"}}
                for code, value in (("8480-6", sbp), ("8462-4", dbp))
            ],
        )
        for time, sbp, dbp in zip(TIMES, SBP, DBP, strict=True)
    ]
    return [patient, drug, *labs, *panels]


def fhir_text(rows):
    """Return a bundle."""
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": row} for row in rows]})


def csv_rows():
    """Return the lines of keys and header, then one line a reading."""
    keys = [
        "# sex: male",
        "# age_years: 66",
        "# medication: amlodipine 5 mg, 1 tablet daily since 2025-01-05",
        "# potassium_mmol_l: 4.4 @ 2026-01-02",
        "# creatinine_mg_dl: 1.1 @ 2026-01-02",
        "timestamp,systolic,diastolic",
    ]
    rows = zip(TIMES, SBP, DBP, strict=True)
    return [*keys, *(f"{utc_text(time)},{sbp},{dbp}" for time, sbp, dbp in rows)]


BATTERY = {
    "fhir_r4": Format(fhir_rows, fhir_text, ".json", 2),
    "home_csv": Format(csv_rows, lambda rows: "\n".join([*rows, ""]), ".csv", 6),
}


def put(folder, name, rows):
    """Write rows as a file of a format and return its path."""
    path = folder / f"export{BATTERY[name].suffix}"
    path.write_text(BATTERY[name].text(rows), encoding="utf-8")
    return path
