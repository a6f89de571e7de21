"""Trials of a hostile user: what cannot be meant is told before anybody is simulated."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from dosegym.evaluation.trial import run_trial
from dosegym.evaluation.trial_protocol import parse_trial
from dosegym.evaluation.trials import load_trial
from dosegym.physiology.errors import InputError

ENDPOINT = {
    "id": "x",
    "label": "Systolic",
    "unit": "mmHg",
    "measure": "value",
    "column": "sbp_mmhg",
    "week": 4,
    "arm": "a",
    "status": "none",
}
PLAIN: dict[str, Any] = {
    "name": "mine",
    "title": "t",
    "citation": "c",
    "role": "illustration",
    "environment": "dosegym/BloodPressure-v0",
    "population": {"n": 6, "screen": 2.0},
    "arms": [{"name": "a", "policy": "do_nothing"}, {"name": "b", "policy": "quadpill"}],
    "visits": {"horizon_days": 56, "interval_days": 28},
    "endpoints": [ENDPOINT],
}


def text(**changes: Any) -> str:
    """Return the protocol with some top-level keys changed."""
    return yaml.safe_dump({**copy.deepcopy(PLAIN), **changes})


def endpoint(**changes: Any) -> dict[str, Any]:
    """Return one endpoint as the only one, without what is given as None."""
    given = {**ENDPOINT, **changes}
    return {"endpoints": [{k: v for k, v in given.items() if v is not None}]}


WITHIN = {"measure": "within", "week": None}
FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"arms": []}, "arms is []; it should have at least 1 item"),
    ({"population": {"n": 10**9}}, "population asks for 1e+09 candidates (n times screen); give"),
    ({"population": {"n": 10**40}}, "candidates (n times screen); give at most"),
    (endpoint(**WITHIN, range=[140, 100]), "has range from 140 to 100; give the lower end first"),
    (endpoint(**WITHIN, range=[None, None]), "has a range without ends; give at least one"),
    (endpoint(measure="below", column=None, limits={}), "has limits of no column"),
    (endpoint(measure="change", week=4, from_week=8), "spans week 8 to 4; give rising weeks"),
    (endpoint(measure="mean", week=None, from_week=8), "spans week 8 to 8; give rising weeks"),
]


@pytest.mark.parametrize(("changes", "line"), FAULTS)
def test_a_protocol_that_cannot_be_meant_is_refused(changes: dict[str, Any], line: str) -> None:
    """The line names the key, its value and the mend."""
    with pytest.raises(InputError) as told:
        parse_trial(text(**changes), "mine.yaml")
    assert line in str(told.value)
    assert "\n" not in str(told.value)


def test_a_key_given_twice_is_refused() -> None:
    """YAML itself would silently keep the last of two."""
    with pytest.raises(InputError, match="key 'seed' appears twice"):
        parse_trial(text(seed=1) + "seed: 2\n", "mine.yaml")


LATER: list[tuple[dict[str, Any], str]] = [
    ({"arms": [{"name": "a", "policy": "pid"}]}, "policy pid is for dosegym/Insulin-v0, not for"),
    (
        {"population": {"n": 6, "regimens": [{"share": 1.0, "doses": {"acei": 1e9}}]}},
        "population.regimens give 1e+09 standard doses of acei; the highest tablet of lisinopril",
    ),
    ({"population": {"n": 6, "screening_measurement": "cuff"}}, "measurement is 'cuff'; choose"),
    (
        {"population": {"n": 6, "sampler": {"untreated_sbp": [1000, 10, 900, 1200]}}},
        "untreated_sbp reaches from 900 to 1200; stay within 90 and 260",
    ),
    ({"population": {"n": 6, "sampler": {"pulse_shift": 900}}}, "pulse_shift is 900; give mmHg"),
]


@pytest.mark.parametrize(("changes", "line"), LATER)
def test_what_needs_the_environment_is_refused_too(changes: dict[str, Any], line: str) -> None:
    """Policies of another environment, impossible doses, devices and people are told."""
    with pytest.raises(InputError) as told:
        run_trial(parse_trial(text(**changes), "mine.yaml"))
    assert line in str(told.value)


@pytest.mark.parametrize("key", ["size", "seed", "purpose", "population"])
def test_an_insulin_trial_keeps_its_own_stream(key: str) -> None:
    """The sampler may not turn the trial's people into those of training."""
    plain = load_trial("insulin-basal-bolus-pid").model_dump(mode="json")
    plain["population"]["sampler"] = {key: "training"}
    with pytest.raises(InputError, match=f"population.sampler names '{key}'"):
        run_trial(parse_trial(yaml.safe_dump(plain), "mine.yaml"))


@pytest.mark.parametrize("trial", [None, 3, [], b"x", "bad\0name"])
def test_a_trial_that_is_no_name_is_refused(trial: Any) -> None:
    """Neither a wrong type nor an impossible file name raises anything else."""
    with pytest.raises(InputError, match="trial"):
        run_trial(trial)


def test_an_empty_arm_is_told_before_anybody_is_screened() -> None:
    """A parallel allocation that leaves an arm empty needs no simulation to be known."""
    arms = [dict(PLAIN["arms"][0], share=1000.0), dict(PLAIN["arms"][1], share=1.0)]
    plan = parse_trial(text(arms=arms, analysis={"paired": False}), "mine.yaml")
    told: list[str] = []
    with pytest.raises(InputError, match="arm b has nobody of 6 people; enrol more"):
        run_trial(plan, progress=lambda what, done, total: told.append(what))
    assert told == []
