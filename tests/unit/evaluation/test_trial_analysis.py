"""Estimates of a trial: closed forms of their intervals, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.trial_analysis import difference_of, mean_of, ratio_of
from dosegym.evaluation.trial_protocol import Analysis

RNG = np.random.default_rng
FIRST = RNG(1).normal(120.0, 12.0, 80)
SECOND = RNG(2).normal(127.0, 15.0, 60)


def test_the_t_interval_of_a_mean_is_the_textbook_one() -> None:
    """SciPy's t interval of the same values, to rounding."""
    found = mean_of(FIRST, Analysis(), RNG(0))
    low, high = stats.t.interval(0.95, 79, FIRST.mean(), FIRST.std(ddof=1) / np.sqrt(80))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.value, found.n) == (pytest.approx(FIRST.mean()), 80)


def test_the_parallel_t_interval_is_welchs() -> None:
    """SciPy's Welch interval of two samples of unlike size and spread."""
    found = difference_of(FIRST, SECOND, Analysis(paired=False), RNG(0))
    wanted = stats.ttest_ind(FIRST, SECOND, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_pairing_narrows_the_interval_of_correlated_arms() -> None:
    """Two arms that differ by a constant differ by it for sure when paired."""
    plan = Analysis(paired=True)
    found = difference_of(FIRST, FIRST + 7.0, plan, RNG(0))
    assert (found.value, found.low, found.high) == pytest.approx((-7.0, -7.0, -7.0))
    apart = difference_of(FIRST, FIRST + 7.0, Analysis(paired=False), RNG(0))
    assert apart.high - apart.low > 5.0


def test_the_bootstrap_agrees_with_t_where_both_hold() -> None:
    """For means of normal samples both kinds of interval nearly coincide, paired or not."""
    for plan in (Analysis(interval="bootstrap", paired=False), Analysis(interval="bootstrap")):
        second = SECOND if not plan.paired else np.roll(FIRST, 1)
        boot = difference_of(FIRST, second, plan, RNG(0))
        exact = difference_of(FIRST, second, Analysis(paired=plan.paired), RNG(0))
        assert (boot.low, boot.high) == pytest.approx((exact.low, exact.high), abs=0.6)


def test_one_person_leaves_the_interval_unknown() -> None:
    """With a single person there is an estimate and no interval."""
    found = mean_of(np.array([3.0]), Analysis(), RNG(0))
    assert found.value == 3.0
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("paired", [True, False])
def test_the_ratio_interval_covers(paired: bool) -> None:
    """Over 200 trials the nominal 90 % interval of a ratio of shares covers its truth."""
    rng, hits = RNG(4), 0
    plan = Analysis(paired=paired, confidence=0.9, repetitions=200)
    for _ in range(200):
        first, second = 100.0 * (rng.random((2, 300)) < np.array([[0.3], [0.2]]))
        found = ratio_of(first, second, plan, rng)
        hits += found.low <= 1.5 <= found.high
    assert 0.83 <= hits / 200 <= 0.96


def test_a_ratio_to_nothing_is_unknown() -> None:
    """No event in the other arm gives no ratio; rare ones give an open upper end."""
    assert np.isnan(ratio_of(FIRST, np.zeros(60), Analysis(paired=False), RNG(0)).value)
    rare = np.zeros(80)
    rare[0] = 100.0
    found = ratio_of(np.full(80, 50.0), rare, Analysis(repetitions=500), RNG(0))
    assert found.value == pytest.approx(40.0)
    assert np.isinf(found.high)
