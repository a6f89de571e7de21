"""The verb that certifies: exit 0 on a release alone, 1 on any other verdict, 2 on bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dosegym.cli.main import main
from dosegym.evaluation import load_case
from dosegym.evaluation.constraints import load_constraints


@pytest.fixture
def rules(tmp_path: Path) -> Any:
    """Return a writer of one-day rules with one limit of one's own."""

    def write(limit: float, **changes: Any) -> str:
        content = load_constraints("insulin-v1").model_dump(mode="json")
        item = content["items"][0] | {"limit": limit} | changes
        content |= {"name": "short", "horizon_days": 1, "items": [item]}
        path = tmp_path / "rules.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return str(path)

    return write


def arguments(rules: str, *more: str) -> list[str]:
    """Return a command line for constant basal on sixty adults and children."""
    words = ["certify", "--policy", "constant_basal", "--constraints", rules]
    return [*words, "--patients", "60", "--groups", "adult, child", *more]


def test_release_exits_with_zero_and_writes_the_case(
    rules: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A released policy gives status 0, its bounds, its sentence and a loadable certificate."""
    path = tmp_path / "case.json"
    assert main(arguments(rules(0.5), "--json", str(path))) == 0
    assert load_case(path).scope == ("adult", "child")
    printed = capsys.readouterr().out
    assert "RELEASE" in printed
    assert "severe-low" in printed
    assert "A4" in printed


def test_any_other_verdict_exits_with_one(rules: Any, tmp_path: Path) -> None:
    """A refused policy gives status 1; the case is written all the same."""
    path = tmp_path / "case.json"
    assert main(arguments(rules(0.01), "--json", str(path))) == 1
    assert json.loads(path.read_text("utf-8"))["verdict"] == "NO_SOLUTION"


def test_a_restriction_exits_with_one(rules: Any) -> None:
    """A release for some groups only is not a release."""
    short = rules(0.5, scope=["adult"])
    assert main(arguments(short)) == 1


@pytest.mark.parametrize(
    "more",
    [
        ("--groups", "elder"),
        ("--groups", ","),
        ("--patients", "5"),
        ("--env-kwargs", "{"),
        ("--env-kwargs", '{"days": 2}'),
        ("--policy", "no_such_policy"),
        ("--constraints", "no_such_rules"),
        ("--seed", "-1"),
    ],
)
def test_bad_input_exits_with_two(
    more: tuple[str, ...], rules: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input gives status 2 and one line, and no file."""
    path = tmp_path / "case.json"
    assert main(arguments(rules(0.5), "--json", str(path), *more)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not path.exists()
