"""The verdict of logged data: a veto, no objection, or nothing that can be told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegym.evaluation.ope import Estimate, ope_verdict
from dosegym.evaluation.ope.veto import informative, least_ess
from dosegym.physiology.errors import InputError

PEOPLE = frozenset({"a", "b", "c"})
NOBODY: frozenset[str] = frozenset()


def estimate(low: float, high: float, ess: float = 200.0, n: int = 400, **change: Any) -> Estimate:
    """Return an estimate with an interval and so many effective patients."""
    made = Estimate(
        0.5 * (low + high), low, high, "wis", n, np.zeros(n), {"ess": ess}, people=PEOPLE
    )
    return replace(made, **change)


BEHAVIOUR = estimate(9.8, 10.2, 400.0)


def word(*estimates: Estimate, margin: float = 0.5, **more: Any) -> str:
    """Return the verdict's word against the behaviour."""
    return ope_verdict(estimates, BEHAVIOUR, margin, **{"trained_on": NOBODY, **more}).word


def test_a_target_surely_worse_is_vetoed() -> None:
    """An upper end below the comparator's lower end less the margin is a veto; at it, none."""
    assert word(estimate(7.0, 9.2)) == "VETO"
    assert word(estimate(7.0, 9.31)) == "NO_OBJECTION"
    assert word(estimate(7.0, 9.2), margin=1.0) == "NO_OBJECTION"
    assert word(estimate(11.0, 12.0)) == "NO_OBJECTION"


def test_one_objection_is_enough() -> None:
    """Where estimators disagree, the one that objects is heard."""
    assert word(estimate(9.0, 11.0), estimate(5.0, 6.0)) == "VETO"


def test_few_effective_patients_tell_nothing() -> None:
    """Below max(50, 5 % of n) neither good nor bad figures count."""
    for low, high in ((1.0, 2.0), (20.0, 21.0)):
        assert word(estimate(low, high, ess=49.0)) == "UNINFORMATIVE"
        assert word(estimate(low, high, ess=90.0, n=2000)) == "UNINFORMATIVE"
    assert least_ess(400) == 50.0
    assert least_ess(2000) == 100.0


def test_missing_support_tells_nothing() -> None:
    """Many effective patients do not help where the behaviour never does what the target would."""
    lacking = replace(estimate(9.0, 11.0), diagnostics={"ess": 300.0, "missing_weight": 0.2})
    assert not informative(lacking)
    assert word(lacking) == "UNINFORMATIVE"
    assert "never done" in " ".join(
        ope_verdict([lacking], BEHAVIOUR, 0.5, trained_on=NOBODY).reasons
    )


def test_unknown_weights_and_lost_intervals_tell_nothing() -> None:
    """NaN is no pass: neither as effective sample nor as the end of an interval."""
    assert word(estimate(9.0, 11.0, ess=np.nan)) == "UNINFORMATIVE"
    assert word(estimate(np.nan, np.nan)) == "UNINFORMATIVE"


def test_a_model_alone_neither_vetoes_nor_passes() -> None:
    """Fitted Q is told, but its bias is in no interval, so it decides nothing."""
    model = estimate(1.0, 2.0, model_based=True, method="fqe")
    assert word(model) == "UNINFORMATIVE"
    assert word(model, estimate(9.5, 10.5)) == "NO_OBJECTION"


def test_a_finite_sample_bound_vetoes_at_any_number() -> None:
    """A bound that needs no many patients vetoes with few, and passes nothing with few."""
    few = estimate(1.0, 2.0, ess=5.0, guarantee="finite-sample")
    assert word(few) == "VETO"
    assert word(replace(few, high=11.0)) == "UNINFORMATIVE"


def test_there_is_no_word_for_release() -> None:
    """However good a target looks, the best verdict is that there is no objection."""
    told = ope_verdict([estimate(100.0, 101.0)], BEHAVIOUR, 0.0, trained_on=NOBODY)
    assert told.word == "NO_OBJECTION"
    assert json.loads(json.dumps(told.to_dict()))["word"] == "NO_OBJECTION"


def test_errors_add_up() -> None:
    """The chance of a false veto is at most the sum over what may veto, and the comparator."""
    told = ope_verdict([estimate(9, 11)] * 3, BEHAVIOUR, 0.5, trained_on=NOBODY)
    assert told.error_at_most == pytest.approx(4 * 0.025)


@pytest.mark.parametrize("part", ["trained_on", "selected_on"])
def test_overlap_of_patients_is_refused(part: str) -> None:
    """A target may not be judged on anyone that it was trained or chosen by."""
    with pytest.raises(InputError, match="1 patients are both in the gate"):
        word(estimate(9, 11), **{part: frozenset({"b", "z"})})


def test_nonsense_is_refused() -> None:
    """No estimate, a negative margin, other people, a comparator that is none: all refused."""
    with pytest.raises(InputError, match="no estimate"):
        word()
    with pytest.raises(InputError, match="margin"):
        word(estimate(9, 11), margin=-1.0)
    with pytest.raises(InputError, match="different patients"):
        word(estimate(9, 11), estimate(9, 11, people=frozenset({"q"})))
    with pytest.raises(InputError, match="comparator"):
        ope_verdict([estimate(9, 11)], float("nan"), 0.0, trained_on=NOBODY)
