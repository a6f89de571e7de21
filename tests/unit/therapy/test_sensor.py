"""Sensors: presets, readings, the spline, the calibration's life, determinism and messages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from dosegym.physiology.errors import InputError
from dosegym.therapy.sensor import SENSORS, load_sensor
from dosegym.therapy.sensor_noise import REACH, CalibratedNoise, JohnsonNoise, spline_weights

NAMES = tuple(SENSORS)


class Fixed:
    """A generator of zeros whose single uniform is chosen: what is left is the calibration."""

    def __init__(self, uniform: float = 0.0) -> None:
        self.uniform = uniform

    def random(self) -> float:
        return self.uniform

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)


@pytest.mark.parametrize(
    ("name", "period", "low", "high"),
    [
        ("breton_kovatchev", 5, 39, 600),
        ("dexcom_bk", 3, 39, 600),
        ("navigator_bk", 1, 32, 600),
        ("dexcom_g6", 5, 40, 400),
        ("dexcom_g5", 5, 40, 400),
        ("seven_plus", 5, 40, 400),
    ],
)
def test_periods_and_limits_are_the_sources(
    name: str, period: int, low: float, high: float
) -> None:
    """The simglucose table's periods and limits, and Dexcom's 40 to 400 mg/dL."""
    sensor = load_sensor(name)
    assert (sensor.period_min, sensor.low_mg_dl, sensor.high_mg_dl) == (period, low, high)


def test_reading_is_gain_offset_and_limits() -> None:
    """The reading is the clipped affine function of the latest interstitial glucose."""
    sensor = load_sensor("dexcom_g6")
    got = sensor.read([1.1, 1.0, 1.0], [-5.0, -100.0, 0.0], [100.0, 120.0, 900.0])
    np.testing.assert_allclose(got, [105.0, 40.0, 400.0])


def test_noise_free_shows_interstitial_glucose() -> None:
    """Without error the reading is glucose itself, and no random number is spent."""
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    gain, offset = load_sensor("noise_free").draw(rng, 5)
    glucose = np.array([45.0, 70.0, 120.0, 250.0, 500.0])
    assert np.array_equal(load_sensor("noise_free").read(gain, offset, glucose), glucose)
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("period", [1, 3, 5, 15])
def test_the_spline_is_scipys_cubic_spline(period: int) -> None:
    """Far from both ends the weights give SciPy's spline through all knots, to 1e-5 mg/dL."""
    knots = 12.0 * np.random.default_rng(1).standard_normal(121)
    phases = 15 // period
    windows = np.lib.stride_tricks.sliding_window_view(knots, 2 * REACH)
    ours = (windows @ spline_weights(phases)).ravel()
    minutes = 15.0 * (REACH - 1) + period * np.arange(ours.size)
    whole = CubicSpline(15.0 * np.arange(knots.size), knots)(minutes)
    inner = slice(10 * phases, -10 * phases)
    np.testing.assert_allclose(ours[inner], whole[inner], atol=1e-5)


def test_every_fifteen_minutes_the_noise_is_a_knot() -> None:
    """On the knots the Breton-Kovatchev noise is the Johnson transform of the recursion itself."""
    noise = JohnsonNoise()
    _, offset = noise.draw(np.random.default_rng(2), 60, 5)
    w = np.random.default_rng(2).standard_normal(20 + 2 * REACH - 1)
    e = [w[0]]
    for draw in w[1:]:
        e.append(0.7 * (e[-1] + draw))
    knots = -5.47 + 15.9574 * np.sinh((np.array(e) + 0.5444) / 1.6898)
    np.testing.assert_allclose(offset[::3], knots[REACH - 1 : REACH + 19], atol=1e-9)


def test_the_g6_calibration_is_the_published_polynomial() -> None:
    """A new sensor starts at 1.048 and -6.398, and follows the polynomials for five days."""
    gain, offset = load_sensor("dexcom_g6").draw(Fixed(0.0), 1441)  # type: ignore[arg-type]
    assert (gain[0], offset[0]) == pytest.approx((1.048, -6.398))
    assert gain[-1] == pytest.approx(1.048 - 0.033 * 5 + 0.002 * 25)
    assert offset[-1] == pytest.approx(-6.398 + 6.179 * 5 - 0.448 * 25)


@pytest.mark.parametrize(("name", "days"), [("dexcom_g6", 10.0), ("dexcom_g5", 0.5)])
def test_the_calibration_starts_again(name: str, days: float) -> None:
    """After a sensor's ten days, or twelve hours between calibrations, the first values return."""
    n = round(days * 288)
    gain, offset = load_sensor(name).draw(Fixed(0.3), 2 * n)  # type: ignore[arg-type]
    np.testing.assert_allclose(gain[n:], gain[:n], atol=1e-9)
    np.testing.assert_allclose(offset[n:], offset[:n], atol=1e-9)
    jump = round(0.7 * n)
    assert abs(gain[jump] - gain[jump - 1]) > 5 * abs(gain[1] - gain[0])


def test_the_first_sample_may_be_of_a_worn_sensor() -> None:
    """Episodes begin anywhere in a sensor's life, evenly."""
    sensor = load_sensor({"preset": "dexcom_g6", "gain": [0.0, 1.0, 0.0]})
    rng = np.random.default_rng(3)
    ages = np.array([sensor.draw(rng, 1)[0][0] for _ in range(4000)])
    assert (np.quantile(ages, [0.25, 0.5, 0.75]) - [2.5, 5.0, 7.5] < 0.35).all()
    assert ages.min() >= 0.0
    assert ages.max() < 10.0


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32), n=st.integers(1, 400))
def test_draws_are_deterministic_finite_and_nested(name: str, seed: int, n: int) -> None:
    """Same seed, same path and same random numbers spent; a longer path begins alike."""
    sensor = SENSORS[name]
    rngs = [np.random.default_rng(seed) for _ in range(2)]
    (gain, offset), (gain2, offset2) = (sensor.draw(rng, n) for rng in rngs)
    assert gain.shape == offset.shape == (n,)
    assert np.isfinite(gain).all()
    assert np.isfinite(offset).all()
    assert np.array_equal(gain, gain2)
    assert np.array_equal(offset, offset2)
    assert rngs[0].bit_generator.state == rngs[1].bit_generator.state
    longer = sensor.draw(np.random.default_rng(seed), n + 37)
    np.testing.assert_allclose(longer[0][:n], gain, rtol=0, atol=1e-12)
    np.testing.assert_allclose(longer[1][:n], offset, rtol=0, atol=1e-9)


def test_a_preset_can_be_changed_together_with_its_noise() -> None:
    """A mapping reaches the sensor's own numbers and its noise's, and both at once."""
    sensor = load_sensor({"preset": "breton_kovatchev", "period_min": 15, "scale": 0.0, "xi": 2.0})
    np.testing.assert_allclose(sensor.draw(np.random.default_rng(0), 4)[1], 2.0, atol=1e-9)
    slow = load_sensor({"preset": "dexcom_g6", "period_min": 10, "step_min": 10})
    assert slow.period_min == 10


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("libre", "sensor is 'libre'; choose one of breton_kovatchev"),
        (None, "sensor is None; give a preset's name"),
        ({"preset": "dexcom_g6", "xi": 1}, "sensor has no setting 'xi'; dexcom_g6 has name"),
        ({"noise": 3}, "sensor has no setting 'noise'"),
        ({"period_min": 4}, "sensor period_min is 4 min; this noise needs 1, 3, 5 or 15 min"),
        ({"period_min": 0}, "sensor period_min is 0 min; give a value between 1 and 60 min"),
        ({"period_min": 2.5}, "sensor period_min is 2.5 min; give a whole number of minutes"),
        ({"preset": "dexcom_g5", "period_min": 3}, "identified at 5 min"),
        ({"low_mg_dl": 700}, "sensor low_mg_dl is 700 mg/dL; give a value between 0 and 600"),
        ({"preset": "dexcom_g6", "gain": [1.0]}, "number of values of sensor gain is 1"),
        ({"preset": "dexcom_g6", "gain": 1.0}, "sensor gain is 1.0; it must be a list of finite"),
        ({"preset": "dexcom_g6", "specific": [2.0, 0.5, 1.0]}, "sensor first coefficient is 2"),
        ({"preset": "dexcom_g6", "common": [0.0, 0.0, "x"]}, "sensor common is [0.0, 0.0, 'x']"),
    ],
)
def test_bad_sensors_are_refused_in_one_line(asked: object, message: str) -> None:
    """Unknown names, keys and values are named with the mend."""
    with pytest.raises(InputError) as caught:
        load_sensor(asked)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unstable_recursion_is_refused() -> None:
    """Coefficients whose variance would grow without bound cannot make a sensor."""
    with pytest.raises(InputError, match="first coefficient"):
        CalibratedNoise((1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.6, -0.5, 1.0))
