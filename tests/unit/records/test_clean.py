"""Cleaning: units, ranges, duplicates, strays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records.clean import assemble
from dosegym.records.clean_glucose import clean_glucose
from dosegym.records.quality import Ledger
from dosegym.records.raw import Event, RawRecord, Reading

NOW = 1767225600.0


def readings(values, step_s=300.0, start=NOW):
    """Return one reading per value."""
    return [Reading(start + step_s * k, value) for k, value in enumerate(values)]


def clean(rows, unit="mg/dL"):
    """Return the cleaned series and the losses by reason."""
    ledger = Ledger()
    series = clean_glucose(rows, unit, ledger)
    return series, {item.reason: item.count for item in ledger.dropped()}


@pytest.mark.parametrize(
    ("values", "unit", "mend"),
    [
        ([5.0, 7.2, 9.9], "mg/dL", r"median 7\.2 declared as mg/dL is below 30.*unit='mmol/L'"),
        ([90.0, 120.0, 250.0], "mmol/L", r"median 120 declared as mmol/L is above 30.*'mg/dL'"),
        ([100.0] * 6 + [5.5] * 4, "mg/dL", "40% of the values declared as mg/dL look like mmol/L"),
        ([5.5] * 6 + [100.0] * 4, "mmol/L", "40% of the values declared as mmol/L look like mg/dL"),
    ],
)
def test_the_wrong_unit_is_refused_by_name_value_and_mend(values, unit, mend):
    """A unit error is a factor of eighteen: it is refused in one line, never guessed away."""
    with pytest.raises(InputError, match=mend) as refused:
        clean(readings(values), unit)
    assert "\n" not in str(refused.value)


def test_the_same_day_in_both_units_is_the_same_series():
    """mg/dL and mmol/L of one day agree to rounding."""
    values = 60 + 150 * np.random.default_rng(1).random(200)
    one, _ = clean(readings(values))
    other, _ = clean(readings(values / 18.01559), "mmol/L")
    np.testing.assert_allclose(one.mg_dl, other.mg_dl, rtol=1e-12)


def test_impossible_values_are_dropped_and_counted():
    """Values that no device shows are faults; the example names the first in time."""
    ledger = Ledger()
    rows = [*readings([100.0] * 20), Reading(NOW + 9000, 2000.0), Reading(NOW + 8000, 19.0)]
    assert len(clean_glucose(rows, "mg/dL", ledger)) == 20
    lost = ledger.dropped()[0]
    assert (lost.reason, lost.count) == ("glucose: outside 20 to 600 mg/dL", 2)


def test_copies_scans_and_second_uploaders():
    """Exact copies go, the lower of two at one time stays, echoes within 30 s go."""
    rows = [*readings([100.0, 110.0]), Reading(NOW, 100.0), Reading(NOW + 300, 105.0),
            Reading(NOW + 310, 111.0)]  # fmt: skip
    series, lost = clean(rows)
    assert series.mg_dl.tolist() == [100.0, 105.0]
    assert list(lost.values()) == [1, 1, 1]


def test_one_minute_sensors_are_kept_whole():
    """Readings a minute apart are real."""
    series, lost = clean(readings([100.0] * 60, step_s=56.0))
    assert (len(series), lost) == (60, {})


def test_two_persons_in_one_file_are_refused():
    """When most shared moments disagree by far, the file mixes persons or sensors."""
    first, second = readings([100.0] * 40), readings([180.0] * 40)
    with pytest.raises(InputError, match=r"40 of 40 moments with two readings .* two persons"):
        clean([*first, *second])


def test_a_reset_clock_does_not_stretch_the_record():
    """Some readings of 2000 in a record of 2026 are strays; a second long group is not."""
    stray = readings([100.0, 101.0], start=946684800.0)
    series, lost = clean([*stray, *readings([120.0] * 50)])
    assert series.time_s[0] == NOW
    assert lost == {"glucose: more than a year apart from the record (clock reset)": 2}
    earlier = readings([100.0] * 40, start=NOW - 500 * 86400)
    assert len(clean([*earlier, *readings([120.0] * 50)])[0]) == 90


def test_no_reading_left_is_refused():
    """A record without glucose is no record."""
    with pytest.raises(InputError, match="none of the 1 readings is usable"):
        clean([Reading(NOW, 700.0)])
    with pytest.raises(InputError, match="none of the 0 readings"):
        clean([])


def record(**fields):
    """Assemble a day of glucose with other columns."""
    base = {"source_format": "test", "timezone": "UTC", "glucose_unit": "mg/dL",
            "glucose": readings([120.0] * 288)}  # fmt: skip
    return assemble(RawRecord(**{**base, **fields}), "ab" * 32)


def test_events_are_judged():
    """Zeros, giants, strays and echoes go, each with its reason."""
    given = [Event(NOW + 60, 2.0), Event(NOW + 60.4, 2.0), Event(NOW + 90, 0.0),
             Event(NOW + 99, 500.0), Event(NOW - 5 * 86400, 2.0), Event(1e15, 2.0)]  # fmt: skip
    timeline = record(boluses=given)
    assert timeline.boluses.units.tolist() == [2.0]
    assert {item.reason: item.count for item in timeline.dropped} == {
        "bolus: amount is zero": 1,
        "bolus: duplicate (same time and amount)": 1,
        "bolus: more than 2 days away from any glucose reading": 1,
        "bolus: outside 0 to 100 U": 1,
        "bolus: time outside 1900 to 2200": 1,
    }


def test_the_pseudonym_comes_from_the_content():
    """Without a stated pseudonym the record is named by its hash."""
    assert record().subject == "record-abababab"


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(30, 500)), min_size=1), st.randoms())
def test_order_and_repetition_never_matter(pairs, random):
    """Any shuffle and any repetition of readings gives the same series."""
    rows = [Reading(NOW + 17.0 * at, value) for at, value in pairs]
    again = [*rows, *random.choices(rows, k=len(rows))]
    random.shuffle(again)
    try:
        expected = clean(rows)[0]
    except InputError:
        with pytest.raises(InputError):
            clean(again)
        return
    series = clean(again)[0]
    np.testing.assert_array_equal(series.time_s, expected.time_s)
    np.testing.assert_array_equal(series.mg_dl, expected.mg_dl)


def test_a_run_of_the_other_unit_is_left_out_and_a_night_of_lows_is_not():
    """Twenty unconverted values in a row go; a real hour at 30 between values of 60 stays."""
    run = [*[400.0] * 60, *[22.2] * 12, *[400.0] * 60]
    series, lost = clean(readings(run))
    assert (len(series), set(lost.values())) == (120, {12})
    night = [*[60.0] * 60, *[30.0] * 12, *[60.0] * 60]
    assert clean(readings(night))[1] == {}


def test_a_lone_value_of_the_other_unit_is_left_out():
    """Where no reading lies within half an hour the nearest of the day judge."""
    sparse = readings([380.0, 400.0, 22.2, 410.0, 395.0], step_s=3 * 3600.0)
    series, _ = clean(sparse)
    assert series.mg_dl.tolist() == [380.0, 400.0, 410.0, 395.0]
    assert (
        len(clean(readings([22.2], step_s=1.0) + readings([150.0] * 4, start=NOW + 7200))[0]) == 5
    )


def test_copies_do_not_vote_on_the_unit():
    """A file whose few odd values are sent thrice is read as the file that sends them once."""
    once = [*readings([100.0] * 9), Reading(NOW + 9000, 5.5)]
    assert len(clean([*once, *once[-1:] * 5])[0]) == len(clean(once)[0]) == 9
