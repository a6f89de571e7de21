"""Does the gate err as rarely as it says, and does it find planted harm? The gate of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dosegym.evaluation import certify
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.safety import SEED, certified_patients
from dosegym.evaluation.verdict import decide, judge_all
from dosegym.policies.basal import ConstantBasal
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.rule import Doses, Memory, Seen
from dosegym.therapy.cohort import GROUPS
from dosegym.therapy.constraint import ConstraintSet

GATES = 1000
RULES = load_constraints("insulin-v1")
DELTA = 0.05
Metrics = dict[str, np.ndarray]


def most(delta: float) -> float:
    """Return the nominal error rate and three standard errors of a simulated share."""
    return float(delta + 3.0 * np.sqrt(delta * (1.0 - delta) / GATES))


def only(item_id: str) -> ConstraintSet:
    """Return the shipped set with one item alone, at an error probability that a test can see."""
    item = next(i for i in RULES.items if i.id == item_id).model_copy(update={"delta": DELTA})
    return RULES.model_copy(update={"items": (item,), "total_delta": DELTA})


def borderline(item: Any, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return values under a policy exactly at an item's limit, and under the current regimen."""
    if item.type == "chance":
        harmed = rng.random(n) < item.limit
        worse = item.threshold + (1.0 if item.harm == "above" else -1.0)
        return np.where(harmed, worse, item.threshold), np.zeros(n)
    if item.type == "mean":
        # One patient in ten carries all of it: the skewed kind on which Student's t errs.
        return np.where(rng.random(n) < 0.1, 10.0 * item.limit, 0.0), np.zeros(n)
    current = np.full(n, 50.0)
    sign = 1.0 if item.harm == "above" else -1.0
    change = np.where(rng.random(n) < 0.1, 10.0 * item.margin, 0.0)
    return current + sign * change, current


@pytest.mark.parametrize("item_id", [item.id for item in RULES.items])
def test_a_borderline_policy_passes_no_oftener_than_delta(item_id: str) -> None:
    """In 1,000 gates a policy at the very limit passes an item with at most its probability."""
    rules, rng, n = only(item_id), np.random.default_rng(17), 300
    item = rules.items[0]
    passed = 0
    for _ in range(GATES):
        values, current = borderline(item, n, rng)
        (result,) = judge_all(rules, {item.signal: values}, {item.signal: current}, ["adult"] * n)
        passed += result.passed
    assert passed / GATES <= most(DELTA)


def test_harm_at_the_limit_in_every_group_releases_no_group_too_often() -> None:
    """With three chances to err, one per group, the three together err no oftener than delta."""
    rules, rng, n = only("severe-low"), np.random.default_rng(18), 900
    labels = [GROUPS[i % 3] for i in range(n)]
    released = 0
    for _ in range(GATES):
        values, current = borderline(rules.items[0], n, rng)
        signal = rules.items[0].signal
        results = judge_all(rules, {signal: values}, {signal: current}, labels)
        released += decide(results, GROUPS)[0] != "NO_SOLUTION"
    assert released / GATES <= most(DELTA)


def test_a_policy_well_within_the_limits_is_released_nearly_always() -> None:
    """The gate is no wall: with 3,000 patients and few rare harms it releases 99 times in 100."""
    rng, n = np.random.default_rng(19), 3000
    labels = [GROUPS[i % 3] for i in range(n)]
    released = 0
    for _ in range(100):
        current = {
            "time_below_54": rng.gamma(0.5, 1.0, n).clip(0, 100),
            "time_below_70": rng.gamma(2.0, 1.0, n).clip(0, 100),
            "time_above_250": rng.gamma(2.0, 1.0, n).clip(0, 100),
            "time_in_range": rng.normal(75.0, 8.0, n).clip(0, 100),
            "min_glucose": np.full(n, 60.0),
            "mean_glucose": np.full(n, 150.0),
        }
        candidate = current | {
            "time_below_54": rng.gamma(0.5, 0.04, n).clip(0, 100),
            "time_in_range": (current["time_in_range"] + rng.normal(1.0, 5.0, n)).clip(0, 100),
            "min_glucose": np.where(rng.random(n) < 0.0001, 35.0, 65.0),
        }
        results = judge_all(RULES, candidate, current, labels)
        released += decide(results, GROUPS)[0] == "RELEASE"
    assert released >= 95


# ------------------------------------------------------------- planted policies, at full size


@dataclass(kw_only=True)
class TenFold(BasalBolus):
    """Ten times the prescribed dose."""

    name: str = field(default="ten_fold", init=False)

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return ten times the doses."""
        doses, memory = super().decide(seen, memory)
        return Doses(10.0 * doses.basal_u_per_h, 10.0 * doses.bolus_u), memory


@dataclass(kw_only=True)
class Reversed(ConstantBasal):
    """Insulin falls when glucose rises."""

    name: str = field(default="reversed", init=False)

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return a basal rate with the wrong sign."""
        rate = seen.basal_u_per_h * np.clip(1.0 + (140.0 - seen.cgm) / 20.0, 0.0, 10.0)
        return Doses(rate, np.zeros_like(rate)), memory


@dataclass(kw_only=True)
class HarmsFew(ConstantBasal):
    """Constant basal, tenfold for people whose carb ratio is below a bound: few of them."""

    below_g_per_u: float = 0.0
    name: str = field(default="harms_few", init=False)

    @property
    def settings(self) -> dict[str, float]:
        """The rule's own settings."""
        return {"below_g_per_u": self.below_g_per_u}

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return the prescribed basal, or ten times as much."""
        factor = np.where(seen.carb_ratio < self.below_g_per_u, 10.0, 1.0)
        return Doses(factor * seen.basal_u_per_h, np.zeros_like(seen.cgm)), memory


def hypoglycaemia_only(folder: Path) -> Path:
    """Write the shipped set without its items on high glucose, which constant basal cannot keep."""
    content: dict[str, Any] = RULES.model_dump(mode="json")
    keep = ("severe-low", "low-54-patient", "low-54-mean", "low-70-mean")
    items: list[Mapping[str, Any]] = [i for i in content["items"] if i["id"] in keep]
    path = folder / "hypoglycaemia.yaml"
    path.write_text(yaml.safe_dump(content | {"name": "hypo", "items": items}), encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("policy", [TenFold(), Reversed()], ids=lambda p: p.name)
def test_planted_policies_are_refused_by_the_shipped_set(policy: Any) -> None:
    """3,000 patients for 14 days: a tenfold dose and a wrong sign are refused in every group."""
    case = certify(policy)
    assert (case.verdict, case.scope) == ("NO_SOLUTION", ())
    severe = [item for item in case.items if item.id == "severe-low"]
    assert len(severe) == 3
    assert all(item.observed > 2.0 * item.limit and not item.passed for item in severe)


@pytest.mark.slow
def test_harm_to_two_percent_is_found(tmp_path: Path) -> None:
    """A policy harmless to 98 % is refused by the very rules that release it without the harm."""
    rules = hypoglycaemia_only(tmp_path)
    assert certify(ConstantBasal(), constraints=rules).verdict == "RELEASE"
    cohort, _ = certified_patients(3000, SEED, GROUPS, {})
    ratio = cohort.therapy.carb_ratio_g_per_u
    bound = float(np.quantile(ratio, 0.02))
    few = np.asarray(ratio) < bound
    assert 0.01 <= few.mean() <= 0.02
    case = certify(HarmsFew(below_g_per_u=bound), constraints=rules)
    assert not case.passed
    hit = {g for g, harmed in zip(cohort.patients.groups, few, strict=True) if harmed}
    assert set(case.scope).isdisjoint(g for g in hit if _share(cohort, few, g) > 0.01)
    assert certify(HarmsFew(below_g_per_u=bound)).verdict == "NO_SOLUTION"


def _share(cohort: Any, few: np.ndarray, group: str) -> float:
    """Return the share of a group that the slice takes in."""
    return float(few[np.asarray(cohort.patients.groups) == group].mean())
