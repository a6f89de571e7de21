"""Pumps: limits, increments, units, and the compiled formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from dosegym.physiology.errors import InputError
from dosegym.therapy.pump import PUMPS, load_pump, pump_deliver

REQUEST = st.floats(-50.0, 500.0, allow_nan=False)
NAMES = tuple(PUMPS)


def test_insulet_rounds_to_the_nearest_twentieth() -> None:
    """Requests go to the nearest 0.05, halves up, and never below zero."""
    basal, bolus = load_pump("insulet").deliver([1.23, 1.27, -1.0], [0.024, 0.026, 0.076])
    np.testing.assert_allclose(basal, [1.25, 1.25, 0.0])
    np.testing.assert_allclose(bolus, [0.0, 0.05, 0.1])


@pytest.mark.parametrize(
    ("name", "basal", "bolus"),
    [
        ("insulet", 30.0, 30.0),
        ("cozmo", 35.0, 75.0),
        ("tslim", 15.0, 25.0),
        ("minimed_670g", 35.0, 75.0),
    ],
)
def test_limits_are_per_hour_and_per_bolus(name: str, basal: float, bolus: float) -> None:
    """An excessive request ends exactly at the published U/h and U, not at sixty times that."""
    rate, dose = load_pump(name).deliver([900.0], [900.0])
    np.testing.assert_allclose([rate[0], dose[0]], [basal, bolus])


def test_the_ideal_pump_changes_nothing() -> None:
    """Without increments a request within the limits is delivered to the last bit."""
    asked = np.random.default_rng(0).random(1000) * 100.0
    rate, dose = load_pump("ideal").deliver(asked, asked)
    assert np.array_equal(rate, asked)
    assert np.array_equal(dose, asked)


def test_rounding_to_the_nearest_is_right_on_average() -> None:
    """Micro-boluses below an increment keep their mean, which rounding down would lose."""
    asked = np.random.default_rng(1).random(200_000) * 0.4
    _, given_u = load_pump("insulet").deliver(np.zeros_like(asked), asked)
    assert abs(given_u.mean() - asked.mean()) < 3.0 * 0.05 / np.sqrt(12.0 * asked.size)
    assert (np.floor(asked / 0.05) * 0.05).mean() < asked.mean() - 0.02


@given(name=st.sampled_from(NAMES), basal=REQUEST, bolus=REQUEST)
def test_delivery_obeys_limit_increment_and_nearness(name: str, basal: float, bolus: float) -> None:
    """Any request: within [0, limit], a multiple of the increment, within half of one."""
    pump = PUMPS[name]
    rate, dose = pump.deliver([basal], [bolus])
    for asked, got, limit, step in (
        (basal, rate[0], pump.max_basal_u_per_h, pump.basal_increment_u_per_h),
        (bolus, dose[0], pump.max_bolus_u, pump.bolus_increment_u),
    ):
        assert 0.0 <= got <= limit + 1e-9
        assert abs(got - min(max(asked, 0.0), limit)) <= step / 2 + 1e-9
        if step:
            assert abs(got / step - round(got / step)) < 1e-6
    again = pump.deliver(rate, dose)
    np.testing.assert_allclose([again[0][0], again[1][0]], [rate[0], dose[0]], atol=1e-9)


def test_the_compiled_formula_is_the_same_formula() -> None:
    """Numba's version for single numbers equals ``deliver`` bit for bit."""
    compiled = njit(pump_deliver)
    asked = np.random.default_rng(2).random(200) * 80.0 - 5.0
    for pump in PUMPS.values():
        numbers = (
            pump.max_basal_u_per_h,
            pump.basal_increment_u_per_h,
            pump.max_bolus_u,
            pump.bolus_increment_u,
        )
        single = np.array([compiled(v, v, *numbers) for v in asked]).T
        assert np.array_equal(single, np.array(pump.deliver(asked, asked)))


def test_delivery_errors_have_the_stated_spread() -> None:
    """The t:slim's factors scatter by 2.95 % and 0.94 % around 1, and the insulet's not at all."""
    basal, bolus = load_pump("tslim").draw_errors(np.random.default_rng(3), 100_000)
    assert basal.std() == pytest.approx(0.0295, rel=0.02)
    assert bolus.std() == pytest.approx(0.0094, rel=0.02)
    assert basal.mean() == pytest.approx(1.0, abs=5e-4)
    exact, _ = load_pump("insulet").draw_errors(np.random.default_rng(3), 10)
    assert np.array_equal(exact, np.ones(10))


def test_a_preset_can_be_changed() -> None:
    """A mapping changes the named numbers and leaves the others."""
    pump = load_pump({"preset": "tslim", "max_bolus_u": 10, "basal_error_cv": 0.0})
    assert (pump.max_bolus_u, pump.basal_error_cv, pump.max_basal_u_per_h) == (10, 0.0, 15.0)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("omnipod", "pump is 'omnipod'; choose one of insulet, cozmo"),
        (7, "pump is 7; give a preset's name"),
        ({"preset": "tslim", "max_basal": 3}, "pump has no setting 'max_basal'; it has name"),
        ({"max_bolus_u": "ten"}, "pump max_bolus_u is 'ten'; it must be a finite number"),
        ({"max_bolus_u": -1}, "pump max_bolus_u is -1 U; give a value between 0 and 1000 U"),
        ({"bolus_increment_u": 40}, "bolus_increment_u is 40 U; give a value between 0 and 30 U"),
        ({"max_basal_u_per_h": float("nan")}, "must be a finite number"),
    ],
)
def test_bad_pumps_are_refused_in_one_line(asked: object, message: str) -> None:
    """Unknown names, keys and values are named with the mend."""
    with pytest.raises(InputError) as caught:
        load_pump(asked)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
