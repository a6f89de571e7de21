"""``dosegym train`` on the command line."""

import json
import signal
from pathlib import Path

import pytest

from dosegym.cli.main import main
from dosegym.training.callbacks import ClinicalLog

ENV = "dosegym/Insulin-v0"
SMALL = [
    "n_envs=8", "n_steps=8", "batch_size=32", "n_epochs=1", "net_arch=[8]", "validation.lanes=2",
    "validation.days=1", "checkpoint_every=64",
]  # fmt: skip


def words(out: Path, *more: str) -> list[str]:
    """Return a command line for a short run."""
    settings = [word for pair in SMALL for word in ("--set", pair)]
    return ["train", ENV, "--timesteps", "192", "--out", str(out), *settings, *more]


def test_it_trains_with_the_given_keywords(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings and keywords reach the run; the last line says where the agent is and how good."""
    keywords = json.dumps({"days": 1, "patient": "adult#002"})
    assert main(words(tmp_path / "run", "--env-kwargs", keywords, "--seed", "4", "--quiet")) == 0
    told = json.loads((tmp_path / "run" / "manifest.json").read_text("utf-8"))
    assert told["env_kwargs"]["patient"] == "adult#002"
    assert (told["seed"], told["hyperparameters"]["net_arch"]) == (4, [8])
    said = capsys.readouterr()
    assert said.out.startswith(f"{tmp_path / 'run'}: best agent after 192 steps; in validation")
    assert said.err == ""


def test_the_bar_shows_validation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --quiet the progress line names time in range and score, on standard error."""
    assert main(words(tmp_path / "run")) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "ppo" in said
    assert "TIR" in said
    assert "score" in said


def test_control_c_exits_with_130_and_resume_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Interrupted: a clear line and status 130; the same command with --resume finishes."""
    real = ClinicalLog._on_step

    def on_step(self: ClinicalLog) -> bool:
        if self.num_timesteps == 72:
            signal.raise_signal(signal.SIGINT)
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(ClinicalLog, "_on_step", on_step)
        assert main(words(tmp_path / "run", "--quiet")) == 130
    assert "interrupted at 128 of 192 steps" in capsys.readouterr().err
    assert not (tmp_path / "run" / "agent.zip").exists()
    assert main(words(tmp_path / "run", "--quiet", "--resume")) == 0
    assert (tmp_path / "run" / "agent.zip").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--algo", "dqn"], "algorithm is 'dqn'"),
        (["--set", "foo=1"], "no hyperparameter 'foo'"),
        (["--set", "foo"], "--set is 'foo'; write key=value"),
        (["--env-kwargs", "{x"], "--env-kwargs is not JSON"),
        (["--env-kwargs", '{"patint": 1}'], "'patint'"),
        (["--timesteps", "0"], "timesteps is 0"),
        (["--resume"], "no run to resume"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the value and the mend; no folder is made."""
    assert main(words(tmp_path / "run", *more)) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    assert said in line
    assert not (tmp_path / "run").exists()
