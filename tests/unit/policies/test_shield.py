"""The shield as a policy: card, memory, log, layers, and how it is loaded."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.envs.lanes import Lanes
from dosegym.evaluation.evaluate import keywords_for
from dosegym.physiology.errors import InputError
from dosegym.policies import Chart, load_policy, policy_hash
from dosegym.policies.basal import ConstantBasal
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.shield import Shield

RULES = ("rules",)
MEAL = {"told_carbs": 60.0, "told_recent": 60.0}


def test_one_hash_covers_policy_and_shield() -> None:
    """The hash changes with the inner policy, the layers and the interval; the card is JSON."""
    shields = [
        Shield(ConstantBasal(), RULES),
        Shield(ConstantBasal(factor=0.9), RULES),
        Shield(ConstantBasal(), ()),
        Shield(ConstantBasal(), RULES, step_min=10.0),
        Shield(ConstantBasal()),
    ]
    assert len({policy_hash(s) for s in shields}) == len(shields)
    card = json.loads(json.dumps(shields[-1].card))
    assert card["policy"] == "shielded"
    assert card["inner"] == ConstantBasal().card
    assert card["shield"]["forecast"]["margin"]["mg_dl"]
    assert "low_glucose" in card["shield"]["rules"]["names"]


def test_loading_by_name() -> None:
    """``load_policy`` takes the inner policy's name and wants what that wants."""
    shield = load_policy("shielded", inner="basal_bolus", layers=["rules"])
    assert isinstance(shield.inner, BasalBolus)
    assert shield.wants == BasalBolus().wants
    assert load_policy("shielded", inner="acc_aha_2025").env_id == "dosegym/BloodPressure-v0"


def test_a_shield_that_is_off_changes_nothing(observe: Any) -> None:
    """Without layers the wildest dose goes through unchanged, and is counted as a decision."""
    off = Shield(ConstantBasal(factor=40.0), ())
    seen = observe(cgm=np.array([45.0, 120.0]))
    action, _ = off.predict(seen)
    np.testing.assert_array_equal(action, ConstantBasal(factor=40.0).predict(seen)[0])
    assert (off.log().decisions, len(off.log()), off.log().rate) == (2, 0, 0.0)


def test_what_is_safe_passes_bit_for_bit(observe: Any) -> None:
    """Where nothing binds the inner policy's own action comes out, for one and for a batch."""
    shield, seen = Shield(BasalBolus()), observe(cgm=130.0, dose_200=np.log(2.0), **MEAL)
    expected, _ = BasalBolus().predict(seen)
    np.testing.assert_array_equal(shield.predict(seen)[0], expected)
    np.testing.assert_array_equal(shield.predict(seen[0])[0], expected[0])


def test_only_the_channel_that_moved_is_written_anew(observe: Any) -> None:
    """A bolus that is cut leaves the basal's number as it was."""
    shield = Shield(BasalBolus(), RULES)
    seen = observe(cgm=200.0, dose_200=np.log(2.0), told_carbs=250.0, told_recent=100.0)
    asked, _ = BasalBolus().predict(seen)
    given, _ = shield.predict(seen)
    assert given[0, 0] == asked[0, 0]
    assert given[0, 1] < asked[0, 1]


def test_the_log_says_what_was_changed_for_whom(observe: Any) -> None:
    """Patient, step, rule, proposed and applied dose and the bound stand in the log."""
    shield = Shield(ConstantBasal(), RULES)
    shield.meet(Chart(("ann", "bob"), ("adult", "adult")))
    low = observe(cgm=np.array([60.0, 130.0]), dose_200=np.log(2.0))
    _, state = shield.predict(low, None, np.ones(2, bool))
    _, state = shield.predict(low, state, np.zeros(2, bool))
    log = shield.log()
    assert (log.decisions, len(log), log.rate) == (4, 2, 0.5)
    assert log.by_rule() == {"low_glucose": 0.5}
    first, second = log.rows()
    assert (first["patient"], first["step"], second["step"]) == ("ann", 0, 1)
    assert first["rule"] == "low_glucose"
    assert first["proposed"]["basal_u_per_h"] == pytest.approx(0.9, rel=1e-5)
    assert first["applied"] == {"basal_u_per_h": 0.0, "bolus_u": 0.0}
    assert first["cap"] == 0.0
    shield.meet(Chart(("cas", "dan"), ("adult", "adult")))
    shield.predict(low)
    assert [row["patient"] for row in shield.log().rows()] == ["ann", "ann", "cas"]
    shield.clear()
    assert shield.log().decisions == 0
    with pytest.raises(InputError, match="record=True"):
        Shield(ConstantBasal(), RULES, record=False).log()


def test_each_lane_remembers_alone_and_begins_anew(observe: Any) -> None:
    """Memory travels in ``state`` by lane; a new episode forgets the last one's rate and meals."""
    shield = Shield(ConstantBasal())
    _, state = shield.predict(observe(cgm=np.array([130.0, 140.0]), **MEAL))
    own = state["shield"]
    assert own["step"].tolist() == [1, 1]
    assert (own["carbs"] > 0.0).all()
    _, state = shield.predict(observe(cgm=np.array([130.0, 140.0])), state, np.array([False, True]))
    own = state["shield"]
    assert own["step"].tolist() == [2, 1]
    assert own["carbs"][0].min() > 0.0
    assert own["carbs"][1].max() == 0.0
    with pytest.raises(InputError, match="begin with state None"):
        shield.predict(observe(cgm=130.0), state)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Shield(3), "predict"),
        (lambda: Shield(ConstantBasal(), ("walls",)), "layers"),
        (lambda: Shield(ConstantBasal(), "rules"), "layers"),
        (lambda: Shield(load_policy("acc_aha_2025"), ("forecast",)), "layers"),
        (lambda: Shield(ConstantBasal()).predict(np.zeros((2, 5), np.float32)), "observation"),
    ],
)
def test_refusals(make: Any, match: str) -> None:
    """What cannot be shielded is refused in one line that says why."""
    with pytest.raises(InputError, match=match):
        make()


@pytest.mark.parametrize("mode", ["basal_rate", "basal_and_bolus", "meal_bolus"])
def test_every_dosing_mode(mode: str) -> None:
    """In each mode a shielded agent that always asks for the most stays within the action space."""

    class Greedy:
        env_id, name, card = "dosegym/Insulin-v0", "greedy", {"policy": "greedy"}
        wants = {"action": mode, "announced": True}

        def predict(self, observation: Any, *_: Any) -> Any:
            shape = (len(observation), 2 if mode == "basal_and_bolus" else 1)
            return np.ones(shape, np.float32), None

    shield = Shield(Greedy())
    keywords = keywords_for(shield, {"patient": "adult", "days": 1, "start_hour": 6})
    task = make_task("dosegym/Insulin-v0", **keywords)
    lanes = Lanes(task, 3)
    for lane in range(3):
        lanes.seed(lane, lane)
    step, memory, cut = lanes.begin(), None, 0
    for _ in range(200):
        action, memory = shield.predict(step.observation, memory)
        assert all(task.action_space.contains(a) for a in action)
        cut += int((action < 1.0).any(axis=1).sum())
        step = lanes.step(action)
    assert len(shield.log()) > 0
    assert cut > 0
