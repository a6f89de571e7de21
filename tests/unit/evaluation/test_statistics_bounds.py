"""Confidence bounds: closed forms, refusals, symmetry and the golden planning numbers."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from dosegym.evaluation.betting import betting_lower_unit, betting_peak_log_capital
from dosegym.evaluation.statistics import (
    Bound,
    betting,
    betting_p_value,
    binomial_p_value,
    clopper_pearson,
    clopper_pearson_interval,
    empirical_bernstein,
    hoeffding,
    paired_difference,
    student_t,
)
from dosegym.physiology.errors import InputError

FINITE_SAMPLE = (betting, hoeffding, empirical_bernstein)
UNIT_SAMPLES = arrays(float, st.integers(2, 60), elements=st.floats(0, 1))


def test_thirty_patients_without_failure() -> None:
    """Zero failures in 30 patients certify 9.5 %, 1 - 0.05^(1/30), and no less."""
    bound = clopper_pearson(0, 30)
    assert bound.value == pytest.approx(1 - 0.05 ** (1 / 30), rel=1e-12)
    assert round(100 * bound.value, 1) == 9.5
    assert bound == Bound(bound.value, "upper", "clopper-pearson", 0.95, 30, (0.0, 1.0), True)


@pytest.mark.parametrize(("failures", "n"), [(0, 1), (1, 1), (3, 10), (10, 10), (17, 3000)])
def test_clopper_pearson_inverts_the_binomial(failures: int, n: int) -> None:
    """At the upper bound, so few failures have probability exactly delta; lower likewise."""
    upper = clopper_pearson(failures, n, confidence=0.9).value
    lower = clopper_pearson(failures, n, confidence=0.9, side="lower").value
    if failures < n:
        assert stats.binom.cdf(failures, n, upper) == pytest.approx(0.1, rel=1e-9)
    else:
        assert upper == 1.0
    if failures > 0:
        assert stats.binom.sf(failures - 1, n, lower) == pytest.approx(0.1, rel=1e-9)
    else:
        assert lower == 0.0


def test_two_sided_interval_splits_delta() -> None:
    """The two-sided interval is the textbook one: 2 of 20 gives 1.23 % to 31.70 %."""
    low, high = clopper_pearson_interval(2, 20)
    assert (round(100 * low.value, 2), round(100 * high.value, 2)) == (1.23, 31.70)
    assert low.confidence == high.confidence == pytest.approx(0.975)
    assert (low.side, high.side) == ("lower", "upper")


def test_one_subgroup_in_fifty_is_refused() -> None:
    """A 2 % harm at n = 3,000 passes the limit 1 % at delta 0.01 with probability below 1e-10."""
    most = max(k for k in range(60) if clopper_pearson(k, 3000, confidence=0.99).value <= 0.01)
    assert most == 17
    assert stats.binom.cdf(most, 3000, 0.02) < 1e-10


@pytest.mark.parametrize(
    ("n", "t", "hoeffding_bound", "bernstein", "betting_bound"),
    [
        (30, 0.039, 0.253, 0.341, 0.149),
        (300, 0.021, 0.089, 0.051, 0.032),
        (1000, 0.021, 0.059, 0.031, 0.024),
        (3000, 0.020, 0.042, 0.023, 0.021),
    ],
)
def test_planning_table(
    n: int, t: float, hoeffding_bound: float, bernstein: float, betting_bound: float
) -> None:
    """Upper 95 % bounds on the mean of Beta(0.6, 30), mean 0.0196, match the planning table.

    The table is one draw per n; the mean of 40 draws must lie within the spread of one.
    """
    draws = np.random.default_rng(7).beta(0.6, 30, (40, n))
    unit = (0.0, 1.0)
    for expected, method in (
        (t, lambda x: student_t(x)),
        (hoeffding_bound, lambda x: hoeffding(x, support=unit)),
        (bernstein, lambda x: empirical_bernstein(x, support=unit)),
        (betting_bound, lambda x: betting(x, support=unit)),
    ):
        values = np.array([method(x).value for x in draws])
        assert abs(values.mean() - expected) < 3 * values.std() + 0.0006


@given(UNIT_SAMPLES, st.floats(0.001, 0.3))
@settings(deadline=None, max_examples=60)
def test_betting_equals_a_fine_grid(values: np.ndarray, delta: float) -> None:
    """Bisection finds the largest rejected mean that a grid search over all means finds."""
    found = betting_lower_unit(values, delta)[0]
    grid = np.linspace(0, 1, 1002)[1:]
    rejected = [betting_peak_log_capital(values, m, delta) >= np.log(1 / delta) for m in grid]
    largest = grid[np.flatnonzero(rejected)[-1]] if any(rejected) else 0.0
    assert largest - 1e-9 <= found <= largest + 1 / 1001 + 1e-9


@given(UNIT_SAMPLES, st.floats(0.05, 0.95), st.floats(0.01, 0.05))
@settings(deadline=None, max_examples=60)
def test_capital_falls_as_the_mean_rises(values: np.ndarray, mean: float, step: float) -> None:
    """Betting against a higher mean never earns more, which is what makes bisection exact."""
    lower, higher = (betting_peak_log_capital(values, m, 0.05) for m in (mean, mean + step))
    assert higher <= lower + 1e-12


@given(UNIT_SAMPLES, st.floats(-50, 50), st.floats(0.1, 200))
@settings(deadline=None, max_examples=40)
def test_bounds_follow_a_change_of_unit(values: np.ndarray, shift: float, scale: float) -> None:
    """mg/dL or mmol/L, percent or fraction: the bound changes unit and nothing else."""
    support = (shift - 1e-9, shift + scale + 1e-9)
    for method in FINITE_SAMPLE:
        for side in ("lower", "upper"):
            plain = method(values, support=(0, 1), side=side).value
            moved = method(shift + scale * values, support=support, side=side).value
            assert moved == pytest.approx(shift + scale * plain, abs=1e-6 * (1 + scale))


@given(UNIT_SAMPLES)
@settings(deadline=None, max_examples=40)
def test_lower_and_upper_mirror_each_other(values: np.ndarray) -> None:
    """The upper bound on x is minus the lower bound on -x, and the mean lies between them."""
    for method in FINITE_SAMPLE:
        upper = method(values, support=(0, 1)).value
        lower = method(-values, support=(-1, 0), side="lower").value
        assert upper == pytest.approx(-lower, abs=1e-9)
        assert method(values, support=(0, 1), side="lower").value <= values.mean() + 1e-9
        assert values.mean() <= upper + 1e-9


@pytest.mark.parametrize("method", FINITE_SAMPLE)
def test_support_must_be_declared_and_true(method: object) -> None:
    """No finite-sample bound without a declared support, nor for data outside it."""
    values = [0.1, 0.5, 0.9]
    with pytest.raises(InputError, match="range known before seeing data"):
        method(values, support=None)
    with pytest.raises(InputError, match=r"value is 0\.9, outside the declared support 0 to 0\.8"):
        method(values, support=(0, 0.8))
    with pytest.raises(InputError, match="two finite numbers lo < hi"):
        method(values, support=(1, 0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clopper_pearson(3, 2), "failures is 3 of n = 2"),
        (lambda: clopper_pearson(0, 0), "failures is 0 of n = 0"),
        (lambda: clopper_pearson(0, 9, confidence=1.0), "confidence is 1"),
        (lambda: betting([0.1, np.nan], support=(0, 1)), "1 missing or infinite entries of 2"),
        (lambda: betting([], support=(0, 1)), "at least 1"),
        (lambda: student_t([1.0]), "at least 2"),
        (lambda: paired_difference([1, 2], [1], support=(0, 5)), "2 patients, comparator 1"),
        (lambda: betting_p_value([0.1], 1.0, support=(0, 1)), "limit is 1"),
    ],
)
def test_refusals_name_the_fault(call: object, message: str) -> None:
    """Bad counts, confidences, missing patients and unpaired series are refused by name."""
    with pytest.raises(InputError, match=message):
        call()


def test_student_t_says_it_is_asymptotic() -> None:
    """Student's bound is the textbook value and carries its warning with it."""
    values = np.array([1.0, 2.0, 3.0, 4.0])
    bound = student_t(values)
    assert bound.value == pytest.approx(2.5 + 2.353363 * values.std(ddof=1) / 2, rel=1e-6)
    assert (bound.finite_sample, bound.support) == (False, None)
    assert "asymptotic" in bound.method


def test_paired_bound_shows_non_inferiority() -> None:
    """Pairing by patient shows non-inferiority that the unpaired spread would hide."""
    rng = np.random.default_rng(3)
    baseline = rng.uniform(40, 95, 3000)
    candidate = np.clip(baseline + rng.normal(0.5, 4.0, 3000), 0, 100)
    bound = paired_difference(candidate, baseline, support=(0, 100), confidence=0.995, side="lower")
    assert -1.0 < bound.value < 0.5
    assert bound.support == (-100.0, 100.0)
    assert bound.finite_sample


def test_p_values_agree_with_their_bounds() -> None:
    """A p-value is at most delta exactly when the bound at 1 - delta keeps the limit."""
    values = np.random.default_rng(5).beta(0.6, 30, 400)
    bound = betting(values, support=(0, 1), confidence=0.95).value
    assert betting_p_value(values, bound + 1e-6, support=(0, 1)) <= 0.05
    assert betting_p_value(values, bound - 1e-4, support=(0, 1)) > 0.05
    assert binomial_p_value(17, 3000, 0.01) <= 0.01 < binomial_p_value(18, 3000, 0.01)


def test_betting_is_fast_enough_for_a_gate() -> None:
    """One betting bound on 3,000 patients takes under 50 ms."""
    values = np.random.default_rng(0).beta(0.6, 30, 3000)
    fastest = np.inf
    for _ in range(5):
        start = time.perf_counter()
        betting(values, support=(0, 1))
        fastest = min(fastest, time.perf_counter() - start)
    assert fastest < 0.05
