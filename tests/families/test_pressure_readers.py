"""One battery over every reader of pressures: the same person's week in each format."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pressure_documents import BATTERY, DBP, SBP, TIMES, put

from dosegym.physiology.errors import InputError
from dosegym.records import PRESSURE_FORMATS, assess_pressure, kind_of_record, read_pressure

every_format = pytest.mark.parametrize("name", sorted(BATTERY))
in_a_folder = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


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
