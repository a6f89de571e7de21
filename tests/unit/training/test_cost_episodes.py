"""Costs of whole episodes, and their tail."""

import numpy as np
import pytest

from dosegym.training.cost_episodes import EpisodeCosts, excess, tail_mean


def test_episodes_are_summed_by_lane() -> None:
    """Two lanes of unequal length: rates are cost per step, and a new episode begins at zero."""
    found = EpisodeCosts(2, 1)
    found.add(np.array([[1.0], [0.0]]), np.array([False, False]))
    found.add(np.array([[0.0], [3.0]]), np.array([True, False]))
    found.add(np.array([[5.0], [0.0]]), np.array([False, True]))
    np.testing.assert_allclose(found.ended_rates(), [[0.5], [1.0]])
    np.testing.assert_allclose(found.ended_totals(), [[1.0], [3.0]])
    np.testing.assert_allclose(found.totals, [[5.0], [0.0]])
    assert len(found.take_fresh()) == 2
    assert len(found.take_fresh()) == 0


def test_only_the_latest_are_remembered() -> None:
    """Old episodes of an old policy fall out of the memory."""
    found = EpisodeCosts(1, 1, remembered=2)
    for cost in (1.0, 2.0, 3.0):
        found.add(np.array([[cost]]), np.array([True]))
    np.testing.assert_allclose(found.ended_totals(), [[2.0], [3.0]])
    assert len(found.take_fresh()) == 2


def test_the_tail_mean_is_the_cvar() -> None:
    """Of ten values the worst 25 % are two and a half; of all of them it is the mean."""
    values = np.arange(10.0)
    assert tail_mean(values, 0.25) == pytest.approx((9 + 8 + 0.5 * 7) / 2.5)
    assert tail_mean(values, 1.0) == pytest.approx(4.5)


def test_excess_sums_to_the_cvar() -> None:
    """Threshold + mean of summed excess is the CVaR, step by step as in one piece."""
    rng = np.random.default_rng(0)
    costs = rng.random((50, 4000)) * rng.random(4000)
    share = 0.1
    total = costs.sum(axis=0)
    threshold = np.array([np.quantile(total, 1.0 - share)])
    so_far, paid = np.zeros((4000, 1)), np.zeros((4000, 1))
    for row in costs:
        paid += excess(so_far, row[:, None], threshold, np.array([share]))
        so_far += row[:, None]
    assert threshold[0] + paid.mean() == pytest.approx(tail_mean(total, share), rel=1e-3)
    assert (paid[total < threshold[0]] == 0.0).all()
