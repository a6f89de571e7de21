"""Time at the border."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import clock

SIX_OCLOCK = 1810015200.0  # 2027-05-11T06:00:00Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-05-11T06:00:00Z", (SIX_OCLOCK, 0.0)),
        ("2027-05-11 06:00:00 +0000", (SIX_OCLOCK, 0.0)),
        ("2027-05-11T08:00:00.000+02:00", (SIX_OCLOCK, 7200.0)),
        (" 2027-05-11T01:30-0430", (SIX_OCLOCK, -16200.0)),
        ("2027-05-11T06:00:00", (SIX_OCLOCK, None)),
        ("2027-5-11 6:00", (SIX_OCLOCK, None)),
        ("11-May-2027 06:00:00", (SIX_OCLOCK, None)),
        ("2027-05-11T06:00:00,5Z", (SIX_OCLOCK + 0.5, 0.0)),
        ("1961-04-12 00:56:47", (-275266993.0, None)),
    ],
)
def test_reads_the_spellings_of_the_formats(text, expected):
    """Every spelling met in real exports gives the same moment."""
    assert clock.parse_time(text) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2027-13-01T00:00", "2027-02-30 10:00", "25:00", "2027-05-11", "12"]
)
def test_what_is_no_time_is_none(text):
    """Words, impossible dates and bare dates are not taken for times."""
    assert clock.parse_time(text) is None


@given(st.integers(int(clock.EARLIEST_S), int(clock.LATEST_S)), st.integers(0, 999))
def test_written_times_read_back(second, millisecond):
    """Writing a time and reading it returns it to the millisecond."""
    moment = second + millisecond / 1000
    read = clock.parse_time(clock.utc_text(moment))
    assert read is not None
    assert read[0] == pytest.approx(moment, abs=5e-4)
    assert round(read[0], 3) == round(moment, 3)


@given(st.integers(0, 366 * 24 * 12), st.sampled_from(["Europe/Rome", "America/New_York", "UTC"]))
def test_local_clock_and_back(five_minutes, name):
    """Local to UTC inverts UTC to local except in the hour told twice."""
    zone = ZoneInfo(name)
    moment = 1767225600.0 + five_minutes * 300
    local = datetime.fromtimestamp(moment, zone)
    local_s = moment + local.utcoffset().total_seconds()
    back = clock.local_to_utc([local_s], zone)[0]
    assert back in {moment, moment - 3600}
    if back != moment:
        assert local.fold == 1


def test_spring_and_autumn_in_rome():
    """A skipped time moves on by the hour; a doubled one is the first of the two."""
    rome = ZoneInfo("Europe/Rome")
    skipped = clock.parse_time("2026-03-29T02:30:00")[0]
    doubled = clock.parse_time("2026-10-25T02:30:00")[0]
    utc = clock.local_to_utc([skipped, doubled], rome)
    assert clock.utc_text(utc[0]) == "2026-03-29T01:30:00Z"
    assert clock.utc_text(utc[1]) == "2026-10-25T00:30:00Z"


def test_the_device_counter_settles_the_doubled_hour():
    """With a counter, both runs of the doubled hour come out in order, five minutes apart."""
    rome = ZoneInfo("Europe/Rome")
    truth = np.arange(1792882800.0, 1792882800.0 + 5 * 3600, 300)  # 2026-10-24T23:00Z on
    local = truth + clock.utc_offset_s(truth, rome)
    assert len(set(local)) < local.size
    settled = clock.local_to_utc(local, rome, ticks=truth - truth[0] + 4e6)
    np.testing.assert_array_equal(settled, truth)


def test_local_minute_follows_the_clock_change():
    """Local midnight to midnight spans 23 hours on the spring day."""
    rome = ZoneInfo("Europe/Rome")
    first = clock.local_to_utc([clock.parse_time("2026-03-29T00:00")[0]], rome)[0]
    assert clock.local_minute([first, first + 23 * 3600], rome).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("+0300", "UTC+03:00"), ("UTC-07:00", "UTC-07:00"), ("utc", "UTC"), ("Z", "UTC"),
     ("Europe/Moscow", "Europe/Moscow"), ("GMT+1", "UTC+01:00")],
)  # fmt: skip
def test_one_spelling_per_zone(name, canonical):
    """Zones are kept under one name each, and that name finds them again."""
    assert clock.canonical_zone(name) == canonical
    assert clock.canonical_zone(canonical) == canonical


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "+99:00", "Rome", "\x00"])
def test_an_unknown_zone_is_refused_in_one_line(name):
    """The message names the zone and both ways to write one."""
    with pytest.raises(InputError, match=r"timezone: .*Europe/Rome.*UTC\+03:00") as refused:
        clock.zone_of(name)
    assert "\n" not in str(refused.value)


def test_offsets_agree_with_the_standard_library():
    """The blockwise offsets equal those of datetime at every half hour of a year."""
    zone = ZoneInfo("Australia/Lord_Howe")
    times = 1767225600.0 + np.arange(0, 366 * 86400, 1800.0)
    expected = [
        (clock.EPOCH + timedelta(seconds=t)).astimezone(zone).utcoffset().total_seconds()
        for t in times.tolist()
    ]
    np.testing.assert_array_equal(clock.utc_offset_s(times, zone), expected)
