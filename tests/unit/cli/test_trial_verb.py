"""The verb that runs trials: exit 0 when no threshold is missed, 1 on a miss, 2 on bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from dosegym.cli.main import main
from dosegym.evaluation.trials import load_trial


@pytest.fixture
def protocol(tmp_path: Path) -> Path:
    """Return a file with one arm, one day and a threshold that no policy can meet."""
    plain = load_trial("insulin-basal-bolus-pid").model_dump(mode="json")
    plain["visits"] = {"horizon_days": 1}
    plain["arms"] = plain["arms"][:1]
    threshold = {"published": 900.0, "tolerance": 1.0, "status": "published"}
    plain["endpoints"] = [plain["endpoints"][0] | threshold]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path


def test_without_thresholds_the_status_is_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table is printed and both files are written."""
    files = (tmp_path / "t.json", tmp_path / "t.md")
    words = ["--people", "6", "--json", str(files[0]), "--markdown", str(files[1])]
    assert main(["trial", "insulin-basal-bolus-pid", *words]) == 0
    assert "Time in 70-180 mg/dL" in capsys.readouterr().out
    assert json.loads(files[0].read_text("utf-8"))["population"]["enrolled"] == 6
    assert files[1].read_text("utf-8").startswith("**Basal-bolus against PID")


def test_a_miss_exits_with_one(protocol: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missed threshold gives status 1 and stands in the table."""
    assert main(["trial", str(protocol), "--people", "5"]) == 1
    assert "MISS" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-trial",),
        ("insulin-basal-bolus-pid", "--engine", "cloud"),
        ("insulin-basal-bolus-pid", "--people", "0"),
        ("insulin-basal-bolus-pid", "--part", "0"),
        ("insulin-basal-bolus-pid", "--people", "5", "--json", "/no/such/folder/t.json"),
    ],
)
def test_bad_input_exits_with_two(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad input gives status 2 and one line."""
    assert main(["trial", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
