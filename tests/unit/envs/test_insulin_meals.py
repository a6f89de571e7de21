"""From a meal plan to the plate and to the controller's ear: grams, pace, announcements, rescue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.therapy.view import INSULIN_VIEW

# A day of three meals at fixed minutes and grams, and none after.
FIXED = {"preset": "rl4t1d", "announced": True}


def told(course: Any) -> np.ndarray:
    """Return the announced grams (T+1,) that the first lane's observations show."""
    return INSULIN_VIEW.read(course.observation[:, 0], "told_carbs")


def test_every_gram_of_the_plan_is_eaten(run: Any) -> None:
    """Over whole days the grams eaten are those of the plan, person by person."""
    course = run(
        lambda t, _: -0.2, n=12, days=2, patient="all", scenario="simglucose_random", start_hour=0
    )
    planned = course.lanes.episode.meals
    grams = np.where(np.isfinite(planned[..., 0]), planned[..., 1], 0.0).sum(axis=1)
    assert grams.min() > 50.0
    np.testing.assert_allclose(course.log["carbs_eaten_g"].sum(axis=0), grams, atol=1e-9)


def test_eating_takes_a_minute_for_five_grams(run: Any) -> None:
    """A meal of 40 g at 8:00 is eaten from 8:00 to 8:08, minute by minute."""
    course = run(n=1, steps=30, scenario=FIXED, start_hour=7, start_glucose="basal")
    eaten = course.log["carbs_eaten_g"][:, 0]
    at = course.log["time_min"][:, 0]
    assert dict(zip(at[eaten > 0].tolist(), eaten[eaten > 0].tolist(), strict=True)) == {
        485.0: 25.0,
        490.0: 15.0,
    }


def test_a_meal_that_begins_within_an_interval(run: Any) -> None:
    """A meal at minute 2 of an interval is eaten for its remaining three minutes first."""
    course = run(steps=30, scenario=FIXED, start_hour=(480 - 57) / 60, start_glucose="basal")
    eaten = course.log["carbs_eaten_g"][:, 0]
    assert eaten[eaten > 0].tolist() == [15.0, 25.0]


@pytest.mark.parametrize(
    ("lead", "start", "heard_at"),
    [
        (0.0, 7.0, 480.0),  # at the meal
        (20.0, 7.0, 460.0),  # before it
        (18.0, 7.0, 465.0),  # between two decisions: at the next
        (20.0, 7.75, 465.0),  # before the episode: at its first observation
    ],
)
def test_an_announcement_is_heard_once(
    run: Any, lead: float, start: float, heard_at: float
) -> None:
    """It appears in exactly one observation: the first at or after the minute it is told."""
    course = run(steps=55, scenario=FIXED | {"lead_min": lead}, start_hour=start)
    heard = told(course)
    at = course.log["time_min"][:, 0]
    assert at[heard > 0].tolist() == [heard_at]
    np.testing.assert_allclose(heard.sum(), 40.0, rtol=1e-5)


def test_a_late_announcement_comes_after_the_meal(run: Any) -> None:
    """With every meal told 30 minutes late, each is heard once, 30 minutes after eating began."""
    late = FIXED | {"late_rate": 1.0, "late_low_min": 30.0, "late_high_min": 30.0}
    course = run(scenario=late, start_hour=0, days=1)
    at = course.log["time_min"][:, 0]
    assert at[told(course) > 0].tolist() == [510.0, 810.0, 1230.0]


def test_all_announcements_of_messy_days_are_heard(run: Any) -> None:
    """Late, miscounted and missed ones included: what is heard is what the plan tells in time."""
    course = run(lambda t, _: -0.2, n=10, days=2, patient="all", scenario="messy", seed=4)
    plan = course.lanes.episode.told
    end = course.log["time_min"][-1]
    for lane in range(10):
        in_time = plan[lane, :, 0] <= end[lane]
        heard = INSULIN_VIEW.read(course.observation[:, lane], "told_carbs")
        np.testing.assert_allclose(heard.sum(), plan[lane, in_time, 1].sum(), rtol=1e-5)
        assert np.count_nonzero(heard) <= np.count_nonzero(in_time)


def test_nothing_is_told_where_nothing_is_announced(run: Any) -> None:
    """In unannounced days meals are eaten and the controller never hears of one."""
    course = run(scenario="unannounced", days=1, start_hour=0)
    assert course.log["carbs_eaten_g"].sum() > 50.0
    assert not told(course).any()


def test_a_person_counts_wrong_always_the_same_way() -> None:
    """The covariate carb_factor scales what is eaten, not what is told."""
    from dataclasses import replace

    from dosegym.envs import make_task
    from dosegym.envs.lanes import Lanes

    task = make_task("dosegym/Insulin-v0", scenario=FIXED, start_hour=7, days=1)
    patients = task.cohort.patients
    factor = {**patients.covariates, "carb_factor": np.array([1.5])}
    wrong = replace(
        task, cohort=replace(task.cohort, patients=replace(patients, covariates=factor))
    )
    plans = []
    for each in (task, wrong):
        lanes = Lanes(each, 1)
        lanes.seed(0, 3)
        lanes.begin()
        plans.append(lanes.episode)
    finite = np.isfinite(plans[0].meals[..., 0])
    np.testing.assert_allclose(plans[1].meals[finite, 1], 1.5 * plans[0].meals[finite, 1])
    np.testing.assert_array_equal(plans[1].told, plans[0].told)


def test_lows_are_treated_as_the_scenario_says(run: Any) -> None:
    """Below 70 awake a heeding person eats 15 g, again only after the wait; others never do."""
    rescue = {"preset": "fasting", "rescue_g": 15.0, "rescue_awake": 1.0, "rescue_wait_min": 30.0}
    treated = run(0.6, steps=60, scenario=rescue, start_hour=9, sensor="noise_free")
    grams, at = treated.log["rescue_carbs_g"][:, 0], treated.log["time_min"][:, 0]
    taken = np.flatnonzero(grams)
    assert len(taken) >= 2
    assert set(grams[taken]) == {15.0}
    seen = treated.log["cgm_mg_dl"][taken - 1, 0]
    assert np.all(seen < 70.0)
    assert np.diff(at[taken]).min() >= 30.0
    first = taken[0]
    assert np.all(treated.log["cgm_mg_dl"][: first - 1, 0] >= 70.0)
    np.testing.assert_allclose(treated.log["carbs_eaten_g"].sum(), grams.sum())
    never = run(0.6, steps=60, scenario="fasting", start_hour=9, sensor="noise_free")
    assert not never.log["rescue_carbs_g"].any()
    assert never.log["glucose_mg_dl"].min() < treated.log["glucose_mg_dl"].min()


def test_asleep_only_an_alarm_wakes(run: Any) -> None:
    """At night treatment waits for the alarm's threshold; someone who never heeds eats nothing."""
    night = {"preset": "fasting", "rescue_g": 15.0, "rescue_alarm_mg_dl": 55.0}
    keywords = {"steps": 60, "start_hour": 1, "sensor": "noise_free"}
    woken = run(0.6, scenario=night | {"rescue_asleep": 1.0}, **keywords)
    taken = np.flatnonzero(woken.log["rescue_carbs_g"][:, 0])
    assert len(taken) > 0
    assert np.all(woken.log["cgm_mg_dl"][taken - 1, 0] < 55.0)
    deaf = run(0.6, scenario=night | {"rescue_asleep": 0.0}, **keywords)
    assert not deaf.log["rescue_carbs_g"].any()
