"""Low-glucose suspend: when it withholds, what it passes on, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.policies import policy_hash
from dosegym.policies.basal import ConstantBasal
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.pid import Pid
from dosegym.policies.suspend import LowGlucoseSuspend


@pytest.mark.parametrize(
    ("cgm", "change_15", "withheld"),
    [
        (120.0, 0.0, False),
        (69.9, 0.0, True),  # low now
        (70.1, 0.0, True),  # would be below 80 in half an hour without change
        (81.0, 0.0, False),
        (100.0, -9.0, False),  # 100 - 18 = 82
        (100.0, -11.0, True),  # 100 - 22 = 78
        (100.0, 9.0, False),
        (75.0, 6.0, False),  # rising to 87
    ],
)
def test_when_it_withholds(observe: Any, cgm: float, change_15: float, withheld: bool) -> None:
    """Below 70 mg/dL, or when the 15-minute trend reaches 80 mg/dL within 30 minutes."""
    observation = observe(cgm=cgm, cgm_change_15=change_15)
    action, _ = LowGlucoseSuspend().predict(observation)
    usual, _ = ConstantBasal().predict(observation)
    assert action == (np.float32(-1.0) if withheld else usual)


def test_the_inner_policy_is_passed_on(observe: Any) -> None:
    """Its actions, memory, wishes and single-observation form come through."""
    inner = Pid(gains="rule")
    policy = LowGlucoseSuspend(inner)
    observation = observe(cgm=np.array([200.0, 60.0]))
    action, memory = policy.predict(observation)
    expected, kept = inner.predict(observation)
    assert action[0] == expected[0]
    assert action[1] == -1.0
    np.testing.assert_array_equal(memory["sum"], kept["sum"])
    single, _ = policy.predict(observation[1])
    assert single.shape == (1,)
    assert policy.wants == inner.wants


def test_both_channels_are_withheld(observe: Any) -> None:
    """With a basal and a bolus channel, both are set to no insulin."""
    action, _ = LowGlucoseSuspend(BasalBolus()).predict(observe(cgm=60.0, told_carbs=50.0))
    np.testing.assert_array_equal(action, [[-1.0, -1.0]])


def test_the_card_holds_the_inner_policy() -> None:
    """Another inner policy gives another hash."""
    hashes = {policy_hash(LowGlucoseSuspend(i)) for i in (None, Pid(), Pid(kp=-0.1))}
    assert len(hashes) == 3


class _Bare:
    def predict(self, *_: Any) -> Any:
        """Return nothing useful."""


def test_what_it_refuses() -> None:
    """Not a policy, a mode in which -1 is not zero insulin, and an inner policy without a card."""
    with pytest.raises(ValueError, match="inner is 7; give a policy with predict"):
        LowGlucoseSuspend(7)
    with pytest.raises(ValueError, match="inner acts in 'meal_bolus', where basal"):
        LowGlucoseSuspend(BasalBolus(action="meal_bolus"))
    with pytest.raises(ValueError, match="inner policy _Bare has no card; give it"):
        policy_hash(LowGlucoseSuspend(_Bare()))
