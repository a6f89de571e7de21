"""Bounds on the mean of the worst patients: closed forms, mirror, units, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dosegym.evaluation.coverage import HARMS
from dosegym.evaluation.statistics import betting, cvar_dkw, cvar_rockafellar_uryasev
from dosegym.physiology.errors import InputError

METHODS = (cvar_rockafellar_uryasev, cvar_dkw)
SAMPLES = arrays(float, st.integers(2, 60), elements=st.floats(0, 1))


def test_dkw_bound_by_hand() -> None:
    """Three values, alpha 0.9, worked on paper: b minus the sure steps over alpha."""
    # Half width sqrt(ln 2 / 6) = 0.33990 at confidence 0.5; sure shares (i/3 - 0.33990 - 0.1)+.
    sure = np.array([0.0, 2 / 3 - 0.439899, 1 - 0.439899])
    steps = np.array([0.3, 0.4, 0.1])
    bound = cvar_dkw([0.9, 0.2, 0.5], support=(0, 1), alpha=0.9, confidence=0.5)
    assert bound.value == pytest.approx(1 - steps @ sure / 0.9, abs=1e-5)


def test_rockafellar_uryasev_by_its_definition() -> None:
    """Pilot quantile plus the betting bound of the excess of the others over alpha."""
    values = np.random.default_rng(1).beta(0.6, 30, 500)
    corner = np.quantile(values[:100], 0.9, method="higher")
    excess = np.maximum(values[100:] - corner, 0)
    expected = corner + betting(excess, support=(0, 1 - corner)).value / 0.1
    bound = cvar_rockafellar_uryasev(values, support=(0, 1), alpha=0.1)
    assert bound.value == pytest.approx(expected, abs=1e-12)
    assert (bound.n, bound.support, bound.finite_sample) == (500, (0.0, 1.0), True)
    assert bound.method == "cvar 0.1 (rockafellar-uryasev)"


@pytest.mark.parametrize(("n", "ours", "dkw"), [(1000, 0.22, 0.78), (10_000, 0.12, 0.30)])
def test_tail_of_rare_harm_is_bounded_tightly(n: int, ours: float, dkw: float) -> None:
    """Betting bounds the worst twentieth of Beta(0.6, 30), truth 0.097, where the band cannot."""
    values = HARMS["Beta(0.6, 30)"].sample(np.random.default_rng(3), (n,))
    tight = cvar_rockafellar_uryasev(values, support=(0, 1), alpha=0.05).value
    assert 0.0972 < tight < ours
    assert cvar_dkw(values, support=(0, 1), alpha=0.05).value > dkw


@given(SAMPLES, st.floats(0.05, 1.0))
@settings(deadline=None, max_examples=40)
def test_lower_side_mirrors_the_upper(values: np.ndarray, alpha: float) -> None:
    """A lower bound of low harm is minus the upper bound of its mirror image, inside the range."""
    for method in METHODS:
        upper = method(values, support=(0, 1), alpha=alpha)
        lower = method(-values, support=(-1, 0), alpha=alpha, side="lower")
        assert lower.value == -upper.value
        assert lower.support == (-1.0, 0.0)
        assert 0.0 <= upper.value <= 1.0


@given(SAMPLES, st.floats(0.05, 1.0), st.floats(-50, 50), st.floats(0.1, 200))
@settings(deadline=None, max_examples=40)
def test_bounds_follow_a_change_of_unit(
    values: np.ndarray, alpha: float, shift: float, scale: float
) -> None:
    """Percent or fraction, mg/dL or mmol/L: the bound changes unit and nothing else."""
    # On a grid, so that no difference between values is lost in the shift.
    grid = np.round(values * 1024) / 1024
    support = (shift - 1e-9, shift + scale + 1e-9)
    for method in METHODS:
        plain = method(grid, support=(0, 1), alpha=alpha).value
        moved = method(shift + scale * grid, support=support, alpha=alpha).value
        assert moved == pytest.approx(shift + scale * plain, abs=1e-5 * (1 + scale))


def test_narrower_tail_and_wider_range_only_raise_the_bound() -> None:
    """The worst twentieth is no better than the worst fifth; a larger possible harm costs."""
    values = np.random.default_rng(4).beta(2, 20, 800)
    for method in METHODS:
        tails = [method(values, support=(0, 1), alpha=a).value for a in (0.05, 0.2, 0.6, 1.0)]
        assert tails == sorted(tails, reverse=True)
        assert method(values, support=(0, 2), alpha=0.2).value > tails[1]
        assert tails[0] >= np.sort(values)[-40:].mean()


def test_a_pilot_at_the_end_of_the_range_says_only_the_range() -> None:
    """Where the pilot already reaches the worst, the bound is the worst and not beyond."""
    bound = cvar_rockafellar_uryasev([1, 0, 0, 0, 0], support=(0, 1), alpha=0.1)
    assert bound.value == 1.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"support": None}, "range known before seeing data"),
        ({"support": (0, 0.5)}, r"value is 0\.9, outside the declared support"),
        ({"alpha": 0.0}, "alpha is 0; choose a share of patients"),
        ({"alpha": 1.2}, r"alpha is 1\.2"),
        ({"confidence": 1.0}, "confidence is 1"),
        ({"values": [0.4]}, "at least 2"),
        ({"values": [0.4, np.nan]}, "1 missing or infinite"),
    ],
)
def test_refusals_name_the_fault(method: object, words: dict, message: str) -> None:
    """Without a true, declared range, or with a bad share, nothing is said."""
    right = {"values": [0.1, 0.9, 0.3], "support": (0, 1), "alpha": 0.5}
    with pytest.raises(InputError, match=message):
        method(**{**right, **words})


def test_refusals_of_its_own() -> None:
    """The pilot is a share; the one-sided band holds from a confidence of one half on."""
    with pytest.raises(InputError, match="pilot is 1"):
        cvar_rockafellar_uryasev([0.1, 0.2], support=(0, 1), alpha=0.5, pilot=1.0)
    with pytest.raises(InputError, match=r"confidence is 0\.4; the band needs"):
        cvar_dkw([0.1, 0.2], support=(0, 1), alpha=0.5, confidence=0.4)
