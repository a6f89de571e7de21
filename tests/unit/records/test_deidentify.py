"""Dates shifted by secret weeks: weekday, time of day and every interval stay, the person goes."""

from __future__ import annotations

import stat
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import (
    BasalIntervals,
    Boluses,
    Diary,
    GlucoseSeries,
    Meals,
    TherapySettings,
    Timeline,
    deidentified,
    demo_pressure_record,
    new_key,
    read_key,
    read_pressure,
    read_record,
)
from dosegym.records.quality import Dropped

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
WEEK_S = 7 * 86400.0
SUMMER = 1_781_000_000.0  # 2026-06


def day(start=SUMMER, hours=24.0, zone="Europe/Rome", subject="P7"):
    """Return a record of some hours."""
    time = start + np.arange(0, hours * 3600, 300.0)
    none = np.zeros(0)
    return Timeline(
        subject=subject, source_format="plain_csv", source_sha256="a" * 64, timezone=zone,
        glucose=GlucoseSeries(time, np.full(time.size, 110.0), np.zeros(time.size)),
        basal=BasalIntervals(time[:-1], time[1:], np.full(time.size - 1, 0.8)),
        boluses=Boluses(time[:2], np.array([1.0, 2.0])), meals=Meals(none, none),
        settings=TherapySettings(),
        dropped=(Dropped("glucose: not a number", 1, "2026-06-09T01:00:00Z"),),
        notes=("Something of 2026-06-09T01:00:00Z.",),
    )  # fmt: skip


@given(
    start=st.floats(1_500_000_000, 1_900_000_000),
    hours=st.floats(1, 24 * 40),
    zone=st.sampled_from(["Europe/Rome", "America/New_York", "Asia/Kolkata", "UTC", "UTC+03:00"]),
    key=st.binary(min_size=32, max_size=32),
)
@settings(max_examples=40, deadline=None)
def test_weekday_time_of_day_and_intervals_stay(start, hours, zone, key):
    """Over any change of clocks, in any zone: local minutes are equal and the shift is of weeks."""
    before = day(round(start), hours, zone)
    after = deidentified(before, key)
    shift = before.glucose.time_s - after.glucose.time_s
    assert np.ptp(shift) == 0
    assert shift[0] % WEEK_S == 0
    assert 8 * WEEK_S <= shift[0] <= 520 * WEEK_S
    np.testing.assert_allclose(np.diff(after.glucose.time_s), np.diff(before.glucose.time_s))
    if not any("is off by the change" in note for note in after.notes):
        np.testing.assert_allclose(
            before.local_minute_of_day(before.glucose.time_s),
            after.local_minute_of_day(after.glucose.time_s),
        )


def test_neither_date_subject_nor_hash_is_left():
    """Examples go, dates in notes go, the hash is keyed and the subject a keyed pseudonym."""
    before = day()
    after = deidentified(before, KEY)
    text = repr(after) + after.subject
    assert "2026-06" not in text
    assert "P7" not in text
    assert "a" * 64 not in text
    assert after.dropped == (Dropped("glucose: not a number", 1, ""),)
    assert after.boluses.units.tolist() == [1.0, 2.0]


def test_one_person_moves_together_and_keys_differ():
    """The same key and person give the same shift and name in every record; others do not."""
    first, second = (deidentified(day(SUMMER + k * 86400), KEY) for k in (0, 5))
    assert first.subject == second.subject
    assert second.glucose.time_s[0] - first.glucose.time_s[0] == 5 * 86400
    joined = [deidentified(day(subject=name), KEY, patient="MRN 12") for name in ("A1", "B1")]
    assert joined[0].subject == joined[1].subject
    assert "MRN" not in repr(joined)
    shifts = {deidentified(day(), bytes([k]) * 32).glucose.time_s[0] for k in range(20)}
    assert len(shifts) > 15
    assert deidentified(day(), OTHER).subject != first.subject


def test_a_charts_every_date_moves():
    """Readings, labs, conditions, prescriptions and the end move by the same weeks."""
    before = read_pressure(demo_pressure_record())
    after = deidentified(before, KEY)
    shift = before.last_s - after.last_s
    assert shift % WEEK_S == 0
    np.testing.assert_allclose(before.readings.time_s - after.readings.time_s, shift)
    for name, series in before.labs.items():
        np.testing.assert_allclose(series.time_s - after.labs[name].time_s, shift)
    for old, new in zip(before.medications, after.medications, strict=True):
        assert old.start_s is None or old.start_s - new.start_s == shift
    assert before.chart().latest == pytest.approx(dict(after.chart().latest))


def test_the_key_is_kept_apart_and_to_its_owner(tmp_path):
    """A key is written once, with mode 600; a readable or a broken one is refused."""
    place = new_key(tmp_path / "secret.key")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert len(read_key(place)) == 32
    with pytest.raises(InputError, match="a key is never replaced"):
        new_key(place)
    place.chmod(0o644)
    with pytest.raises(InputError, match="set its mode to 600"):
        read_key(place)
    place.write_text("short")
    place.chmod(0o600)
    with pytest.raises(InputError, match="holds no key"):
        read_key(place)
    with pytest.raises(InputError, match="5 bytes are not 32"):
        deidentified(day(), b"short")


def test_read_record_shifts_where_it_is_asked_to(tmp_path):
    """deidentify= and key= go together, and the record comes shifted."""
    path = tmp_path / "day.csv"
    path.write_text("# subject: P7\ntime,glucose_mg_dl\n2026-06-10T08:00:00Z,100\n")
    plain, moved = read_record(path), read_record(path, deidentify="shift", key=KEY)
    assert (plain.glucose.time_s - moved.glucose.time_s)[0] % WEEK_S == 0
    assert moved.glucose.time_s[0] != plain.glucose.time_s[0]
    assert moved.subject == deidentified(replace(plain), KEY).subject
    for wrong in ({"deidentify": "shift"}, {"key": KEY}, {"deidentify": "drop", "key": KEY}):
        with pytest.raises(InputError, match="use 'shift' together with key="):
            read_record(path, **wrong)


def test_finger_sticks_and_the_diary_move_with_the_rest():
    """A date that stayed behind would tell when, and by how much the others were moved."""
    time = SUMMER + np.arange(0, 6 * 3600, 3600.0)
    before = replace(
        day(),
        finger_sticks=GlucoseSeries(time, np.full(6, 120.0), np.zeros(6)),
        diary=Diary(time[:2], np.array([0, 7], dtype=np.int8)),
    )
    after = deidentified(before, KEY)
    moved = after.glucose.time_s[0] - before.glucose.time_s[0]
    assert moved <= -8 * WEEK_S
    np.testing.assert_allclose(after.finger_sticks.time_s - time, moved)
    np.testing.assert_allclose(after.diary.time_s - time[:2], moved)
