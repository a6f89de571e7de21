"""Broken files of every format: read within bounds, or refused in one line; never in a wrong unit.

`examples/fuzz_readers.py` runs the same on ten thousand files.
"""

from __future__ import annotations

import random

import fuzzing as FUZZING
import mutations
import numpy as np
import pressure_documents as PRESSURE
import pytest
import reader_documents as READERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import clarity, clean_glucose, plain_csv, read_pressure, read_record
from dosegym.records.quality import Ledger, Rows

FACTOR = 18.01559
in_a_folder = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
every_format = pytest.mark.parametrize("name", FUZZING.formats())
every_glucose = pytest.mark.parametrize("name", sorted(READERS.BATTERY))


@every_format
@in_a_folder
@given(seed=st.integers(0, 2**32))
def test_a_broken_file_is_read_within_bounds_or_refused_in_one_line(tmp_path, name, seed):
    """Neither crash nor hang; what is read is plausible and every value is accounted for."""
    outcome = FUZZING.attempt(name, seed, tmp_path)
    assert outcome.kind in {"read", "refused"}, outcome


@every_format
def test_what_is_broken_here_is_sound_before(tmp_path, name):
    """The documents that are broken read as they stand, so that a refusal is due to the fault."""
    for seed in range(4):
        outcome = FUZZING.judge(FUZZING.written(name, tmp_path, random.Random(seed)))
        assert outcome.kind == "read", outcome


def relabel(folder, pairs):
    """Exchange the names of units in every file of a folder; tell whether any stood there."""
    found = False
    for path in folder.iterdir():
        text = path.read_text()
        for one, other in pairs:
            text = FUZZING.relabelled(text, one, other)
        found |= text != path.read_text()
        path.write_text(text)
    return found


def same_glucose(timeline, name):
    """Tell whether each reading is the day's own, within what rounding to 0.01 mmol/L makes."""
    start = timeline.glucose.time_s - (946684800 if name in READERS.UNDATED else READERS.MIDNIGHT)
    truth = np.array([READERS.GLUCOSE[int(minute)] for minute in start / 60])
    return bool(np.all(np.abs(timeline.glucose.mg_dl / truth - 1.0) < 0.03))


@every_glucose
@pytest.mark.parametrize("converted", [0.0, 0.05, 0.15, 0.5, 1.0])
@pytest.mark.parametrize("labelled", [False, True])
def test_glucose_is_never_read_in_a_wrong_unit(tmp_path, name, converted, labelled):
    """Values converted, labels exchanged, both or some: read to the same mg/dL, or not at all."""
    form, rng = READERS.BATTERY[name], random.Random(7)
    plain, other = form.rows(1.0), form.rows(FACTOR)
    rows = [b if rng.random() < converted else a for a, b in zip(plain, other, strict=True)]
    path = READERS.put(tmp_path, name, rows)
    if labelled:
        one, two = ("mmol", "mg_dl") if form.molar else ("mg/dL", "mmol/L")
        relabel(tmp_path, [(one, two), ("mg_dl", "mmol_l")] if not form.molar else [])
    try:
        timeline = read_record(path)
    except InputError:
        return
    assert same_glucose(timeline, name)


@every_glucose
@pytest.mark.parametrize("converted", [0.02, 0.1])
def test_single_values_of_the_other_unit_are_left_out(tmp_path, name, converted):
    """A day near 400 mg/dL with a few values in mmol/L holds no value of 22 mg/dL."""
    form, rng = READERS.BATTERY[name], random.Random(3)
    high = {minute: 380 + minute % 40 for minute in READERS.MINUTES}
    truth = dict(READERS.GLUCOSE)
    try:
        READERS.GLUCOSE.update(high)
        plain, other = form.rows(1.0), form.rows(FACTOR)
    finally:
        READERS.GLUCOSE.update(truth)
    rows = [b if rng.random() < converted else a for a, b in zip(plain, other, strict=True)]
    path = READERS.put(tmp_path, name, rows)
    try:
        timeline = read_record(path)
    except InputError:
        return
    assert timeline.glucose.mg_dl.min() > 300.0


DOSE_LABELS = {
    "carbs in milligrams": [("grams", "milligrams"), ("carbs_g", "carbs_mg"), ('"g"', '"mg"')],
    "bolus in milliunits": [
        ("value (u)", "value (mU)"), ("insulin (units)", "insulin (milliunits)"),
        ("(U)", "(mU)"), ("bolus_u", "bolus_mu"),
    ],
    "basal per minute": [
        ("U/h)", "U/min)"), ("u_per_h", "u_per_min"), ("unitsPerHour", "unitsPerMinute"),
    ],
}  # fmt: skip
CHANNEL = {
    "carbs in milligrams": lambda timeline: timeline.meals.carbs_g,
    "bolus in milliunits": lambda timeline: timeline.boluses.units,
    "basal per minute": lambda timeline: (
        np.zeros(0) if timeline.basal is None else timeline.basal.u_per_h
    ),
}


@every_glucose
@pytest.mark.parametrize("what", sorted(DOSE_LABELS))
def test_doses_of_another_unit_are_not_read_as_the_usual_one(tmp_path, name, what):
    """Where a label says milligrams, milliunits or a minute, the number is not taken as it is."""
    path = READERS.put(tmp_path, name, READERS.BATTERY[name].rows(1.0))
    before = CHANNEL[what](read_record(path))
    if not relabel(tmp_path, DOSE_LABELS[what]) or len(before) == 0:
        pytest.skip("the format writes no such unit")
    try:
        after = CHANNEL[what](read_record(path))
    except InputError:
        return
    assert not set(np.round(after, 6)) & (set(np.round(before, 6)) - {0.0, 0.5})


@pytest.mark.parametrize("name", sorted(PRESSURE.BATTERY))
@pytest.mark.parametrize("factor", [1.0, 7.50062])
@pytest.mark.parametrize("label", ["mmHg", "kPa"])
def test_pressure_is_never_read_in_a_wrong_unit(tmp_path, name, factor, label):
    """Values in kPa or mmHg under either label come out as the same mmHg, or not at all."""
    usual = list(PRESSURE.SBP), list(PRESSURE.DBP)
    try:
        PRESSURE.SBP[:] = [value / factor for value in usual[0]]
        PRESSURE.DBP[:] = [value / factor for value in usual[1]]
        path = PRESSURE.put(tmp_path, name, PRESSURE.BATTERY[name].rows())
    finally:
        PRESSURE.SBP[:], PRESSURE.DBP[:] = usual
    relabel(tmp_path, [("mm[Hg]", label if label == "kPa" else "mm[Hg]"),
                       ("systolic", f"systolic ({label})")])  # fmt: skip
    try:
        record = read_pressure(path)
    except InputError:
        return
    if len(record.readings):
        np.testing.assert_allclose(record.readings.sbp, usual[0], rtol=1e-3)


def test_a_weight_in_pounds_is_no_key(tmp_path):
    """An unknown unit in a settings line is refused with the known one, not read as kilograms."""
    path = tmp_path / "record.csv"
    path.write_text("# weight_lb: 154\ntime,glucose_mg_dl\n2026-01-01T00:00:00Z,100\n")
    with pytest.raises(InputError, match="did you mean 'weight_kg'"):
        read_record(path)


def first_defect(name, folder, files=150):
    """Return the first defect that the fuzzing finds in a format, empty where there is none."""
    for seed in range(files):
        outcome = FUZZING.attempt(name, seed, folder)
        if outcome.kind == "defect":
            return outcome.what
    return ""


PLANTED = {
    "units are never compared with the values": (clean_glucose, "require_unit", lambda *_: None),
    "single values of the other unit stay": (
        clean_glucose, "_not_of_other_unit", lambda time, *_: ("", np.ones(len(time), bool)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", sorted(PLANTED))
def test_the_fuzzing_notices_a_wrong_unit(tmp_path, monkeypatch, fault):
    """With a guard against the other unit taken away, its values come in and are found."""
    monkeypatch.setattr(mutations, "TEXT_MUTATIONS", (mutations.other_unit,))
    assert first_defect("plain_csv", tmp_path) == ""
    monkeypatch.setattr(*PLANTED[fault])
    assert first_defect("plain_csv", tmp_path).startswith("glucose in a wrong unit")


def test_the_fuzzing_notices_a_dose_under_another_label(tmp_path, monkeypatch):
    """A reader that takes milliunits for units is found."""
    monkeypatch.setattr(mutations, "TEXT_MUTATIONS", (mutations.other_labels,))
    assert first_defect("clarity", tmp_path) == ""
    known = {name: (*words, "mu", "mg") for name, words in clarity.DOSE_UNITS.items()}
    monkeypatch.setattr(clarity, "DOSE_UNITS", known)
    assert "read under another unit's name" in first_defect("clarity", tmp_path)


def test_the_fuzzing_notices_a_wrong_count_and_a_secret(tmp_path, monkeypatch):
    """A reader that forgets its rows, or keeps a name for a pseudonym, is found as well."""
    monkeypatch.setattr(Ledger, "rows", lambda _: Rows())
    assert first_defect("iglu", tmp_path).startswith("rows do not add up")
    monkeypatch.undo()
    monkeypatch.setattr(plain_csv, "is_pseudonym", lambda _: True)
    assert first_defect("plain_csv", tmp_path).startswith("a secret comes out")
