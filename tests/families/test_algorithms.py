"""One battery for every learning algorithm: it learns a little, saves, loads, and resumes."""

import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dosegym.envs.registry import ENTRIES
from dosegym.physiology.errors import InputError
from dosegym.policies import learned, load_policy
from dosegym.training import load_settings, train
from dosegym.training.build import make_lanes, make_model
from dosegym.training.callbacks import ClinicalLog
from dosegym.training.config import environments_of
from dosegym.training.settings import SETTINGS

INSULIN, PRESSURE = "dosegym/Insulin-v0", "dosegym/BloodPressure-v0"
SHORT: dict[str, Any] = {
    "n_envs": 8, "net_arch": [8], "checkpoint_every": 64, "validation.every": 128,
    "validation.lanes": 2,
}  # fmt: skip
ON_POLICY = {"n_steps": 8, "batch_size": 32, "n_epochs": 1}
# The buffer is smaller than the run, so that it fills and turns over.
OFF_POLICY = {"batch_size": 16, "buffer_size": 96, "gradient_steps": 2}
OWN: dict[str, dict[str, Any]] = {
    "ppo": ON_POLICY,
    "ppo_lagrangian": ON_POLICY,
    "a2c": {"n_steps": 8},
    "sac": OFF_POLICY,
    "td3": OFF_POLICY,
    "recurrent_ppo": {**ON_POLICY, "lstm_hidden_size": 8},
    "maskable_ppo": ON_POLICY,
}
# Short episodes, so that lanes end and begin anew all the time.
KEYWORDS: dict[str, dict[str, Any]] = {
    INSULIN: {"days": 1, "terminate": [110.0, 150.0], "start_glucose": 130.0},
    PRESSURE: {"days": 112, "patient": "all"},
}
VALIDATION_DAYS = {INSULIN: 1, PRESSURE: 84}
CASES = [(algo, env_id) for algo in SETTINGS for env_id in environments_of(algo)]


class Killed(RuntimeError):
    """Ends a run where no code of the run expects it."""


def changes(algo: str, env_id: str) -> dict[str, Any]:
    """Return the hyperparameters of a short run."""
    return {**SHORT, **OWN[algo], "validation.days": VALIDATION_DAYS[env_id]}


def run(algo: str, env_id: str, out: Path, **more: Any) -> Path:
    """Train for a few rollouts."""
    if algo in learned.CONTRIB:
        pytest.importorskip("sb3_contrib", reason="the extra dosegym[contrib] is not installed")
    return train(
        env_id, algo=algo, timesteps=256, out=out, env_kwargs=KEYWORDS[env_id],
        overrides=changes(algo, env_id), progress=False, **more,
    )  # fmt: skip


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Return an agent's parameters."""
    state: dict[str, torch.Tensor] = load_policy(path).model.policy.state_dict()
    return state


def test_the_battery_covers_every_algorithm() -> None:
    """No algorithm is left untested, and policies know all that training offers."""
    assert set(OWN) == set(SETTINGS) == set(learned.ALGORITHMS)
    assert set(KEYWORDS) == {entry.id for entry in ENTRIES} == set(learned.VIEWS)


@pytest.mark.parametrize(("algo", "env_id"), CASES)
def test_it_learns_saves_loads_and_acts(algo: str, env_id: str, tmp_path: Path) -> None:
    """A short run changes the parameters, and its agent acts within its space, one or many."""
    out = run(algo, env_id, tmp_path / "run")
    policy = load_policy(out)
    assert policy.env_id == env_id
    settings = load_settings(algo, env_id, changes(algo, env_id)).settings
    lanes = make_lanes(env_id, 8, 0, {**settings.env_kwargs, **KEYWORDS[env_id]})
    seen = lanes.reset()[:5]
    many, memory = policy.predict(seen, None, np.ones(5, np.bool_))
    again, _ = policy.predict(seen, memory, np.ones(5, np.bool_))
    np.testing.assert_allclose(many, again, atol=1e-6)
    assert many.shape == (5, *lanes.action_space.shape)  # type: ignore[misc]
    assert all(lanes.action_space.contains(action) for action in many)
    one, _ = policy.predict(seen[0])
    assert lanes.action_space.contains(one)
    fresh = make_model(algo, lanes, settings, 0)
    begun, last = fresh.policy.state_dict(), weights(out / "last.zip")
    assert begun.keys() == last.keys()
    assert not all(torch.equal(begun[key], last[key]) for key in begun)


@pytest.mark.parametrize(("algo", "env_id"), CASES)
def test_a_killed_run_ends_bit_identical_after_resume(
    algo: str, env_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Straight through, or killed in mid-rollout and resumed: the same parameters."""
    straight = run(algo, env_id, tmp_path / "straight")
    real = ClinicalLog._on_step

    def on_step(self: ClinicalLog) -> bool:
        if self.num_timesteps >= 170:
            raise Killed
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(ClinicalLog, "_on_step", on_step)
        with pytest.raises(Killed):
            run(algo, env_id, tmp_path / "killed")
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    resumed = run(algo, env_id, tmp_path / "killed", resume=True)
    a, b = weights(straight / "last.zip"), weights(resumed / "last.zip")
    assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("algo", list(SETTINGS))
def test_loading_moves_no_generator_and_sets_no_buffer_aside(algo: str, tmp_path: Path) -> None:
    """Reading an agent leaves every global generator alone, and its learner holds one step."""
    out = run(algo, environments_of(algo)[0], tmp_path / "run")
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())  # type: ignore[index, union-attr]  # noqa: NPY002
    model = load_policy(out).model
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())  # type: ignore[index, union-attr]  # noqa: NPY002
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])
    buffers = [getattr(model, name, None) for name in ("rollout_buffer", "replay_buffer")]
    held = [buffer for buffer in buffers if buffer is not None]
    assert len(held) == 1
    assert held[0].observations.size == model.observation_space.shape[0]


def test_recurrent_ppo_without_its_package_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without sb3-contrib one line names the extra, and no folder is made."""
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    with pytest.raises(InputError, match=r"dosegym\[contrib\]"):
        train(INSULIN, algo="recurrent_ppo", timesteps=64, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
