"""Adherence: published omissions, clustering, pills, waning, stopping, refills, pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.therapy.adherence import ADHERENCE, load_adherence

YEAR = 364


def cohort(name: object, n: int = 3000, days: int = YEAR) -> np.ndarray:
    """Return the days taken of n people whose shares spread evenly over the preset's law."""
    plan = load_adherence(name)  # type: ignore[arg-type]
    share = plan.share((np.arange(n) + 0.5) / n)
    return plan.taken(np.random.default_rng(0).random((n, 1 + days)), share)


def omissions(taken: np.ndarray) -> tuple[float, float, float]:
    """Return shares of missed days in runs of one and of three or more; people with the latter."""
    lone = long = people = 0
    for row in ~taken:
        edges = np.diff(np.concatenate([[0], row.astype(int), [0]]))
        length = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
        lone += int((length == 1).sum())
        long += int(length[length >= 3].sum())
        people += bool((length >= 3).any())
    missed = int((~taken).sum())
    return lone / missed, long / missed, people / len(taken)


def test_usual_omits_what_vrijens_found() -> None:
    """10 % of doses; 42 % of them single, 43 % in runs of 3 or more; half with such a run a year.

    A two-state chain cannot meet the three at once: they are met within 8 points.
    """
    taken = cohort("usual")
    lone, long, people = omissions(taken)
    assert 1.0 - taken.mean() == pytest.approx(0.10, abs=0.005)
    assert lone == pytest.approx(0.42, abs=0.08)
    assert long == pytest.approx(0.43, abs=0.08)
    assert people == pytest.approx(0.48, abs=0.08)


def test_presets_have_their_means() -> None:
    """Perfect takes all, poor 60 %, and half of routine have stopped after a year."""
    assert cohort("perfect").all()
    assert cohort("poor").mean() == pytest.approx(0.6, abs=0.01)
    routine = cohort("routine")
    assert (~routine[:, -60:].any(axis=1)).mean() == pytest.approx(0.46, abs=0.04)
    assert "half stop" in ADHERENCE["routine"].source


def test_clustering_is_the_correlation_of_neighbouring_days() -> None:
    """For one share the lag-1 correlation is ``clustering`` and lag 2 its square."""
    plan = load_adherence({"preset": "usual", "clustering": 0.5})
    taken = plan.taken(np.random.default_rng(1).random((400, 1 + YEAR)), np.full(400, 0.7))
    assert taken.mean() == pytest.approx(0.7, abs=0.01)
    for lag in (1, 2):
        r = np.corrcoef(taken[:, lag:].ravel(), taken[:, :-lag].ravel())[0, 1]
        assert r == pytest.approx(0.5**lag, abs=0.015)


def test_more_drugs_and_later_years_lower_the_share() -> None:
    """Odds of missing rise by ``pill_odds`` a drug; after a year ``waning_per_year`` is lost."""
    plan = load_adherence("usual")
    p = plan.probability(0.9, np.array([0, 1, 2, 4]), 10)
    assert p[0] == p[1] == pytest.approx(0.9)
    assert (1.0 - p) / p == pytest.approx((1.0 / 9.0) * 1.15 ** np.array([0, 0, 1, 3]))
    assert plan.probability(0.9, 1, np.array([365, 730])) == pytest.approx([0.9, 0.9 * 0.95])


@given(st.integers(0, 2**31), st.integers(1, 60), st.sampled_from(sorted(ADHERENCE)))
def test_intervals_continue_the_course(seed: int, step: int, name: str) -> None:
    """Asking visit by visit, with yesterday handed on, gives the whole course's days."""
    plan = load_adherence(name)
    rng = np.random.default_rng(seed)
    draws, share = rng.random((4, 1 + 90)), plan.share(rng.random(4))
    whole = plan.taken(draws, share, 2)
    pieces: list[np.ndarray] = []
    for day in range(0, 90, step):
        before = pieces[-1][:, -1] if pieces else None
        pieces.append(plan.taken(draws, share, 2, day, min(step, 90 - day), before))
    assert np.array_equal(whole, np.concatenate(pieces, axis=1))


def test_refill_shows_the_share_with_bias_and_error() -> None:
    """Refills lie above the share taken by the waste, err by the SD and stay within 0 and 1."""
    plan = load_adherence("usual")
    normals = np.random.default_rng(2).standard_normal(20_000)
    seen = plan.refill(np.full(normals.size, 0.4), normals)
    assert seen.mean() == pytest.approx(0.4 + 0.3 * 0.6, abs=0.005)
    assert seen.std() == pytest.approx(0.1, rel=0.03)
    low, high = plan.refill([0.0, 1.0], [-9.0, 9.0])
    assert (low, high) == (0.0, 1.0)


def test_draws_extend_and_one_person_needs_no_batch() -> None:
    """A longer course begins as the shorter; a single person's draws give a row of days."""
    plan = load_adherence()
    long, short = (plan.draws(np.random.default_rng(4), days) for days in (728, 364))
    assert np.array_equal(long[:365], short)
    days = plan.taken(short, 0.9)
    assert days.shape == (364,)
    assert days.dtype == np.bool_


def test_refusals_name_the_mend() -> None:
    """An unknown preset or an impossible number is refused."""
    for asked, words in (
        ("saintly", "choose one of usual"),
        ({"mean": 1.4}, r"between 0\.05 and 1"),
        ({"preset": "poor", "clustering": 1.0}, r"between 0 and 0\.95"),
        ({"dose": 1.0}, "no setting 'dose'"),
    ):
        with pytest.raises(InputError, match=words):
            load_adherence(asked)  # type: ignore[arg-type]
