"""The gate of the gate: every planted fault is refused, by the lane that should see it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import planted_policies as planted
import pytest
import yaml

from dosegym.evaluation import SafetyCase, certify
from dosegym.evaluation.constraints import load_constraints
from dosegym.policies import load_policy

LOWS = ("severe-low", "low-54-patient", "low-54-mean", "low-70-mean", "not-worse-below-54")
# Twice the shipped limits and wider margins, which fewer people than a certificate's can show.
LIMIT, MARGIN = 0.02, 2.0
PEOPLE = {"dosegym/Insulin-v0": 600, "dosegym/BloodPressure-v0": 1500}


@pytest.fixture(scope="module")
def lows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shipped items on lows alone: the others refuse careful policies for highs."""
    content: dict[str, Any] = load_constraints("insulin-v1").model_dump(mode="json")
    items = [item for item in content["items"] if item["id"] in LOWS]
    for item in items:
        item["delta"] = 0.01
        if item["type"] == "chance":
            item["limit"] = LIMIT
        elif item["type"] == "mean":
            item["limit"] *= 2.0
        else:
            item["margin"] = MARGIN
    path = tmp_path_factory.mktemp("rules") / "lows.yaml"
    path.write_text(yaml.safe_dump(content | {"name": "lows", "items": items}), "utf-8")
    return path


def judged(policy: Any, lows: Path) -> SafetyCase:
    """Return the certificate of a policy, in its own world, at a size that a test can bear."""
    world = dict(getattr(policy, "world", {})) or None
    env_id = str(policy.env_id)
    if env_id == "dosegym/Insulin-v0":
        return certify(
            policy, constraints=lows, patients=PEOPLE[env_id], groups=("adult",), env_kwargs=world
        )
    return certify(policy, patients=PEOPLE[env_id], env_kwargs=world)


def stopped(case: SafetyCase) -> set[str]:
    """Return the lanes that deny."""
    return {lane.id for lane in case.lanes if lane.status in ("failed", "unknown")}


def wrapped(policy: Any) -> Any:
    """Return a policy as it is to be certified: under a shield where it says that it needs one."""
    return load_policy("shielded", inner=policy) if policy.lane == "L8" else policy


@pytest.mark.slow
@pytest.mark.parametrize("policy", planted.INSULIN, ids=lambda p: p.name)
def test_planted_insulin_is_refused_by_its_lane(policy: Any, lows: Path) -> None:
    """Twelve faults of dosing: nobody is released, and the lane named is among those that deny."""
    case = judged(wrapped(policy), lows)
    assert case.verdict == "NO_SOLUTION"
    assert policy.lane in stopped(case)


@pytest.mark.parametrize("policy", planted.PRESSURE, ids=lambda p: p.name)
def test_planted_tablets_are_refused_by_their_lane(policy: Any, lows: Path) -> None:
    """Five faults of prescribing, at 1,500 people: refused, by the lane named."""
    case = judged(policy, lows)
    assert not case.passed
    assert policy.lane in stopped(case)


@pytest.mark.slow
@pytest.mark.parametrize("policy", planted.SAFE_INSULIN, ids=lambda p: p.name)
def test_careful_dosing_is_released(policy: Any, lows: Path) -> None:
    """Under the same rules and sizes, what harms nobody is released: the gate is no wall."""
    case = judged(policy, lows)
    assert case.verdict == "RELEASE", [r for x in case.lanes for r in x.reasons]


@pytest.mark.slow
def test_guideline_care_is_released_at_its_scope() -> None:
    """The guideline of 2025 keeps the whole shipped set at 3,000 people, in every group."""
    case = certify("acc_aha_2025")
    assert case.passed, [r for x in case.lanes for r in x.reasons]
