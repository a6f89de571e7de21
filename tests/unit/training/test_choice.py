"""The choice of the best agent of a run, with limits and without."""

import pytest

from dosegym.training.choice import excess_of, is_better

LIMITS = {"below_54": 0.01, "sbp_below_100": 0.005, "unknown": 0.0}


def test_excess_is_in_percent_of_steps() -> None:
    """Figures are found under both names; what validation does not tell counts nothing."""
    figures = {"score": 1.0, "time_below_54": 1.5, "sbp_below_100": 0.4}
    assert excess_of(figures, LIMITS) == pytest.approx(0.5)


def test_limits_go_before_the_score() -> None:
    """Within the limits beats a higher score outside; inside, the score decides."""
    inside, outside = {"score": 50.0, "time_below_54": 0.9}, {"score": 90.0, "time_below_54": 2.0}
    assert is_better(inside, outside, LIMITS)
    assert not is_better(outside, inside, LIMITS)
    assert is_better({"score": 51.0, "time_below_54": 0.1}, inside, LIMITS)
    assert is_better(outside, inside, {})
    assert not is_better(inside, inside, LIMITS)
