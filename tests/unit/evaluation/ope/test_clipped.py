"""Bounds by clipping and betting: they hold at any number of patients, for any weights."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.evaluation.ope.clipped import clipped_interval, clipped_lower


@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize("kind", ["lognormal", "rare"])
def test_lower_bounds_hold(n: int, kind: str) -> None:
    """Of 400 bounds of 95 % on heavy-tailed means hardly any is too high."""
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(400):
        if kind == "lognormal":
            values, mean = np.exp(rng.normal(-1.125, 1.5, n)), 1.0
        else:
            values, mean = 50.0 * (rng.random(n) < 0.02), 1.0
        wrong += clipped_lower(values, 0.05) > mean
    assert wrong / 400 <= 0.05


def test_a_bound_comes_near_with_many() -> None:
    """With even weights and many patients the bound is close to the mean: it is not vacuous."""
    values = np.random.default_rng(5).uniform(0.5, 1.5, 4000)
    assert 0.95 < clipped_lower(values, 0.05) < 1.0


def test_nothing_seen_bounds_nothing() -> None:
    """Without any weight the interval is the whole range, and it never leaves it."""
    zero = np.zeros(100)
    assert clipped_interval(zero, zero, (-2.0, 3.0), 0.95) == (-2.0, 3.0)
    assert clipped_lower(np.ones(3), 0.05) == 0.0
