"""Optimality gap and performance profile: definitions, intervals, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.evaluation.statistics import optimality_gap, performance_profile
from dosegym.physiology.errors import InputError

TIR = np.array([50.0, 60.0, 72.0, 80.0, 90.0])


def test_gap_counts_only_what_is_short() -> None:
    """Mean of the shortfalls 20 and 10 and three nothings; turned over for a harm."""
    gap = optimality_gap(TIR, 70.0, rng=np.random.default_rng(0))
    assert gap.estimate == pytest.approx(6.0)
    assert 0.0 <= gap.low <= 6.0 <= gap.high <= 20.0
    harm = optimality_gap(-TIR, -70.0, rng=np.random.default_rng(0), higher_is_better=False)
    assert (harm.low, harm.estimate, harm.high) == (gap.low, gap.estimate, gap.high)


def test_profile_falls_from_all_to_none() -> None:
    """The share above a threshold is the survival function, inside its interval."""
    profile = performance_profile(TIR, [0, 60, 75, 90], rng=np.random.default_rng(1))
    assert [p.estimate for p in profile] == [1.0, 0.6, 0.4, 0.0]
    assert all(p.low <= p.estimate <= p.high for p in profile)
    assert profile[0].low == 1.0


def test_strata_keep_their_size() -> None:
    """Groups that differ only between them give a profile without spread."""
    groups = ["child"] * 2 + ["adult"] * 3
    values = [50.0, 50.0, 80.0, 80.0, 80.0]
    (mid,) = performance_profile(values, [70], rng=np.random.default_rng(2), strata=groups)
    assert (mid.low, mid.high) == (0.6, 0.6)
    gap = optimality_gap(values, 70.0, rng=np.random.default_rng(2), strata=groups)
    assert (gap.low, gap.high) == (8.0, 8.0)


def test_unmatched_strata_are_refused() -> None:
    """A label too few is named."""
    with pytest.raises(InputError, match="strata has 1 labels, values 5"):
        performance_profile(TIR, [70], rng=np.random.default_rng(0), strata=["x"])
    with pytest.raises(InputError, match="1 missing"):
        optimality_gap([np.nan], 70.0, rng=np.random.default_rng(0))
