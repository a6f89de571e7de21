"""Scenarios: the presets' published facts, announcements, common random numbers and messages."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dosegym.physiology.errors import InputError
from dosegym.therapy.intake import harris_benedict_carbs_g, schofield_carbs_g
from dosegym.therapy.meals import MealPlan
from dosegym.therapy.scenario import SCENARIOS, Scenario, load_scenario

NAMES = tuple(SCENARIOS)
DAYS = 3000
ADULT = {"weight_kg": 80.0, "age_years": 40.0}


@cache
def many_days(name: str) -> MealPlan:
    """Draw eight years of one scenario for one adult."""
    return SCENARIOS[name].draw(np.random.default_rng(5), days=DAYS, start_min=0.0, **ADULT)


def in_window(plan: MealPlan, low_h: float, high_h: float) -> np.ndarray:
    """Mark the meals strictly inside a window of the day."""
    hour = plan.time_min % 1440.0 / 60.0
    return (hour > low_h) & (hour < high_h)


# window (h), mean time, SD (min), mean and SD of grams, probability
PRESETS = {
    "simglucose_random": [
        ((5, 9), 7, 60, 45, 10, 0.95),
        ((9, 10), 9.5, 30, 10, 5, 0.3),
        ((10, 14), 12, 60, 70, 10, 0.95),
        ((14, 16), 15, 30, 10, 5, 0.3),
        ((16, 20), 18, 60, 80, 10, 0.95),
        ((20, 23), 21.5, 30, 10, 5, 0.3),
    ],
    "emerson2023": [
        ((5, 9), 7, 30, 50, 10, 0.95),
        ((9, 10), 9.5, 15, 15, 5, 0.1),
        ((10, 14), 12, 30, 70, 10, 0.95),
        ((14, 16), 15, 15, 15, 5, 0.1),
        ((16, 20), 18, 30, 90, 10, 0.95),
        ((20, 23), 21.5, 15, 30, 5, 0.1),
    ],
}


@pytest.mark.parametrize("name", PRESETS)
def test_published_days_are_drawn_as_published(name: str) -> None:
    """Each meal's frequency, time and grams pass against the source's own distributions."""
    plan = many_days(name)
    for window, mean_h, sd_min, grams, grams_sd, probability in PRESETS[name]:
        mine = in_window(plan, *window)
        assert mine.sum() / DAYS == pytest.approx(probability, abs=0.03)
        low, high = ((60 * edge - 60 * mean_h) / sd_min for edge in window)
        law = stats.truncnorm(low, high, loc=60 * mean_h, scale=sd_min)
        # The whole minute shifts the distribution function by half a minute at most.
        jitter = np.random.default_rng(6).uniform(-0.5, 0.5, mine.sum())
        assert stats.kstest(plan.time_min[mine] % 1440.0 + jitter, law.cdf).pvalue > 1e-3
        eaten = plan.carbs_g[mine]
        assert np.array_equal(eaten, np.rint(eaten))
        # Zero grams are no meal, so the normal is cut below half a gram.
        law = stats.truncnorm((0.5 - grams) / grams_sd, np.inf, loc=grams, scale=grams_sd)
        jitter = np.random.default_rng(7).uniform(-0.5, 0.5, mine.sum())
        assert stats.kstest(eaten + jitter, law.cdf).pvalue > 1e-3


def test_rl4t1d_evaluates_on_fixed_meals() -> None:
    """40, 80 and 60 g at 08:00, 13:00 and 20:00 on every day, whatever the seed."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        plan = load_scenario("rl4t1d").draw(rng, days=2, start_min=1380.0, **ADULT)
        expected = [1440 + 480, 1440 + 780, 1440 + 1200, 2880 + 480, 2880 + 780, 2880 + 1200]
        assert plan.time_min.tolist() == expected
        assert plan.carbs_g.tolist() == [40.0, 80.0, 60.0] * 2
        assert np.isinf(plan.told_min).all()


def test_rl4t1d_trains_on_uniform_grams() -> None:
    """45 +- 15, 85 +- 15 and 80 +- 30 g, uniform, each on 95 % of days, no snacks."""
    plan = many_days("rl4t1d_training")
    for window, middle, half in (
        ((6.9, 9.1), 45, 15),
        ((11.9, 14.1), 85, 15),
        ((18.9, 21.1), 80, 30),
    ):
        mine = in_window(plan, *window)
        assert mine.sum() / DAYS == pytest.approx(0.95, abs=0.015)
        grams = plan.carbs_g[mine]
        assert (grams.min(), grams.max()) == (middle - half, middle + half)
        jitter = np.random.default_rng(8).uniform(-0.5, 0.5, grams.size)
        law = stats.uniform(middle - half, 2 * half)
        assert stats.kstest(grams + jitter, law.cdf).statistic < 0.04
    assert len(plan) == sum(
        in_window(plan, a, b).sum() for a, b in ((6.9, 9.1), (11.9, 14.1), (18.9, 21.1))
    )


def test_fox_splits_harris_benedict_over_the_day() -> None:
    """Meals are 1.1, 1.3, 1.55 and thrice 0.15 parts of 4.4 of the day's grams, with SD 15 %."""
    plan = many_days("fox2020")
    daily = harris_benedict_carbs_g(**ADULT)
    for window, part in (((5, 9), 1.1), ((10, 14), 1.3), ((16, 20), 1.55), ((20, 23), 0.15)):
        grams = plan.carbs_g[in_window(plan, *window)]
        assert grams.mean() == pytest.approx(daily * part / 4.4, rel=0.01)
        # Rounding to whole grams adds a uniform error of one gram.
        spread = np.hypot(0.15 * daily * part / 4.4, np.sqrt(1 / 12))
        assert grams.std() == pytest.approx(spread, rel=0.05)


def test_fasting_is_no_meals() -> None:
    """The fasting scenario has an empty plan of the right types."""
    plan = load_scenario("fasting").draw(np.random.default_rng(0), days=7, start_min=0.0, **ADULT)
    assert len(plan) == 0
    assert plan.time_min.dtype == plan.told_g.dtype == np.float64
    assert load_scenario("fasting").max_meals(7) == 0


@pytest.mark.parametrize(("weight", "age"), [(80.0, 40.0), (48.0, 15.0), (32.0, 9.0)])
def test_our_day_has_the_grams_of_its_person(weight: float, age: float) -> None:
    """The expected day is Schofield's grams; children eat more per kilogram than adults."""
    plan = load_scenario("unannounced").draw(
        np.random.default_rng(9), days=DAYS, start_min=0.0, weight_kg=weight, age_years=age
    )
    daily = schofield_carbs_g(weight, age)
    assert plan.carbs_g.sum() / DAYS == pytest.approx(daily, rel=0.012)
    assert len(plan) / DAYS == pytest.approx(3 * 0.95 + 3 * 0.35, rel=0.02)
    lunch = plan.carbs_g[in_window(plan, 11, 14.5)]
    assert lunch.std() / lunch.mean() == pytest.approx(0.3, abs=0.02)


def test_told_or_not_the_meals_are_the_same() -> None:
    """Under one seed our three scenarios share all meals but the messy day's extra snack."""
    plans = [
        load_scenario(name).draw(np.random.default_rng(3), days=14, start_min=300.0, **ADULT)
        for name in ("unannounced", "announced", "messy")
    ]
    assert np.array_equal(plans[0].time_min, plans[1].time_min)
    assert np.array_equal(plans[0].carbs_g, plans[1].carbs_g)
    messy = set(zip(plans[2].time_min, plans[2].carbs_g, strict=True))
    assert set(zip(plans[0].time_min, plans[0].carbs_g, strict=True)) < messy
    assert np.isinf(plans[0].told_min).all()
    assert not plans[0].told_g.any()
    assert np.array_equal(plans[1].told_min, plans[1].time_min)
    assert np.array_equal(plans[1].told_g, plans[1].carbs_g)


def test_messy_announcements_have_the_stated_rates() -> None:
    """10 % of meals, 30 % of snacks untold; 32 % of the rest 5-45 min late; counted as in Deeb."""
    plan = many_days("messy")
    told = np.isfinite(plan.told_min)
    meal = in_window(plan, 5.5, 9.5) & (plan.carbs_g > 40)
    assert 1 - told[meal].mean() == pytest.approx(0.1, abs=0.02)
    delay = (plan.told_min - plan.time_min)[told]
    late = delay > 0
    assert late.mean() == pytest.approx(0.32, abs=0.02)
    assert stats.kstest(delay[late], stats.uniform(5, 40).cdf).pvalue > 1e-3
    assert not delay[~late].any()
    ratio = plan.told_g[told] / plan.carbs_g[told]
    assert (ratio < 0.8).mean() == pytest.approx(63 / 247, abs=0.02)
    assert (ratio > 1.2).mean() == pytest.approx(19 / 247, abs=0.015)
    assert not plan.told_g[~told].any()
    evening = in_window(plan, 22.6, 24.0)
    assert 1 - told[evening].mean() == pytest.approx(0.3, abs=0.12)


def test_a_preset_can_be_announced_ahead() -> None:
    """An override announces simglucose's meals 20 minutes ahead, the same meals as without."""
    asked = {"preset": "simglucose_random", "announced": True, "lead_min": 20}
    scenario = load_scenario(asked)
    assert scenario.name == "simglucose_random+announced+lead_min"
    plan = scenario.draw(np.random.default_rng(4), days=5, start_min=0.0, **ADULT)
    plain = load_scenario("simglucose_random").draw(
        np.random.default_rng(4), days=5, start_min=0.0, **ADULT
    )
    assert np.array_equal(plan.time_min, plain.time_min)
    assert np.array_equal(plan.told_min, plan.time_min - 20.0)
    assert np.array_equal(plan.told_g, plan.carbs_g)


def test_the_published_counting_error_is_what_is_told() -> None:
    """With the linear model a lunch of 80 g is told as 80 + 9.22 - 27.2 + 0.09 w + 3.11 g."""
    scenario = load_scenario(
        {"preset": "rl4t1d", "announced": True, "lead_min": 20, "counting": "dtt2020_linear"}
    )
    plan = scenario.draw(np.random.default_rng(0), days=1, start_min=0.0, **ADULT)
    assert plan.told_g[1] == pytest.approx(80 + 9.22 - 27.2 + 7.2 + 3.11)


def test_nobody_is_told_before_the_start() -> None:
    """A meal soon after the start with a long lead is told at the start."""
    scenario = load_scenario({"preset": "rl4t1d", "announced": True, "lead_min": 60})
    plan = scenario.draw(np.random.default_rng(0), days=1, start_min=470.0, **ADULT)
    assert plan.told_min[0] == 470.0
    assert plan.time_min[0] == 480.0


def test_meals_before_the_start_hour_never_happen() -> None:
    """Started at 13:00, the first day has neither breakfast nor, later, a second one."""
    plan = load_scenario("rl4t1d").draw(np.random.default_rng(0), days=1, start_min=781.0, **ADULT)
    assert plan.time_min.tolist() == [1200.0, 1920.0, 2220.0]


def test_one_minute_holds_one_meal() -> None:
    """Two slots in the same minute: the earlier slot's meal is eaten, the other dropped."""
    slot = load_scenario("rl4t1d").to_dict()["slots"][0]
    scenario = load_scenario({"preset": "fasting", "slots": [slot, slot | {"amount": 99.0}]})
    plan = scenario.draw(np.random.default_rng(0), days=1, start_min=0.0, **ADULT)
    assert plan.carbs_g.tolist() == [40.0]


def test_carbs_scale_halves_the_grams() -> None:
    """The scale multiplies grams before they are rounded."""
    half = load_scenario({"preset": "rl4t1d", "carbs_scale": 0.5})
    plan = half.draw(np.random.default_rng(0), days=1, start_min=0.0, **ADULT)
    assert plan.carbs_g.tolist() == [20.0, 40.0, 30.0]


@settings(max_examples=120, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 2**32),
    days=st.integers(1, 20),
    start=st.floats(0.0, 1439.0),
    weight=st.floats(10.0, 200.0),
    age=st.floats(1.0, 90.0),
)
def test_any_plan_is_in_order_and_spends_the_same_random_numbers(
    name: str, seed: int, days: int, start: float, weight: float, age: float
) -> None:
    """Times rise within the horizon, grams are positive, and the generator ends in one state."""
    scenario = SCENARIOS[name]
    rng, other = np.random.default_rng(seed), np.random.default_rng(seed)
    plan = scenario.draw(rng, days=days, start_min=start, weight_kg=weight, age_years=age)
    assert (np.diff(plan.time_min) > 0).all()
    assert ((plan.time_min >= start) & (plan.time_min < start + 1440 * days)).all()
    assert (plan.carbs_g > 0).all()
    assert (plan.told_g >= 0).all()
    assert (plan.told_min >= start).all()
    assert len(plan) <= scenario.max_meals(days)
    scenario.draw(other, days=days, start_min=0.0, weight_kg=70.0, age_years=40.0)
    assert rng.bit_generator.state == other.bit_generator.state


@settings(max_examples=30, deadline=None)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32), start=st.floats(0.0, 1439.0))
def test_a_longer_episode_begins_with_the_shorter(name: str, seed: int, start: float) -> None:
    """Two days and nine days under one seed share their first two days."""
    short, long = (
        SCENARIOS[name].draw(np.random.default_rng(seed), days=days, start_min=start, **ADULT)
        for days in (2, 9)
    )
    n = len(short)
    assert np.array_equal(short.time_min, long.time_min[:n])
    assert np.array_equal(short.carbs_g, long.carbs_g[:n])
    assert np.array_equal(short.told_min, long.told_min[:n])
    assert np.array_equal(short.told_g, long.told_g[:n])


@pytest.mark.parametrize("name", NAMES)
def test_scenarios_survive_json(name: str) -> None:
    """A scenario equals the one loaded from its own JSON, and draws the same meals."""
    scenario = SCENARIOS[name]
    back = load_scenario(json.loads(json.dumps(scenario.to_dict())))
    assert back == scenario
    one, two = (
        s.draw(np.random.default_rng(1), days=3, start_min=60.0, **ADULT) for s in (scenario, back)
    )
    assert np.array_equal(one.carbs_g, two.carbs_g)


SLOT = load_scenario("rl4t1d").to_dict()["slots"][0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("holiday", "scenario is 'holiday'; choose one of unannounced, announced, messy"),
        (3.0, "scenario is 3.0; give a preset's name"),
        ({"preset": "messy", "lead": 5}, "scenario has no setting 'lead'; it has name"),
        ({"announced": 1}, "scenario announced is 1; it must be true or false"),
        ({"lead_min": 300}, "scenario lead_min is 300 min; give a value between 0 and 180 min"),
        ({"missed_rate": 1.5}, "scenario missed_rate is 1.5; give a value between 0 and 1"),
        (
            {"late_low_min": 10},
            "scenario late_low_min is 10 min; give at most late_high_min, 0 min",
        ),
        ({"counting": "guess"}, "scenario counting is 'guess'; choose one of none, dtt2020"),
        ({"amount_shape": "beta"}, "scenario amount_shape is 'beta'; choose one of normal"),
        ({"daily_carbs": 200}, "scenario daily_carbs is 200; it must be a text"),
        ({"slots": "breakfast"}, "scenario slots is 'breakfast'; it must be a list"),
        ({"slots": [5]}, "scenario slot is 5; give a mapping"),
        ({"slots": [{"kind": "lunch"}]}, "scenario slot lacks 'probability'"),
        ({"slots": [SLOT | {"kind": "tea"}]}, "slot kind is 'tea'; choose one of breakfast"),
        ({"slots": [SLOT | {"hour": 8}]}, "slot has no setting 'hour'"),
        ({"slots": [SLOT | {"probability": 2}]}, "slot probability is 2; give a value"),
        ({"slots": [SLOT | {"time_mean_min": 0}]}, "slot time_mean_min is 0 min"),
    ],
)
def test_bad_scenarios_are_refused_in_one_line(asked: object, message: str) -> None:
    """Unknown names, keys and values are named with the mend."""
    with pytest.raises(InputError) as caught:
        load_scenario(asked)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": 0}, "scenario days is 0"),
        ({"start_min": 1440.0}, "scenario start_min is 1440 min"),
        ({"weight_kg": -3.0}, "weight_kg is -3 kg"),
    ],
)
def test_bad_episodes_are_refused(change: dict[str, float], message: str) -> None:
    """Days, start and person are checked before any meal is drawn."""
    asked = {"days": 1, "start_min": 0.0, **ADULT} | change
    with pytest.raises(InputError, match=message):
        load_scenario().draw(np.random.default_rng(0), **asked)  # type: ignore[arg-type]


def test_a_scenario_is_frozen_and_hashable() -> None:
    """Equal scenarios are equal keys, so that environments may cache by them."""
    assert {Scenario("x", "test"): 1}[Scenario("x", "test")] == 1
