"""Abstention: the accepted harm stays below its limit, and no threshold is loose for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.statistics import selective_threshold
from dosegym.physiology.errors import InputError


def cohort(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores uniform on 0 to 1; a case of score s is unsafe with probability s^2 / 2."""
    scores = rng.random(n)
    return scores, rng.random(n) < 0.5 * scores**2


def test_accepted_harm_is_kept_below_its_limit() -> None:
    """Over 1,500 calibrations the true accepted harm t^3 / 6 passes 2 % in 10 % of them at most."""
    rng, broken, loose = np.random.default_rng(0), 0, []
    for _ in range(1500):
        rule = selective_threshold(*cohort(rng, 400), epsilon=0.02, delta=0.1)
        risk = max(rule.threshold, 0.0) ** 3 / 6
        broken += risk > 0.02
        loose.append(risk)
    assert stats.binom.sf(broken - 1, 1500, 0.1) >= 1e-3
    assert np.mean(loose) > 0.008


def test_harmless_cases_are_all_accepted() -> None:
    """299 safe cases show 1 % at 95 %; 298 show nothing and everything is declined."""
    scores = np.linspace(0, 1, 299)
    rule = selective_threshold(scores, np.zeros(299), 0.01, 0.05)
    assert (rule.threshold, rule.accepted, rule.unsafe_accepted, rule.n) == (1.0, 1.0, 0, 299)
    none = selective_threshold(scores[1:], np.zeros(298), 0.01, 0.05)
    assert (none.threshold, none.accepted) == (-np.inf, 0.0)
    assert not none.accepts(-1e300)


def test_threshold_by_hand() -> None:
    """In 1,000 cases, limit 1 %: five harmed are shown, by the binomial tail, and the sixth not."""
    assert stats.binom.cdf(4, 1000, 0.01) <= 0.05 < stats.binom.cdf(5, 1000, 0.01)
    scores = np.arange(1000.0)
    unsafe = np.isin(scores, [100, 200, 300, 400, 500, 600])
    rule = selective_threshold(scores, unsafe, 0.01, 0.05)
    assert (rule.threshold, rule.unsafe_accepted, rule.accepted) == (499.0, 4, 0.5)
    assert rule.accepts(499.0)
    assert not rule.accepts(499.5)
    assert not rule.accepts(float("nan"))


def test_ties_are_taken_together() -> None:
    """Cases of one score are accepted or declined together."""
    scores = np.repeat([0.0, 1.0], 300)
    unsafe = np.r_[np.zeros(300), np.zeros(250), np.ones(50)]
    rule = selective_threshold(scores, unsafe, 0.01, 0.05)
    assert (rule.threshold, rule.accepted) == (0.0, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: selective_threshold([1.0], [0, 1], 0.1, 0.1), "2 entries for 1 scores"),
        (lambda: selective_threshold([1.0], [0.5], 0.1, 0.1), "true or false for each"),
        (lambda: selective_threshold([np.nan], [0], 0.1, 0.1), "1 missing"),
        (lambda: selective_threshold([1.0], [0], 0.0, 0.1), "epsilon is 0"),
        (lambda: selective_threshold([1.0], [0], 0.1, 1.0), "delta is 1"),
    ],
)
def test_refusals_name_the_fault(call: object, message: str) -> None:
    """Unmatched flags, missing scores and impossible limits are refused by name."""
    with pytest.raises(InputError, match=message):
        call()
