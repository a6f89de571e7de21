"""Margins from measured errors: the conformal quantile, and none where there are too few."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dosegym.evaluation.gate.gaps import Gap, gaps_of


def gap(errors: list[float], coverage: float) -> Gap:
    """Return a gap of lowest pressures."""
    return Gap("lowest_sbp", "mmHg", coverage, tuple(errors), ("x",) * len(errors), "")


@pytest.mark.parametrize(
    ("errors", "coverage", "margin"),
    [
        ([1.0, -2.0, 3.0], 0.75, 3.0),
        ([1.0, -2.0, 3.0], 0.5, 2.0),
        ([1.0, -2.0, 3.0], 0.8, math.inf),
        ([], 0.5, math.inf),
    ],
)
def test_the_margin_is_an_order_statistic(
    errors: list[float], coverage: float, margin: float
) -> None:
    """The k-th smallest size with k = ceil((m + 1) coverage); infinite beyond the sample."""
    assert gap(errors, coverage).margin == margin


def test_the_margin_holds_the_next_error_as_often_as_it_says() -> None:
    """Of 20,000 exchangeable samples of nine errors, the margin holds the tenth at 80 % or more."""
    rng = np.random.default_rng(3)
    draws = rng.standard_t(3, size=(20_000, 10))
    held = [abs(row[9]) <= gap(row[:9].tolist(), 0.8).margin for row in draws[:4000]]
    assert np.mean(held) == pytest.approx(0.8, abs=0.02)


def test_the_shipped_gap_names_its_sources() -> None:
    """The gap of blood pressure rests on seven arms of trials, each named, and is finite."""
    (shipped,) = gaps_of("dosegym/BloodPressure-v0")
    assert len(shipped.errors) == len(shipped.sources) == 7
    assert all("doi" in source for source in shipped.sources)
    assert 9.0 < shipped.margin < 11.0


def test_an_environment_without_measured_gap_has_none() -> None:
    """Nothing is invented where nobody measured."""
    assert gaps_of("dosegym/Insulin-v0") == ()
