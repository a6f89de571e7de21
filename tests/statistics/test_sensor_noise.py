"""Sensor noise: moments, autocorrelation and tails against closed forms and published figures."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy import stats
from scipy.interpolate import interp1d

from dosegym.therapy.sensor import load_sensor
from dosegym.therapy.sensor_noise import CalibratedNoise

Array = NDArray[np.float64]
STATIONARY_SD = np.sqrt(0.49 / 0.51)


@pytest.fixture(scope="module")
def path() -> Array:
    """Two million consecutive Breton-Kovatchev errors, 5 minutes apart: 19 years."""
    return load_sensor("breton_kovatchev").draw(np.random.default_rng(11), 2_000_000)[1]


def johnson(e: Array) -> Array:
    """Return the Johnson SU transform with Breton and Kovatchev's parameters, mg/dL."""
    return -5.47 + 15.9574 * np.sinh((e + 0.5444) / 1.6898)


def simglucose_path(rng: np.random.Generator, blocks: int) -> Array:
    """Return noise joined ten intervals at a time by a spline of their own, as in simglucose."""
    e, last, parts = 0.0, 0.0, []
    for block in range(blocks):
        knots = [last]
        for _ in range(10 if block else 11):
            e = 0.7 * (e + rng.standard_normal())
            knots.append(float(johnson(np.float64(e))))
        knots = knots[-11:]
        last = knots[-1]
        parts.append(interp1d(np.arange(11) * 15, knots, kind="cubic")(np.arange(5, 151, 5)))
    return np.concatenate(parts)


def test_knots_have_the_closed_form_moments(path: Array) -> None:
    """Mean, SD and skewness on the 15-minute knots are the Johnson transform's, by quadrature."""
    x, weight = hermegauss(120)
    value, weight = johnson(STATIONARY_SD * x), weight / weight.sum()
    mean = weight @ value
    sd = np.sqrt(weight @ (value - mean) ** 2)
    skew = weight @ ((value - mean) / sd) ** 3
    knots = path[::3]
    assert mean == pytest.approx(0.7187, abs=1e-4)
    assert sd == pytest.approx(11.7281, abs=1e-4)
    assert knots.mean() == pytest.approx(mean, abs=0.15)
    assert knots.std() == pytest.approx(sd, rel=0.01)
    assert stats.skew(knots) == pytest.approx(skew, abs=0.1)


def test_knots_are_distributed_as_the_transform_says(path: Array) -> None:
    """A Kolmogorov-Smirnov test on knots six hours apart, where they are independent."""
    far = path[::72]
    latent = -0.5444 + 1.6898 * np.arcsinh((far + 5.47) / 15.9574)
    assert stats.kstest(latent / STATIONARY_SD, "norm").pvalue > 0.01


def test_moments_agree_with_those_measured_on_simglucose(path: Array) -> None:
    """Reference: mean +0.71, SD 11.57, skewness 0.87, 1st and 99th percentile -24 and +34.8."""
    assert path.mean() == pytest.approx(0.71, abs=0.15)
    assert path.std() == pytest.approx(11.57, abs=0.15)
    assert stats.skew(path) == pytest.approx(0.87, abs=0.2)
    assert np.percentile(path, [1, 99]) == pytest.approx([-24.0, 34.8], abs=1.0)
    assert path.min() < -52.0


def test_one_spline_is_as_simglucose_but_for_its_seams(path: Array) -> None:
    """SD and autocorrelation equal the piecewise joining's; only its overshoot at seams is gone."""
    pieces = simglucose_path(np.random.default_rng(12), 6000)
    ours = path[: pieces.size]
    assert ours.std() == pytest.approx(pieces.std(), rel=0.03)
    for lag in (1, 3, 6, 12):
        a, b = (np.corrcoef(z[:-lag], z[lag:])[0, 1] for z in (ours, pieces))
        assert a == pytest.approx(b, abs=0.03)
    by_place = pieces.reshape(-1, 30).std(axis=0)
    assert by_place[0] > 1.02 * by_place[13], "the piecewise spline swings out beside its ends"
    ours_by_place = ours.reshape(-1, 30).std(axis=0).reshape(-1, 3)
    assert np.ptp(ours_by_place[:, 0]) < 0.06 * ours_by_place.mean()


def test_every_period_samples_the_same_process() -> None:
    """The 1, 3 and 5 minute sensors have one distribution and one autocorrelation over 15 min."""
    for name in ("dexcom_bk", "navigator_bk"):
        sensor = load_sensor(name)
        lag = 15 // sensor.period_min
        noise = sensor.draw(np.random.default_rng(13), 400_000 * lag // 3)[1]
        assert noise.std() == pytest.approx(11.57, rel=0.04)
        assert np.corrcoef(noise[:-lag], noise[lag:])[0, 1] == pytest.approx(0.727, abs=0.03)


def test_an_episode_starts_as_it_goes_on() -> None:
    """The first and the last sample of short paths have one variance: no run-in, no end effect."""
    for name in ("breton_kovatchev", "dexcom_g6"):
        sensor, rng = load_sensor(name), np.random.default_rng(14)
        paths = np.array([sensor.draw(rng, 9)[1] for _ in range(8000)])
        assert paths[:, 0].std() == pytest.approx(paths[:, -3].std(), rel=0.05)


@pytest.mark.parametrize(
    ("name", "sd", "first_lag"),
    [("dexcom_g6", 7.960, 0.906), ("dexcom_g5", 6.809, 0.894), ("seven_plus", 10.442, 0.859)],
)
def test_autoregressive_noise_has_its_stationary_moments(
    name: str, sd: float, first_lag: float
) -> None:
    """SD and lag-one autocorrelation are the Yule-Walker solution at one step per 5 minutes."""
    noise = load_sensor(name).noise
    assert isinstance(noise, CalibratedNoise)
    assert noise.sd_mg_dl == pytest.approx(sd, abs=2e-3)
    flat = CalibratedNoise((1, 0, 0), (0, 0, 0), noise.specific, noise.common)
    offset = flat.draw(np.random.default_rng(15), 400_000, 5)[1]
    assert offset.std() == pytest.approx(sd, rel=0.02)
    assert np.corrcoef(offset[:-1], offset[1:])[0, 1] == pytest.approx(first_lag, abs=0.01)


def test_the_g6_relative_error_is_what_its_coefficients_imply() -> None:
    """Its mean absolute relative error equals the folded normal's mean over a sensor's life."""
    sensor, rng = load_sensor("dexcom_g6"), np.random.default_rng(16)
    glucose = np.linspace(70.0, 250.0, 288)
    drawn = np.array([sensor.read(*sensor.draw(rng, 288), glucose) for _ in range(2000)])
    day = np.linspace(0.0, 10.0, 401)[:, None]
    gain, offset = 1.048 + day * (-0.033 + 0.002 * day), -6.398 + day * (6.179 - 0.448 * day)
    bias, sd = (gain - 1.0) * glucose + offset, 7.960
    folded = sd * np.sqrt(2 / np.pi) * np.exp(-0.5 * (bias / sd) ** 2)
    folded += bias * (1.0 - 2.0 * stats.norm.cdf(-bias / sd))
    expected = float((folded / glucose).mean())
    assert expected == pytest.approx(0.051, abs=1e-3)
    assert np.abs(drawn / glucose - 1.0).mean() == pytest.approx(expected, rel=0.02)
