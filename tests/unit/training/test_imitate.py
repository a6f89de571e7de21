"""Starting from a known policy: what is learned from it, and what is refused."""

from typing import Any

import numpy as np
import pytest
import torch

from dosegym.physiology.errors import InputError
from dosegym.training.build import make_lanes, make_model
from dosegym.training.config import load_settings
from dosegym.training.imitate import demonstrations, imitate
from dosegym.training.settings import ImitationSettings

ENV = "dosegym/BloodPressure-v0"
PEOPLE = {"patient": "all", "days": 168}
SMALL = {"n_envs": 32, "n_steps": 6, "batch_size": 32, "net_arch": [32], "start.imitate": None}


def fresh(algo: str = "ppo", **more: Any) -> tuple[Any, Any]:
    """Return a new model and its lanes."""
    settings = load_settings(algo, ENV, {**SMALL, **more}).settings
    lanes = make_lanes(ENV, 32, 0, PEOPLE)
    return make_model(algo, lanes, settings, 0), lanes


def test_the_agent_comes_to_act_as_the_policy() -> None:
    """After imitation most of its single choices are the guideline's, and more than before."""
    model, lanes = fresh()
    brief = ImitationSettings(policy="acc_aha_2025", visits=18, epochs=20, batch_size=64)
    seen, done = demonstrations(make_lanes(ENV, 32, 0, PEOPLE), brief.policy, brief.visits)
    before, _ = model.predict(seen, deterministic=True)
    share = imitate(model, lanes, brief)
    after, _ = model.predict(seen, deterministic=True)
    assert share == pytest.approx(np.mean(after == done), abs=1e-6)
    assert share > 0.7
    assert share > np.mean(before == done) + 0.1


def test_a_run_that_imitates_is_repeated_by_its_seed() -> None:
    """Imitation draws from nothing but the seed, whatever the global generators stand at."""
    brief = {"start.imitate": {"policy": "acc_aha_2025", "visits": 4, "epochs": 1}}
    first, _ = fresh(**brief)
    torch.manual_seed(99)
    second, _ = fresh(**brief)
    a, b = first.policy.state_dict(), second.policy.state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)
    plain = fresh()[0].policy.state_dict()
    assert not torch.equal(a["action_net.weight"], plain["action_net.weight"])


def test_numbers_cannot_be_imitated() -> None:
    """Where actions are numbers, one line says so."""
    settings = load_settings("ppo", ENV, SMALL).settings
    lanes = make_lanes(ENV, 32, 0, {**PEOPLE, "action": "box"})
    model = make_model("ppo", lanes, settings, 0)
    with pytest.raises(InputError, match=r"start.imitate needs levels"):
        imitate(model, lanes, ImitationSettings(policy="acc_aha_2025"))


def test_a_policy_for_other_actions_is_refused() -> None:
    """A guideline that prescribes tablets says nothing of the next visit's date."""
    lanes = make_lanes(ENV, 4, 0, {**PEOPLE, "interval_days": "chosen"})
    with pytest.raises(InputError, match="actions are not of this environment's space"):
        demonstrations(lanes, "acc_aha_2025", 1)


def test_other_learners_cannot_imitate() -> None:
    """SAC has no levels to be likely; one line says which algorithms can."""
    sizes = {"n_envs": 4, "buffer_size": 64, "start.imitate": {"policy": "acc_aha_2025"}}
    settings = load_settings("sac", ENV, sizes).settings
    lanes = make_lanes(ENV, 4, 0, {**PEOPLE, "action": "box"})
    with pytest.raises(InputError, match=r"sac cannot imitate; leave start.imitate out"):
        make_model("sac", lanes, settings, 0)
