"""The last moves on long records: what is held stays, and the noise comes back from afar."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from dosegym.twins.centred import Centred
from dosegym.twins.chart import chart_about
from dosegym.twins.likelihood import Likelihood
from dosegym.twins.mode import most_probable_vector
from dosegym.twins.settle import PARTICLES, refreshed, settle
from dosegym.twins.simulated import first_days, simulated
from dosegym.twins.unknowns import Slot, Unknowns


@cache
def chart() -> Centred:
    """Return the chart about the top of a patient's first day, with one suspected meal."""
    patient = simulated(np.random.default_rng(4))
    known = first_days(patient.seen, 1)
    slots = (Slot(300.0, 30.0, 0.02),)
    likelihood = Likelihood.of(Unknowns.of(patient.truth.where, known, slots), known)
    mode = most_probable_vector(likelihood, np.zeros(likelihood.unknowns.size))
    return Centred.of(chart_about(likelihood, mode.u))


def particles(n: int, seed: int = 0) -> np.ndarray:
    """Return coordinates (n, D) about the top."""
    return np.random.default_rng(seed).standard_normal((n, len(chart().chart.u)))


def test_a_chart_about_particles_leaves_them_where_they_are() -> None:
    """The same unknowns, in coordinates whose middle is the particles' own."""
    x = particles(40)
    found, moved = chart().about(x)
    np.testing.assert_allclose(found(moved)[0], chart()(x)[0], atol=1e-7)
    at = found.chart.at
    np.testing.assert_allclose(moved[:, at].mean(axis=0), 0.0, atol=1e-7)
    own = np.linalg.eigvalsh(np.cov(moved[:, at].T))
    assert 0.5 < own.min() <= own.max() <= 1.0 + 1e-9


def test_noise_and_spreads_move_and_nothing_else() -> None:
    """Body, effects and suspected meals stay, and the target told is the target there."""
    x, a = particles(16), chart().chart.likelihood.unknowns
    before = chart()(x)[0]
    moved, known = refreshed(chart(), x, [0.05, 0.3], np.random.default_rng(1))
    after = chart()(moved)[0]
    np.testing.assert_allclose(after[:, : a.body], before[:, : a.body], atol=1e-8)
    np.testing.assert_allclose(a.effects(after), a.effects(before), atol=1e-8)
    np.testing.assert_allclose(after[:, a.meals_at.stop :], before[:, a.meals_at.stop :], atol=1e-8)
    changed = np.abs(after - before) > 1e-6
    assert changed[:, chart().chart.at].any(axis=1).mean() > 0.5
    assert changed[:, a.spreads].any(axis=1).mean() > 0.5
    np.testing.assert_allclose(known, chart().log_target(moved), atol=1e-6)


def test_noise_given_glucose_has_its_own_law() -> None:
    """Moved long enough, the noise of one path follows its density on a grid."""
    one = np.zeros((1, len(chart().chart.u)))
    x, sizes, rng = np.repeat(one, 400, axis=0), [0.1, 0.3], np.random.default_rng(2)
    for _ in range(40):
        x, _ = refreshed(chart(), x, sizes, rng)
    likelihood, at = chart().chart.likelihood, chart().chart.at
    u = chart()(one)[0]
    glucose = likelihood.glucose(u)[likelihood.use.index]
    grid = np.stack(np.meshgrid(np.linspace(-3, 3, 241), np.linspace(-4, 4, 161)), -1)
    grid = grid.reshape(-1, 2)
    rows = np.repeat(u, len(grid), axis=0)
    rows[:, at] = grid
    fit = likelihood.of_glucose(np.repeat(glucose, len(grid), axis=1), likelihood.noise(rows))
    value = fit - 0.5 * (grid**2).sum(axis=1)
    share = np.exp(value - value.max())
    share /= share.sum()
    mean = share @ grid
    sd = np.sqrt(share @ (grid - mean) ** 2)
    drawn = chart()(x)[0][:, at]
    np.testing.assert_allclose((drawn.mean(axis=0) - mean) / sd, 0.0, atol=0.25)
    np.testing.assert_allclose(drawn.std(axis=0) / sd, 1.0, atol=0.2)


def test_particles_with_too_much_noise_settle_where_others_do() -> None:
    """Begun with noise six of its spreads too large, draws tell the same noise as others."""
    n, at = 2 * PARTICLES, chart().chart.at
    near, far = particles(PARTICLES, 3), particles(PARTICLES, 4)
    far[:, at.start] += 6.0
    one, other = (
        settle(chart(), x, n, 160, np.random.default_rng(seed))
        for seed, x in enumerate((near, far))
    )
    assert one.u.shape == other.u.shape == (n, near.shape[1])
    noise = [np.log(chart().chart.likelihood.noise(s.u)[:, 0]) for s in (one, other)]
    sd = float(np.std(noise[0]))
    assert abs(float(noise[1].mean() - noise[0].mean())) < 0.6 * sd
    assert float(np.std(noise[1])) == pytest.approx(sd, rel=0.4)
    assert other.remembered < 0.3


def test_places_beyond_any_posterior_are_refused_not_computed() -> None:
    """Noise or spreads that overflow have no density; their neighbours keep theirs."""
    x, a = particles(4), chart().chart.likelihood.unknowns
    x[1, chart().chart.at.start] = 1e5
    x[2, a.spreads.start] = 1e4
    found = chart().log_target(x)
    assert np.isneginf(found[[1, 2]]).all()
    np.testing.assert_allclose(found[[0, 3]], chart().log_target(x[[0, 3]]), rtol=1e-12)


def test_particles_of_one_noise_settle_too() -> None:
    """A bridge that held the noise may leave a single value; nothing overflows and it spreads."""
    x = 0.1 * particles(PARTICLES, 5)
    x[:, chart().chart.at] = 0.0
    done = settle(chart(), x, PARTICLES, 120, np.random.default_rng(0))
    assert np.isfinite(done.u).all()
    assert done.u[:, chart().chart.at].std(axis=0).min() > 0.02
