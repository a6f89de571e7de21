"""L0: questions that give away a policy's form, its clock, and doses of the wrong size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from dosegym.evaluation.gate.lives import World
from dosegym.evaluation.gate.request import request_of
from dosegym.evaluation.gate.static import static_lane
from dosegym.evaluation.gate.store import Store
from dosegym.policies import load_policy

BASAL = -0.2  # the action that asks for about the prescribed basal rate


def world_of(policy: Any, groups: Any = ("adult",)) -> World:
    """Return a small world for a policy."""
    request = request_of(
        policy, constraints=None, patients=90, seed=5, groups=groups, env_kwargs=None, trust=False
    )
    return request.worlds(Store(None, {}), lambda *_: None)[0]


class Planted:
    """The prescribed basal rate, or what a fault makes of it."""

    env_id = "dosegym/Insulin-v0"

    def __init__(self, fault: str) -> None:
        self.fault, self._calls = fault, 0
        self.card: Mapping[str, Any] = {"policy": f"planted {fault}", "kind": "test"}

    def predict(
        self, observation: Any, state: Any = None, begin: Any = None, _: bool = True
    ) -> tuple[Any, Any]:
        """Return actions (B, 1)."""
        n = len(observation)
        steps = 0 if state is None else int(state)
        action = np.full((n, 1), BASAL, dtype=np.float32)
        self._calls += 1
        if self.fault == "nan in a corner":
            action[np.asarray(observation)[:, 0] > 6.0] = np.nan
        if self.fault == "outside":
            action += 3.0
        if self.fault == "chance":
            action += np.float32(0.01 * (self._calls % 7))
        if self.fault == "neighbours":
            action += np.float32(0.3 * np.mean(np.asarray(observation)[:, 0] > 0.0))
        if self.fault == "place in the batch":
            action += np.linspace(0.0, 0.2, n, dtype=np.float32)[:, None]
        if self.fault == "clock" and steps > 14 * 288:
            action += 0.5
        if self.fault == "creep":
            action += np.float32(0.00005 * steps)
        if self.fault == "hours for minutes":
            action[:] = 1.0
        if self.fault == "nothing":
            action[:] = -1.0
        return action, steps + 1


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("nan in a corner", "not a number"),
        ("outside", "outside the action space"),
        ("chance", "the same observations gave other actions"),
        ("neighbours", "gets other actions than beside others"),
        ("place in the batch", "another order of the patients"),
        ("clock", "answered otherwise"),
        ("creep", "answered otherwise"),
        ("hours for minutes", "times the usual daily dose"),
        ("nothing", "times the usual daily dose"),
    ],
)
def test_each_fault_is_named(fault: str, told: str) -> None:
    """A planted fault fails the lane, and the reason names it."""
    policy = Planted(fault)
    lane = static_lane(policy, world_of(policy))
    assert lane.status == "failed"
    assert any(told in reason for reason in lane.reasons)


@pytest.mark.parametrize(
    "name", ["basal_bolus", "pid", "low_glucose_suspend", "insulin-adult", "acc_aha_2025"]
)
def test_sound_policies_pass(name: str) -> None:
    """Rules with memory, an agent and a guideline with steps pass every question."""
    policy = load_policy(name)
    groups = None if name == "acc_aha_2025" else ("adult",)
    lane = static_lane(policy, world_of(policy, groups))
    assert lane.status == "passed", lane.reasons


def test_an_agent_trained_on_certified_people_is_refused() -> None:
    """A card that tells of another purpose than training fails the lane."""
    policy = Planted("none")
    patient = {"population": "virtual", "purpose": "certification"}
    policy.card = {"policy": "x", "kind": "learned", "env_kwargs": {"patient": patient}}
    lane = static_lane(policy, world_of(policy))
    assert lane.status == "failed"
    assert "purpose certification" in lane.reasons[0]
