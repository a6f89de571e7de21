"""Evaluation: the same days for every policy, keywords merged, files whole, faults in one line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from dosegym.cli.main import main
from dosegym.evaluation import Evaluation, evaluate
from dosegym.evaluation.evaluate import keywords_for, without_nan
from dosegym.evaluation.metrics import cgm_metrics
from dosegym.evaluation.scoring import Scoring
from dosegym.evaluation.window import Window
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy

SHORT: dict[str, Any] = {
    "episodes": 2,
    "days": 1,
    "env_kwargs": {"patient": ["adult", "child#001"]},
}


@pytest.fixture(scope="module")
def found() -> Evaluation:
    """Return a PID's evaluation on eleven people, two days each, with its time courses."""
    return evaluate("pid", **SHORT, keep_rollouts=True)


def test_every_patient_has_every_episode(found: Evaluation) -> None:
    """Rows are patients times episodes, each with a seed; groups are summarised by patient."""
    assert len(found.rows) == 22
    assert len({row["seed"] for row in found.rows}) == 22
    assert set(found.summary) == {"adult", "child", "all"}
    assert found.summary["adult"]["time_in_range"]["n"] == 10
    assert found.summary["child"]["time_in_range"]["n"] == 1
    assert found.policy["policy"] == "pid"
    assert found.env_kwargs["terminate"] is None


def test_a_row_is_its_time_course(found: Evaluation) -> None:
    """Metrics of a row equal the consensus metrics of the recorded glucose without its start."""
    run = found.rollouts[0]
    for lane in (0, 10, 21):
        expected = cgm_metrics(run.series["glucose_mg_dl"][1:, lane], weights_min=5.0)
        row = found.rows[lane]["metrics"]
        for name in ("mean_glucose", "time_in_range", "cv", "min_glucose", "gri"):
            assert row[name] == pytest.approx(expected[name], rel=1e-6)
        assert row["time_below_54"] <= row["time_below_70"]


def test_means_are_of_patients_not_of_episodes(found: Evaluation) -> None:
    """A group's mean is the mean over its patients of their means."""
    rows = [r for r in found.rows if r["group"] == "adult"]
    mean = sum(r["metrics"]["time_in_range"] for r in rows) / len(rows)
    assert found.summary["adult"]["time_in_range"]["mean"] == pytest.approx(mean)


def test_the_same_seed_gives_the_same_evaluation(found: Evaluation) -> None:
    """Rows and intervals repeat; another seed gives other days."""
    again = evaluate("pid", **SHORT)
    assert (again.rows, without_nan(again.summary)) == (found.rows, without_nan(found.summary))
    assert evaluate("pid", **SHORT, seed=1).rows != found.rows


def test_policies_share_seeds(found: Evaluation) -> None:
    """Two policies meet the same days: patient by patient and episode by episode."""
    other = evaluate("constant_basal", **SHORT)
    assert [(r["patient"], r["seed"]) for r in other.rows] == [
        (r["patient"], r["seed"]) for r in found.rows
    ]


def test_window_and_scoring_reach_the_metrics() -> None:
    """A window shortens what counts; a scoring by sensor scores what the sensor showed."""
    asked = {"episodes": 1, "days": 1, "env_kwargs": {"patient": "adult#001"}}
    (row,) = evaluate("pid", **asked, window=Window(settling=200)).rows
    assert row["metrics"]["n"] == 88
    (row,) = evaluate("pid", **asked, scoring=Scoring(glucose="sensor")).rows
    metrics = row["metrics"]
    assert metrics["time_in_range"] == metrics["cgm_time_in_range"]


def test_death_neither_ends_nor_shortens_an_episode() -> None:
    """A policy that lets people die is scored over the whole time, death included."""
    found = evaluate(
        load_policy("constant_basal", factor=6.0),
        episodes=1,
        days=1,
        env_kwargs={"patient": "adult#001", "scenario": "fasting", "terminate": [40.0, 600.0]},
    )
    metrics = found.rows[0]["metrics"]
    assert (metrics["n"], metrics["failure"]) == (288, 100.0)
    assert metrics["time_below_54"] > 20.0


def test_json_and_csv_hold_every_row(found: Evaluation, tmp_path: Path) -> None:
    """JSON has what the issue asks for and no NaN; CSV has a line per episode."""
    found.write_json(tmp_path / "e.json")
    text = (tmp_path / "e.json").read_text("utf-8")
    data = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert set(data["patients"][0]) == {"patient", "group", "seed", "metrics"}
    entry = data["summary"]["adult"]["time_in_range"]
    assert set(entry) == {"mean", "sd", "low", "high", "n"}
    assert data["summary"]["child"]["time_in_range"]["sd"] is None
    found.write_csv(tmp_path / "e.csv")
    lines = (tmp_path / "e.csv").read_text("utf-8").splitlines()
    assert len(lines) == 23
    assert lines[0].startswith("patient,group,seed,mean_glucose")
    assert all(len(line.split(",")) == len(lines[0].split(",")) for line in lines)


def test_nan_becomes_null_everywhere() -> None:
    """NaN and infinities inside lists and mappings become None; other values stay."""
    value = {"a": [1.0, math.nan, {"b": math.inf}], "c": "NaN", "d": 3}
    assert without_nan(value) == {"a": [1.0, None, {"b": None}], "c": "NaN", "d": 3}


@pytest.mark.parametrize(
    ("given", "scenario"),
    [
        ({}, {"announced": True, "lead_min": 20.0, "preset": "unannounced"}),
        ({"scenario": "messy"}, {"announced": True, "lead_min": 20.0, "preset": "messy"}),
        (
            {"scenario": {"preset": "fox2020", "announced": False}},
            {"announced": False, "lead_min": 20.0, "preset": "fox2020"},
        ),
        (
            {"scenario": {"preset": "messy", "lead_min": 5.0}},
            {"announced": True, "lead_min": 5.0, "preset": "messy"},
        ),
    ],
)
def test_a_policys_wishes_yield_to_the_caller(given: Any, scenario: Any) -> None:
    """What a policy wants of the day goes into the scenario unless the caller's says otherwise."""
    merged = keywords_for(load_policy("basal_bolus_tdd"), given)
    assert merged == {"action": "basal_and_bolus", "scenario": scenario}


def test_a_policy_without_wishes_changes_nothing() -> None:
    """A policy that asks for no announcement leaves the scenario alone."""
    assert keywords_for(load_policy("pid"), {"scenario": "messy"}) == {
        "action": "basal_rate",
        "scenario": "messy",
    }
    assert keywords_for(object(), None) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"episodes": 0}, "episodes is 0; give a whole number of at least 1"),
        ({"days": 2.5}, r"days is 2\.5"),
        ({"days": True}, "days is True"),
        ({"env_id": "dosegym/Moon-v0"}, "environment id is 'dosegym/Moon-v0'"),
        ({"policy": "nobody"}, "policy is 'nobody'"),
        ({"env_kwargs": {"patient": "adult#011"}}, "adult#011"),
        ({"env_kwargs": {"action": "meal_bolus"}}, "the policy acts in 'basal_rate'"),
    ],
)
def test_what_is_unknown_is_refused(arguments: dict[str, Any], message: str) -> None:
    """An unknown id, patient or policy and an impossible count are told in one line."""
    policy = arguments.pop("policy", "pid")
    with pytest.raises(InputError, match=message):
        evaluate(policy, **arguments)


def test_progress_covers_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress runs from part to part without starting again, and ends with everything."""
    import sys

    monkeypatch.setattr(sys.modules["dosegym.evaluation.evaluate"], "LANES", 3)
    told: list[tuple[int, int]] = []
    people = {"patient": "adult"}
    evaluate("pid", episodes=1, days=1, env_kwargs=people, progress=lambda *d: told.append(d))
    assert told[-1] == (2880, 2880)
    assert told == sorted(told)


def test_the_verb_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``dosegym evaluate`` prints a table, writes JSON, CSV and a picture, and exits with 0."""
    words = ["evaluate", "dosegym/Insulin-v0", "--policy", "pid", "--episodes", "1", "--days", "1"]
    words += ["--env-kwargs", '{"patient": ["adult#001", "child#001"]}']
    files = {"--json": "e.json", "--csv": "e.csv", "--plot": "e.png"}
    for option, name in files.items():
        words += [option, str(tmp_path / name)]
    assert main(words) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(files.values())
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    data = json.loads((tmp_path / "e.json").read_text("utf-8"))
    mean = data["summary"]["all"]["time_in_range"]["mean"]
    assert f"{mean:.1f}" in printed
    assert "child" in printed


def test_the_verb_refuses_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input exits with 2 after one line; a folder that is not there is named."""
    words = ["evaluate", "dosegym/Insulin-v0", "--policy", "pid", "--episodes", "1", "--days", "1"]
    words += ["--env-kwargs", '{"patient": "adult#001"}']
    assert main([*words, "--json", str(tmp_path / "none" / "e.json")]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert main([*words, "--env-kwargs", '{"patient": "elder"}']) == 2
    assert capsys.readouterr().err.count("\n") == 1
