"""Costs, rewards and ends of the blood-pressure environment, by hand from what the body did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.envs import pressure_reward
from dosegym.envs.pressure_reward import CONDITIONS, HARMS, LOST, PILL, risk_reward
from dosegym.therapy.formulary import CLASSES
from dosegym.therapy.pressure_protocols import EVENTS, LIMITS

HARD = {"contraindications": "allow", "sick_days": "usual", "adherence": "poor"}


def wild(seed: int, n: int, steps: int = 13) -> Any:
    """Return a controller that asks for random regimens, all classes at any level."""
    wishes = np.random.default_rng(seed).integers(0, [6, 5, 5, 4, 5, 4], (steps, n, 6))
    return lambda t, _: wishes[t]


@pytest.fixture
def course(watched: Any, treat: Any) -> Any:
    """Return a year of random regimens in 300 people, with the days that the body lived."""
    people = {"population": "virtual", "size": 300, "purpose": "test", "seed": 4}
    task = watched(patient=people, **HARD)
    return treat(wild(0, 300), n=300, task=task)


def days_of(course: Any, name: str) -> np.ndarray:
    """Return an output on all days, (visits, days of each, B)."""
    return np.stack(course.task.engine.seen)[:, :, course.task.model.output_index[name]]


def test_costs_are_limits_crossed_on_any_day(course: Any) -> None:
    """Each cost is 1 exactly when the true body crossed the protocols' limit on a day of it."""
    sbp, dbp = days_of(course, "sbp"), days_of(course, "dbp")
    fall = sbp - days_of(course, "standing_sbp"), dbp - days_of(course, "standing_dbp")
    untreated = course.task.cohort.patients.covariates["egfr0"]
    crossed = {
        "sbp_below_100": sbp < LIMITS.sbp_low_mmhg,
        "potassium_high": days_of(course, "potassium") > LIMITS.potassium_high,
        "potassium_low": days_of(course, "potassium") < LIMITS.potassium_low,
        "egfr_drop": days_of(course, "egfr") / untreated <= 1.0 - LIMITS.egfr_drop_share,
        "bradycardia": days_of(course, "heart_rate") < LIMITS.heart_rate_low_bpm,
        "orthostatic": (fall[0] >= LIMITS.standing_fall_sbp_mmhg)
        | (fall[1] >= LIMITS.standing_fall_dbp_mmhg),
    }
    for name, days in crossed.items():
        expected = days.any(axis=1)
        assert 0.0 < expected.mean() < 1.0, name
        np.testing.assert_array_equal(course.log[name][1:] > 0.0, expected, err_msg=name)
    total = sum(course.log[name] for name in course.task.cost_names)
    np.testing.assert_array_equal(course.log["cost"], total)
    np.testing.assert_array_equal(course.log["episode_cost"], np.cumsum(total, axis=0))
    assert (course.log["cost"][0] == 0.0).all()


def test_harms_are_what_the_days_show(course: Any) -> None:
    """Electrolyte events and days with symptoms follow from the same days by the event rules."""
    sodium, potassium = days_of(course, "sodium"), days_of(course, "potassium")
    event = (sodium < EVENTS.sodium_low) | (potassium < EVENTS.potassium_low)
    event |= potassium > EVENTS.potassium_high
    np.testing.assert_array_equal(course.log["electrolyte_event"][1:] > 0, event.any(axis=1))
    sbp, up = days_of(course, "sbp"), days_of(course, "standing_sbp")
    felt = (sbp < EVENTS.dizzy_sbp_mmhg) | (
        (sbp - up >= LIMITS.standing_fall_sbp_mmhg) & (up < EVENTS.dizzy_standing_mmhg)
    )
    np.testing.assert_array_equal(course.log["hypotension"][1:], felt.sum(axis=1))
    assert course.log["hypotension"].max() > 1.0


def test_extremes_and_control_are_those_of_the_days(course: Any) -> None:
    """The log's extremes are those of the interval; control is that of its last day."""
    for column, name, extreme in (
        ("lowest_sbp_mmhg", "sbp", np.min),
        ("lowest_heart_rate", "heart_rate", np.min),
        ("highest_potassium", "potassium", np.max),
        ("lowest_sodium", "sodium", np.min),
    ):
        np.testing.assert_array_equal(
            course.log[column][1:], extreme(days_of(course, name), axis=1)
        )
    last = {name: days_of(course, name)[:, -1] for name in ("sbp", "dbp")}
    np.testing.assert_array_equal(course.log["sbp_mmhg"][1:], last["sbp"])
    control = (last["sbp"] < 140.0) & (last["dbp"] < 90.0)
    np.testing.assert_array_equal(course.log["control"][1:] > 0.0, control)


def test_the_risk_reward_is_the_formula_of_its_page(course: Any) -> None:
    """Hazard lowered less conditions, pills and events, by hand from the log."""
    log = {name: values[1:] for name, values in course.log.items()}
    untreated = course.task.cohort.patients.covariates["untreated_sbp"]
    fall = untreated - np.maximum(log["sbp_mmhg"], 115.0)
    expected = 0.02231435513 * fall - 0.01 * log["n_drugs"]
    expected -= 0.1 * (log["orthostatic"] + log["oedema"] + log["cough"] + log["other_symptoms"])
    expected -= 0.2 * (log["potassium_high"] + log["potassium_low"] + log["bradycardia"])
    expected -= 0.05 * log["hypotension"] + 1.0 * log["kidney_injury"]
    expected -= 0.5 * log["electrolyte_event"] + 0.3 * log["sbp_below_100"]
    expected -= 0.5 * log["contraindicated"]
    np.testing.assert_allclose(course.reward[1:], expected, rtol=1e-8, atol=1e-9)
    assert (course.reward[0] == 0.0).all()


def test_the_other_rewards_are_shares_of_days(watched: Any, treat: Any) -> None:
    """Time in target, and SPRINT's range, are counted on the days the body lived."""
    task = watched(reward="time_in_target", target=[140, 90])
    course = treat(wild(1, 24), task=task)
    sbp, dbp = days_of(course, "sbp"), days_of(course, "dbp")
    share = ((sbp < 140.0) & (dbp < 90.0) & (sbp >= 100.0)).mean(axis=1)
    np.testing.assert_allclose(course.reward[1:], share, rtol=1e-12)
    assert 0.1 < share.mean() < 0.95
    task = watched(reward="sprint")
    course = treat(wild(1, 24), task=task)
    sbp = days_of(course, "sbp")
    share = ((sbp >= 110.0) & (sbp <= 130.0)).mean(axis=1)
    np.testing.assert_allclose(course.reward[1:], share, rtol=1e-12)


def test_cost_weights_are_subtracted(treat: Any) -> None:
    """A weight on a cost and on a harm takes exactly that much from intervals that have them."""
    plain = treat(wild(2, 24), **HARD)
    weights = {"potassium_low": 2.0, "hypotension": 0.25}
    weighted = treat(wild(2, 24), cost_weights=weights, **HARD)
    paid = 2.0 * plain.log["potassium_low"] + 0.25 * plain.log["hypotension"]
    assert paid[1:].max() > 0.0
    np.testing.assert_allclose(plain.reward[1:] - weighted.reward[1:], paid[1:], atol=1e-12)


def test_termination_is_true_pressure_outside_the_bounds_and_is_charged(
    watched: Any, treat: Any
) -> None:
    """An episode ends on the first interval with a day outside; the days lost cost ``LOST``."""
    low, high = 105.0, 170.0
    task = watched(terminate=[low, high])
    course = treat([4, 0, 4, 3, 0, 0], task=task, steps=3)
    free = treat([4, 0, 4, 3, 0, 0], steps=3)
    sbp = days_of(course, "sbp")
    outside = ((sbp < low) | (sbp > high)).any(axis=1)
    np.testing.assert_array_equal(course.terminated[1:], outside)
    assert 0 < outside.sum() < outside.size
    visits_left = np.array([12.0, 11.0, 10.0])[:, None]
    np.testing.assert_allclose(
        course.reward[1:], free.reward[1:] - LOST * visits_left * outside, rtol=1e-9, atol=1e-9
    )
    assert not course.truncated.any()


def test_an_episode_is_truncated_at_its_horizon_only(treat: Any) -> None:
    """Thirteen visits of 28 days: the last is truncated, none is terminated."""
    course = treat([0] * 6)
    assert course.truncated[:-1].sum() == 0
    assert course.truncated[-1].all()
    assert not course.terminated.any()
    np.testing.assert_array_equal(course.log["time_min"][:, 0], 1440.0 * 28.0 * np.arange(14))


ALL_DAYS = {name: 1.0 for name in HARMS} | {"hypotension": 28.0}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.booleans(), min_size=len(HARMS), max_size=len(HARMS)),
    st.integers(0, 6),
    st.floats(0.0, 60.0),
)
def test_living_on_pays_more_than_a_death(present: list[bool], drugs: int, fall: float) -> None:
    """While treatment does not raise pressure, no 28 days are worth less than ``-LOST``."""
    harms = {
        name: np.array([value * here])
        for (name, value), here in zip(ALL_DAYS.items(), present, strict=True)
    }
    sbp, untreated = np.array([150.0 - fall]), np.array([150.0])
    reward = risk_reward(sbp, untreated, harms, np.array([float(drugs)]), np.array([28.0]))
    assert reward[0] > -LOST
    assert 28.0 * HARMS["hypotension"] + sum(HARMS.values()) - 0.05 + len(CLASSES) * PILL < LOST


def test_what_lasts_weighs_by_time_and_events_do_not() -> None:
    """Oedema for 84 days costs three times that for 28; a kidney injury costs the same."""
    sbp = np.array([120.0, 120.0])
    days = np.array([28.0, 84.0])
    none = {name: np.zeros(2) for name in HARMS}
    base = risk_reward(sbp, sbp, none, np.zeros(2), days)
    np.testing.assert_array_equal(base, [0.0, 0.0])
    for name, weight in HARMS.items():
        told = risk_reward(sbp, sbp, {**none, name: np.ones(2)}, np.zeros(2), days)
        times = 3.0 if name in CONDITIONS else 1.0
        np.testing.assert_allclose(told, [-weight, -times * weight], err_msg=name)


def test_no_benefit_is_counted_below_115() -> None:
    """From 115 mmHg down the risk reward rises no more; above, 10 mmHg are a fifth of hazard."""
    sbp = np.array([125.0, 115.0, 105.0])
    none = {name: np.zeros(3) for name in HARMS}
    got = risk_reward(sbp, np.full(3, 150.0), none, np.zeros(3), np.full(3, 28.0))
    assert got[1] == got[2]
    assert np.exp(-(got[1] - got[0])) == pytest.approx(0.80)
    assert pressure_reward.LOWEST_USEFUL_MMHG == 115.0
