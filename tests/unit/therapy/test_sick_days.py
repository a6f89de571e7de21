"""Acute illness: how often, how long, how much, and where it lies in the days."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.therapy.sick_days import BLOCK_DAYS, N_DRAWS, load_sick_days


def test_rate_per_year_is_as_set() -> None:
    """Over 13 blocks of 28 days people fall ill 0.35 x 364/365.25 times on average."""
    sick = load_sick_days()
    draws = np.random.default_rng(0).random((40_000, 13, N_DRAWS))
    ill = sick.episodes(draws).start >= 0
    assert ill.sum(axis=1).mean() == pytest.approx(0.35 * 364.0 / 365.25, rel=0.03)


def test_rate_follows_age() -> None:
    """A preset may give older people another rate."""
    sick = load_sick_days({"rate_per_year": 0.0, "rate_from_65": 2.0})
    draws = np.random.default_rng(0).random((2, 500, N_DRAWS))
    ill = (sick.episodes(draws, np.array([64.9, 65.0])).start >= 0).mean(axis=1)
    assert ill[0] == 0.0
    assert ill[1] == pytest.approx(2.0 * 28.0 / 365.25, abs=0.06)


def test_length_and_loss_have_the_set_laws() -> None:
    """Illnesses last 2-5 days evenly; the median loss is the set one and none exceeds the most."""
    sick = load_sick_days({"rate_per_year": 12.0})
    episodes = sick.episodes(np.random.default_rng(1).random((30_000, N_DRAWS)))
    ill = episodes.start >= 0
    length = (episodes.stop - episodes.start)[ill]
    assert np.bincount(length)[2:] / length.size == pytest.approx(0.25 * np.ones(4), abs=0.015)
    loss = episodes.loss[ill]
    assert np.median(loss) == pytest.approx(sick.loss_median, rel=0.03)
    assert loss.max() == sick.loss_most
    assert np.all(episodes.loss[~ill] == 0.0)


@given(st.integers(0, 2**31), st.integers(1, 40))
def test_intervals_tile_the_course(seed: int, step: int) -> None:
    """Days asked for in pieces are the days asked for at once, across block borders."""
    sick = load_sick_days({"rate_per_year": 10.0})
    draws = np.random.default_rng(seed).random((3, 4, N_DRAWS))
    episodes, course = sick.episodes(draws), 4 * BLOCK_DAYS
    whole = sick.daily(episodes, 0, course)
    pieces = [sick.daily(episodes, d, min(step, course - d)) for d in range(0, course, step)]
    for k in range(2):
        assert np.array_equal(whole[k], np.concatenate([piece[k] for piece in pieces], axis=1))


def test_sick_days_are_where_the_episode_says() -> None:
    """Loss and low intake fill start to stop and nothing else."""
    sick = load_sick_days({"rate_per_year": 12.0})
    draws = np.array([[[0.0, 0.5, 0.99, 0.5]]])
    episodes = sick.episodes(draws)
    assert (episodes.start[0, 0], episodes.stop[0, 0]) == (14, 19)
    fluid, sodium = sick.daily(episodes, 10, 28)
    expected = np.zeros(28)
    expected[4:9] = sick.loss_median
    assert fluid[0] == pytest.approx(expected)
    assert np.array_equal(sodium[0] == sick.sodium_share, expected > 0.0)
    assert np.all(sodium[0][expected == 0.0] == 1.0)


def test_longer_course_begins_as_the_shorter() -> None:
    """The same seed gives the same first illnesses whatever the length; none gives none."""
    sick = load_sick_days()
    long, short = (sick.draws(np.random.default_rng(5), days) for days in (728, 300))
    assert np.array_equal(long[: len(short)], short)
    assert (load_sick_days("none").episodes(long).start == -1).all()


def test_refusals_name_the_mend() -> None:
    """Rates, lengths and names out of bounds are refused."""
    for asked, words in (
        ("plague", "choose one of usual, none"),
        ({"rate_per_year": 99.0}, "between 0 and 12"),
        ({"shortest_days": 9.0}, "between 1 and 5"),
        ({"shortest_days": 2.5}, "whole numbers"),
    ):
        with pytest.raises(InputError, match=words):
            load_sick_days(asked)  # type: ignore[arg-type]
