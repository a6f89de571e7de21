"""Clinical figures beside SB3's own, and what happens between rollouts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dosegym.envs import make_sb3_vec_env
from dosegym.training import train
from dosegym.training.callbacks import ClinicalLog, Keeper

Arguments = Callable[..., dict[str, Any]]
ENV = "dosegym/Insulin-v0"


class Recorder:
    """Stands where the learner stands: takes figures down."""

    def __init__(self) -> None:
        self.logger = self
        self.told: dict[str, float] = {}

    def record(self, name: str, value: float) -> None:
        """Take a figure down."""
        self.told[name] = value


def test_clinical_figures_equal_those_of_the_infos() -> None:
    """Summed from arrays, they are what the lanes' infos say one by one."""
    env = make_sb3_vec_env(ENV, 6, seed=3, days=1, terminate=[100.0, 150.0], start_glucose=120.0)
    log: Any = ClinicalLog(env, window=1)  # type: ignore[arg-type]
    log.model = Recorder()
    env.reset()
    costs, inside, ended, deaths = [], [], [], 0
    for _ in range(60):
        _, _, dones, infos = env.step(np.full((6, 1), 0.3, np.float32))
        log._on_step()
        for done, info in zip(dones, infos, strict=True):
            costs.append(list(info["costs"].values()))
            inside.append(70.0 <= info["truth"]["glucose_mg_dl"] <= 180.0)
            deaths += int(done and not info["TimeLimit.truncated"])
            ended += [info["episode_cost"]] if done else []
    log._on_rollout_end()
    told = log.model.told
    assert deaths > 0
    for i, name in enumerate(env.get_attr("cost_names")[0]):
        expected = 100.0 * np.mean([row[i] for row in costs])
        assert told[f"clinical/cost_{name}_percent"] == pytest.approx(expected)
    assert told["clinical/time_in_range_percent"] == pytest.approx(100.0 * np.mean(inside))
    years = len(costs) * 5.0 / 1440.0 / 365.25
    assert told["clinical/deaths_per_patient_year"] == pytest.approx(deaths / years)
    assert told["clinical/episode_cost"] == pytest.approx(np.mean(ended))


def test_no_figure_before_the_window_is_full() -> None:
    """A figure sums at least the window's steps."""
    env = make_sb3_vec_env(ENV, 4, seed=0, days=1)
    log: Any = ClinicalLog(env, window=8)  # type: ignore[arg-type]
    log.model = Recorder()
    env.reset()
    env.step(np.zeros((4, 1), np.float32))
    log._on_step()
    log._on_rollout_end()
    assert log.model.told == {}


def scalars(folder: Path) -> EventAccumulator:
    """Return what TensorBoard would show of a run."""
    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return found


def test_tensorboard_shows_both_kinds_of_figures(tmp_path: Path, arguments: Arguments) -> None:
    """SB3's losses, clinical figures of the training lanes and validation stand side by side."""
    lanes = {"n_envs": 512, "n_steps": 40, "batch_size": 10_240, "n_epochs": 1}
    kwargs = {"days": 1, "terminate": [110.0, 150.0], "start_glucose": 130.0}
    asked = arguments("ppo", tmp_path / "run", timesteps=40_960, env_kwargs=kwargs, overrides=lanes)
    train(**asked)
    tags = set(scalars(tmp_path / "run").Tags()["scalars"])
    assert {"train/value_loss", "time/fps"} <= tags
    assert {"clinical/time_in_range_percent", "clinical/cost_below_54_percent"} <= tags
    assert {"clinical/deaths_per_patient_year", "clinical/episode_cost"} <= tags
    assert {"validation/score", "validation/time_in_range", "validation/failure"} <= tags


def test_the_best_agent_is_kept_not_the_last(
    tmp_path: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With scores that rise and fall, the folder's agent is the one of the peak."""
    scores = iter([1.0, 3.0, 2.0, 2.5, 0.0])
    real = Keeper.judge

    def judge(self: Keeper) -> None:
        measured = self.validate
        value = next(scores)
        self.validate = lambda policy: {**measured(policy), "score": value}  # type: ignore
        real(self)
        self.validate = measured

    monkeypatch.setattr(Keeper, "judge", judge)
    changes = {"overrides": {"validation.every": 64}}
    out = train(**arguments("ppo", tmp_path / "run", timesteps=320, **changes))
    best, last = (json.loads((out / f).read_text()) for f in ("manifest.json", "last.json"))
    assert (best["timesteps"], best["validation"]["score"]) == (128, 3.0)
    assert (last["timesteps"], last["validation"]["score"]) == (320, 0.0)
    assert best["sha256"] != last["sha256"]
