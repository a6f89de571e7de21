"""Agents of each environment: what they want, what they observe, what they may choose."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.policies import learned, load_policy
from dosegym.policies.learned import INSULIN, PRESSURE, LearnedPolicy
from dosegym.policies.pressure_mask import action_mask
from dosegym.training import load_settings
from dosegym.training.build import make_lanes, make_model
from dosegym.training.manifest import write_agent

LANES = {"n_envs": 4, "n_steps": 8, "batch_size": 32, "net_arch": [8]}


def write(folder: Path, env_id: str, algo: str = "ppo", **told: Any) -> Path:
    """Write a fresh agent for an environment, with what its manifest tells."""
    settings = load_settings(algo, env_id, LANES).settings
    model = make_model(algo, make_lanes(env_id, 4, 0, {}), settings, 0)
    write_agent(model, folder / "agent.zip", {"algo": algo, "env_id": env_id, **told})
    return folder / "agent.zip"


def test_wants_of_insulin_are_action_step_and_what_is_told() -> None:
    """The dosing mode, the interval, and whether meals are announced."""
    kwargs = {
        "action": "basal_rate",
        "step_min": 15,
        "sensor": "dexcom_g6",
        "scenario": "announced",
    }
    policy = LearnedPolicy(None, {"env_kwargs": kwargs}, "", INSULIN)
    assert policy.wants["announced"] is True
    assert (policy.wants["action"], policy.wants["step_min"]) == ("basal_rate", 15)
    assert "pump" not in policy.wants


def test_wants_of_pressure_are_what_gives_actions_their_meaning() -> None:
    """Tablets, kind of action and interval; neither patients nor meals."""
    kwargs = {
        "formulary": {"arb": "telmisartan"}, "action": "levels", "interval_days": 56,
        "patient": "all", "measurement": "home_week",
    }  # fmt: skip
    policy = LearnedPolicy(None, {"env_kwargs": kwargs}, "", PRESSURE)
    assert policy.wants == {k: kwargs[k] for k in ("formulary", "action", "interval_days")}


@pytest.mark.parametrize("env_id", [INSULIN, PRESSURE])
def test_an_agent_knows_its_environment(env_id: str, tmp_path: Path) -> None:
    """From the manifest, or without one from what it observes."""
    path = write(tmp_path, env_id)
    assert load_policy(path).env_id == env_id
    path.with_suffix(".json").unlink()
    assert load_policy(path, trust=True).env_id == env_id


def test_an_agent_for_another_view_is_refused(tmp_path: Path) -> None:
    """An agent that claims an environment it cannot observe is told apart in one line."""
    path = write(tmp_path, INSULIN)
    told = json.loads(path.with_suffix(".json").read_text("utf-8"))
    for env_id, words in (
        (PRESSURE, f"view of {PRESSURE} has"),
        ("dosegym/Nothing-v0", "'dosegym/Nothing-v0', which this version does not know"),
    ):
        path.with_suffix(".json").write_text(json.dumps(told | {"env_id": env_id}))
        with pytest.raises(InputError, match=words):
            load_policy(path)


def test_the_views_are_those_of_the_environments() -> None:
    """A lane's observation is as long as the view an agent is checked against."""
    for env_id, view in learned.VIEWS.items():
        assert make_lanes(env_id, 1, 0, {}).observation_space.shape == (len(view.features),)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_masked_agent_never_asks_for_what_is_closed(deterministic: bool, tmp_path: Path) -> None:
    """Loaded from disk and given no mask, it keeps to the mask of what it observes."""
    pytest.importorskip("sb3_contrib", reason="the extra dosegym[contrib] is not installed")
    kwargs = {"patient": "all"}
    policy = load_policy(write(tmp_path, PRESSURE, "maskable_ppo", env_kwargs=kwargs))
    lanes = make_lanes(PRESSURE, 64, 0, kwargs)
    observation = lanes.reset()
    first = np.cumsum([0, *lanes.action_space.nvec[:-1]])  # type: ignore[attr-defined]
    closed = 0
    for _ in range(6):
        action, _ = policy.predict(observation, deterministic=deterministic)
        mask = action_mask(observation)
        closed += int((~mask).sum())
        assert np.take_along_axis(mask, first + action, axis=1).all()
        observation, *_ = lanes.step(action)
    assert closed > 0
