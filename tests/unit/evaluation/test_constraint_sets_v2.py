"""The sets of version 2: what they add to the first, their budget, and that they can be met."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation import certify
from dosegym.evaluation.constraints import list_constraints, load_constraints
from dosegym.evaluation.planning import failures_allowed
from dosegym.evaluation.subjects import subject_of
from dosegym.evaluation.temporal import trace_columns, verdict_key
from dosegym.evaluation.verdict import decide, judge_all
from dosegym.policies.basal import ConstantBasal
from dosegym.therapy.constraint import (
    EVERYONE,
    ConstraintSet,
    FormulaChanceItem,
    HardItem,
    MeanItem,
    NonInferiorityItem,
    TailItem,
)
from dosegym.therapy.protocols import EPISODES

NAMES = ("insulin", "blood-pressure")
N = 3000
# Each is the sha256 of the content that certificates out in the world name.
FIRST = {
    "insulin-v1": "edd9d66b04d0b9fd62f665235c5569f16e6ea00b775ec33cd248fb8072599988",
    "blood-pressure-v1": "4fdd594561cb7480f599276cd3c5a271f8d4aacfe22b6aa8b48f0e1a3a584d55",
}
SHIPPED = {"insulin-v1": "insulin-adult", "blood-pressure-v1": "blood-pressure"}


@pytest.mark.parametrize("name", list(FIRST))
def test_the_first_sets_are_what_shipped_certificates_name(name: str) -> None:
    """New kinds of item changed nothing in the old sets: the certified hash is still theirs."""
    path = files("dosegym.policies.data") / f"{SHIPPED[name]}.certificate.json"
    certified = json.loads(path.read_text("utf-8"))["constraints"]
    assert certified["name"] == name
    assert load_constraints(name).sha256 == certified["sha256"] == FIRST[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_second_set_is_not_yet_the_default(name: str) -> None:
    """A policy is certified against the first set unless somebody asks for the second."""
    second = load_constraints(f"{name}-v2")
    assert f"{name}-v2" in list_constraints()
    assert subject_of(second.environment).examination.constraints == f"{name}-v1"


@pytest.mark.parametrize("name", NAMES)
def test_the_items_of_the_first_set_stand_unchanged_but_for_their_delta(name: str) -> None:
    """Version 2 loosens nothing: same signals, thresholds, limits, margins and scopes."""
    first, second = load_constraints(f"{name}-v1"), load_constraints(f"{name}-v2")
    assert (second.environment, second.horizon_days, second.trace) == (
        first.environment,
        first.horizon_days,
        first.trace,
    )
    for old, new in zip(first.items, second.items, strict=False):
        same = old.model_dump(exclude={"delta", "source"})
        assert new.model_dump(exclude={"delta", "source"}) == same
        assert new.delta <= old.delta
    added = second.items[len(first.items) :]
    assert {item.type for item in added} == {"chance", "hard", "tail"}
    assert all(not isinstance(item, MeanItem | NonInferiorityItem) for item in added)


@pytest.mark.parametrize("name", NAMES)
def test_the_budget_is_spent_exactly(name: str) -> None:
    """The deltas sum to total_delta, 0.05."""
    rules = load_constraints(f"{name}-v2")
    assert rules.total_delta == 0.05
    assert sum(item.delta for item in rules.items) == pytest.approx(0.05)


@pytest.mark.parametrize("name", NAMES)
def test_formulas_can_be_judged_from_what_the_tasks_log(name: str) -> None:
    """Every signal of every formula has its column or is made from the task and its columns."""
    from dosegym.envs.registry import make_task

    rules = load_constraints(f"{name}-v2")
    exam = subject_of(rules.environment).examination
    task: Any = make_task(rules.environment, days=rules.horizon_days)
    columns = trace_columns(rules, exam, task)
    derived = {"iob_cap", "pump_max_basal", "pump_max_bolus", "titration_gap"}
    for formula in rules.formulas.values():
        for signal in set(formula.signals) - derived:
            assert exam.traces(rules)[signal] in columns
        outermost = formula.longest_min
        assert outermost <= 1440.0 * rules.horizon_days


def test_the_numbers_of_formulas_are_those_of_the_protocols() -> None:
    """Fifteen minutes and two hours are the consensus' episodes."""
    rules = load_constraints("insulin-v2")
    formulas = rules.formulas
    windows = {"prolonged-low": EPISODES.begin_min, "extended-low": EPISODES.extended_min}
    for item_id, minutes in windows.items():
        assert formulas[item_id].longest_min == minutes


@pytest.mark.parametrize("name", NAMES)
def test_chance_items_on_courses_refuse_twice_their_limit_and_can_be_met(name: str) -> None:
    """At 1,000 a group, twice the limit passes below 1e-3 and a quarter of it nearly always."""
    rules = load_constraints(f"{name}-v2")
    for item in (i for i in rules.items if isinstance(i, FormulaChanceItem)):
        allowed = failures_allowed(N // 3, item.limit, confidence=1 - item.delta / 3)
        assert allowed is not None
        assert item.scope == (EVERYONE,)
        assert stats.binom.cdf(allowed, N // 3, 2.0 * item.limit) < 1e-3, item.id
        assert stats.binom.cdf(allowed, N // 3, 0.1 * item.limit) > 0.9, item.id


def people(rules: ConstraintSet, seed: int) -> dict[str, np.ndarray]:
    """Return signals of people whom a good policy serves, as its pilot run showed them."""
    rng = np.random.default_rng(seed)
    typical: dict[str, Any] = {
        "min_glucose": rng.uniform(60.0, 90.0, N),
        "time_below_54": np.where(rng.random(N) < 0.05, rng.exponential(0.15, N), 0.0),
        "time_below_70": rng.exponential(0.15, N),
        "time_above_250": rng.exponential(1.6, N),
        "mean_glucose": rng.uniform(120.0, 170.0, N),
        "time_in_range": rng.uniform(75.0, 90.0, N),
        "lbgi": rng.gamma(1.0, 0.13, N),
        "lowest_sbp": np.full(N, 104.0),
        "highest_potassium": np.full(N, 4.8),
        "lowest_potassium": np.full(N, 3.9),
        "lowest_sodium": np.full(N, 137.0),
        "lowest_heart_rate": np.full(N, 58.0),
        "last_egfr_ratio": np.full(N, 0.95),
        "kidney_injury": np.zeros(N),
        "contraindicated": np.zeros(N),
        "mean_sbp": rng.normal(128.0, 10.0, N).clip(80.0, 220.0),
        "time_in_target": rng.uniform(40.0, 90.0, N),
        "serious_harm": 100.0 * (rng.random(N) < 0.01),
        "hypotension_days": np.where(rng.random(N) < 0.05, rng.exponential(3.0, N), 0.0).clip(
            0, 20
        ),
    }
    for item in rules.items:
        if isinstance(item, FormulaChanceItem):
            harmed = rng.random(N) < 0.1 * item.limit
            typical[verdict_key(item.id)] = np.where(harmed, -1.0, 1.0)
        elif isinstance(item, HardItem):
            typical[verdict_key(item.id)] = np.ones(N)
    return typical


@pytest.mark.parametrize("name", NAMES)
def test_a_good_policy_can_be_released_with_a_thousand_people_a_group(name: str) -> None:
    """No limit is out of reach of what the pilot runs showed, and each new item can refuse."""
    rules = load_constraints(f"{name}-v2")
    groups = subject_of(rules.environment).groups
    labels = [groups[i % 3] for i in range(N)]
    good, usual = people(rules, 0), people(rules, 0)
    # The margin on time below 54 needs a regimen with lows, in this set as in the first.
    usual["time_below_54"] = np.random.default_rng(1).uniform(0.3, 0.9, N)
    results = judge_all(rules, good, usual, labels)
    assert decide(results, groups) == ("RELEASE", groups), [r for r in results if not r.passed]
    for item in rules.items:
        if isinstance(item, TailItem):
            more = good[item.signal] + 1.2 * item.limit
            worse = {item.signal: np.minimum(more, item.quantity.high)}
        elif isinstance(item, HardItem):
            worse = {verdict_key(item.id): np.where(np.arange(N) == 1, -1.0, 1.0)}
        elif isinstance(item, FormulaChanceItem):
            share = np.arange(N) < 2.5 * item.limit * N
            worse = {verdict_key(item.id): np.where(share, -1.0, 1.0)}
        else:
            continue
        failed = {r.id for r in judge_all(rules, good | worse, usual, labels) if not r.passed}
        assert item.id in failed


class Flood(ConstantBasal):
    """Twenty times the prescribed basal, whatever happens."""

    def __init__(self) -> None:
        super().__init__(factor=20.0)


def test_the_gate_judges_the_courses_of_a_run(tmp_path: Any) -> None:
    """Through the whole gate, a flood of insulin violates what constant basal keeps."""
    import yaml

    content = load_constraints("insulin-v2").model_dump(mode="json")
    kept = ("prolonged-low", "insulin-stacking", "pump-limits")
    content |= {"name": "short", "horizon_days": 1}
    content["items"] = [
        i | ({"limit": 0.4} if i["type"] == "chance" else {})
        for i in content["items"]
        if i["id"] in kept
    ]
    path = tmp_path / "short.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    calm = certify("constant_basal", constraints=path, patients=30, groups="adult")
    assert {i.id: i.passed for i in calm.items} == dict.fromkeys(kept, True)
    assert "insulin-stacking" in calm.sentence
    assert "violated by none of these patients" in calm.sentence
    flood = certify(Flood(), constraints=path, patients=30, groups="adult")
    passed = {i.id: i.passed for i in flood.items}
    assert passed == {"prolonged-low": False, "insulin-stacking": False, "pump-limits": True}
    assert flood.verdict == "NO_SOLUTION"
