"""How an episode starts: who, when, at which glucose; and that chance has separate streams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.envs.insulin_start import START_RANGE_MG_DL, START_SPREAD


def test_start_glucose_is_log_normal_about_the_persons_basal(run: Any) -> None:
    """Random starts have the stated median and spread, within the stated range."""
    course = run(n=600, steps=0, scenario="fasting")
    glucose = course.log["glucose_mg_dl"][0]
    basal = course.task.model.params(course.task.cohort.patients.params).Gb[0]
    assert glucose.min() >= START_RANGE_MG_DL[0]
    assert glucose.max() <= START_RANGE_MG_DL[1]
    logs = np.log(glucose / basal)
    assert np.median(logs) == pytest.approx(0.0, abs=4 * START_SPREAD / np.sqrt(600))
    assert logs.std() == pytest.approx(START_SPREAD, rel=0.12)


def test_start_glucose_can_be_given(run: Any) -> None:
    """A number is met exactly by everybody, 'basal' is the equilibrium."""
    for value in (70.0, 250.0):
        course = run(n=30, steps=0, patient="all", by_lane=True, start_glucose=value)
        np.testing.assert_allclose(course.log["glucose_mg_dl"][0], value, rtol=1e-12)
    course = run(n=30, steps=0, patient="all", by_lane=True, start_glucose="basal")
    basal = course.task.model.params(course.task.cohort.patients.params).Gb
    np.testing.assert_allclose(course.log["glucose_mg_dl"][0], basal, rtol=1e-12)


def test_start_hours(run: Any) -> None:
    """Hours are whole and uniform over the day unless one is given."""
    hours = run(n=480, steps=0, scenario="fasting").log["time_min"][0] / 60.0
    assert set(hours) == set(range(24))
    counts = np.bincount(hours.astype(int), minlength=24)
    assert ((counts - 20.0) ** 2 / 20.0).sum() < 49.7  # chi-square, 23 degrees, one in a thousand
    assert set(run(n=5, steps=0, start_hour=13.25).log["time_min"][0]) == {795.0}


def test_everybody_of_the_cohort_is_drawn(run: Any) -> None:
    """Patients are drawn uniformly, and by_lane gives lane i person i modulo the cohort."""
    drawn = run(n=600, steps=0, patient="all", scenario="fasting").lanes.episode.person
    counts = np.bincount(drawn, minlength=30)
    assert ((counts - 20.0) ** 2 / 20.0).sum() < 58.3  # chi-square, 29 degrees, one in a thousand
    fixed = run(n=25, steps=0, patient="child", by_lane=True).lanes.episode.person
    assert fixed.tolist() == [i % 10 for i in range(25)]


def test_streams_are_separate(run: Any) -> None:
    """Another sensor, scenario or pump leaves everything else of a seed as it was."""
    plain = run(n=3, steps=0, seed=7).lanes.episode
    sensor = run(n=3, steps=0, seed=7, sensor="dexcom_g6").lanes.episode
    pump = run(n=3, steps=0, seed=7, pump="tslim").lanes.episode
    days = run(n=3, steps=0, seed=7, scenario="fasting").lanes.episode
    np.testing.assert_array_equal(plain.meals, sensor.meals)
    np.testing.assert_array_equal(plain.meals, pump.meals)
    np.testing.assert_array_equal(plain.offset, pump.offset)
    np.testing.assert_array_equal(plain.offset, days.offset)
    np.testing.assert_array_equal(plain.heed, sensor.heed)
    assert not np.array_equal(plain.offset, sensor.offset)


def test_what_an_agent_does_does_not_change_what_happens_to_it(run: Any) -> None:
    """Meals and sensor errors of a seed are the same under any policy."""
    low, high = (run(a, n=2, steps=40, seed=3).lanes.episode for a in (-1.0, 0.4))
    for name in ("meals", "told", "gain", "offset", "heed", "flow"):
        np.testing.assert_array_equal(getattr(low, name), getattr(high, name))


def test_a_longer_episode_begins_with_the_shorter_ones_days(run: Any) -> None:
    """Two days of a seed begin with the one day of that seed, step for step."""
    short, long = (run(days=d, steps=288, seed=9, sensor="noise_free") for d in (1, 2))
    np.testing.assert_array_equal(short.observation, long.observation)


def test_an_episode_is_truncated_after_its_days_and_never_before(run: Any) -> None:
    """Truncation comes at the last step alone, and not together with a death."""
    for days, step_min in ((1, 5), (2, 15)):
        course = run(days=days, step_min=step_min, scenario="fasting")
        ends = np.flatnonzero(course.truncated[:, 0])
        assert ends.tolist() == [days * 1440 // step_min]
        assert not course.terminated.any()
    last = run(days=1, scenario="fasting").log["glucose_mg_dl"][-2:, 0]
    between = [0.0, float(last.mean())] if last[1] > last[0] else [float(last.mean()), 600.0]
    both = run(days=1, scenario="fasting", terminate=between)
    assert both.terminated[-1, 0]
    assert not both.truncated[-1, 0]


def test_a_start_that_is_known(run: Any) -> None:
    """With a Start, bodies, memories and readings are those handed in, told carbs on top."""
    from dataclasses import replace

    from dosegym.envs.insulin_state import Start
    from dosegym.envs.lanes import Lanes
    from dosegym.therapy.view import INSULIN_VIEW

    past = run(0.1, n=2, steps=60, by_lane=True, patient=["adult#001", "child#002"])
    state = past.lanes.state
    known = Start(state.body, state.memory, state.history)
    lanes = Lanes(replace(past.task, start=known), 2)
    for lane in (0, 1):
        lanes.seed(lane, lane)
    first = lanes.begin()
    np.testing.assert_array_equal(lanes.state.body, state.body)
    np.testing.assert_array_equal(lanes.state.history, state.history)
    for name in ("cgm", "cgm_change_60", "iob", "dose_100"):
        i = INSULIN_VIEW.index[name]
        np.testing.assert_array_equal(first.observation[:, i], past.observation[-1, :, i])
