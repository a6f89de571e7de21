"""The usual day found in a record is the one that was put in."""

from dataclasses import replace

import numpy as np
import pytest

from dosegym.clinic.habits import RESCUE_MOST_G, habits_of, scenario_of
from dosegym.records import Boluses, GlucoseSeries, Meals, TherapySettings, Timeline
from dosegym.therapy.scenario import load_scenario

DAYS = 6
MEALS = ((7.5, 60.0), (13.0, 80.0), (19.5, 70.0))


def diary(seed: int = 0) -> Timeline:
    """Return six days with three meals a day, all bolused, and a treated low on day 2."""
    rng = np.random.default_rng(seed)
    time, grams = [], []
    for day in range(DAYS):
        for hour, carbs in MEALS:
            time.append(day * 86400.0 + hour * 3600.0 + 60.0 * rng.integers(-20, 21))
            grams.append(carbs + 10.0 * rng.integers(-1, 2))
    order = np.argsort(time)
    eaten, carbs_g = np.array(time)[order], np.array(grams)[order]
    readings = np.arange(0.0, DAYS * 86400.0, 300.0)
    glucose = np.full(len(readings), 120.0)
    low = (readings > 2 * 86400.0 + 10 * 3600.0) & (readings < 2 * 86400.0 + 10.25 * 3600.0)
    glucose[low] = 60.0
    eaten = np.append(eaten, 2 * 86400.0 + 10.25 * 3600.0)
    carbs_g = np.append(carbs_g, 15.0)
    order = np.argsort(eaten)
    return Timeline(
        subject="diary", source_format="plain_csv", source_sha256="0" * 64, timezone="UTC",
        glucose=GlucoseSeries(readings, glucose, np.zeros(len(readings), np.int8)), basal=None,
        boluses=Boluses(np.delete(eaten[order], np.flatnonzero(carbs_g[order] == 15.0)[0]),
                        np.full(len(eaten) - 1, 5.0)),
        meals=Meals(eaten[order], carbs_g[order]), settings=TherapySettings(),
    )  # fmt: skip


def test_three_meals_come_back() -> None:
    """Times within a quarter of an hour and grams within the scatter that was put in."""
    found = habits_of(diary())
    assert len(found.meals) == 3
    for meal, (hour, carbs) in zip(found.meals, MEALS, strict=True):
        assert meal.minute == pytest.approx(60 * hour, abs=15)
        assert meal.carbs_g == pytest.approx(carbs, abs=10)
        assert meal.share == pytest.approx(1.0)
    assert found.meals_a_day == pytest.approx(3.0, abs=0.05)
    assert found.unbolused == 0.0


def test_treated_low_is_not_a_meal() -> None:
    """15 g without a bolus just after a low is a rescue; the same at 120 mg/dL is a meal."""
    assert habits_of(diary()).rescues == 1
    calm = diary()
    level = GlucoseSeries(
        calm.glucose.time_s, np.full(len(calm.glucose), 120.0), calm.glucose.censored
    )
    found = habits_of(replace(calm, glucose=level))
    assert found.rescues == 0
    assert found.unbolused == pytest.approx(1 / 19)
    assert RESCUE_MOST_G >= 15.0


def test_two_helpings_are_one_meal() -> None:
    """Entries within 45 min are added up and do not count as two meals."""
    base = diary()
    time = np.sort(np.concatenate([base.meals.time_s, base.meals.time_s + 1200.0]))
    twice = replace(base, meals=Meals(time, np.repeat(base.meals.carbs_g, 2)))
    found = habits_of(twice)
    assert len(found.meals) == 3
    assert found.meals[0].carbs_g == pytest.approx(2 * habits_of(base).meals[0].carbs_g, rel=0.25)


def test_a_meal_of_one_day_is_not_usual() -> None:
    """What happened once in six days is no habit."""
    base = diary()
    time = np.append(base.meals.time_s, 3 * 86400.0 + 23.0 * 3600.0)
    order = np.argsort(time)
    grams = np.append(base.meals.carbs_g, 90.0)
    once = replace(base, meals=Meals(time[order], grams[order]))
    assert len(habits_of(once).meals) == 3


def test_meals_around_midnight_are_one_group() -> None:
    """Half an hour before and after midnight is one time of day, not two."""
    base = diary()
    late = [d * 86400.0 + (86400.0 - 1800.0 if d % 2 else 1800.0) for d in range(1, DAYS)]
    record = replace(base, meals=Meals(np.sort(late), np.full(len(late), 40.0)))
    found = habits_of(record)
    assert len(found.meals) == 1
    assert min(found.meals[0].minute, 1440 - found.meals[0].minute) <= 30


def test_scenario_eats_at_the_median_times() -> None:
    """The day that is simulated has the usual meals at their times, grams about their medians."""
    found = habits_of(diary())
    base = load_scenario("messy").to_dict()
    keywords = scenario_of(found, base)
    assert keywords is not None
    scenario = load_scenario({**keywords, "announced": True})
    rng = np.random.default_rng(1)
    grams = []
    for _ in range(200):
        plan = scenario.draw(rng, days=1, start_min=0.0, weight_kg=70.0, age_years=40.0)
        assert plan.time_min.tolist() == [meal.minute for meal in found.meals]
        assert np.array_equal(plan.told_min, plan.time_min)
        grams.append(plan.carbs_g)
    middle = np.median(grams, axis=0)
    assert middle == pytest.approx([meal.carbs_g for meal in found.meals], rel=0.06)
    assert scenario.rescue_g == base["rescue_g"]


def test_no_habit_gives_no_scenario() -> None:
    """Without meals there is no usual day to simulate."""
    empty = replace(diary(), meals=Meals(np.zeros(0), np.zeros(0)))
    found = habits_of(empty)
    assert found.meals == ()
    assert found.meals_a_day == 0.0
    assert scenario_of(found, {}) is None
