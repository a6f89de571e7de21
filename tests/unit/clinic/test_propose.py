"""Two courses of one day differ by the policy alone, and start where the record ends."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegym.clinic import Recommendation
from dosegym.clinic.course import Course, chances
from dosegym.clinic.habits import habits_of
from dosegym.clinic.propose import Forecast, forecast_current, probability_worse, with_proposal
from dosegym.clinic.regimen import ScheduledRegimen
from dosegym.clinic.start import begin_at, cohort_for, end_s
from dosegym.clinic.words import caps_of, limits_for, reasons_for, watch_for
from dosegym.envs.insulin_start import recall
from dosegym.envs.registry import make_task
from dosegym.policies import load_policy
from dosegym.records import Meals, Timeline
from dosegym.therapy.onboard import PEAK_MIN


def current(released: Recommendation) -> Forecast:
    """Return the forecast of the released recommendation."""
    assert released.forecast is not None
    return released.forecast


def course(in_range: list[float], low: list[float], steps: int = 12) -> Course:
    """Return a course with invented metrics."""
    n = len(in_range)
    flat = {k: np.ones((steps + 1, n)) for k in ("basal_u_per_h", "bolus_u", "limited")}
    flat["glucose_mg_dl"] = np.full((steps + 1, n), 120.0)
    metrics = {"time_in_range": np.array(in_range), "time_below_70": np.array(low)}
    return Course("x", flat, np.ones((steps, n)), np.ones((steps, n)), metrics, 5.0)


def test_worse_is_counted_by_draw() -> None:
    """More time below 70 or less in range makes a draw worse; equal ones are not."""
    now = course([80.0, 80.0, 80.0, 80.0], [1.0, 1.0, 1.0, 1.0])
    then = course([80.0, 90.0, 90.0, 70.0], [1.0, 0.5, 2.0, 0.0])
    assert probability_worse(then, now) == 0.5


def test_own_regimen_as_proposal_changes_nothing(
    released: Recommendation, record: Timeline
) -> None:
    """The same rule on the same draws gives the same day to the last digit, and is never worse."""
    before = current(released)
    rule = ScheduledRegimen(regimen=before.regimen, start_min=before.start_minute)
    found = with_proposal(before, record, rule)
    assert found.proposed is not None
    for name, values in before.current.series.items():
        assert np.array_equal(values, found.proposed.series[name]), name
    assert found.worse == 0.0


def test_both_courses_eat_the_same(released: Recommendation) -> None:
    """Meals do not depend on the doses; what was eaten against lows is told apart."""
    found = current(released)
    assert found.proposed is not None
    eaten = [
        c.series["carbs_eaten_g"].sum(axis=0) - c.series["rescue_carbs_g"].sum(axis=0)
        for c in (found.current, found.proposed)
    ]
    calm = np.isclose(eaten[0], eaten[1], atol=1e-3)
    # Rescue carbohydrate of the last minutes may still lie on the plate at the day's end.
    assert calm.mean() > 0.9


def test_hours_cover_the_day_once(released: Recommendation) -> None:
    """Rows begin at full hours, sum to 24 h, and hold all insulin of a draw's median day."""
    found = current(released)
    rows = found.current.hourly(found.start_minute)
    assert sum(row["minutes"] for row in rows) == 1440
    assert all(row["minute"] % 60 < 5.0 for row in rows[1:])
    steady = course([80.0], [0.0], steps=12).hourly(30.0)
    assert [row["minutes"] for row in steady] == [30.0, 30.0]
    assert steady[0]["insulin_u"] == pytest.approx(0.5 + 6.0)
    assert steady[0]["limited"] == 1.0


def test_current_basal_follows_the_clock(released: Recommendation) -> None:
    """At every step the current course delivers the schedule of that minute, to the increment."""
    found = current(released)
    step = found.current.step_min
    at = found.start_minute + step * np.arange(len(found.current.series["basal_u_per_h"]) - 1)
    expected = found.regimen.basal.at(at)
    given = found.current.series["basal_u_per_h"][1:]
    assert np.abs(given - expected[:, None]).max() <= 0.026


def test_asked_doses_are_those_delivered_up_to_the_pump(released: Recommendation) -> None:
    """Decoded actions differ from what flowed by half an increment at most where nothing is cut."""
    found = current(released)
    for each in (found.current, found.proposed):
        assert each is not None
        free = each.series["limited"][1:] == 0.0
        bolus = each.series["bolus_u"][1:] - each.asked_bolus_u
        basal = each.series["basal_u_per_h"][1:] - each.asked_basal_u_per_h
        assert np.abs(bolus[free]).max() <= 0.026
        assert np.abs(basal[free]).max() <= 0.026


def test_memory_of_a_steady_past_is_a_quiet_one(released: Recommendation) -> None:
    """A day on the prescribed basal at 120 mg/dL leaves no insulin on board and filters at one."""
    found = current(released)
    task = make_task("dosegym/Insulin-v0", cohort=cohort_for(found.bodies, found.regimen))
    basal = float(task.cohort.therapy.basal_u_per_h[0])
    memory = recall(task, np.full(288, basal), np.zeros(288), np.full(288, 120.0))
    assert memory[:2] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert memory[2:6] == pytest.approx(np.ones(4))


def test_memory_of_one_bolus_follows_the_activity_curve(released: Recommendation) -> None:
    """1 U given 75 min ago leaves (1 + t / tau) exp(-t / tau) U on board."""
    found = current(released)
    task = make_task("dosegym/Insulin-v0", cohort=cohort_for(found.bodies, found.regimen))
    rate = np.full(288, float(task.cohort.therapy.basal_u_per_h[0]))
    ago = round(PEAK_MIN / 5.0)
    rate[-ago] += 12.0
    memory = recall(task, rate, np.zeros(288), np.full(288, 120.0))
    share = PEAK_MIN / PEAK_MIN
    assert memory[0] + memory[1] == pytest.approx((1.0 + share) * np.exp(-share), rel=1e-6)


def test_controller_starts_with_the_real_readings(
    released: Recommendation, record: Timeline
) -> None:
    """The history handed to the policy is the record's, the latest reading first."""
    found = current(released)
    task = make_task("dosegym/Insulin-v0", cohort=cohort_for(found.bodies, found.regimen))
    start = begin_at(task, found.bodies, record)
    end = end_s(found.bodies.seen)
    nearest = np.argmin(np.abs(record.glucose.time_s - end))
    assert start.history[0, 0] == pytest.approx(record.glucose.mg_dl[nearest])
    hour = np.argmin(np.abs(record.glucose.time_s - (end - 3600.0)))
    assert start.history[0, 12] == pytest.approx(record.glucose.mg_dl[hour])


def test_without_habits_a_weight_scaled_day_is_said_so(
    released: Recommendation, record: Timeline
) -> None:
    """No recurring meal: the certified scenario stands in, and a note says it."""
    found = current(released)
    empty = replace(record, meals=Meals(np.zeros(0), np.zeros(0)))
    bodies = replace(found.bodies, patients=found.bodies.patients.take(range(20)))
    few = replace(bodies, end=bodies.end[:20], usual=bodies.usual[:20])
    other = forecast_current(empty, few, found.regimen, habits_of(empty))
    assert "scaled by body weight" in other.notes[0]
    assert other.current.series["carbs_eaten_g"].sum() > 0.0


def test_words_follow_the_numbers(released: Recommendation) -> None:
    """Reasons, watch list and limits quote what the courses hold."""
    found = current(released)
    assert found.proposed is not None
    reasons = " ".join(reasons_for(found))
    before = float(np.mean(found.current.metrics["time_in_range"]))
    assert f"{before:.0f}" in reasons
    low = found.proposed.band("glucose_mg_dl")[0][1:].min()
    assert f"below {low:.0f} mg/dL" in " ".join(watch_for(found))
    assert reasons_for(replace(found, proposed=None)) == ()
    assert watch_for(None) == ()


def test_capped_doses_are_counted(released: Recommendation, record: Timeline) -> None:
    """A policy that asks for more than the pump gives is reported with both numbers."""

    class Greedy:
        wants: dict[str, Any] = {"action": "basal_rate"}  # noqa: RUF012

        def predict(self, observation: Any, state: Any, start: Any, deterministic: bool) -> Any:
            return np.full((len(observation), 1), 1.0, np.float32), state

    found = with_proposal(current(released), record, Greedy())
    caps = caps_of(found)
    assert caps["cap_hit_share_of_steps"] == 1.0
    assert caps["largest_delivered_u_per_h"] == pytest.approx(30.0)
    assert caps["largest_asked_u_per_h"] == pytest.approx(40 * found.regimen.basal.mean(), rel=1e-3)
    assert "100.00 % of doses" in limits_for(found)[0]


def test_chances_name_three_levels(released: Recommendation) -> None:
    """The chances of a low and of a high are nested as their levels are."""
    odds = chances(current(released).current)
    assert odds["below_54"] <= odds["below_70"]
    assert set(odds) == {"below_54", "below_70", "above_250"}


def test_policies_of_both_dosing_modes_run(released: Recommendation, record: Timeline) -> None:
    """A basal-rate policy and one with boluses are simulated from the same start."""
    for name in ("pid", "basal_bolus"):
        found = with_proposal(current(released), record, load_policy(name))
        assert found.proposed is not None
        assert np.isfinite(found.proposed.series["glucose_mg_dl"]).all()
