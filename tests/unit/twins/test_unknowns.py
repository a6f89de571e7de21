"""The vector of unknowns, its likelihood and its chart are what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dosegym.twins.centred import Centred
from dosegym.twins.chart import Chart, chart_about
from dosegym.twins.coordinates import FITTED, coordinates_for
from dosegym.twins.likelihood import STUDENT_SD, Likelihood
from dosegym.twins.mode import most_probable_vector, slope_and_curvature
from dosegym.twins.noise import Noise
from dosegym.twins.simulated import Simulated, first_days, simulated
from dosegym.twins.unknowns import Slot, Unknowns
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


@pytest.fixture(scope="module")
def chart(patient: Simulated) -> Chart:
    known = first_days(patient.seen, 1)
    slots = (Slot(300.0, 30.0, 0.02),)
    likelihood = Likelihood.of(Unknowns.of(patient.truth.where, known, slots), known)
    mode = most_probable_vector(likelihood, np.zeros(likelihood.unknowns.size))
    return chart_about(likelihood, mode.u)


@pytest.mark.parametrize("kind", ["plain", "centred"])
def test_a_chart_tells_its_volume_and_leads_back(chart: Chart, kind: str) -> None:
    """The logarithm of a unit's volume is that of the map's own derivative, both ways."""
    tried = Centred.of(chart) if kind == "centred" else chart
    d = len(chart.u)
    for x in np.random.default_rng(5).standard_normal((2, d)):
        step = 1e-5
        u, volume = tried(np.concatenate([x[None], x + step * np.eye(d)]))
        slope = (u[1:] - u[:1]).T / step
        own = np.log(np.linalg.det(chart.noise_root))
        assert np.linalg.slogdet(slope)[1] == pytest.approx(volume[0] + own, abs=1e-3)
        if isinstance(tried, Chart):
            np.testing.assert_allclose(tried.back(u)[0], x, atol=1e-9)


def test_a_centred_chart_holds_local_effects(chart: Chart) -> None:
    """Where a spread alone moves, windows and meals stay; in the plain chart they move with it."""
    a = chart.likelihood.unknowns
    x = np.ones((2, len(chart.u)))
    x[1, a.spreads] = 2.0
    # What the linearised record lets follow a spread is set aside.
    alone = replace(chart, matrices=0.0 * chart.matrices, pulls=0.0 * chart.pulls)
    held, moved = (a.effects(to(x)[0]) for to in (Centred.of(alone), alone))
    np.testing.assert_allclose(held[1], held[0], atol=1e-12)
    assert np.abs(moved[1] - moved[0]).max() > 0.05


def test_grams_of_a_fit_are_those_of_its_vector(patient: Simulated) -> None:
    """Meals outside of the log come back as they were given, and below 0 g there is none."""
    slots = (Slot(300.0, 30.0, 0.02), Slot(900.0, 30.0, 0.02), Slot(1200.0, 30.0, 0.02))
    a = Unknowns.of(patient.truth.where, patient.seen, slots)
    effect = np.zeros(a.windows + a.meals)
    z = np.zeros(a.body)
    u = a.standardised(z, Noise(12.0, 0.87), Variation(), effect, (42.0, -1.0, 0.0))
    extra = a.extra(u[None])
    assert extra is not None
    np.testing.assert_allclose(extra.grams[0], [42.0, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(extra.onset[0], [300.0, 900.0, 1200.0])


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


def test_near_unknowns_are_the_body_and_what_was_about_then() -> None:
    """Three windows a day: those that reach within a day, meals that began then, slots then."""
    where = coordinates_for("adult", 75.0, None)
    slots = (Slot(700.0, 30.0, 0.01), Slot(9000.0, 30.0, 0.01))
    unknowns = Unknowns(where, len(FITTED), 21, 3, slots)
    near = unknowns.near(720.0, np.array([400, 2160, 2161]), 1440.0)
    first = unknowns.windows_at.start
    windows = [0, 1, 2, 3, 4]
    meals, own = [unknowns.meals_at.start, unknowns.meals_at.start + 1], unknowns.meals_at.stop
    wanted = [*range(first), *(first + np.array(windows)), *meals, own, own + 2]
    assert near.tolist() == wanted
    assert len(unknowns.near(720.0, np.array([400, 2160, 2161]), np.inf)) == unknowns.size


def test_a_climb_among_some_keeps_the_others(patient: Simulated) -> None:
    """What may not move stays, the rest ends where no better place is, and all is all."""
    seen = patient.seen
    likelihood = Likelihood.of(Unknowns.of(patient.truth.where, seen), seen)
    unknowns = likelihood.unknowns
    first = np.zeros(unknowns.size)
    some = unknowns.near(0.0, seen.meal_begins, 600.0)
    assert len(some) < unknowns.size
    mode = most_probable_vector(likelihood, first, some)
    kept = np.delete(np.arange(unknowns.size), some)
    assert (mode.u[kept] == 0.0).all()
    assert mode.covariance.shape == (len(some), len(some))
    pull, curvature = slope_and_curvature(likelihood, mode.u, some)
    whole_pull, whole = slope_and_curvature(likelihood, mode.u)
    np.testing.assert_allclose(pull, whole_pull[some], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(curvature, whole[np.ix_(some, some)], rtol=1e-9, atol=1e-9)
    every = most_probable_vector(likelihood, first, np.arange(unknowns.size))
    assert every.evidence == most_probable_vector(likelihood, first).evidence
