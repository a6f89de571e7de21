"""The filter against closed forms, within its bounds, and over gaps and limits of the sensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records.series import GlucoseSeries
from dosegym.records.timeline import Timeline
from dosegym.twins import Twin, fit_twin
from dosegym.twins.ensemble import Ensemble, bounded, ensemble_of, stack
from dosegym.twins.ensemble_kalman import (
    READING_SD,
    SMALLEST_SD,
    Interval,
    analyse,
    forecast,
    update,
)
from dosegym.twins.prior import FITTED
from dosegym.twins.stream_grid import interval_of, steps_of


@pytest.fixture(scope="module")
def twin(noisy: Timeline) -> Twin:
    """Return a twin of the first day of a noisy record."""
    start = float(noisy.glucose.time_s[0])
    known = noisy.window(start, start + 86400.0 + 1.0)
    return fit_twin(known, posterior="laplace", starts=1, hold_out=False)


def quiet(reading: float, side: int = 0) -> Interval:
    """Return five minutes with basal insulin and perhaps a reading at their end."""
    when = np.zeros((1, 5))
    when[0, -1] = 1.0
    return Interval(
        np.full((1, 5), 0.02), np.zeros((1, 5)), np.zeros(1, bool), np.zeros(1, bool),
        np.array([reading]), when, np.array([side], dtype=np.int8), np.array([300.0]),
    )  # fmt: skip


def test_the_analysis_is_that_of_kalman(twin: Twin) -> None:
    """Mean and variance of what is seen follow the scalar Kalman formulas exactly."""
    ensemble = ensemble_of(twin, np.random.default_rng(0))
    expected = ensemble["error"] * 1.0 + 120.0
    reading = quiet(float(expected.mean() + 4.0))
    after, innovation = analyse(ensemble, expected, reading)
    variance = expected.var(ddof=1)
    gain = variance / (variance + READING_SD**2)
    moved = after["error"].mean() - ensemble["error"].mean()
    assert moved == pytest.approx(4.0 * gain, rel=0.01)
    assert after["error"].var(ddof=1) == pytest.approx((1.0 - gain) * variance, rel=0.05)
    assert innovation.standard[0] == pytest.approx(4.0 / np.hypot(variance**0.5, READING_SD))


def test_what_is_unrelated_does_not_move(twin: Twin) -> None:
    """Chance correlations of 256 members leave coordinates that a reading says nothing of alone."""
    ensemble = ensemble_of(twin, np.random.default_rng(0))
    expected = 120.0 + 5.0 * np.random.default_rng(9).standard_normal((1, 256))
    after, _ = analyse(ensemble, expected, quiet(130.0))
    moved = np.abs(after.z.mean(axis=1) - ensemble.z.mean(axis=1)) / ensemble.z.std(axis=1)
    assert moved.max() < 0.25
    assert np.median(moved) < 0.02


def test_states_stay_within_their_bounds(twin: Twin) -> None:
    """Readings that no body can follow leave every state within its quantity's bounds."""
    rng = np.random.default_rng(1)
    ensemble = ensemble_of(twin, rng)
    for reading in (40.0, 400.0, 40.0, np.nan, 400.0, 40.0) * 3:
        ensemble, _ = update(ensemble, quiet(reading), rng)
        assert np.isfinite(ensemble.values).all()
        assert np.array_equal(bounded(ensemble).values, ensemble.values)
        glucose = ensemble.glucose(ensemble.params())
        assert (glucose >= 0.0).all()


def test_censored_readings_that_agree_teach_nothing(twin: Twin) -> None:
    """A reading of "high" moves members that lie below the limit, and none that lie above it."""
    rng = np.random.default_rng(2)
    ensemble = ensemble_of(twin, rng)
    moved, expected = forecast(ensemble, quiet(400.0, 1), rng)
    above, told = analyse(moved, expected + 600.0, quiet(400.0, 1))
    assert told.error[0] == 0.0
    assert np.array_equal(above.z, bounded(moved).z)
    below, _ = analyse(moved, expected, quiet(400.0, 1))
    at = ensemble.model.state_index["interstitial_glucose_mass"]
    assert below.states[:, :, at].mean() > moved.states[:, :, at].mean()


def test_spread_never_collapses(twin: Twin, noisy: Timeline) -> None:
    """After a day of readings every coordinate of the body keeps a spread, none below its floor."""
    rng = np.random.default_rng(3)
    ensemble = ensemble_of(twin, rng, members=64)
    steps = steps_of(noisy, twin.end_s, 270, 1.0)
    for k in range(len(steps)):
        ensemble, _ = update(ensemble, interval_of([steps], k), rng)
    assert ensemble.z[:, :, :8].std(axis=1).min() > 0.05


def test_a_collapsed_spread_opens_again(twin: Twin) -> None:
    """Members that have become one grow apart to the floor, and without readings towards the prior.

    The mean stays where it was: shrinkage and growth are about it.
    """
    rng = np.random.default_rng(7)
    ensemble = ensemble_of(twin, rng, members=128)
    body = slice(0, len(FITTED) + 1)
    mean = ensemble.z[:, :, body].mean(axis=1, keepdims=True)
    ensemble.z[:, :, body] = mean + 1e-4 * (ensemble.z[:, :, body] - mean)
    for _ in range(288):
        ensemble, _ = update(ensemble, quiet(np.nan), rng)
    after_a_day = ensemble.z[:, :, body].std(axis=1)
    assert after_a_day.min() > 0.95 * SMALLEST_SD
    for _ in range(288):
        ensemble, _ = update(ensemble, quiet(np.nan), rng)
    assert ensemble.z[:, :, body].std(axis=1).mean() > 1.03 * after_a_day.mean()
    assert np.abs(ensemble.z[:, :, body].mean(axis=1) - mean[:, 0]).max() < 0.1


def test_innovations_are_as_large_as_expected(twin: Twin, noisy: Timeline) -> None:
    """Their normalised squares average about one, and neighbours are hardly alike."""
    rng = np.random.default_rng(4)
    ensemble = ensemble_of(twin, rng)
    steps = steps_of(noisy, twin.end_s, 280, 1.0)
    seen = []
    for k in range(len(steps)):
        ensemble, innovation = update(ensemble, interval_of([steps], k), rng)
        seen.append(float(innovation.standard[0]))
    s = np.array(seen)
    assert 0.5 < np.mean(s**2) < 1.6
    assert abs(np.corrcoef(s[1:], s[:-1])[0, 1]) < 0.3


def test_a_gap_widens_what_is_known_and_a_reading_narrows_it(twin: Twin) -> None:
    """Hours without readings spread glucose; the first reading after them draws it together."""
    rng = np.random.default_rng(5)
    ensemble = ensemble_of(twin, rng)
    spread: list[float] = []
    for reading in (*[120.0] * 6, *[np.nan] * 36, 150.0, 150.0):
        ensemble, _ = update(ensemble, quiet(reading), rng)
        spread.append(float(ensemble.glucose(ensemble.params()).std()))
    assert spread[41] > 1.3 * spread[5]
    assert spread[43] < 0.85 * spread[41]


def test_people_in_one_batch_do_not_touch_each_other(twin: Twin) -> None:
    """A reading of one row moves no other row."""
    rng = np.random.default_rng(6)
    two: Ensemble = stack([ensemble_of(twin, rng), ensemble_of(twin, rng)])
    both = quiet(180.0).repeated(2)
    both = replace(both, reading=np.array([180.0, np.nan]))
    moved, expected = forecast(two, both, rng)
    after, innovation = analyse(moved, expected, both)
    assert np.array_equal(after.values[1], bounded(moved).values[1])
    assert not np.array_equal(after.z[0], moved.z[0])
    assert np.isnan(innovation.error[1])


@pytest.mark.parametrize("every_min", [1, 5, 15])
def test_sensors_of_any_pace_are_laid_out(noisy: Timeline, every_min: int) -> None:
    """Sensors of 1, 5 and 15 minutes give one mean per interval, at the minutes they were read."""
    start = float(noisy.glucose.time_s[0])
    time = start + 60.0 * np.arange(1, 121, every_min)
    value = 100.0 + (time - start) / 60.0
    series = GlucoseSeries(time, value, np.zeros(len(time), dtype=np.int8))
    steps = steps_of(replace(noisy, glucose=series), start, 24, 1.0)
    there = np.isfinite(steps.reading)
    assert there.sum() == (24 if every_min < 15 else 8)
    minute = 5.0 * np.arange(24)[:, None] + np.arange(1, 6)
    assert np.allclose((steps.when * (100.0 + minute)).sum(axis=1)[there], steps.reading[there])


def test_a_twin_without_draws_is_refused(twin: Twin) -> None:
    """One line says that a fit is needed."""
    with pytest.raises(InputError, match="fit it again"):
        ensemble_of(replace(twin, posterior=None), np.random.default_rng(0))
