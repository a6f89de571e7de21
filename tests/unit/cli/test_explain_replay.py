"""The verbs that explain a certificate and make it once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dosegym.cli.main import main
from dosegym.evaluation import certify, load_case
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.gate.replay import replay
from dosegym.policies.basal import ConstantBasal


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return certificates of a release and of a refusal, under one-day rules."""
    folder = tmp_path_factory.mktemp("cases")
    content = load_constraints("insulin-v1").model_dump(mode="json")
    found = {}
    for name, limit in (("released", 0.5), ("refused", 0.01)):
        item = content["items"][0] | {"limit": limit}
        rules = folder / f"{name}.yaml"
        rules.write_text(
            yaml.safe_dump(content | {"name": name, "horizon_days": 1, "items": [item]}), "utf-8"
        )
        case = certify("constant_basal", constraints=rules, patients=60, groups=("adult",))
        # The request names the set; a replay must find it where it lies.
        assert case.request["constraints"] == str(rules)
        case.write_json(folder / f"{name}.json")
        found[name] = folder / f"{name}.json"
    return found


@pytest.mark.parametrize(("name", "status"), [("released", 0), ("refused", 1)])
def test_replay_gives_the_same_bits(
    files: dict[str, Path], name: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verdict, bounds and lanes repeat bit for bit; status 0 for a release alone."""
    assert main(["replay", str(files[name])]) == status
    assert "The same bit for bit" in capsys.readouterr().out


def test_another_policy_is_not_the_same(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate replayed with another policy says where it differs, with status 1."""
    assert main(["replay", str(files["released"]), "--policy", "low_glucose_suspend"]) == 1
    printed = capsys.readouterr().out
    assert "NOT the same" in printed
    assert "policy_sha256" in printed


def test_a_policy_given_as_an_object_must_be_given_again(tmp_path: Path) -> None:
    """Nobody can find an object again; with it the replay is the same."""
    item = load_constraints("insulin-v1").model_dump(mode="json")
    rules = tmp_path / "rules.yaml"
    short = item | {"name": "x", "horizon_days": 1, "items": [item["items"][0] | {"limit": 0.5}]}
    rules.write_text(yaml.safe_dump(short), "utf-8")
    case = certify(ConstantBasal(), constraints=rules, patients=60, groups=("adult",))
    case.write_json(tmp_path / "case.json")
    assert main(["replay", str(tmp_path / "case.json")]) == 2
    assert replay(load_case(tmp_path / "case.json"), ConstantBasal()).same


@pytest.mark.parametrize(("name", "status"), [("released", 0), ("refused", 1)])
def test_explain_tells_every_lane_and_assumption(
    files: dict[str, Path],
    name: str,
    status: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each lane's claim, the bounds that matter, what was assumed; and the page where asked."""
    page = tmp_path / "case.html"
    assert main(["explain", str(files[name]), "--html", str(page)]) == status
    printed = " ".join(capsys.readouterr().out.split())
    case = load_case(files[name])
    for lane in case.lanes:
        assert f"{lane.id} {lane.claim}" in printed
    for entry in case.assumptions:
        assert entry["id"] in printed
    assert ("would show it" in printed) == (name == "refused")
    text = page.read_text("utf-8")
    assert case.sha256 in text
    assert "<script" not in text


def test_a_changed_certificate_is_explained_to_nobody(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and status 2, and no page."""
    data: dict[str, Any] = json.loads(files["released"].read_text("utf-8"))
    data["lanes"][0]["status"] = "failed"
    (tmp_path / "case.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    page = tmp_path / "case.html"
    assert main(["explain", str(tmp_path / "case.json"), "--html", str(page)]) == 2
    assert "was changed" in capsys.readouterr().err
    assert not page.exists()
