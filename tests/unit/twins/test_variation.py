"""Days, hours and meals: their covariance, the next day's, and how glucose answers to each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dosegym.records.timeline import Timeline
from dosegym.twins.coordinates import NAMES, coordinates_for
from dosegym.twins.days import estimate_days
from dosegym.twins.forward import run, run_windows, windows_in
from dosegym.twins.local import local_slopes
from dosegym.twins.noise import Noise, whitening
from dosegym.twins.observations import observe
from dosegym.twins.variation import USUAL, Variation, next_windows, rhythm
from dosegym.twins.virtual import Life

Body = Callable[..., tuple[np.ndarray, Timeline]]


def test_windows_share_days_and_hours() -> None:
    """Windows of one day share its effect, those of one hour their rhythm, each has its own."""
    covariance = Variation(day=2.0, rhythm=3.0, window=4.0).windows(6)
    assert covariance[0, 0] == 4.0 + 9.0 + 16.0
    assert covariance[0, 1] == 4.0
    assert covariance[0, 3] == 9.0
    assert covariance[0, 4] == 0.0


def test_a_rhythm_is_carried_to_the_next_day_and_a_day_is_not() -> None:
    """With a rhythm only, the next day repeats it; with days only, it is expected to be usual."""
    past = np.tile([0.3, 0.0, -0.3], 10)
    same = rhythm(Variation(day=0.01, rhythm=0.3, window=0.05), past)
    assert same == pytest.approx([0.3, 0.0, -0.3], abs=0.02)
    days = np.repeat([0.3, -0.3], 15)[None]
    mean, spread = next_windows(Variation(day=0.3, rhythm=0.01, window=0.05), days, 3)
    assert np.abs(mean).max() < 0.02
    assert np.sqrt(np.diag(spread)) == pytest.approx(np.full(3, np.hypot(0.3, 0.05)), rel=0.02)


def test_spreads_are_found_from_effects_that_are_known_exactly() -> None:
    """Repeated steps of expectation-maximisation reach the spreads that made the effects."""
    rng, true = np.random.default_rng(4), Variation(day=0.3, rhythm=0.25, window=0.1, meal=0.4)
    windows = 180
    effect = np.concatenate(
        [
            np.linalg.cholesky(true.windows(windows)) @ rng.standard_normal(windows),
            true.meal * rng.standard_normal(400),
        ]
    )
    found = USUAL
    for _ in range(20):
        found = found.updated(effect, np.zeros((580, 580)), windows)
    assert found.day == pytest.approx(true.day, rel=0.25)
    assert found.window == pytest.approx(true.window, rel=0.25)
    assert found.meal == pytest.approx(true.meal, rel=0.1)


def test_short_runs_give_the_derivatives_of_the_long_one(body_in_prior: Body) -> None:
    """Slopes by windows and meals equal differences of whole runs."""
    z, record = body_in_prior(7, Life(days=2.0))
    seen, where = observe(record), coordinates_for("adult", 75.0, None)
    windows = windows_in(seen)
    shift = 0.1 * np.random.default_rng(1).standard_normal(windows + seen.meals)
    glucose, starts = run_windows(where, z[None], seen, shift[None])
    slope = local_slopes(where, z, seen, shift, glucose[:, 0], starts[:windows, 0])
    chosen = [2, windows - 1, windows, windows + seen.meals - 1]
    moved = shift + 1e-3 * np.eye(len(shift))[chosen]
    whole = (run(where, np.repeat(z[None], len(chosen), axis=0), seen, moved) - glucose) / 1e-3
    for column, effect in zip(whole.T, chosen, strict=True):
        begins = 96 * effect if effect < windows else 0
        until = begins + 4 * 96 if effect < windows else 96 * 3
        assert slope[:until, effect] == pytest.approx(column[:until], abs=1e-6)
    assert np.abs(slope).max() > 10.0


def test_the_effect_of_a_day_is_found(body_in_prior: Body) -> None:
    """Insulin that acts half as strongly again on one day shows in that day's windows."""
    z, record = body_in_prior(3, Life(days=3.0, sensor_sd=3.0))
    where, seen = coordinates_for("adult", 75.0, None), observe(record)
    true = np.zeros(windows_in(seen) + seen.meals)
    true[3:6] = np.log(1.5)
    glucose = run(where, z[None], seen, true[None])[:, 0]
    changed = type(seen)(seen.start_s, seen.insulin, seen.carbs, glucose, 0 * seen.censored)
    found = estimate_days(where, z, changed, whitening(changed), Noise(5.0, 0.8))
    assert found.effect[3:6].mean() == pytest.approx(np.log(1.5), abs=0.1)
    assert np.abs(found.effect[[0, 1, 2, 7, 8]]).max() < 0.1


def test_no_effect_means_the_person_as_usual(body_in_prior: Body) -> None:
    """Runs without local effects equal runs with effects of zero."""
    z, record = body_in_prior(5, Life(days=1.0))
    seen, where = observe(record), coordinates_for("adult", 75.0, None)
    zero = np.zeros((1, windows_in(seen) + seen.meals))
    assert len(z) == len(NAMES)
    np.testing.assert_array_equal(run(where, z[None], seen), run(where, z[None], seen, zero))
