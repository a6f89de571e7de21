"""Split-conformal margins: exact coverage, covariate shift, samples that are too small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dosegym.evaluation.statistics import conformal_margin, weighted_quantile
from dosegym.physiology.errors import InputError


@pytest.mark.parametrize(("n", "level", "rank"), [(19, 0.95, 19), (99, 0.9, 90), (10, 0.5, 6)])
def test_margin_is_the_finite_sample_rank(n: int, level: float, rank: int) -> None:
    """The ceil((n + 1) level)-th smallest error, rounding of the product not counted."""
    errors = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    assert conformal_margin(errors, level) == rank


def test_too_few_cases_promise_nothing() -> None:
    """18 cases cannot promise 95 %: the margin is infinite, also when weighted."""
    assert conformal_margin(np.arange(18.0), 0.95) == np.inf
    assert weighted_quantile(np.arange(18.0), np.ones(18), 1.0, 0.95) == np.inf
    assert conformal_margin(np.arange(19.0), 0.95) == 18.0


@given(st.integers(1, 200), st.floats(0.01, 0.99), st.floats(0.001, 1000))
def test_equal_weights_are_no_weights(n: int, level: float, weight: float) -> None:
    """With equal weights of any size the weighted quantile is the plain margin."""
    errors = np.random.default_rng(n).random(n)
    weighted = weighted_quantile(errors, np.full(n, weight), weight, level)
    assert weighted == conformal_margin(errors, level)


def test_a_case_that_outweighs_the_rest_is_unbounded() -> None:
    """A case far outside the calibration weighs more than 1 - level: infinity, so abstain."""
    scores, weights = np.arange(100.0), np.ones(100)
    assert weighted_quantile(scores, weights, 4.0, 0.95) < np.inf
    assert weighted_quantile(scores, weights, 6.0, 0.95) == np.inf


def test_weights_move_the_quantile_by_hand() -> None:
    """Weights 1, 1, 6 and 2: the largest of three scores is reached at 80 % of all weight."""
    assert weighted_quantile([3.0, 1.0, 2.0], [6, 1, 1], 2.0, 0.2) == 2.0
    assert weighted_quantile([3.0, 1.0, 2.0], [6, 1, 1], 2.0, 0.8) == 3.0
    assert weighted_quantile([3.0, 1.0, 2.0], [6, 1, 1], 2.0, 0.81) == np.inf
    assert weighted_quantile([3.0, 1.0], [0, 1], 0.0, 0.9) == 1.0


def test_weighting_restores_coverage_after_a_shift() -> None:
    """Errors grow with age and the new patients are older: plain margins fail, weighted hold.

    Calibration ages are uniform on 0 to 1, new ones have density 2 a, so the ratio is 2 a.
    """
    rng, plain, weighted, n = np.random.default_rng(3), 0, 0, 1500
    for _ in range(n):
        age, new = rng.random(60), np.sqrt(rng.random())
        errors = age**2 * abs(rng.normal(size=60))
        error = new**2 * abs(rng.normal())
        plain += error <= conformal_margin(errors, 0.8)
        weighted += error <= weighted_quantile(errors, 2 * age, 2 * new, 0.8)
    assert stats.binom.cdf(plain, n, 0.8) < 1e-3
    assert stats.binom.cdf(weighted, n, 0.8) >= 1e-3
    assert weighted / n <= 0.87


def test_margin_covers_exactly_as_promised() -> None:
    """Without ties coverage lies between the level and the level plus 1 / (n + 1)."""
    rng, n = np.random.default_rng(4), 4000
    held = sum(rng.random() <= conformal_margin(rng.random(39), 0.9) for _ in range(n))
    assert stats.binom.cdf(held, n, 0.9) >= 1e-3
    assert stats.binom.sf(held - 1, n, 0.925) >= 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conformal_margin([], 0.9), "at least 1"),
        (lambda: conformal_margin([np.nan], 0.9), "1 missing"),
        (lambda: conformal_margin([1.0], 1.0), "level is 1"),
        (lambda: weighted_quantile([1.0, 2.0], [1.0], 1.0, 0.9), "weights has 1 entries, scores 2"),
        (lambda: weighted_quantile([1.0], [-1.0], 1.0, 0.9), "a weight is -1"),
        (lambda: weighted_quantile([1.0], [1.0], np.inf, 0.9), "a weight is"),
        (lambda: weighted_quantile([1.0], [1.0], np.nan, 0.9), "a weight is"),
        (lambda: weighted_quantile([1.0], [0.0], 0.0, 0.9), "weights are all 0"),
    ],
)
def test_refusals_name_the_fault(call: object, message: str) -> None:
    """Missing errors and impossible weights are refused by name."""
    with pytest.raises(InputError, match=message):
        call()
