"""The timeline and its columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import (
    BasalIntervals,
    Boluses,
    DailySchedule,
    GlucoseSeries,
    Meals,
    TherapySettings,
    Timeline,
    constant_schedule,
)

START = 1767225600.0  # 2026-01-01T00:00:00Z


def day_of_readings(n=288, step_s=300.0, **fields):
    """Return a timeline of `n` readings with a bolus, a meal and a basal rate."""
    time = START + step_s * np.arange(n)
    columns = {
        "glucose": GlucoseSeries(time, 100.0 + np.arange(n) % 50, np.zeros(n)),
        "basal": BasalIntervals([START, START + 3600], [START + 3600, START + 86400], [1.2, 0.6]),
        "boluses": Boluses([START + 610, START + 7200], [3.0, 0.1]),
        "meals": Meals([START + 600], [40.0]),
    }
    return Timeline(
        subject="P1", source_format="test", source_sha256="", timezone="UTC+02:00",
        settings=TherapySettings(), **{**columns, **fields},
    )  # fmt: skip


def test_columns_are_read_only_copies():
    """Neither the columns nor the arrays they were made from can change a record."""
    values = np.array([100.0, 101.0])
    series = GlucoseSeries(values * 0 + [0, 300], values, [0, 0])
    values[:] = 0
    assert series.mg_dl.tolist() == [100.0, 101.0]
    with pytest.raises(ValueError, match="read-only"):
        series.mg_dl[0] = 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GlucoseSeries([1, 0], [90, 90], [0, 0]), "ascending"),
        (lambda: GlucoseSeries([0, np.nan], [90, 90], [0, 0]), "ascending"),
        (lambda: Boluses([0.0], [1.0, 2.0]), "fit together"),
        (lambda: BasalIntervals([0, 5], [6, 9], [1, 1]), "overlap"),
        (lambda: BasalIntervals([0], [0], [1]), "empty or overlap"),
        (lambda: DailySchedule([0, 1440], [1, 1]), "ascend within"),
        (lambda: DailySchedule([], []), "ascend within"),
        (lambda: DailySchedule([0], [np.nan]), "finite"),
    ],
)
def test_malformed_columns_are_refused(make, message):
    """What could never be a record is refused where it is made."""
    with pytest.raises(InputError, match=message):
        make()


def test_a_schedule_steps_and_wraps_around_midnight():
    """Before the first step the last one holds; minutes are taken modulo a day."""
    schedule = DailySchedule([360, 1200], [1.5, 0.9])
    assert schedule.at([0, 359, 360, 1199, 1200, 1800]).tolist() == [0.9, 0.9, 1.5, 1.5, 0.9, 1.5]
    assert schedule.mean() == pytest.approx((840 * 1.5 + 600 * 0.9) / 1440)
    assert constant_schedule(2.0).at(77.0) == 2.0


def test_high_ages_are_coarsened():
    """Ages above 89 are kept as 90 (Safe Harbor)."""
    assert TherapySettings(age_years=97).age_years == 90
    assert TherapySettings(age_years=89).age_years == 89


def test_a_day_of_five_minute_readings_is_one_day():
    """288 readings five minutes apart span exactly a day."""
    assert day_of_readings().span_days == 1.0


def test_local_minutes():
    """Midnight UTC is two in the morning two hours east."""
    assert day_of_readings().local_minute_of_day([START, START + 22 * 3600]).tolist() == [120.0, 0]


def test_window_keeps_the_start_and_not_the_end_and_cuts_basal():
    """A window is half open; a basal interval that straddles an edge is cut there."""
    part = day_of_readings().window(START + 600, START + 5400)
    assert part.glucose.time_s[0] == START + 600
    assert part.glucose.time_s[-1] == START + 5100
    assert part.basal.start_s.tolist() == [START + 600, START + 3600]
    assert part.basal.end_s.tolist() == [START + 3600, START + 5400]
    assert (len(part.meals), len(part.boluses)) == (1, 1)
    with pytest.raises(InputError, match="window"):
        part.window(5.0, 5.0)


def test_grid_takes_the_nearest_reading_within_half_a_step():
    """A reading 140 s off is taken, one 160 s off is not; gaps are NaN."""
    glucose = GlucoseSeries(START + np.array([140.0, 760.0]), [90.0, 40.0], [0, -1])
    grid = day_of_readings(glucose=glucose).on_grid(START, 3, 5.0)
    np.testing.assert_array_equal(grid.glucose, [90.0, np.nan, np.nan])
    later = day_of_readings(glucose=glucose).on_grid(START + 100, 3, 5.0)
    np.testing.assert_array_equal(later.glucose, [90.0, np.nan, 40.0])
    assert later.censored.tolist() == [0, 0, -1]


def test_grid_averages_insulin_and_sums_carbohydrate():
    """Basal in U/min plus the bolus over its step; both ends of the half-open step hold."""
    grid = day_of_readings().on_grid(START, 24, 5.0)
    expected = np.full(24, 1.2 / 60)
    expected[12:] = 0.6 / 60
    expected[2] += 3.0 / 5
    np.testing.assert_allclose(grid.insulin_u_per_min, expected, rtol=1e-12)
    assert grid.carbs_g[2] == 40.0
    assert grid.carbs_g.sum() == 40.0
    assert grid.basal_known.all()
    assert not grid.basal_assumed.any()


@given(st.floats(1.0, 90.0), st.floats(-7200.0, 7200.0))
def test_grid_conserves_insulin(step_min, shift):
    """Whatever the grid, the insulin on it equals basal plus boluses over the covered time."""
    timeline = day_of_readings()
    n = int(np.ceil((86400 + 14400) / (step_min * 60))) + 1
    grid = timeline.on_grid(START - 7200 + shift - 7200, n + int(240 / step_min) + 1, step_min)
    given_u = timeline.boluses.units.sum() + 1.2 + 0.6 * 23
    assert grid.insulin_u_per_min.sum() * step_min == pytest.approx(given_u, rel=1e-9)


def test_grid_knows_where_basal_is_unknown():
    """Steps beyond the intervals are not known, and none is without basal at all."""
    timeline = day_of_readings()
    grid = timeline.on_grid(START + 86400 - 600, 4, 5.0)
    assert grid.basal_known.tolist() == [True, True, False, False]
    assert not day_of_readings(basal=None).on_grid(START, 4, 5.0).basal_known.any()
    with pytest.raises(InputError, match="grid"):
        timeline.on_grid(START, 0, 5.0)
