"""Tail items: the mean of the worst share, bounded on the capped signal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.statistics import cvar_rockafellar_uryasev
from dosegym.evaluation.verdict import ItemResult, judge_all, observed_tail
from dosegym.physiology.errors import InputError
from dosegym.therapy.constraint import ConstraintSet, TailItem

WHOLE = load_constraints("insulin-v2")
RULES = WHOLE.model_copy(
    update={"items": tuple(i for i in WHOLE.items if i.id == "low-54-tail"), "total_delta": 0.05}
)
(ITEM,) = RULES.items
assert isinstance(ITEM, TailItem)


def judged(values: Any, rules: ConstraintSet = RULES) -> ItemResult:
    """Return the result for adults with these times below 54 mg/dL."""
    data = np.asarray(values, float)
    metrics = {"time_below_54": data}
    (result,) = judge_all(rules, metrics, metrics, ["adult"] * len(data))
    return result


def skewed(n: int, share: float, size: float, seed: int = 0) -> np.ndarray:
    """Return times below 54 of which a share is exponential and the others nothing."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < share, rng.exponential(size, n), 0.0).clip(0.0, 100.0)


def test_the_bound_is_that_of_the_statistics() -> None:
    """Alpha, support, side and confidence reach the bound as the item states them."""
    values = skewed(1000, 0.1, 0.4)
    found = judged(values)
    bound = cvar_rockafellar_uryasev(
        np.minimum(values, 10.0), support=(0.0, 10.0), alpha=0.1, confidence=1.0 - ITEM.delta
    )
    assert (found.bound, found.method) == (bound.value, bound.method)
    assert (found.type, found.unit, found.limit, found.threshold) == ("tail", "%", 2.0, None)
    assert found.slack == ITEM.limit - found.bound
    assert found.passed


def test_a_policy_without_lows_can_show_it_and_a_harmful_one_cannot() -> None:
    """A thousand without lows pass; a worst tenth at 5 % of time does not, whatever the rest."""
    assert judged(np.zeros(1000)).passed
    bad = np.zeros(1000)
    bad[::10] = 5.0
    found = judged(bad)
    assert (found.observed, found.passed) == (5.0, False)
    assert found.bound >= 5.0
    assert not judged(np.zeros(60)).passed


def test_the_mean_may_be_fine_while_the_tail_is_not() -> None:
    """A mean of 0.4 %, under its goal of 1 %, hides a worst tenth at 4 %."""
    few = np.zeros(1000)
    few[::10] = 4.0
    assert few.mean() < 1.0
    assert not judged(few).passed


def test_values_above_the_support_count_as_its_end() -> None:
    """Whoever spends half of the time below 54 counts as 10 %."""
    extreme, capped = np.zeros(500), np.zeros(500)
    extreme[::25], capped[::25] = 50.0, 10.0
    one, other = judged(extreme), judged(capped)
    assert (one.bound, one.observed) == (other.bound, other.observed)
    assert one.observed == pytest.approx(4.0)


def test_the_observed_tail_counts_a_patient_in_part() -> None:
    """A tenth of 15 patients are one and a half: the worst whole, the next half."""
    values = np.arange(15.0)
    assert observed_tail(values, 0.1) == pytest.approx((14.0 + 0.5 * 13.0) / 1.5)
    assert observed_tail(values, 0.9999999) == pytest.approx(values.mean(), rel=1e-6)


def test_a_missing_value_or_signal_never_passes() -> None:
    """A tail cannot be taken over a patient of whom nothing is known."""
    gone = np.zeros(1000)
    gone[7] = np.nan
    with pytest.raises(InputError, match="missing or infinite"):
        judged(gone)
    with pytest.raises(InputError, match="signal time_below_54 is missing"):
        judge_all(RULES, {}, {}, ["adult"] * 10)


@settings(max_examples=60, deadline=None)
@given(
    limit=st.floats(0.2, 9.0), less=st.floats(0.0, 0.9), share=st.floats(0.0, 0.3),
    size=st.floats(0.1, 5.0), seed=st.integers(0, 1000), fewer=st.floats(0.5, 1.0),
)  # fmt: skip
def test_tightening_never_turns_a_failure_into_a_pass(
    limit: float, less: float, share: float, size: float, seed: int, fewer: float
) -> None:
    """A lower limit or a smaller delta never helps."""
    values = skewed(400, share, size, seed)
    outcomes = []
    for changes in (
        {"limit": limit, "delta": 0.02},
        {"limit": limit * (1.0 - less), "delta": 0.02 * fewer},
    ):
        item = ITEM.model_copy(update=changes)
        outcomes.append(judged(values, RULES.model_copy(update={"items": (item,)})).passed)
    assert outcomes[0] or not outcomes[1]
