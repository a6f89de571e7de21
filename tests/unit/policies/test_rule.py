"""The common frame of rules: reading, memory, encoding, cards."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from dosegym.policies import DosingRule, policy_hash
from dosegym.policies.basal import ConstantBasal
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.pid import Pid
from dosegym.policies.rule import Doses, Memory, Seen, read
from dosegym.therapy.view import INSULIN_VIEW


@dataclass
class Counter(DosingRule):
    """Asks for as many tenths of a U/h as it has been asked before."""

    name: str = field(default="counter", init=False)

    def remember(self, n: int) -> Memory:
        """Return zero counts."""
        return {"count": np.zeros(n)}

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return the count as a rate."""
        count = memory["count"] + 1.0
        return Doses(0.1 * count, np.zeros_like(count)), {"count": count}


def test_reading_inverts_the_view(observe: Any) -> None:
    """What is read is what was written, in clinical units, to float32's precision."""
    seen = read(observe(cgm=np.array([57.0, 310.0]), told_carbs=45.0, iob=0.05))
    np.testing.assert_allclose(seen.cgm, [57.0, 310.0], rtol=1e-6)
    np.testing.assert_allclose(seen.told_g, 45.0, rtol=1e-6)
    np.testing.assert_allclose(seen.iob_u, 0.05 * 45.0, rtol=1e-5)
    np.testing.assert_allclose(seen.basal_u_per_h, 0.9, rtol=1e-5)
    np.testing.assert_allclose(seen.carb_ratio, 10.0, rtol=1e-5)
    np.testing.assert_allclose(seen.correction, 40.0, rtol=1e-5)
    np.testing.assert_allclose(seen.daily_dose_u, 45.0, rtol=1e-5)


def test_memory_lives_in_the_state(observe: Any) -> None:
    """One object serves several courses: nothing is kept outside the state that is handed back."""
    rule = Counter()
    _, first = rule.predict(observe())
    _, second = rule.predict(observe(), first)
    _, other = rule.predict(observe())
    assert second["count"].item() == 2.0
    assert other["count"].item() == 1.0
    assert first["count"].item() == 1.0


def test_episode_start_resets_lane_by_lane(observe: Any) -> None:
    """Only the lanes that begin anew forget; a single flag speaks for all."""
    rule, three = Counter(), observe(cgm=np.full(3, 100.0))
    _, memory = rule.predict(three)
    _, memory = rule.predict(three, memory, np.array([False, True, False]))
    np.testing.assert_array_equal(memory["count"], [2.0, 1.0, 2.0])
    _, memory = rule.predict(three, memory, np.array([True]))
    np.testing.assert_array_equal(memory["count"], [1.0, 1.0, 1.0])


def test_a_bolus_without_a_channel_becomes_a_rate(observe: Any) -> None:
    """In basal_rate mode a bolus is asked for as a rate over one decision interval."""
    observation = observe(told_carbs=3.0)
    split = BasalBolus(action="basal_rate").predict(observation)[0]
    rate = 0.9 + 0.3 * 60.0 / 5.0
    whole = ConstantBasal(factor=rate / 0.9).predict(observation)[0]
    assert split == pytest.approx(whole, abs=1e-5)


def test_wrong_observations_and_states_are_refused(observe: Any) -> None:
    """Another number of features, or a state of another batch, is named."""
    with pytest.raises(ValueError, match=f"has 23 entries; rules read the {len(INSULIN_VIEW.low)}"):
        Counter().predict(np.zeros((2, 23), np.float32))
    _, memory = Counter().predict(observe())
    with pytest.raises(ValueError, match="state is not that of 2 lanes; begin with state None"):
        Counter().predict(observe(cgm=np.full(2, 100.0)), memory)


def test_a_rule_must_say_how_to_decide() -> None:
    """The frame alone cannot be used."""
    with pytest.raises(TypeError, match="abstract"):
        DosingRule()  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (ConstantBasal(), {"factor": 1.1}),
        (ConstantBasal(), {"step_min": 3.0}),
        (ConstantBasal(), {"action": "basal_and_bolus"}),
        (BasalBolus(), {"target_mg_dl": 141.0}),
        (BasalBolus(), {"threshold_mg_dl": 151.0}),
        (BasalBolus(), {"tdd_rules": True}),
        (BasalBolus(), {"quiet_h": 2.0}),
        (BasalBolus(), {"lead_min": 5.0}),
        (Pid(), {"gains": "rule"}),
        (Pid(), {"patient": "adult#001"}),
        (Pid(), {"kp": -0.0051}),
        (Pid(), {"ki": -0.00003}),
        (Pid(), {"kd": -0.41}),
        (Pid(), {"windup_mg_dl_steps": 6001.0}),
    ],
)
def test_every_setting_is_in_the_hash(rule: Any, changes: dict[str, Any]) -> None:
    """A change of any setting changes the policy's hash; an equal rule has an equal one."""
    assert policy_hash(replace(rule, **changes)) != policy_hash(rule)
    assert policy_hash(replace(rule)) == policy_hash(rule)
