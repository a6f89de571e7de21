"""From an action to insulin and back: every mode, the pump's limits, increments and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.therapy.dosing import MODES, DosingMap

PRESCRIBED = 1.26736050  # adult#001, U/h


def encode(course: Any, basal: Any, bolus: Any, **more: Any) -> np.ndarray:
    """Return the actions that ask for these doses of a course's first person."""
    rx = course.task.cohort.therapy
    return DosingMap(course.task.dosing.mode).encode(
        basal,
        bolus,
        scheduled_u_per_h=rx.basal_u_per_h[0],
        daily_dose_u=rx.total_daily_dose_u[0],
        carb_ratio=rx.carb_ratio_g_per_u[0],
        **more,
    )


@pytest.mark.parametrize("mode", MODES[:2])
def test_encode_asks_for_what_is_delivered(run: Any, mode: str) -> None:
    """What an ideal pump delivers for an encoded dose is that dose, in U/h and U."""
    basal = np.array([0.0, 0.3, PRESCRIBED, 5.0, 50.0])
    bolus = np.array([0.0, 0.05, 1.0, 6.0, 20.0]) * (mode == "basal_and_bolus")
    probe = run(steps=1, action=mode, pump="ideal")
    actions = encode(probe, basal, bolus)
    course = run(lambda t, _: actions[t], steps=5, action=mode, pump="ideal", scenario="fasting")
    np.testing.assert_allclose(course.log["basal_u_per_h"][1:, 0], basal, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(course.log["bolus_u"][1:, 0], bolus, rtol=2e-6, atol=2e-6)
    np.testing.assert_array_equal(course.applied, course.proposed)


def test_meal_bolus_scales_the_standard_bolus(run: Any) -> None:
    """At a meal the bolus is (1 + a) carbs/ratio, the basal the prescribed one; else none."""
    view = run(steps=1, scenario="announced").task
    ratio = float(view.cohort.therapy.carb_ratio_g_per_u[0])
    for a in (-1.0, -0.25, 0.0, 1.0):
        course = run(a, action="meal_bolus", scenario="announced", pump="ideal", days=1)
        told = course.observation[:-1, 0, course_index("told_carbs")] * 50.0
        np.testing.assert_allclose(
            course.log["bolus_u"][1:, 0], told / ratio * (1.0 + a), rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(course.log["basal_u_per_h"][1:, 0], PRESCRIBED, rtol=1e-6)
        assert told.max() > 0.0


def course_index(feature: str) -> int:
    """Return a feature's column of the observation."""
    from dosegym.therapy.view import INSULIN_VIEW

    return INSULIN_VIEW.index[feature]


def test_minus_one_is_no_insulin_at_all(run: Any) -> None:
    """An action of -1 suspends basal and bolus in both dosing modes."""
    for mode in MODES[:2]:
        course = run(-1.0, steps=4, action=mode)
        assert np.all(course.log["basal_u_per_h"][1:] == 0.0)
        assert np.all(course.log["bolus_u"][1:] == 0.0)


def test_a_pumps_increments_and_limits_hold(run: Any) -> None:
    """Whatever is asked, every dose is a whole number of increments within the pump's limits."""
    rng = np.random.default_rng(1)
    draws = rng.uniform(-1.0, 1.0, (60, 4, 2))
    limits = {"max_basal_u_per_h": 4.0, "max_bolus_u": 2.5}
    course = run(
        lambda t, _: draws[t],
        n=4,
        steps=60,
        patient="all",
        action="basal_and_bolus",
        pump={"preset": "insulet", **limits},
    )
    basal, bolus = course.log["basal_u_per_h"][1:], course.log["bolus_u"][1:]
    for dose in (basal, bolus):
        steps = dose / 0.05
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
        assert dose.min() >= 0.0
    assert basal.max() == pytest.approx(4.0)
    assert bolus.max() == pytest.approx(2.5)


def test_applied_action_says_what_was_delivered(run: Any) -> None:
    """applied_action asks for the delivered dose; proposed_action is what was asked."""
    rng = np.random.default_rng(2)
    draws = rng.uniform(-1.0, 1.0, (40, 1, 2))
    for pump in ("insulet", {"preset": "insulet", "max_basal_u_per_h": 3.0, "max_bolus_u": 2.0}):
        keywords = {"steps": 40, "action": "basal_and_bolus", "scenario": "fasting"}
        given = run(lambda t, _: draws[t], pump=pump, **keywords)
        again = run(lambda t, _, g=given: g.applied[t + 1], pump="ideal", **keywords)
        for name in ("basal_u_per_h", "bolus_u"):
            np.testing.assert_allclose(
                again.log[name][1:], given.log[name][1:], rtol=1e-4, atol=2e-5
            )
        np.testing.assert_array_equal(given.proposed[1:], draws.astype(np.float32))


def test_shielded_means_that_a_limit_cut_the_dose(run: Any) -> None:
    """Rounding alone does not count; a dose above the basal or the bolus limit does."""
    pump = {"preset": "insulet", "max_basal_u_per_h": 2.0, "max_bolus_u": 2.0}
    probe = run(steps=1, action="basal_and_bolus", pump=pump)
    doses = [(1.33, 1.01, 0), (2.0, 2.0, 0), (2.1, 0.0, 1), (0.0, 2.1, 1), (9.0, 9.0, 1)]
    actions = np.concatenate([encode(probe, basal, bolus) for basal, bolus, _ in doses])
    actions = np.nextafter(actions, np.float32(-1.0))  # a hair less, for the limits themselves
    course = run(lambda t, _: actions[t], steps=5, action="basal_and_bolus", pump=pump)
    assert course.log["limited"][1:, 0].tolist() == [flag for *_, flag in doses]


def test_a_real_pumps_errors_reach_the_body(run: Any) -> None:
    """A pump with delivery errors doses a little differently from what it is set to, by seed."""
    exact = {"preset": "tslim", "basal_error_cv": 0.0, "bolus_error_cv": 0.0}
    keywords = {"steps": 100, "scenario": "fasting", "start_glucose": "basal"}
    real, same, ideal = (run(pump=p, **keywords) for p in ("tslim", "tslim", exact))
    assert np.array_equal(real.log["glucose_mg_dl"], same.log["glucose_mg_dl"])
    assert np.array_equal(real.log["basal_u_per_h"], ideal.log["basal_u_per_h"])
    gap = np.abs(real.log["plasma_insulin_pmol_l"] - ideal.log["plasma_insulin_pmol_l"])
    assert 0.01 < gap.max() < 5.0


def test_a_night_at_prescribed_basal_stays_at_basal_glucose(run: Any) -> None:
    """Fasting on the prescribed basal from an ideal pump, all thirty stay where they are."""
    course = run(
        lambda t, _: 0.0,
        n=30,
        days=1,
        patient="all",
        by_lane=True,
        action="meal_bolus",
        scenario="fasting",
        start_glucose="basal",
        pump="ideal",
    )
    glucose = course.log["glucose_mg_dl"]
    assert np.abs(glucose - glucose[0]).max() < 1e-6


def test_encoded_basal_keeps_basal_glucose(run: Any) -> None:
    """The same through basal_rate: float32's rounding of the action moves nobody by 0.1 mg/dL."""
    probe = run(steps=1)
    action = encode(probe, PRESCRIBED, 0.0)
    keywords = {"scenario": "fasting", "start_glucose": "basal", "pump": "ideal", "days": 2}
    glucose = run(action, **keywords).log["glucose_mg_dl"]
    assert np.abs(glucose - glucose[0]).max() < 0.1


@pytest.mark.parametrize("bad", [[np.nan], [np.inf], [1.01], [-1.01]])
def test_an_action_outside_the_box_names_its_lane(run: Any, bad: list[float]) -> None:
    """In a batch the message says which lane asked for what."""
    actions = np.zeros((3, 1))
    actions[2] = bad
    with pytest.raises(
        ValueError, match=r"action of lane 2 is \[.*\]; every entry must be a number"
    ):
        run(actions, n=3, steps=1)
