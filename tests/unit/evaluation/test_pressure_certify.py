"""The gate for blood pressure: who is examined, what is refused, what the certificate says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dosegym.cli.main import main
from dosegym.evaluation import certify, load_case
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.safety import certified_patients
from dosegym.physiology.errors import InputError
from dosegym.physiology.pressure_people import GROUPS
from dosegym.physiology.streams import PURPOSES
from dosegym.policies import load_policy
from dosegym.therapy.formulary import load_formulary
from dosegym.therapy.pressure_cohort import pressure_cohort
from dosegym.therapy.signals import BLOOD_PRESSURE

N = 90


class Flood:
    """Every class at its highest dose for everyone, whatever is known of them."""

    env_id = BLOOD_PRESSURE
    wants = {"action": "levels"}  # noqa: RUF012
    card = {"policy": "flood", "env_id": BLOOD_PRESSURE}  # noqa: RUF012

    def predict(self, observation: Any, state: Any, begin: Any, _: bool) -> tuple[Any, Any]:
        """Return the top level of each class."""
        top = np.array(load_formulary().levels) - 1
        return np.tile(top, (len(observation), 1)), state


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shipped set with limits that 90 people can show, over half a year."""
    content = load_constraints("blood-pressure-v1").model_dump(mode="json")
    content |= {"name": "short", "horizon_days": 168}
    margins = {"mean_sbp": 40.0, "time_in_target": 100.0, "hypotension_days": 20.0}
    for item in content["items"]:
        if item["type"] == "chance":
            item["limit"] = 0.3
        else:
            item["margin"] = margins.get(item["signal"], 40.0)
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_guideline_care_passes_rules_that_few_people_can_show(rules: Path, tmp_path: Path) -> None:
    """It is no worse than itself; the case says on whom and where, and loads as it was written."""
    case = certify("acc_aha_2025", constraints=rules, patients=N)
    assert (case.verdict, case.scope) == ("RELEASE", GROUPS)
    differences = [i.observed for i in case.items if i.type == "noninferiority"]
    assert differences == [0.0] * len(differences)
    assert case.environment["id"] == BLOOD_PRESSURE
    assert case.environment["kwargs"]["measurement"] == "office_unattended"
    assert case.comparator.startswith("acc_aha_2025")
    assert (case.population["n"], case.population["purpose"]) == (N, "certification")
    for part in ("90 evaluation patients", "168 days", "A1 to A4", "kidney_disease"):
        assert part in case.sentence
    case.write_json(tmp_path / "case.json")
    assert load_case(tmp_path / "case.json").sha256 == case.sha256


def test_the_environments_own_set_is_the_default() -> None:
    """Ninety people cannot show limits of a few percent: default deny, for the right reasons."""
    case = certify("acc_aha_2025", patients=N)
    assert case.constraints["name"] == "blood-pressure-v1"
    assert case.verdict == "NO_SOLUTION"
    assert "in any group" in case.sentence


def test_too_much_for_everyone_is_refused(rules: Path) -> None:
    """The highest dose of everything asks for what is contraindicated, in every group."""
    case = certify(Flood(), constraints=rules, patients=N)
    assert case.verdict == "NO_SOLUTION"
    asked = [i for i in case.items if i.id == "never-contraindicated"]
    assert [i.observed for i in asked] == [1.0, 1.0, 1.0]


def test_doing_nothing_is_refused(rules: Path) -> None:
    """Without treatment pressure is much higher than under guideline care."""
    case = certify("do_nothing", constraints=rules, patients=N)
    assert case.verdict == "NO_SOLUTION"
    assert {i.id for i in case.items if not i.passed} == {"not-worse-pressure"}


def test_people_are_the_same_under_every_formulary(rules: Path) -> None:
    """A candidate with other drugs meets the comparator's people, who come on equal doses."""
    other = {"formulary": {"arb": "irbesartan", "thiazide": "indapamide"}}
    usual, seeds = certified_patients(N, 7, GROUPS, {}, env_id=BLOOD_PRESSURE)
    changed, same = certified_patients(N, 7, GROUPS, other, env_id=BLOOD_PRESSURE)
    assert seeds == same
    assert usual.patients.names == changed.patients.names
    assert np.array_equal(usual.patients.params, changed.patients.params)
    taken = [c.formulary.standard_of(c.entry) for c in (usual, changed)]
    assert np.array_equal(taken[0] > 0, taken[1] > 0)
    case = certify("quadpill", constraints=rules, patients=N)
    assert case.environment["kwargs"]["formulary"] == load_policy("quadpill").wants["formulary"]


def test_certified_people_are_nobody_else() -> None:
    """No certified person is one of training, validation or test."""
    mine, _ = certified_patients(300, 0, GROUPS, {}, env_id=BLOOD_PRESSURE)
    rows = {row.tobytes() for row in mine.patients.params}
    for purpose in (p for p in PURPOSES if p != "certification"):
        people = pressure_cohort(
            300, purpose=purpose, seed=0, groups=GROUPS, formulary=load_formulary()
        )
        assert not rows & {row.tobytes() for row in people.patients.params}


@pytest.mark.parametrize(
    ("policy", "arguments", "message"),
    [
        ("pid", {"constraints": "blood-pressure-v1"}, "pid is for dosegym/Insulin-v0, not for"),
        ("acc_aha_2025", {"constraints": "insulin-v1"}, "not for dosegym/Insulin-v0"),
        ("acc_aha_2025", {"groups": ["child"]}, "choose among adult, older, kidney_disease"),
        ("acc_aha_2025", {"env_kwargs": {"contraindications": "allow"}}, "certification sets"),
        ("acc_aha_2025", {"env_kwargs": {"target": [180, 110]}}, "env-kwargs names 'target'"),
        ("acc_aha_2025", {"env_kwargs": {"sick_days": "none"}}, "env-kwargs names 'sick_days'"),
    ],
)
def test_an_easier_examination_is_refused(
    policy: str, arguments: dict[str, Any], message: str
) -> None:
    """Default deny: what would change the examination or its subject is told in one line."""
    with pytest.raises(InputError) as caught:
        certify(policy, **({"patients": N} | arguments))
    assert message in str(caught.value)


def test_readings_are_no_evidence(rules: Path) -> None:
    """A set that would judge measured pressure is refused: errors of measuring are not harm."""
    text = rules.read_text("utf-8").replace("trace: truth", "trace: sensor")
    other = rules.with_name("sensor.yaml")
    other.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="blood pressure is judged by the truth"):
        certify("acc_aha_2025", constraints=other, patients=N)


def test_a_policy_cannot_wish_for_an_easier_examination() -> None:
    """What a caller may not set, a policy may not want."""

    class Wishful(Flood):
        wants = {"action": "levels", "contraindications": "allow"}  # noqa: RUF012

    with pytest.raises(InputError, match="the policy wants 'contraindications'"):
        certify(Wishful(), patients=N)


def test_the_verb_finds_environment_and_rules(
    rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``dosegym certify`` needs no environment; one that does not fit the rules exits with 2."""
    path = tmp_path / "case.json"
    words = ["certify", "--policy", "acc_aha_2025", "--patients", str(N)]
    assert main([*words, "--constraints", str(rules), "--json", str(path)]) == 0
    assert load_case(path).passed
    printed = capsys.readouterr().out
    assert "lowest systolic" in printed
    assert main([*words, "--env", BLOOD_PRESSURE]) == 1
    assert main([*words, "--env", BLOOD_PRESSURE, "--constraints", "insulin-v1"]) == 2
