"""Wearable channels: judged like any other column, and carried through plain CSV."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_record, write_record
from dosegym.records.activity import Sample, activities
from dosegym.records.quality import Ledger

NEAR = (1.7e9, 1.7e9 + 86400.0)


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        (Sample(1.7e9, 1.7e9, 19.0), "heart_rate: outside 20 to 250 1/min"),
        (Sample(1.7e9 + 60, 1.7e9, 70.0), "heart_rate: it ends before it begins"),
        (Sample(1.6e9, 1.6e9, 70.0), "heart_rate: more than 2 days away"),
        (Sample(1e12, 1e12, 70.0), "heart_rate: time outside 1900 to 2200"),
    ],
)
def test_faults_are_dropped_by_name(sample, why):
    """A value beyond its bounds, times that run backwards and strays go, with their reason."""
    ledger = Ledger()
    kept = activities({"heart_rate": [Sample(1.7e9, 1.7e9, 60.0), sample]}, NEAR, ledger)
    assert kept["heart_rate"].value.tolist() == [60.0]
    assert [item.reason.startswith(why) for item in ledger.dropped()] == [True]


def test_samples_are_sorted_and_counted_once():
    """Order does not matter and a copy counts once; the columns cannot be written to."""
    ledger = Ledger()
    rows = [Sample(1.7e9 + 60, 1.7e9 + 120, 40), Sample(1.7e9, 1.7e9 + 60, 10)]
    steps = activities({"steps": [*rows, rows[0]]}, NEAR, ledger)["steps"]
    assert steps.value.tolist() == [10, 40]
    assert ledger.dropped()[0].count == 1
    assert not steps.value.flags.writeable
    assert len(steps.between(1.7e9 + 1, 1.7e9 + 90)) == 1


def test_a_channel_that_is_none_is_refused():
    """A misspelt channel would be lost in silence."""
    with pytest.raises(InputError, match=r"'pulse' is no channel; use heart_rate, steps, sleep"):
        activities({"pulse": []}, NEAR, Ledger())


def test_plain_csv_carries_channels_both_ways(tmp_path):
    """Heart rate, steps and sleep come back equal after writing; a bad end is dropped by name."""
    text = (
        "time,glucose_mg_dl,heart_rate_bpm,steps,asleep,activity_end\n"
        "2026-01-01T08:00:00Z,110,,,,\n"
        "2026-01-01T08:00:00Z,,62.5,,,\n"
        "2026-01-01T08:00:00Z,,,120,,2026-01-01T08:05:00Z\n"
        "2026-01-01T02:00:00Z,,,,1,2026-01-01T07:30:00Z\n"
        "2026-01-01T09:00:00Z,,,7,,soon\n"
    )
    (tmp_path / "a.csv").write_text(text)
    first = read_record(tmp_path / "a.csv")
    assert [item.reason for item in first.dropped] == [
        "steps: activity_end is no time with an offset"
    ]
    write_record(first, tmp_path / "b.csv")
    second = read_record(tmp_path / "b.csv")
    assert set(second.activity) == {"heart_rate", "steps", "sleep"}
    for name, channel in first.activity.items():
        for column in ("start_s", "end_s", "value"):
            np.testing.assert_array_equal(
                getattr(channel, column), getattr(second.activity[name], column)
            )
    assert float(
        np.ptp([first.activity["sleep"].start_s[0], first.activity["sleep"].end_s[0]])
    ) == (5.5 * 3600)
