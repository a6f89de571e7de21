"""One battery over every reader of pressures: the same person's week in each format."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import PRESSURE_FORMATS, assess_pressure, kind_of_record, read_pressure
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
every_format = pytest.mark.parametrize("name", sorted(BATTERY))
in_a_folder = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def put(folder, name, rows):
    """Write rows as a file of a format and return its path."""
    path = folder / f"export{BATTERY[name].suffix}"
    path.write_text(BATTERY[name].text(rows), encoding="utf-8")
    return path


def content(record):
    """Return the data of a record, without what the file's hash gives it."""
    readings = record.readings
    columns = [readings.time_s, readings.sbp, readings.dbp, readings.setting]
    labs = {name: (s.time_s.tolist(), s.value.tolist()) for name, s in record.labs.items()}
    return [column.tolist() for column in columns], labs, record.medications, record.conditions


def test_the_battery_knows_every_format():
    """A reader added without a battery fails here."""
    apart = {"apple_health"}  # tells no drugs and no labs: test_apple_health.py
    assert set(BATTERY) | apart == set(PRESSURE_FORMATS)


@every_format
def test_one_week_reads_alike_and_suffices_in_every_format(tmp_path, name):
    """Readings, labs and the dose come out as they went in, and are enough."""
    path = put(tmp_path, name, BATTERY[name].rows())
    assert kind_of_record(path) == "pressure"
    record = read_pressure(path)
    assert record.source_format == name
    np.testing.assert_array_equal(record.readings.time_s, TIMES)
    np.testing.assert_array_equal(record.readings.sbp, SBP)
    np.testing.assert_array_equal(record.readings.dbp, DBP)
    assert set(record.readings.setting) == {"home"}
    assert record.person.female is False
    assert record.person.age_years == pytest.approx(66.0, abs=0.01)
    assert [(d.drug, d.daily_mg) for d in record.chart().drugs] == [("amlodipine", 5.0)]
    assert (record.chart().latest["potassium"], record.chart().latest["creatinine"]) == (4.4, 1.1)
    judged = assess_pressure(record)
    assert judged.enough, judged.reasons_insufficient
    assert judged.sbp == pytest.approx(np.mean(SBP[4:]))


@every_format
@in_a_folder
@given(seed=st.integers(0, 2**32))
def test_the_order_and_number_of_rows_never_matter(tmp_path, name, seed):
    """Rows shuffled, some twice, give the same record; the copies are counted."""
    rows, fixed = BATTERY[name].rows(), BATTERY[name].fixed
    expected = read_pressure(put(tmp_path, name, rows))
    random_ = random.Random(seed)
    loose = [*rows[fixed:], *random_.sample(rows[fixed:], 12)]
    random_.shuffle(loose)
    record = read_pressure(put(tmp_path, name, [*rows[:fixed], *loose]))
    assert content(record) == content(expected)
    assert sum(item.count for item in record.dropped if "a copy" in item.reason) == 12


@every_format
def test_every_value_is_kept_or_dropped_by_name(tmp_path, name):
    """Of each kind: seen = kept + dropped, and the columns hold what was kept."""
    rows = BATTERY[name].rows()
    record = read_pressure(put(tmp_path, name, [*rows, *rows[-5:]]))
    lost: dict[str, int] = {}
    for item in record.dropped:
        assert item.count > 0
        assert item.example
        kind = item.reason.split(":")[0]
        lost[kind] = lost.get(kind, 0) + item.count
    kept = {item.kind: item.kept for item in record.accounts}
    for item in record.accounts:
        assert item.seen == item.kept + lost.get(item.kind, 0)
    assert kept["pressure"] == len(record.readings) == len(TIMES)
    for lab, series in record.labs.items():
        assert kept[lab] == len(series)


@every_format
def test_a_file_cut_anywhere_is_refused_or_shorter(tmp_path, name):
    """A truncated file never gives a reading that the whole file does not have."""
    path = put(tmp_path, name, BATTERY[name].rows())
    text = path.read_text()
    for length in np.linspace(1, len(text) - 1, 29).astype(int).tolist():
        path.write_text(text[:length])
        try:
            part = read_pressure(path)
        except InputError:
            continue
        assert path.suffix == ".csv"
        assert set(part.readings.sbp.tolist()) <= set(SBP)
        assert len(part.readings) <= len(TIMES)
