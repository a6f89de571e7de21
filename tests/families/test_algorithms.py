"""One battery for every learning algorithm: it learns a little, saves, loads, and resumes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dosegym.physiology.errors import InputError
from dosegym.policies import learned, load_policy
from dosegym.training import load_settings, train
from dosegym.training.build import make_lanes, make_model
from dosegym.training.callbacks import ClinicalLog
from dosegym.training.settings import SETTINGS

ENV = "dosegym/Insulin-v0"
SHORT: dict[str, Any] = {
    "n_envs": 8, "net_arch": [8], "checkpoint_every": 64, "validation.every": 128,
    "validation.lanes": 2, "validation.days": 1,
}  # fmt: skip
ON_POLICY = {"n_steps": 8, "batch_size": 32, "n_epochs": 1}
# The buffer is smaller than the run, so that it fills and turns over.
OFF_POLICY = {"batch_size": 16, "buffer_size": 96, "gradient_steps": 2}
OWN: dict[str, dict[str, Any]] = {
    "ppo": ON_POLICY,
    "a2c": {"n_steps": 8},
    "sac": OFF_POLICY,
    "td3": OFF_POLICY,
    "recurrent_ppo": {**ON_POLICY, "lstm_hidden_size": 8},
}
DEADLY = {"days": 1, "terminate": [110.0, 150.0], "start_glucose": 130.0}


class Killed(RuntimeError):
    """Ends a run where no code of the run expects it."""


def run(algo: str, out: Path, **more: Any) -> Path:
    """Train for a few rollouts."""
    if algo == "recurrent_ppo":
        pytest.importorskip("sb3_contrib", reason="the extra dosegym[recurrent] is not installed")
    overrides = {**SHORT, **OWN[algo]}
    return train(
        ENV, algo=algo, timesteps=256, out=out, env_kwargs=DEADLY, overrides=overrides,
        progress=False, **more,
    )  # fmt: skip


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Return an agent's parameters."""
    state: dict[str, torch.Tensor] = load_policy(path).model.policy.state_dict()
    return state


def test_the_battery_covers_every_algorithm() -> None:
    """No algorithm is left untested, and policies know all that training offers."""
    assert set(OWN) == set(SETTINGS) == set(learned.ALGORITHMS)


@pytest.mark.parametrize("algo", list(SETTINGS))
def test_it_learns_saves_loads_and_acts(algo: str, tmp_path: Path) -> None:
    """A short run changes the parameters, and its agent acts within bounds, one or many."""
    out = run(algo, tmp_path / "run")
    policy = load_policy(out)
    shape = policy.model.observation_space.shape
    seen = np.random.default_rng(0).normal(size=(5, *shape)).astype(np.float32)
    many, memory = policy.predict(seen, None, np.ones(5, np.bool_))
    again, _ = policy.predict(seen, memory, np.ones(5, np.bool_))
    np.testing.assert_allclose(many, again, atol=1e-6)
    assert many.shape == (5, 1)
    assert np.all(np.abs(many) <= 1.0)
    settings = load_settings(algo, ENV, {**SHORT, **OWN[algo]}).settings
    fresh = make_model(algo, make_lanes(ENV, settings.n_envs, 0, DEADLY), settings, 0)
    begun, last = fresh.policy.state_dict(), weights(out / "last.zip")
    assert begun.keys() == last.keys()
    assert not all(torch.equal(begun[key], last[key]) for key in begun)


@pytest.mark.parametrize("algo", list(SETTINGS))
def test_a_killed_run_ends_bit_identical_after_resume(
    algo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Straight through, or killed in mid-rollout and resumed: the same parameters."""
    straight = run(algo, tmp_path / "straight")
    real = ClinicalLog._on_step

    def on_step(self: ClinicalLog) -> bool:
        if self.num_timesteps >= 170:
            raise Killed
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(ClinicalLog, "_on_step", on_step)
        with pytest.raises(Killed):
            run(algo, tmp_path / "killed")
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    resumed = run(algo, tmp_path / "killed", resume=True)
    a, b = weights(straight / "last.zip"), weights(resumed / "last.zip")
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_recurrent_ppo_without_its_package_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without sb3-contrib one line names the extra, and no folder is made."""
    monkeypatch.setitem(__import__("sys").modules, "sb3_contrib", None)
    with pytest.raises(InputError, match=r"dosegym\[recurrent\]"):
        train(ENV, algo="recurrent_ppo", timesteps=64, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
