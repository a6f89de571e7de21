"""Benchmark protocols: read strictly, run on common days, compared patient by patient."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dosegym.cli.main import main
from dosegym.evaluation import BenchmarkResult, benchmark
from dosegym.evaluation.benchmark import paired_rows
from dosegym.evaluation.protocol import Protocol, parse_protocol
from dosegym.evaluation.protocols import list_protocols, load_protocol
from dosegym.evaluation.subjects import environment_of
from dosegym.physiology.errors import InputError
from dosegym.therapy.signals import INSULIN

KNOWN = (
    "emerson2023",
    "fox2020",
    "pressure-bench-v1",
    "rl4t1d",
    "simglucose-random",
    "t1d-bench-v1",
)
PEOPLE = ["adult#001", "child"]
SMALL = {
    "name": "small",
    "title": "Two people for a day",
    "source": "A test.",
    "environment": "dosegym/Insulin-v0",
    "tasks": [
        {"name": "told", "env_kwargs": {"patient": PEOPLE, "scenario": "announced"}},
        {"name": "untold", "env_kwargs": {"patient": PEOPLE}},
    ],
    "episodes": 2,
    "days": 1,
    "metrics": ["time_in_range", "time_below_54"],
    "policies": ["pid", "constant_basal"],
    "differs": ["it is no published protocol"],
}  # fmt: skip


def small(**changes: Any) -> Protocol:
    """Return the small protocol with some keys changed."""
    return parse_protocol(yaml.safe_dump(SMALL | changes), "small")


@pytest.fixture(scope="module")
def result() -> BenchmarkResult:
    """Return what the small protocol found for its own policies and basal-bolus therapy."""
    return benchmark(small(), ["pid", "basal_bolus", "constant_basal"])


def test_shipped_protocols_are_listed_and_load() -> None:
    """Every shipped protocol loads under the name of its file and says where it comes from."""
    assert tuple(list_protocols()) == KNOWN
    for name in KNOWN:
        protocol = load_protocol(name)
        assert (protocol.name, len(protocol.sha256)) == (name, 64)
        assert len({task.name for task in protocol.tasks}) == 2


def test_a_published_version_is_never_changed() -> None:
    """T1D-Bench v1 is what it was: whoever changes a number of it makes another version."""
    assert load_protocol("t1d-bench-v1").sha256.startswith("6fd8c52814ba")


@pytest.mark.parametrize("name", KNOWN)
def test_shipped_protocols_can_be_run(name: str) -> None:
    """Each protocol composes and runs, here for one patient of each task and one episode."""
    protocol = load_protocol(name)
    insulin = protocol.environment == INSULIN
    someone, shortest = ("adult#001", 2) if insulin else ("person#001", 56)
    tasks = tuple(
        task.model_copy(update={"env_kwargs": {**task.env_kwargs, "patient": someone}})
        for task in protocol.tasks
    )
    days = min(protocol.days, shortest)
    found = benchmark(protocol.model_copy(update={"tasks": tasks, "days": days}), episodes=1)
    for task in found.tasks:
        assert list(task.evaluations) == list(protocol.policies)
        for evaluation in task.evaluations.values():
            assert set(protocol.metrics) <= set(evaluation.summary["adult"])
            assert evaluation.env_id == protocol.environment


def test_common_information_in_our_own_benchmark() -> None:
    """In T1D-Bench nobody is told of meals in one task and everybody at the meal in the other."""
    from dosegym.evaluation.evaluate import keywords_for
    from dosegym.policies import list_policies, load_policy

    first, second = load_protocol("t1d-bench-v1").tasks
    policies = [load_policy(name) for name in list_policies()]
    for policy in (p for p in policies if environment_of(p) == INSULIN):
        for task, told in ((first, False), (second, True)):
            scenario = keywords_for(policy, task.env_kwargs)["scenario"]
            assert scenario["announced"] is told
            assert scenario.get("lead_min", 0.0) == 0.0 or not told


def test_every_policy_meets_the_same_days(result: BenchmarkResult) -> None:
    """Within a task seeds and patients correspond row by row."""
    for task in result.tasks:
        keys = [[(r["patient"], r["seed"]) for r in e.rows] for e in task.evaluations.values()]
        assert keys[0] == keys[1] == keys[2]
        assert len(keys[0]) == 22


def test_a_policy_that_does_not_listen_does_not_gain(result: BenchmarkResult) -> None:
    """PID control is the same whether meals are announced or not: only the telling differs."""
    told, untold = (task.evaluations["pid"].rows for task in result.tasks)
    assert [r["metrics"]["time_in_range"] for r in told] == [
        r["metrics"]["time_in_range"] for r in untold
    ]


def test_differences_are_paired_by_patient(result: BenchmarkResult) -> None:
    """The difference's mean is the mean of patients' differences, with the patients as n."""
    task = result.tasks[0]
    assert list(task.differences) == ["basal_bolus", "constant_basal"]
    for name, difference in task.differences.items():
        for group in ("adult", "child", "all"):
            mine = task.evaluations[name].summary[group]["time_in_range"]
            first = task.evaluations["pid"].summary[group]["time_in_range"]
            entry = difference[group]["time_in_range"]
            assert entry["mean"] == pytest.approx(mine["mean"] - first["mean"])
            assert entry["n"] == mine["n"]


def test_pairing_narrows_the_interval() -> None:
    """Two policies that differ by one point in every patient differ by one point, exactly."""
    rng = np.random.default_rng(0)
    levels = rng.uniform(40.0, 90.0, 20)

    def rows(shift: float) -> list[dict[str, Any]]:
        return [
            {"patient": f"p{i}", "group": "adult", "seed": s, "metrics": {"m": x + shift + s}}
            for i, x in enumerate(levels)
            for s in range(2)
        ]

    differences = [r["metrics"]["m"] for r in paired_rows(rows(1.0), rows(0.0)[::-1])]
    assert differences == pytest.approx([1.0] * 20)
    with pytest.raises(InputError, match="patient p19 is not in both evaluations"):
        paired_rows(rows(1.0), [r for r in rows(0.0) if r["patient"] != "p19"])


def test_json_holds_protocol_results_and_differences(
    result: BenchmarkResult, tmp_path: Path
) -> None:
    """The file names the protocol by hash and holds every row, summary and difference."""
    result.write_json(tmp_path / "b.json")
    data = json.loads((tmp_path / "b.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert data["protocol_sha256"] == small().sha256
    assert [task["name"] for task in data["tasks"]] == ["told", "untold"]
    first = data["tasks"][0]
    assert set(first["policies"]) == {"pid", "basal_bolus", "constant_basal"}
    assert len(first["policies"]["pid"]["patients"]) == 22
    assert set(first["differences"]["basal_bolus"]["child"]["time_in_range"]) == {
        "mean", "sd", "low", "high", "n",
    }  # fmt: skip


def test_layout_does_not_change_the_hash() -> None:
    """Comments and the order of keys are not content; a number is."""
    shuffled = dict(reversed(SMALL.items()))
    text = "# a comment\n" + yaml.safe_dump(shuffled, sort_keys=False)
    assert parse_protocol(text, "x").sha256 == small().sha256
    assert small(days=2).sha256 != small().sha256


def without(key: str) -> dict[str, Any]:
    """Return the small protocol's content without a key."""
    return {k: v for k, v in SMALL.items() if k != key}


def with_task(**keywords: Any) -> dict[str, Any]:
    """Return the small protocol's content with one task of these keywords."""
    return SMALL | {"tasks": [{"name": "one", "env_kwargs": keywords}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SMALL | {"episode": 3}, "key 'episode' is unknown; did you mean 'episodes'"),
        (without("title"), "key 'title' is missing; add it"),
        (SMALL | {"episodes": 0}, "episodes is 0; it should be greater than 0"),
        (SMALL | {"days": "ten"}, "days is 'ten'"),
        (SMALL | {"metrics": ["time_in_rage"]}, "no metric; did you mean 'time_in_range'"),
        (SMALL | {"metrics": ["mean_sbp"]}, "names 'mean_sbp', which is no metric"),
        (SMALL | {"metrics": []}, "metrics is"),
        (SMALL | {"policies": ["pid", "pid"]}, "policies names something twice"),
        (SMALL | {"tasks": SMALL["tasks"][:1] * 2}, "two tasks have one name"),  # type: ignore[index]
        (SMALL | {"scoring": {"glucose": "plasma"}}, "choose truth or sensor"),
        (SMALL | {"scoring": {"stop": True}}, "'scoring.stop' is unknown; did you mean 'stops'"),
        (SMALL | {"window": {"calibration": -1}}, "window.calibration is -1; it should be greater"),
        (SMALL | {"environment": "Moon"}, "environment is 'Moon'"),
        (with_task(days=3), "names 'days', which the protocol itself sets"),
        ([1, 2], "no mapping of keys"),
        (None, "no mapping of keys"),
    ],
)
def test_faults_in_a_file_are_told_in_one_line(content: Any, message: str, tmp_path: Path) -> None:
    """A misspelt key, a wrong number or an unknown metric is named with the mend."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_protocol(path)
    assert message in str(caught.value)
    assert "mine.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8 text"),
        (lambda path: path.write_text("a: [1"), "correct the YAML"),
        (lambda path: None, "neither a readable file .* nor one of emerson2023"),
    ],
)
def test_files_that_are_no_protocol(
    write: Callable[[Path], Any], message: str, tmp_path: Path
) -> None:
    """A file that is missing, no text or no YAML is told in one line."""
    path = tmp_path / "mine.yaml"
    write(path)
    with pytest.raises(InputError, match=message):
        load_protocol(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policies": ["pid", "pid"]}, "policy pid is given twice"),
        ({"policies": ["nobody"]}, "policy is 'nobody'"),
        ({"episodes": 0}, "episodes is 0"),
        ({"protocol": "no-such"}, "protocol 'no-such' is neither"),
        ({"protocol": small(window={"settling": 288})}, "give more days or a shorter window"),
        ({"protocol": parse_protocol(yaml.safe_dump(with_task(gut="made of glass")), "x")}, "gut"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_runs(
    arguments: dict[str, Any], message: str
) -> None:
    """A fault in the second task or the last policy costs no hour of simulation."""
    told: list[Any] = []
    plan = {"protocol": small()} | arguments
    with pytest.raises(InputError, match=message):
        benchmark(**plan, progress=lambda *words: told.append(words))
    assert not told


def test_the_verb_prints_tables_and_writes_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``dosegym benchmark`` prints a table per task and group, differences, and what differs."""
    monkeypatch.setenv("COLUMNS", "160")
    path, out = tmp_path / "small.yaml", tmp_path / "b.json"
    path.write_text(yaml.safe_dump(SMALL | {"episodes": 1}), encoding="utf-8")
    words = ["benchmark", str(path), "--policy", "pid", "--policy", "constant_basal"]
    assert main([*words, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    for part in (
        "told: adult, 1 patient",
        "untold: child, 10 patients",
        "untold: all, 11 patients",
    ):
        assert part in printed
    assert "constant_basal - pid" in printed
    assert "it is no published protocol" in printed
    assert json.loads(out.read_text("utf-8"))["protocol"]["episodes"] == 1


def test_the_verb_refuses_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown protocol or policy exits with 2 after one line."""
    assert main(["benchmark", "no-such"]) == 2
    assert main(["benchmark", "rl4t1d", "--policy", "nobody"]) == 2
    assert capsys.readouterr().err.count("\n") == 2
