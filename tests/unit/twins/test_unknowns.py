"""The vector of unknowns, its likelihood and its chart are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dosegym.twins.chart import chart_about
from dosegym.twins.coordinates import FITTED, coordinates_for
from dosegym.twins.likelihood import STUDENT_SD, Likelihood
from dosegym.twins.mode import most_probable_vector
from dosegym.twins.simulated import Simulated, first_days, simulated
from dosegym.twins.unknowns import Unknowns
from dosegym.twins.variation import Variation


@pytest.fixture(scope="module")
def patient() -> Simulated:
    return simulated(np.random.default_rng(4))


def test_local_effects_have_the_prior_of_their_spreads(patient: Simulated) -> None:
    """Windows and meals of many draws have the covariance that ``Variation`` gives."""
    n = 40_000
    u = np.random.default_rng(0).standard_normal((n, patient.truth.size))
    u[:, patient.truth.spreads] = 0.0
    effects = patient.truth.effects(u)
    wanted = Variation().prior(patient.truth.windows, patient.truth.meals)
    np.testing.assert_allclose(np.cov(effects.T), wanted, atol=0.004)


def test_a_longer_record_keeps_what_a_shorter_one_told(patient: Simulated) -> None:
    """Body, noise and past effects stay when a record goes on; only what comes after is new."""
    short = Unknowns.of(patient.truth.where, first_days(patient.seen, 1))
    rng = np.random.default_rng(1)
    u = rng.standard_normal((5, short.size))
    longer = short.continued(u, patient.truth, rng)
    before, after = short.effects(u), patient.truth.effects(longer)
    np.testing.assert_allclose(after[:, : short.windows], before[:, : short.windows])
    meals = after[:, patient.truth.windows :][:, : short.meals]
    np.testing.assert_allclose(meals, before[:, short.windows :])
    np.testing.assert_array_equal(patient.truth.noise(longer), short.noise(u))


def test_likelihood_is_that_of_student_innovations(patient: Simulated) -> None:
    """Without gaps or limits it is the product of t densities of AR(1) innovations."""
    known = Likelihood.of(patient.truth, patient.seen)
    rng = np.random.default_rng(2)
    error = rng.standard_normal((len(known.use.index), 2)) * 5.0
    noise = np.array([[8.0, 0.8], [12.0, 0.6]])
    glucose = np.where(patient.seen.censored[known.use.index] == 0, 1.0, 1.0)[:, None]
    shown = patient.seen.glucose[known.use.index, None]
    plain = Likelihood(patient.truth, patient.seen, known.use)
    free = np.flatnonzero(patient.seen.censored == 0)
    assert len(free) == len(shown), "this patient stays within the sensor's range"
    found = plain.of_glucose(shown * glucose - error, noise)
    for j, (sigma, rho) in enumerate(noise):
        scale = sigma / STUDENT_SD * np.sqrt(1.0 - rho**2)
        first = stats.t.logpdf(error[0, j], 5, scale=sigma / STUDENT_SD)
        rest = stats.t.logpdf(error[1:, j] - rho * error[:-1, j], 5, scale=scale).sum()
        constant = len(error) * stats.t.logpdf(0.0, 5)
        assert found[j] == pytest.approx(first + rest - constant, rel=1e-9)


def test_the_chart_tells_its_volume(patient: Simulated) -> None:
    """The logarithm of a unit's volume is that of the map's own derivative."""
    known = first_days(patient.seen, 1)
    likelihood = Likelihood.of(Unknowns.of(patient.truth.where, known), known)
    mode = most_probable_vector(likelihood, np.zeros(likelihood.unknowns.size))
    chart = chart_about(likelihood, mode.u)
    d = likelihood.unknowns.size
    for x in np.random.default_rng(5).standard_normal((2, d)):
        step = 1e-5
        u, volume = chart(np.concatenate([x[None], x + step * np.eye(d)]))
        slope = (u[1:] - u[:1]).T / step
        own = np.log(np.linalg.det(chart.noise_root))
        assert np.linalg.slogdet(slope)[1] == pytest.approx(volume[0] + own, abs=1e-3)


def test_orders_hold_and_the_prior_follows_what_is_known() -> None:
    """ka1 < ka2, ka1 < kd, kmin < kmax everywhere; a basal rate narrows the need and moves it."""
    rng = np.random.default_rng(6)
    free, told = (coordinates_for("adult", 75.0, basal) for basal in (None, 2.0))
    p = free.model.params(free.params(4.0 * rng.standard_normal((500, 11))))
    assert (p.ka1 < p.ka2).all()
    assert (p.ka1 < p.kd).all()
    assert (p.kmin < p.kmax).all()
    assert told.scale["Ib"] < 0.6 * free.scale["Ib"]
    assert told.centre["Ib"] > free.centre["Ib"]
    assert told.centre["Vmx"] < free.centre["Vmx"]
    drawn = told.standard(rng.standard_normal((4000, 11)))
    assert drawn.std(axis=0) == pytest.approx(np.ones(11), abs=0.06)
    assert set(told.scale) == set(FITTED)
    dose = coordinates_for("adult", 75.0, None, daily_dose_u=96.0)
    assert free.centre["Ib"] < dose.centre["Ib"] < told.centre["Ib"]
