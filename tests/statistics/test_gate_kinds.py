"""Does the gate err as rarely as it says on courses, hard items and tails? The gate of the gate."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.temporal import verdict_key
from dosegym.evaluation.verdict import judge_all
from dosegym.therapy.constraint import ConstraintSet, FormulaChanceItem, TailItem

GATES, DELTA, N = 1000, 0.05, 300
SETS = [load_constraints(name) for name in ("insulin-v2", "blood-pressure-v2")]
NEW = [
    (rules, item)
    for rules in SETS
    for item in rules.items
    if isinstance(item, FormulaChanceItem | TailItem)
]


def only(rules: ConstraintSet, item: FormulaChanceItem | TailItem) -> ConstraintSet:
    """Return the set with one item alone, at an error probability that a test can see."""
    alone = item.model_copy(update={"delta": DELTA})
    return rules.model_copy(update={"items": (alone,), "total_delta": DELTA})


def borderline(item: FormulaChanceItem | TailItem, rng: np.random.Generator) -> np.ndarray:
    """Return a draw from a population that lies exactly at the limit of the item."""
    if isinstance(item, FormulaChanceItem):
        return np.where(rng.random(N) < item.limit, -1.0, 1.0)
    # A rare harm at the very end of the support: the worst tenth is on average at the limit.
    low, high = item.support
    share = item.alpha * (item.limit - low) / (high - low)
    return np.where(rng.random(N) < share, high, low)


@pytest.mark.parametrize(("rules", "item"), NEW, ids=[item.id for _, item in NEW])
def test_a_borderline_policy_passes_no_oftener_than_delta(
    rules: ConstraintSet, item: FormulaChanceItem | TailItem
) -> None:
    """In 1,000 gates a policy at the very limit passes an item with at most its probability."""
    alone, rng = only(rules, item), np.random.default_rng(31)
    key = item.signal if isinstance(item, TailItem) else verdict_key(item.id)
    passed = 0
    for _ in range(GATES):
        values = {key: borderline(item, rng)}
        (result,) = judge_all(alone, values, values, ["adult"] * N)
        passed += result.passed
    assert passed / GATES <= DELTA + 3.0 * np.sqrt(DELTA * (1.0 - DELTA) / GATES)


def test_the_bound_beside_a_hard_item_holds_as_often_as_it_says() -> None:
    """Where 1 % violate, a gate states a bound below 1 % in at most delta of cases."""
    rules = SETS[0]
    (item,) = [i for i in rules.hard if i.id == "pump-limits"]
    alone = rules.model_copy(
        update={"items": (item.model_copy(update={"delta": DELTA}),), "total_delta": DELTA}
    )
    rng, wrong, clean = np.random.default_rng(32), 0, 0
    for _ in range(GATES):
        values = {verdict_key(item.id): np.where(rng.random(N) < 0.01, -1.0, 1.0)}
        (result,) = judge_all(alone, values, values, ["adult"] * N)
        clean += result.passed
        wrong += result.bound < 0.01
    assert wrong / GATES <= DELTA + 3.0 * np.sqrt(DELTA * (1.0 - DELTA) / GATES)
    assert clean / GATES == pytest.approx(0.99**N, abs=0.03)
