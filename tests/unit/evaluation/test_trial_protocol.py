"""Trial protocols: what ships says what was published; faults are told in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dosegym.evaluation.trial_protocol import TrialProtocol, parse_trial
from dosegym.evaluation.trials import list_trials, load_trial
from dosegym.physiology.errors import InputError

SHIPPED = ["allhat", "insulin-basal-bolus-pid", "pathway2", "quartet", "sprint"]

# Section 10 of the project's reference: what was published and how near is near enough.
BINDING = {
    "quartet": {
        "sbp-difference": (-6.9, 2.0),
        "control-quadpill": (76.0, 7.0),
        "control-irbesartan": (58.0, 7.0),
    },
    "sprint": {
        "sbp-intensive": (121.4, 2.0),
        "sbp-standard": (136.2, 2.0),
        "drugs-intensive": (2.8, 0.3),
        "drugs-standard": (1.8, 0.3),
    },
    "allhat": {
        "sbp-chlorthalidone": (134.0, 2.0),
        "sbp-amlodipine": (135.0, 2.0),
        "sbp-lisinopril": (136.0, 2.0),
        "dbp-chlorthalidone": (76.0, 2.0),
        "dbp-amlodipine": (75.0, 2.0),
        "dbp-lisinopril": (76.0, 2.0),
        "control-chlorthalidone": (68.0, 7.0),
        "control-amlodipine": (66.0, 7.0),
        "control-lisinopril": (61.0, 7.0),
        "drugs-chlorthalidone": (1.9, 0.3),
        "drugs-amlodipine": (2.0, 0.3),
        "drugs-lisinopril": (2.1, 0.3),
    },
}


def content(**changes: Any) -> str:
    """Return the insulin protocol's YAML with some top-level keys changed."""
    plain = load_trial("insulin-basal-bolus-pid").model_dump(mode="json")
    return yaml.safe_dump(plain | changes)


def endpoint(**changes: Any) -> dict[str, Any]:
    """Return the protocol's first endpoint, changed."""
    first = load_trial("insulin-basal-bolus-pid").endpoints[0].model_dump(mode="json")
    return first | changes


def test_the_trials_that_ship_load() -> None:
    """Every shipped protocol is found by name and valid."""
    assert list_trials() == SHIPPED
    assert {load_trial(name).name for name in SHIPPED} == set(SHIPPED)


@pytest.mark.parametrize("name", sorted(BINDING))
def test_validation_thresholds_are_those_fixed_beforehand(name: str) -> None:
    """Published values and tolerances are the reference's, and the role is validation."""
    trial = load_trial(name)
    found = {e.id: (e.published, e.tolerance) for e in trial.endpoints}
    assert trial.role == "validation"
    assert {key: found[key] for key in BINDING[name]} == BINDING[name]


def test_calibration_data_are_called_so() -> None:
    """PATHWAY-2 may have been fitted to and must not pose as validation."""
    assert load_trial("pathway2").role == "calibration"


def test_ratios_must_lie_in_the_published_interval() -> None:
    """The threshold of an event ratio is the interval that the trial's counts give."""
    trial = load_trial("sprint")
    ratios = [e for e in trial.endpoints if e.over is not None]
    assert len(ratios) == 3
    assert all(e.within == e.published_interval for e in ratios)


def test_an_unverified_value_sets_no_threshold() -> None:
    """What was not seen in the original is reported, never judged."""
    for name in SHIPPED:
        for found in load_trial(name).endpoints:
            assert not (found.status == "unverified" and (found.tolerance or found.within))


def test_hash_ignores_layout_and_sees_content() -> None:
    """Comments and order do not change the hash; a tolerance does."""
    text = content()
    first = parse_trial(text, "a")
    assert parse_trial("# a comment\n" + text, "b").sha256 == first.sha256
    assert parse_trial(content(seed=1), "c").sha256 != first.sha256


def test_another_number_of_people_is_checked_as_a_file_is() -> None:
    """``enrolling`` changes n alone and refuses nonsense."""
    trial = load_trial("quartet")
    assert trial.enrolling(50).population.n == 50
    with pytest.raises(InputError, match=r"population\.n is 0"):
        trial.enrolling(0)


def test_keywords_carry_what_holds_in_every_arm() -> None:
    """Visits, device and adherence become the environment's keywords."""
    found = load_trial("sprint").keywords()
    assert found["days"] == 364
    assert found["interval_days"] == 28
    assert found["measurement"] == "office_unattended"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rolle": "validation"}, "key 'rolle' is unknown; did you mean 'role'?"),
        ({"role": "proof"}, "role is 'proof'"),
        ({"arms": []}, "arms"),
        ({"seed": -1}, "seed is -1"),
        ({"environment": "Insulin"}, "environment is 'Insulin'"),
        ({"env_kwargs": {"days": 3}}, "'days', which the protocol sets elsewhere"),
        ({"population": {"n": 0}}, r"population.n is 0"),
        ({"population": {"n": 5, "include": [{"cgm": [200, 100]}]}}, "lower bound first"),
        (
            {"population": {"n": 5, "regimens": [{"share": 1.0, "doses": {"arb": 1.0}}]}},
            "leave them out for insulin",
        ),
        ({"visits": {"horizon_days": 7, "interval": 3}}, "did you mean 'interval_days'?"),
        ({"analysis": {"confidence": 2.0}}, "analysis.confidence is 2.0"),
        ({"endpoints": [endpoint(column=None)]}, "lacks 'column'"),
        ({"endpoints": [endpoint(range=None)]}, "lacks 'range'"),
        ({"endpoints": [endpoint(limits={"a": 1.0})]}, "has 'limits'"),
        ({"endpoints": [endpoint(arm="third")]}, "endpoints.0.arm is 'third'; the arms are"),
        ({"endpoints": [endpoint(minus="basal_bolus")]}, "compares 'basal_bolus' with itself"),
        ({"endpoints": [endpoint(week=9)]}, "the trial ends in week 1"),
        ({"endpoints": [endpoint(minus="pid", over="pid")]}, "keep one"),
        ({"endpoints": [endpoint(tolerance=2.0)]}, "give 'published' with it"),
        ({"endpoints": [endpoint(status="published")]}, "set status to none"),
        ({"endpoints": [endpoint(within=[2.0, 1.0])]}, "two rising numbers"),
        ({"endpoints": [endpoint(), endpoint()]}, "'tir-basal-bolus' twice"),
        ({"endpoints": [endpoint(measure="median")]}, "endpoints.0.measure is 'median'"),
    ],
)
def test_a_fault_is_told_in_one_line(changes: dict[str, Any], said: str) -> None:
    """Each fault names the key, the value or the mend, in one line."""
    with pytest.raises(InputError) as caught:
        parse_trial(content(**changes), "mine")
    assert str(caught.value).startswith("trial mine: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[1, 2", "3", "", "- a"])
def test_text_that_is_no_protocol_is_refused(text: str) -> None:
    """Broken YAML and other values are refused in one line."""
    with pytest.raises(InputError, match="trial mine: "):
        parse_trial(text, "mine")


def test_files_are_found_by_path(tmp_path: Path) -> None:
    """A path works as a name does; a missing one names the trials there are."""
    path = tmp_path / "mine.yaml"
    path.write_text(content(), encoding="utf-8")
    assert isinstance(load_trial(path), TrialProtocol)
    with pytest.raises(InputError, match="quartet"):
        load_trial(tmp_path / "none.yaml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        load_trial(path)


def test_the_file_on_the_reference_page_is_valid() -> None:
    """The protocol that the documentation shows is one that the reader accepts."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "trials.md"
    block = page.read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    trial = parse_trial(block, "page")
    assert [arm.name for arm in trial.arms] == ["new", "usual"]


@pytest.mark.parametrize(
    ("name", "begins"),
    [("quartet", "bea161144a2d"), ("sprint", "a9bb5c5d9b80"), ("allhat", "52e782b623a7")],
)
def test_validation_protocols_are_those_of_the_first_run(name: str, begins: str) -> None:
    """Nothing in a validation protocol has changed since it was first run (23 November 2026)."""
    assert load_trial(name).sha256.startswith(begins)
