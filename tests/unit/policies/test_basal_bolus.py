"""Basal-bolus doses against hand calculations, and the timing of its corrections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.policies.basal import ConstantBasal
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.rule import read
from dosegym.therapy.dosing import BASAL_SPAN, BOLUS_SHARE, rise


def doses(policy: Any, observation: np.ndarray, memory: Any = None) -> tuple[Any, Any, Any]:
    """Return the basal (U/h) and bolus (U) that a policy's action means, and its memory."""
    action, memory = policy.predict(observation, memory)
    seen = read(observation)
    share = rise(action.astype(np.float64))
    basal = BASAL_SPAN * seen.basal_u_per_h * share[:, 0]
    bolus = BOLUS_SHARE * seen.daily_dose_u * share[:, 1] if share.shape[1] == 2 else 0.0 * basal
    return basal, bolus, memory


@pytest.mark.parametrize(
    ("cgm", "carbs", "expected_u"),
    [
        (120.0, 0.0, 0.0),  # nothing to do
        (120.0, 60.0, 6.0),  # 60 g / 10 g/U
        (220.0, 60.0, 8.0),  # and (220 - 140) / 40
        (220.0, 0.0, 0.0),  # no correction without a meal
        (145.0, 60.0, 6.0),  # above the target but below the threshold of 150
        (300.0, 5.0, 4.5),  # 0.5 + 4
    ],
)
def test_bolus_by_hand(observe: Any, cgm: float, carbs: float, expected_u: float) -> None:
    """The bolus is carbs over ratio, with a correction above 150 mg/dL to 140, at meals only."""
    basal, bolus, _ = doses(BasalBolus(), observe(cgm=cgm, told_carbs=carbs))
    assert bolus == pytest.approx([expected_u], abs=2e-4)
    assert basal == pytest.approx([0.9], abs=1e-5)


def test_settings_move_the_correction(observe: Any) -> None:
    """Target and threshold are those given."""
    policy = BasalBolus(target_mg_dl=100.0, threshold_mg_dl=110.0)
    _, bolus, _ = doses(policy, observe(cgm=140.0, told_carbs=30.0))
    assert bolus == pytest.approx([3.0 + 40.0 / 40.0], abs=2e-4)


def test_bbi_by_hand(observe: Any) -> None:
    """By the daily dose of 45 U: 500/45 g/U, 1800/45 = 40 mg/dL per U, 0.48 x 45/24 U/h."""
    basal, bolus, _ = doses(BasalBolus(tdd_rules=True), observe(cgm=200.0, told_carbs=50.0))
    assert basal == pytest.approx([0.9], abs=1e-5)
    assert bolus == pytest.approx([50.0 * 45.0 / 500.0 + 60.0 / 40.0], abs=2e-4)


def test_bbi_does_not_correct_within_three_hours_of_a_meal(observe: Any) -> None:
    """After a meal, the next one's correction waits until more than 36 decisions have passed."""
    policy = BasalBolus(tdd_rules=True)
    meal_u, correction_u = 4.5, 1.5
    for wait in (1, 12, 35, 36, 37, 60):
        _, bolus, memory = doses(policy, observe(cgm=200.0, told_carbs=50.0))
        assert bolus == pytest.approx([meal_u + correction_u], abs=2e-4)
        for _ in range(wait - 1):
            _, between, memory = doses(policy, observe(cgm=200.0), memory)
            assert between == pytest.approx([0.0], abs=1e-9)
        _, bolus, _ = doses(policy, observe(cgm=200.0, told_carbs=50.0), memory)
        expected = meal_u + (correction_u if wait > 36 else 0.0)
        assert bolus == pytest.approx([expected], abs=2e-4), wait


def test_bbi_against_a_plain_loop(observe: Any) -> None:
    """Over two days of random meals, doses equal a plain deque of the last 36 meals."""
    rng = np.random.default_rng(0)
    policy, memory = BasalBolus(tdd_rules=True), None
    past = [0.0] * 36
    for _ in range(576):
        cgm = float(rng.uniform(60.0, 300.0))
        carbs = float(rng.integers(10, 90)) if rng.random() < 0.03 else 0.0
        _, bolus, memory = doses(policy, observe(cgm=cgm, told_carbs=carbs), memory)
        expected = 0.0
        if carbs > 0.0:
            quiet = sum(past) == 0.0
            expected = carbs / (500.0 / 45.0) + (cgm > 150.0) * quiet * (cgm - 140.0) / 40.0
        assert bolus == pytest.approx([expected], abs=1e-3)
        past = [*past[1:], carbs]


def test_wishes_stand_in_wants() -> None:
    """The rule asks for announced meals and a bolus channel, and for its lead where it has one."""
    assert BasalBolus().wants == {"action": "basal_and_bolus", "announced": True, "lead_min": 0.0}
    assert BasalBolus(lead_min=20.0).wants["lead_min"] == 20.0


def test_meal_bolus_mode_asks_for_the_same_dose(observe: Any) -> None:
    """Acting in meal_bolus, the action is the dose over carbs/ratio, less one."""
    policy = BasalBolus(action="meal_bolus")
    action, _ = policy.predict(observe(cgm=180.0, told_carbs=50.0))
    assert action == pytest.approx(np.array([[(5.0 + 1.0) / 5.0 - 1.0]]), abs=1e-5)


def test_constant_basal(observe: Any) -> None:
    """The prescribed rate times the factor, whatever glucose is."""
    for factor in (0.0, 1.0, 2.5):
        basal, bolus, _ = doses(ConstantBasal(factor), observe(cgm=np.array([50.0, 120.0, 400.0])))
        assert basal == pytest.approx([0.9 * factor] * 3, abs=1e-5)
        assert bolus == pytest.approx([0.0] * 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target_mg_dl": 20}, "target_mg_dl is 20; give a number from 60 to 400"),
        ({"threshold_mg_dl": "high"}, "threshold_mg_dl is 'high'; give a number"),
        ({"quiet_h": float("nan")}, "quiet_h is nan; give a number"),
        ({"lead_min": -5}, "lead_min is -5; give a number from 0 to 180"),
        ({"action": "inhale"}, "action is 'inhale'; choose one of basal_rate"),
        ({"step_min": 0}, "step_min is 0; give a number from 1 to 1440"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    """A setting out of bounds is named with its value and its bounds."""
    with pytest.raises(ValueError, match=message):
        BasalBolus(**settings)
