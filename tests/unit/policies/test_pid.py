"""The PID against a loop in plain Python, by name and by rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.policies import Chart
from dosegym.policies.pid import Pid, published_gains
from dosegym.therapy.dosing import BASAL_SPAN, rise

READINGS = 120.0 + 80.0 * np.sin(np.arange(80) / 9.0) + np.linspace(0.0, 60.0, 80)


def rates(policy: Pid, observe: Any, readings: np.ndarray, lanes: int = 1) -> np.ndarray:
    """Return the basal rates (T, lanes), U/h, that the policy's actions mean."""
    memory, out = None, []
    for reading in readings:
        action, memory = policy.predict(observe(cgm=np.full(lanes, reading)), memory)
        out.append(BASAL_SPAN * 0.9 * rise(action[:, 0].astype(np.float64)))
    return np.array(out)


def by_name(setpoint: float, kp: float, ki: float, kd: float, readings: np.ndarray) -> list[float]:
    """Return RL4BG's rates: error sum and previous error begin at zero, no base, U/min to U/h."""
    total, before, out = 0.0, 0.0, []
    for reading in readings:
        error = setpoint - reading
        total += error
        out.append(max(60.0 * (kp * error + ki * total + kd * (error - before)), 0.0))
        before = error
    return out


def by_rule(kp: float, ki: float, kd: float, bound: float, readings: np.ndarray) -> list[float]:
    """Return the rates of the rule: base 0.9 U/h, bounded sum, no change at the first reading."""
    total, before, out = 0.0, None, []
    for reading in readings:
        error = 120.0 - reading
        total = min(max(total + error, -bound), bound)
        change = 0.0 if before is None else error - before
        out.append(max(0.9 * (1.0 + kp * error + ki * total + kd * change), 0.0))
        before = error
    return out


def test_published_gains_are_rl4bgs() -> None:
    """Thirty people, and the gains of adult#001 as the reference states them."""
    gains = published_gains()
    assert len(gains) == 30
    assert gains["adult#001"] == (120.0, -1e-4, -5e-7, -1e-2)


@pytest.mark.parametrize("name", ["adult#001", "adolescent#005", "child#010"])
def test_published_pid_is_the_plain_loop(observe: Any, name: str) -> None:
    """With a patient's published gains the doses are those of RL4BG's controller."""
    expected = by_name(*published_gains()[name], READINGS)
    largest = BASAL_SPAN * 0.9
    found = rates(Pid(gains="rl4bg", patient=name), observe, READINGS)[:, 0]
    np.testing.assert_allclose(found, np.minimum(expected, largest), rtol=2e-5, atol=2e-5)


def test_rule_pid_is_the_plain_loop(observe: Any) -> None:
    """By rule the doses scale with the basal and the error sum stays within its bound."""
    policy = Pid(gains="rule", kp=-0.03, ki=-0.0002, kd=-0.1, windup_mg_dl_steps=500.0)
    expected = by_rule(-0.03, -0.0002, -0.1, 500.0, READINGS)
    found = rates(policy, observe, READINGS)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)
    assert min(expected) == 0.0


def test_each_lane_gets_its_patients_gains(observe: Any) -> None:
    """Once it has met the patients, each lane is dosed by its own; strangers by rule."""
    policy = Pid()
    policy.meet(Chart(("adult#002", "virtual#7", "child#003"), ("adult", "adult", "child")))
    found = rates(policy, observe, READINGS, lanes=3)
    for lane, name in ((0, "adult#002"), (2, "child#003")):
        expected = np.minimum(by_name(*published_gains()[name], READINGS), BASAL_SPAN * 0.9)
        np.testing.assert_allclose(found[:, lane], expected, rtol=2e-5, atol=2e-5)
    rule = Pid(gains="rule")
    np.testing.assert_allclose(found[:, 1], rates(rule, observe, READINGS)[:, 0], rtol=1e-6)


def test_a_lane_begun_anew_forgets(observe: Any) -> None:
    """Where episode_start is true the error sum and previous error begin again, elsewhere not."""
    policy = Pid(gains="rule", ki=-0.001)
    memory = None
    for reading in READINGS[:30]:
        _, memory = policy.predict(observe(cgm=np.full(2, reading)), memory)
    now = observe(cgm=np.full(2, 200.0))
    both, _ = policy.predict(now, memory, np.array([False, True]))
    kept, _ = policy.predict(now, memory, np.array([False, False]))
    fresh, _ = policy.predict(now, None)
    assert both[0] == kept[0]
    assert both[1] == fresh[1]
    assert both[0] != both[1]


def test_bad_gains_are_refused(observe: Any) -> None:
    """Unknown sets, strangers without gains, wrong numbers and wrong batches are named."""
    with pytest.raises(ValueError, match="gains is 'ziegler'; choose auto, rl4bg or rule"):
        Pid(gains="ziegler")
    with pytest.raises(ValueError, match="patient 'adult#011' has no published PID gains"):
        Pid(patient="adult#011")
    with pytest.raises(ValueError, match="kp is 'x'; give a number"):
        Pid(kp="x")  # type: ignore[arg-type]
    stranger = Pid(gains="rl4bg")
    stranger.meet(Chart(("virtual#1",), ("adult",)))
    with pytest.raises(
        ValueError, match="'virtual#1' has no published PID gains; use gains='rule'"
    ):
        stranger.predict(observe())
    known = Pid()
    known.meet(Chart(("adult#001", "adult#002"), ("adult", "adult")))
    with pytest.raises(ValueError, match="has met 2 patients, the batch has 3 lanes; call"):
        known.predict(observe(cgm=np.full(3, 100.0)))
