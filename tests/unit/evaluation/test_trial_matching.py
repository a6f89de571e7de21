"""Choosing among the eligible: wanted moments are met, and everyone is drawn at most once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.evaluation.trial_matching import balance, choose, systematic
from dosegym.evaluation.trial_protocol import Moments
from dosegym.physiology.errors import InputError


def test_weights_of_a_normal_sample_are_the_exponential_tilt() -> None:
    """Balancing the mean of two values 0 and 1 gives the only weights there are."""
    rows = np.array([[0.0, 1.0, 1.0, 0.0]])
    weights = balance(rows, np.array([0.8]), ["mean"])
    assert weights == pytest.approx([0.1, 0.4, 0.4, 0.1])


def test_without_a_shift_weights_are_equal() -> None:
    """Of all weights that meet the sample's own mean, the nearest to equal are equal ones."""
    values = np.random.default_rng(0).normal(size=200)
    weights = balance(values[None, :], np.array([values.mean()]), ["mean"])
    assert weights == pytest.approx(np.full(200, 1 / 200))


def test_the_chosen_have_the_wanted_moments() -> None:
    """Means and SDs of two correlated features are met within sampling error."""
    rng = np.random.default_rng(1)
    sbp = rng.normal(150.0, 18.0, 20_000)
    dbp = 0.4 * sbp + rng.normal(30.0, 8.0, sbp.size)
    match = {"sbp": Moments(mean=140.0, sd=12.0), "dbp": Moments(mean=84.0)}
    chosen = choose({"sbp": sbp, "dbp": dbp}, match, 2000, rng)
    assert len(set(chosen.tolist())) == 2000
    assert sbp[chosen].mean() == pytest.approx(140.0, abs=4 * 12 / 2000**0.5)
    assert sbp[chosen].std() == pytest.approx(12.0, abs=0.8)
    assert dbp[chosen].mean() == pytest.approx(84.0, abs=0.8)


@given(st.integers(5, 60), st.integers(0, 2**32 - 1), st.floats(0.0, 4.0))
@settings(max_examples=60, deadline=None)
def test_a_systematic_draw_takes_each_at_most_once(n: int, seed: int, spread: float) -> None:
    """Whatever the weights, n distinct people are drawn."""
    rng = np.random.default_rng(seed)
    weights = np.exp(spread * rng.normal(size=80))
    picked = systematic(weights / weights.sum(), n, rng)
    assert len(picked) == len(set(picked.tolist())) == n
    assert picked.min() >= 0
    assert picked.max() < 80


def test_a_systematic_draw_honours_the_weights() -> None:
    """Each person's frequency over many draws is its inclusion probability."""
    weights = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    rng = np.random.default_rng(3)
    counts = np.zeros(5)
    for _ in range(4000):
        counts[systematic(weights / weights.sum(), 2, rng)] += 1
    # 2 x 10 / 20 = 1: the last is always drawn, the rest share the other place.
    assert counts / 4000 == pytest.approx([0.1, 0.2, 0.3, 0.4, 1.0], abs=0.035)


def test_what_no_weighting_gives_is_refused() -> None:
    """A mean outside the range of the eligible is told with its name."""
    values = {"sbp": np.random.default_rng(0).uniform(130.0, 180.0, 500)}
    with pytest.raises(InputError, match="mean of sbp 190"):
        choose(values, {"sbp": Moments(mean=190.0)}, 10, np.random.default_rng(0))


def test_unknown_features_and_too_few_people_are_refused() -> None:
    """Both are told in one line with the mend."""
    values = {"sbp": np.arange(10.0)}
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="'spb'; known at the baseline visit are sbp"):
        choose(values, {"spb": Moments(mean=1.0)}, 5, rng)
    with pytest.raises(InputError, match="10 candidates are eligible, 11 are to be enrolled"):
        choose(values, {}, 11, rng)


def test_a_draw_that_exhausts_the_eligible_and_misses_the_mean_is_refused() -> None:
    """Drawing nearly everyone cannot shift the mean; that is told, not hidden."""
    values = {"sbp": np.random.default_rng(5).normal(150.0, 10.0, 1000)}
    with pytest.raises(InputError, match=r"the enrolled reach 149.*raise population.screen"):
        choose(values, {"sbp": Moments(mean=140.0)}, 950, np.random.default_rng(0))


def test_the_wanted_sd_includes_the_noise_of_a_reading() -> None:
    """People whose own levels spread by 9 give readings that spread by 15 with noise of SD 12."""
    rng = np.random.default_rng(6)
    level = rng.normal(150.0, 14.0, 20_000)
    match = {"sbp": Moments(mean=140.0, sd=15.0)}
    chosen = choose({"sbp": level}, match, 2000, rng, {"sbp": np.full(level.size, 12.0**2)})
    assert level[chosen].std() == pytest.approx(9.0, abs=0.5)
    assert (level[chosen] + rng.normal(0.0, 12.0, 2000)).std() == pytest.approx(15.0, abs=0.8)
