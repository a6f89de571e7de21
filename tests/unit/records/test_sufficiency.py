"""Sufficiency gates."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.records import (
    BasalIntervals,
    Boluses,
    GlucoseSeries,
    Meals,
    TherapySettings,
    Timeline,
    assess,
)
from dosegym.records.sufficiency import covered_seconds

START = 1767225600.0


def record(time, insulin=True, carbs=True, basal=None):
    """Return a record with readings at `time` (seconds after START)."""
    times = START + np.asarray(time, dtype=float)
    return Timeline(
        subject="P1", source_format="test", source_sha256="", timezone="UTC",
        glucose=GlucoseSeries(times, np.full(times.size, 120.0), np.zeros(times.size)),
        basal=basal,
        boluses=Boluses(times[:1] if insulin else [], [2.0] if insulin else []),
        meals=Meals(times[:1] if carbs else [], [40.0] if carbs else []),
        settings=TherapySettings(),
    )  # fmt: skip


def days(count, step_s=300, share=1.0):
    """Return sample times over whole days, worn for a share of each."""
    time = np.arange(0, count * 86400, step_s)
    return time[(time % 86400) < share * 86400]


@pytest.mark.parametrize(
    ("time", "passed"),
    [
        (days(1)[:36], set()),
        (days(1)[:-1], set()),
        (days(1), {"summary", "twin"}),
        (days(6), {"summary", "professional reading (CPT 95251)", "twin"}),
        (days(7), {"summary", "professional reading (CPT 95251)", "modal day", "twin"}),
        (days(14, share=0.65), {"summary", "professional reading (CPT 95251)"}),
        (days(14, share=0.71),
         {"summary", "professional reading (CPT 95251)", "modal day", "GMI", "twin"}),
        (days(14, step_s=900),
         {"summary", "professional reading (CPT 95251)", "modal day", "GMI", "twin"}),
    ],
)  # fmt: skip
def test_the_published_gates(time, passed):
    """A day, a week at 70 %, two weeks at 70 %: each gate opens exactly there."""
    verdict = assess(record(time))
    assert {gate.output for gate in verdict.gates if gate.passed} == passed
    assert all(gate.reasons or gate.passed for gate in verdict.gates)
    assert verdict.allows("summary") == ("summary" in passed)


def test_three_hours_say_how_long_they_are():
    """The reason names the hours there are, the hours needed and the mend."""
    verdict = assess(record(days(1)[:36]))
    assert verdict.reasons_insufficient == (
        "length: 3.0 h of glucose, the twin needs 24 h; export a longer period",
    )


def test_missing_insulin_and_carbohydrate_are_reasons():
    """A twin cannot be fitted to glucose alone."""
    verdict = assess(record(days(14), insulin=False, carbs=False))
    assert (verdict.has_insulin, verdict.has_carbs) == (False, False)
    assert [reason.split(":")[0] for reason in verdict.reasons_insufficient] == [
        "insulin", "carbohydrates",
    ]  # fmt: skip
    assert verdict.allows("GMI")


def test_a_log_of_minutes_does_not_vouch_for_a_day():
    """A closed loop's report with half an hour of doses says so; a schedule alone is accepted."""

    def basal(assumed):
        return BasalIntervals(
            [START, START + 84600], [START + 84600, START + 86400], [1.0, 0.2], assumed
        )

    verdict = assess(record(days(1), basal=basal([True, False])))
    assert "the delivery log covers 0.5 h, the twin needs 18 h" in verdict.reasons_insufficient[0]
    assert assess(record(days(1), basal=basal([True, True]))).reasons_insufficient == ()


def test_wear_of_mixed_sensors_is_weighed_by_time():
    """A day at one minute and a day at fifteen are both fully worn."""
    mixed = np.concatenate([np.arange(0, 86400, 60), 86400 + np.arange(0, 86400, 900)])
    assert assess(record(mixed)).wear_fraction == pytest.approx(1.0, abs=0.005)


def test_gaps_are_not_worn():
    """A hole of six hours in two days leaves 42 of 48 hours."""
    time = days(2)
    time = time[(time < 36000) | (time >= 36000 + 6 * 3600)]
    covered = covered_seconds(START + time)
    assert covered.sum() / 3600 == pytest.approx(42.0)


def test_finger_sticks_are_no_wear():
    """Four readings a day cover an hour of it at most."""
    verdict = assess(record(np.arange(0, 14 * 86400, 21600)))
    assert verdict.wear_fraction <= 1 / 24
    assert not verdict.allows("modal day")


def test_a_day_across_midnight_counts_as_a_day():
    """Noon to noon is a day of data."""
    assert assess(record(43200 + days(1))).reasons_insufficient == ()
