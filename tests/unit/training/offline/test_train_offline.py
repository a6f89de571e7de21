"""A whole offline run: its folder, its refusals, its interruption, and the command line."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.cli.main import main
from dosegym.evaluation.collect import collect
from dosegym.evaluation.logged import Logged, logged_hash, write_logged
from dosegym.evaluation.ope import divide
from dosegym.evaluation.ope.parts import refuse_overlap
from dosegym.evaluation.ope.steps import people_of
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.training.offline import loop as loop_module
from dosegym.training.offline import train_offline

ENV = "dosegym/BloodPressure-v0"
SHORT = {"net_arch": [8], "batch_size": 16, "held_out": 0.25, "log_every": 10}


def people(purpose: str = "training") -> dict[str, Any]:
    """Return keywords of a few virtual people."""
    return {"population": "virtual", "size": 8, "purpose": purpose, "seed": 0}


@pytest.fixture(scope="module")
def data() -> Logged:
    """Return what a guideline did to a few people in sixteen weeks."""
    return collect(ENV, "acc_aha_2025", people(), 0, env_kwargs={"days": 112})


def run(data: Any, out: Path, **more: Any) -> Path:
    """Train for a few steps."""
    told = {"algo": "bc", "timesteps": 20, "overrides": SHORT, "progress": False, **more}
    return train_offline(data, out=out, **told)


def test_the_folder_tells_where_the_agent_comes_from(data: Logged, tmp_path: Path) -> None:
    """Agent, manifest with the data's hash, run and curves; a file and its content are the same."""
    write_logged(tmp_path / "data.npz", data)
    out = run(tmp_path / "data.npz", tmp_path / "run")
    names = {path.name for path in out.iterdir()}
    assert names == {"agent.zip", "manifest.json", "run.json", "tensorboard"}
    told = json.loads((out / "manifest.json").read_text("utf-8"))
    assert told["dataset"]["sha256"] == logged_hash(data)
    assert (told["dataset"]["patients"], told["patients_learned_from"]) == (8, 6)
    assert (told["env_id"], told["algo"], told["sb3"], told["timesteps"]) == (ENV, "bc", "ppo", 20)
    assert set(told["losses"]) == {"training/actor", "held_out/actor"}
    assert load_policy(out).card["dataset"]["sha256"] == logged_hash(data)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_curves_hold_every_loss(data: Logged, tmp_path: Path) -> None:
    """TensorBoard has each loss of training and of people held out, every ``log_every`` steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = run(data, tmp_path / "run", algo="iql")
    curves = EventAccumulator(str(out / "tensorboard")).Reload()
    expected = {f"{of}/{loss}" for of in ("training", "held_out")
                for loss in ("value", "critic", "actor")}  # fmt: skip
    assert expected <= set(curves.Tags()["scalars"])
    assert [event.step for event in curves.Scalars("training/value")] == [10, 20]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"meta": {"split": "gate"}}, "marked split 'gate'"),
        ({"meta": {"split": "test"}}, "marked split 'test'"),
        ({"env_kwargs": {"days": 112, "patient": people("test")}}, "purpose is 'test'"),
        ({"env_kwargs": {"days": 112, "patient": people("certification")}}, "'certification'"),
        ({"env_id": "dosegym/Nothing-v0"}, "Nothing-v0"),
    ],
)
def test_data_kept_for_judging_are_refused(
    data: Logged, changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """Splits and purposes other than training teach nobody, and no folder is made."""
    with pytest.raises(InputError, match=said):
        run(replace(data, **changes), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_people_of_another_purpose_are_known_by_their_names(data: Logged, tmp_path: Path) -> None:
    """Also where the keywords do not tell: one such person among the others is enough."""
    first, *rest = data.episodes
    mixed = (replace(first, patient="validation-0/v0001"), *rest)
    with pytest.raises(InputError, match="purpose is 'validation'"):
        run(replace(data, episodes=mixed), tmp_path / "run")


def test_only_the_part_for_training_teaches(data: Logged, tmp_path: Path) -> None:
    """Of ``divide`` one part is taken; its people are known to the gate."""
    parts = divide(data, np.random.default_rng(0))
    agent = load_policy(run(parts["train"], tmp_path / "run"))
    trained_on = frozenset(agent.manifest["people"])
    assert trained_on == parts["train"].people
    refuse_overlap(trained_on, parts["gate"].people, "training", "the gate")
    with pytest.raises(InputError, match="may not be"):
        refuse_overlap(trained_on, people_of(data), "training", "the gate")
    for role in ("selection", "gate"):
        with pytest.raises(InputError, match=f"marked split '{role}'"):
            run(parts[role], tmp_path / role)  # type: ignore[index]


def test_training_splits_are_taken(data: Logged, tmp_path: Path) -> None:
    """What says that it is for training is learned from."""
    assert run(replace(data, meta={"split": "train"}), tmp_path / "run").is_dir()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"algo": "dqn"}, "algorithm is 'dqn'; from logged data choose one of bc, iql, cql"),
        ({"timesteps": 0}, "timesteps is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"overrides": {"expectle": 0.8}, "algo": "iql"}, "did you mean 'expectile'"),
        ({"overrides": {"cost_penalties": {"hypo": 1.0}}}, "names 'hypo'"),
        ({"overrides": {"held_out": 0.01}}, "would hold nobody"),
    ],
)
def test_bad_input_is_refused_before_a_folder(
    data: Logged, more: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """One line names the value and the mend."""
    with pytest.raises(InputError, match=said):
        run(data, tmp_path / "run", **more)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_place_is_refused(data: Logged, tmp_path: Path) -> None:
    """Neither a file nor a folder with anything in it is written over; an empty one is used."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="which is a file"):
        run(data, tmp_path / "file")
    with pytest.raises(InputError, match="not empty"):
        run(data, tmp_path / "full")
    assert (run(data, tmp_path / "empty") / "agent.zip").exists()


def test_an_interruption_leaves_nothing(
    data: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in mid-training: neither the folder nor what it was to become is left."""
    real, drawn = loop_module.draw, []

    def draw(buffer: Any, rows: Any) -> Any:
        drawn.append(rows)
        if len(drawn) == 15:
            raise KeyboardInterrupt
        return real(buffer, rows)

    monkeypatch.setattr(loop_module, "draw", draw)
    with pytest.raises(KeyboardInterrupt):
        run(data, tmp_path / "run")
    assert len(drawn) == 15
    assert list(tmp_path.iterdir()) == []


def words(*more: str) -> list[str]:
    """Return a command line for a short run."""
    settings = [word for key, value in SHORT.items() for word in ("--set", f"{key}={value}")]
    return ["train", "--timesteps", "20", "--quiet", *settings, *more]


def test_the_verb_trains_from_a_file(
    data: Logged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``dosegym train --algo iql --data FILE`` writes an agent and says that it is not judged."""
    write_logged(tmp_path / "data.npz", data)
    place = ["--data", str(tmp_path / "data.npz"), "--out", str(tmp_path / "run")]
    assert main(words("--algo", "iql", *place)) == 0
    said = capsys.readouterr()
    assert "agent after 20 gradient steps on 32 decisions" in said.out
    assert "not judged yet" in said.out
    assert said.err == ""
    assert load_policy(tmp_path / "run").env_id == ENV


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--algo", "iql"], "no environment is named"),
        ([ENV, "--algo", "iql"], "iql learns from logged treatment; give --data FILE"),
        (["--data", "x.npz"], "algorithm is 'ppo'; from logged data choose one of"),
        (["--algo", "bc", "--data", "x.npz"], "cannot read logged data x.npz"),
        ([ENV, "--algo", "bc", "--data", "x.npz"], "leave ENV"),
        (["--algo", "bc", "--data", "x.npz", "--resume"], "--resume out"),
    ],
)
def test_bad_words_are_one_line_and_status_2(
    more: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the mend; no folder is made."""
    assert main(words("--out", str(tmp_path / "run"), *more)) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert said in line
    assert not (tmp_path / "run").exists()


def test_the_verb_knows_every_algorithm() -> None:
    """The names that the verb keeps, because torch waits, are those of the library."""
    from dosegym.cli.train import LOGGED
    from dosegym.training.offline import OFFLINE

    assert tuple(OFFLINE) == LOGGED
    assert isinstance(OFFLINE, Mapping)
