"""Step tables as files: every shipped one reads, and every fault is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dosegym.physiology.errors import InputError
from dosegym.policies import list_policies, load_policy
from dosegym.policies.step_table_file import load_table, parse_table, shipped_tables
from dosegym.policies.step_table_words import table_markdown
from dosegym.therapy.formulary import CLASSES, load_formulary

GOOD = """
name: plain
title: a plain table
source: nobody
goal: below 140
start: [{sbp: 140, begin: one}]
steps: [{name: one, mg: {acei: 10}}, {name: two, mg: {acei: 10, ccb: 5}}]
evidence:
  start: {status: choice, source: for tests}
  steps: {status: choice, source: for tests}
"""


def test_every_policy_asked_for_is_shipped() -> None:
    """The guidelines and trial arms of the issue are there, and the list of policies names them."""
    asked = {
        *("acc_aha_2025", "esc_2024", "esh_2023", "who_hearts", "kaiser", "usual_care"),
        *("sprint_intensive", "sprint_standard", "quadpill", "quartet_control"),
        *("treat_to_noise", "do_nothing", "pathway2_spironolactone", "pathway2_bisoprolol"),
        *("pathway2_placebo", "allhat_chlorthalidone", "allhat_amlodipine", "allhat_lisinopril"),
    }
    assert asked <= set(shipped_tables())
    assert asked <= set(list_policies())


@pytest.mark.parametrize("name", sorted(shipped_tables()))
def test_shipped_tables_rise_and_tell_their_sources(name: str) -> None:
    """Each rung gives at least what the one before gives, and every part tells its evidence."""
    table = load_table(name)
    for weaker, stronger in zip(table.steps, table.steps[1:], strict=False):
        assert all(mg <= stronger.mg.get(kind, 0.0) for kind, mg in weaker.mg.items())
        assert sum(weaker.mg.values()) < sum(stronger.mg.values())
    told = {"start", "steps", "escalate", "de_escalate"} & table.model_fields_set
    assert told <= set(table.evidence)
    assert {e.status for e in table.evidence.values()} <= {
        *("published", "secondary", "unverified", "choice")
    }


def test_published_doses_of_quartet() -> None:
    """QUARTET's pill is a quarter of the usual dose of each drug (Chow 2021)."""
    table = load_table("quadpill")
    drugs = dict(zip(CLASSES, load_formulary(table.formulary).drugs, strict=True))
    pill = {drugs[kind]: mg for kind, mg in table.steps[0].mg.items()}
    assert pill == {
        "irbesartan": 37.5,
        "amlodipine": 1.25,
        "indapamide": 0.625,
        "bisoprolol": 2.5,
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("goal:", "goul:", "key 'goul' is unknown; did you mean 'goal'"),
        ("source: nobody\n", "", "key 'source' is missing; add it"),
        ("acei: 10, ccb: 5", "acei: 7, ccb: 5", "gives 7 mg of lisinopril; its doses are 2.5"),
        ("acei: 10, ccb: 5", "ccb: 5", "takes away what the step before gives"),
        ("{acei: 10}", "{acei: 10, arb: 50}", "joins an ACE inhibitor and an ARB"),
        ("begin: one", "begin: three", "begins with 'three'; its steps are one, two"),
        ("sbp: 140", "sbp: high", "start.0.sbp is 'high'; it should be a valid number"),
        ("  start: {status: choice, source: for tests}\n", "", "evidence says nothing of start"),
        ("status: choice", "status: sure", "it should be 'published'"),
        ("title:", "name: again\ntitle:", "key 'name' appears twice"),
        ("goal: below 140", "goal: [", "correct the YAML"),
        ("goal:", "formulary: {ccb: aspirin}\ngoal:", "formulary ccb is 'aspirin'"),
    ],
)
def test_faults_are_told_in_one_line(old: str, new: str, message: str) -> None:
    """Unknown, missing and wrong values are named with the mend."""
    parse_table(GOOD, "plain.yaml")
    with pytest.raises(InputError) as told:
        parse_table(GOOD.replace(old, new, 1), "plain.yaml")
    text = str(told.value)
    assert message in text
    assert text.startswith("plain.yaml: ")
    assert "\n" not in text


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """A YAML file is a policy; its hash follows its content."""
    file = tmp_path / "plain.yaml"
    file.write_text(GOOD)
    policy = load_policy(str(file))
    changed = {**yaml.safe_load(GOOD), "goal": "below 130"}
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(changed))
    assert policy.name == "plain"
    assert policy.card["table_sha256"] != load_policy(str(other)).card["table_sha256"]
    with pytest.raises(InputError, match="neither shipped"):
        load_policy(str(tmp_path / "absent.yaml"))


@pytest.mark.parametrize("name", sorted(shipped_tables()))
def test_documentation_prints_the_tables_as_they_are(name: str) -> None:
    """The page of guidelines shows each shipped table, rung by rung, as the file has it."""
    page = Path(__file__).resolve().parents[3] / "docs" / "reference" / "guidelines.md"
    assert table_markdown(load_table(name)) in page.read_text("utf-8")
