"""The controller of the multipliers: up when violated, down when slack, within bounds."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.training.multipliers import Gains, Multipliers

LIMITS = {"low": 0.01, "high": 0.05}


def test_they_rise_when_violated_and_fall_to_zero_when_slack() -> None:
    """One constraint violated and one slack; then the other way round."""
    found = Multipliers(LIMITS, Gains(ki=0.1))
    rising = [found.update(np.array([0.02, 0.0])).copy() for _ in range(10)]
    assert all(a[0] < b[0] for a, b in pairwise(rising))
    assert rising[-1][1] == 0.0
    falling = [found.update(np.array([0.0, 0.2])).copy() for _ in range(40)]
    assert falling[-1][0] == 0.0
    assert falling[-1][1] > 1.0


def test_one_update_by_hand() -> None:
    """Proportional on the smoothed error, integral on the error, derivative on its rise."""
    gains = Gains(kp=2.0, ki=0.1, kd=3.0, smooth=0.5, cap=10.0)
    found = Multipliers({"a": 0.1}, gains)
    # errors 0.5, then clipped to 3; smoothed 0.25, then 1.625
    assert found.update(np.array([0.15]))[0] == pytest.approx(2 * 0.25 + 0.05 + 3 * 0.25)
    assert found.update(np.array([0.9]))[0] == pytest.approx(2 * 1.625 + 0.35 + 3 * 1.375)


def test_the_cap_holds_and_does_not_wind_up() -> None:
    """Long violation reaches the cap and no further; relief brings the multiplier down at once."""
    found = Multipliers({"a": 0.1}, Gains(kp=0.0, ki=1.0, cap=3.0))
    for _ in range(100):
        found.update(np.array([1.0]))
    assert found.values[0] == 3.0
    assert found.update(np.array([0.0]))[0] == pytest.approx(2.0)


def test_a_limit_of_zero_is_measured_against_the_floor() -> None:
    """A cost that may never occur still has an error of finite size."""
    found = Multipliers({"a": 0.0}, Gains(kp=0.0, ki=1.0, floor=0.01))
    assert found.update(np.array([0.005]))[0] == pytest.approx(0.5)


def test_they_wait_before_they_move() -> None:
    """For two updates nothing happens, the third one counts as a first."""
    found = Multipliers({"a": 0.1}, Gains(kp=0.0, ki=1.0, cap=3.0, start=0.5, wait=2))
    seen = [float(found.update(np.array([0.15]))[0]) for _ in range(3)]
    assert seen == pytest.approx([0.5, 0.5, 1.0])
    again = Multipliers({"a": 0.1}, found.gains)
    again.restore(found.state())
    assert again.update(np.array([0.15]))[0] == pytest.approx(1.5)


def test_what_was_not_measured_stays() -> None:
    """An unknown cost moves nothing, be it NaN."""
    found = Multipliers(LIMITS, Gains(start=1.0))
    found.update(np.array([np.nan, 0.2]), np.array([False, True]))
    assert found.values[0] == 1.0
    assert found.values[1] > 1.0


def test_its_state_restores_it() -> None:
    """Two controllers with one state go on alike."""
    one, two = Multipliers(LIMITS, Gains(kd=1.0)), Multipliers(LIMITS, Gains(kd=1.0))
    one.update(np.array([0.03, 0.2]))
    two.restore(one.state())
    np.testing.assert_array_equal(
        one.update(np.array([0.02, 0.0])), two.update(np.array([0.02, 0.0]))
    )


@pytest.mark.parametrize("cost", [np.nan, np.inf])
def test_a_cost_that_is_no_number_is_refused(cost: float) -> None:
    """NaN would silence a constraint for ever."""
    with pytest.raises(InputError, match="must be finite"):
        Multipliers(LIMITS).update(np.array([cost, 0.0]))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"cap": 0.0}, "cap is 0.0"), ({"smooth": 1.0}, "smooth is 1.0"), ({"kd": -1.0}, "kd is -1")],
)
def test_bad_gains_are_refused(options: dict[str, Any], words: str) -> None:
    """Every gain has its range."""
    with pytest.raises(InputError, match=words):
        Gains(**options)
