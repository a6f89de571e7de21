"""Stopping and going on: nothing is lost, and nothing else is taken for the same run."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.training import TrainingInterrupted, train
from dosegym.training.callbacks import ClinicalLog
from dosegym.training.checkpoint import CHECKPOINT, read_checkpoint

Arguments = Callable[..., dict[str, Any]]


class Killed(RuntimeError):
    """Ends a run where no code of the run expects it."""


def stop_at(step: int, monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """Do something in the middle of a rollout, once."""
    real, done = ClinicalLog._on_step, []

    def on_step(self: ClinicalLog) -> bool:
        if self.num_timesteps >= step and not done:
            done.append(True)
            action()
        return real(self)

    monkeypatch.setattr(ClinicalLog, "_on_step", on_step)


def kill() -> None:
    """Raise what nothing catches."""
    raise Killed


def parameters(folder: Path) -> dict[str, torch.Tensor]:
    """Return the last agent's parameters."""
    state: dict[str, torch.Tensor] = load_policy(folder / "last.zip").model.policy.state_dict()
    return state


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Say whether two sets of parameters are equal bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


# Narrow limits make lanes end and begin anew all the time, so that every stream is used.
DEADLY = {"days": 1, "terminate": [110.0, 150.0], "start_glucose": 130.0}


@pytest.mark.parametrize("kwargs", [{"days": 1}, DEADLY], ids=["long episodes", "short episodes"])
def test_a_killed_run_ends_bit_identical_after_resume(
    kwargs: dict[str, Any],
    tmp_path: Path,
    arguments: Arguments,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Straight through, or killed in mid-rollout and resumed: the same parameters."""
    more = {"timesteps": 640, "env_kwargs": kwargs, "overrides": {"checkpoint_every": 128}}
    straight = train(**arguments("ppo", tmp_path / "straight", **more))
    stop_at(330, monkeypatch, kill)
    with pytest.raises(Killed):
        train(**arguments("ppo", tmp_path / "killed", **more))
    assert not (tmp_path / "killed" / "agent.zip").exists()
    kept = read_checkpoint(tmp_path / "killed")
    assert kept is not None
    assert kept["progress"]["saved_at"] == 256
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    resumed = train(**arguments("ppo", tmp_path / "killed", resume=True, **more))
    assert same(parameters(straight), parameters(resumed))
    assert not (resumed / CHECKPOINT).exists()


def test_the_best_score_is_remembered_across_a_resume(
    tmp_path: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Straight through or resumed, the same agent is the best, with the same figures."""
    more = {"timesteps": 512, "overrides": {"checkpoint_every": 128, "validation.every": 64}}
    straight = train(**arguments("ppo", tmp_path / "straight", **more))
    stop_at(330, monkeypatch, kill)
    with pytest.raises(Killed):
        train(**arguments("ppo", tmp_path / "killed", **more))
    resumed = train(**arguments("ppo", tmp_path / "killed", resume=True, **more))
    first, second = (json.loads((p / "manifest.json").read_text()) for p in (straight, resumed))
    assert first["validation"] == second["validation"]
    assert first["timesteps"] == second["timesteps"]


def test_control_c_writes_a_checkpoint_and_says_how_to_go_on(
    tmp_path: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal in mid-rollout stops at its end, without loss; the usual handler is back then."""
    straight = train(**arguments("ppo", tmp_path / "straight"))
    before = signal.getsignal(signal.SIGINT)
    stop_at(90, monkeypatch, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(TrainingInterrupted, match=r"interrupted at 128 of 320 steps.*--resume"):
        train(**arguments("ppo", tmp_path / "stopped"))
    assert signal.getsignal(signal.SIGINT) is before
    resumed = train(**arguments("ppo", tmp_path / "stopped", resume=True))
    assert same(parameters(straight), parameters(resumed))


def test_a_second_control_c_stops_at_once(
    tmp_path: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who presses twice does not wait for the end of the rollout."""

    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    stop_at(90, monkeypatch, twice)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(**arguments("ppo", tmp_path / "stopped"))
    assert not isinstance(caught.value, TrainingInterrupted)


def test_a_run_killed_before_its_first_checkpoint_begins_anew(
    tmp_path: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing kept, resume repeats the whole run."""
    more = {"overrides": {"checkpoint_every": 10_000}}
    straight = train(**arguments("ppo", tmp_path / "straight", **more))
    stop_at(90, monkeypatch, kill)
    with pytest.raises(Killed):
        train(**arguments("ppo", tmp_path / "killed", **more))
    resumed = train(**arguments("ppo", tmp_path / "killed", resume=True, **more))
    assert same(parameters(straight), parameters(resumed))


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path, arguments: Arguments) -> None:
    """A script may always say resume."""
    out = train(**arguments("ppo", tmp_path / "run", timesteps=64))
    before = (out / "agent.zip").stat().st_mtime_ns
    assert train(**arguments("ppo", tmp_path / "run", timesteps=64, resume=True)) == out
    assert (out / "agent.zip").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timesteps": 640}, "timesteps is 640 here and 64 in the run"),
        ({"seed": 5}, "seed is 5 here and 0"),
        ({"algo": "a2c"}, "algo is 'a2c' here and 'ppo'"),
        ({"env_kwargs": {"days": 2}}, "env_kwargs is days 2 here and 1"),
        ({"overrides": {"n_epochs": 7}}, "hyperparameters is n_epochs 7 here and 2"),
    ],
)
def test_other_arguments_are_not_resumed(
    changes: dict[str, Any],
    words: str,
    tmp_path_factory: pytest.TempPathFactory,
    arguments: Arguments,
) -> None:
    """A run goes on with what it was begun with, and the message names the difference."""
    out = tmp_path_factory.getbasetemp() / "one_run"
    if not out.exists():
        train(**arguments("ppo", out, timesteps=64))
    asked = arguments("ppo", out, timesteps=64, resume=True)
    asked |= changes | {"overrides": asked["overrides"] | changes.get("overrides", {})}
    if "algo" in changes:
        asked = arguments("a2c", out, timesteps=64, resume=True)
    with pytest.raises(InputError) as caught:
        train(**asked)
    assert words in str(caught.value)


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign"])
def test_a_damaged_checkpoint_is_refused(
    damage: str, tmp_path: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that is not whole is named, not unpickled."""
    stop_at(200, monkeypatch, kill)
    with pytest.raises(Killed):
        train(**arguments("ppo", tmp_path / "run"))
    path = tmp_path / "run" / CHECKPOINT
    data = path.read_bytes()
    flipped = data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]
    path.write_bytes({"cut": data[: len(data) // 2], "changed": flipped, "foreign": b"x"}[damage])
    with pytest.raises(InputError, match=r"checkpoint .* is damaged; delete it"):
        train(**arguments("ppo", tmp_path / "run", resume=True))
