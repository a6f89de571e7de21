"""The draw of the visits at which a clinician leaves a step undone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from dosegym.policies.inertia import draws, hesitates
from dosegym.policies.pressure_rule import Visit


def seen(visit: Any, n: int = 4000, week: float = 4.0) -> Visit:
    """Return n people that differ in age and body mass index."""
    rng = np.random.default_rng(0)
    return Visit(visit(age=np.round(rng.normal(60, 9, n)), bmi=rng.normal(28, 4, n), weeks=week))


def test_draws_are_even(visit: Any) -> None:
    """Over people the draws pass Kolmogorov and Smirnov's test against the uniform."""
    assert stats.kstest(draws(seen(visit)), "uniform").pvalue > 0.01


def test_visits_and_seeds_are_independent(visit: Any) -> None:
    """Draws of the same people a visit later, or with another seed, are uncorrelated."""
    first = draws(seen(visit))
    for other in (draws(seen(visit, week=8.0)), draws(seen(visit), seed=1)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 3.3 / np.sqrt(len(first))


def test_pressure_does_not_move_the_draw(visit: Any) -> None:
    """The same person in the same week hesitates alike at any pressure: policies stay monotone."""
    low, high = Visit(visit(sbp=120.0)), Visit(visit(sbp=180.0))
    assert draws(low) == pytest.approx(draws(high), abs=0.0)


def test_share_is_the_probability(visit: Any) -> None:
    """Three in ten hesitate at 0.3 (99.9 % limits), none at 0, all at 1."""
    crowd = seen(visit)
    assert abs(hesitates(crowd, 0.3).mean() - 0.3) < 3.3 * np.sqrt(0.21 / len(crowd))
    assert not hesitates(crowd, 0.0).any()
    assert hesitates(crowd, 1.0).all()


@pytest.mark.parametrize("seed", [2, 5, 2**31])
def test_large_seeds_draw_without_a_warning(visit: Any, seed: int) -> None:
    """The product of a seed may exceed 64 bits: it wraps, silently, and the draws stay even."""
    assert stats.kstest(draws(seen(visit), seed=seed), "uniform").pvalue > 0.01
