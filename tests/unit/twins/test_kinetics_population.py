"""Fits of populations: closed forms, what simulated people were made of, exact likelihoods."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dosegym.physiology.compartments import Structure
from dosegym.physiology.errors import InputError
from dosegym.physiology.population_kinetics import Effect, Error, PopulationKinetics, Units
from dosegym.physiology.population_kinetics_table import load_population_kinetics
from dosegym.records.dosing import Dose, Regimen
from dosegym.records.events import Charted, EventTable, PersonEvents, Samples
from dosegym.twins.kinetics_design import design_of
from dosegym.twins.kinetics_mode import Populations, find_modes, readings
from dosegym.twins.kinetics_population import fit_population, marginal

TIMES = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 36.0])


def model_of(**changes: object) -> PopulationKinetics:
    """Return tablets of a drug with weight on clearance."""
    plain = PopulationKinetics(
        "test", "test", Structure(1, absorbed=True), Units(), {"cl": 3.0, "v": 30.0, "ka": 1.2},
        ("cl", "v", "ka"), np.diag([0.09, 0.04, 0.16]), {"concentration": Error(0.1, 0.1)},
        (Effect("cl", "weight_kg", "power", 70.0, 0.75),),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def people(
    model: PopulationKinetics, n: int, rng: np.random.Generator, limit: float = 0.0
) -> EventTable:
    """Return people drawn from a population, each given 300 mg and sampled eight times."""
    root = np.linalg.cholesky(model.omega)
    found = []
    for k in range(n):
        weight = float(rng.uniform(45.0, 110.0))
        chart = Charted(np.zeros(1), {"weight_kg": np.array([weight])})
        size = len(TIMES)
        blank = Samples(TIMES, np.zeros(size), np.ones(size, np.int64), np.zeros(size, bool))
        person = PersonEvents(str(k), Regimen((Dose(0.0, 300.0),)), blank, chart, np.zeros(0))
        eta = (root @ rng.standard_normal(len(root)))[None, None]
        f = design_of([person], model).expected(model, eta)[0]
        error = model.errors["concentration"]
        y = f + np.hypot(error.additive, error.proportional * f) * rng.standard_normal(size)
        censored = y < limit
        value = np.where(censored, limit, np.maximum(y, 0.0))
        found.append(replace(person, samples=replace(blank, value=value, censored=censored)))
    return EventTable(tuple(found), Units(), "simulated", "0" * 64)


def test_laplace_is_exact_where_the_model_is_linear() -> None:
    """With tiny spread the marginal likelihood is that of a normal law with J omega J'."""
    model = model_of(omega=np.diag([1e-6, 2e-6, 1e-6]), errors={"concentration": Error(0.3)})
    table = people(model, 3, np.random.default_rng(1))
    design, pops = design_of(table.people, model), Populations.of(model)
    found = marginal(find_modes(design, model, pops), pops)[0]
    h = 1e-5
    zero = np.zeros((1, 3, 3))
    f = design.expected(model, zero)[0]
    jac = np.empty((len(f), 3))
    for i in range(3):
        move = zero.copy()
        move[..., i] = h
        jac[:, i] = (design.expected(model, move)[0] - design.expected(model, -move)[0]) / (2 * h)
    for k in range(3):
        rows = design.of == k
        cov = jac[rows] @ model.omega @ jac[rows].T + 0.09 * np.eye(rows.sum())
        exact = -2.0 * multivariate_normal(f[rows], cov).logpdf(design.value[rows])
        exact -= rows.sum() * np.log(2.0 * np.pi)
        assert found[k] == pytest.approx(exact, abs=1e-4)


def test_laplace_agrees_with_sampling() -> None:
    """At usual spreads -2 log-likelihood lies within 0.3 a person of importance sampling's."""
    model, rng = model_of(), np.random.default_rng(2)
    table = people(model, 6, rng)
    design, pops = design_of(table.people, model), Populations.of(model)
    modes = find_modes(design, model, pops)
    assert modes.converged.all()
    laplace = marginal(modes, pops)[0]
    n, d = 4000, 3
    prior = multivariate_normal(np.zeros(d), model.omega)
    for k in range(6):
        cov = 1.5 * np.linalg.inv(modes.precision[0, k])
        guide = multivariate_normal(modes.etas[0, k], cov)
        eta = guide.rvs(n, random_state=k)
        one = design.take(np.array([k]))
        minus2 = readings(one, one.expected(model, eta[:, None]), pops.repeat(n))[0].sum(axis=1)
        log_w = -0.5 * minus2 + prior.logpdf(eta) - guide.logpdf(eta)
        exact = -2.0 * (np.logaddexp.reduce(log_w) - np.log(n))
        assert laplace[k] == pytest.approx(exact, abs=0.3)


def test_population_is_recovered() -> None:
    """Sixty simulated people give back typical values, spread, weight effect and errors."""
    truth = model_of()
    table = people(truth, 60, np.random.default_rng(3))
    start = model_of(
        typical={"cl": 5.0, "v": 20.0, "ka": 0.7},
        omega=np.diag([0.3, 0.3, 0.3]),
        errors={"concentration": Error(0.3, 0.3)},
        effects=(Effect("cl", "weight_kg", "power", 70.0, 0.1),),
    )
    fit = fit_population(table, start)
    assert fit.converged
    assert not fit.at_bound
    expected = {
        "cl": 3.0, "v": 30.0, "ka": 1.2, "cl.weight_kg": 0.75, "cl.log_sd": 0.3, "v.log_sd": 0.2,
        "ka.log_sd": 0.4, "error.concentration.additive": 0.1,
        "error.concentration.proportional": 0.1,
    }  # fmt: skip
    for row in fit.table():
        assert row["se"] > 0.0
        assert abs(row["value"] - expected[row["name"]]) < 3.5 * row["se"], row
    assert 0.0 < fit.shrinkage["cl"] < 0.3


def test_below_the_limit_still_counts() -> None:
    """With half of the readings below the limit clearance stays; leaving them out bends it."""
    truth = model_of(effects=())
    cut = people(truth, 60, np.random.default_rng(0), limit=4.0)
    kept = tuple(replace(p, samples=p.samples.take(~p.samples.censored)) for p in cut.people)
    assert np.mean([p.samples.censored.mean() for p in cut.people]) > 0.4
    censored, dropped = (
        fit_population(t, truth, errors=False).model.typical["cl"]
        for t in (cut, replace(cut, people=kept))
    )
    assert abs(censored / 3.0 - 1.0) < 0.1
    assert dropped < 0.88 * 3.0


def test_full_covariance_is_found() -> None:
    """A correlation of 0.8 between clearance and volume comes back; a diagonal fits worse."""
    omega = np.diag([0.09, 0.09, 0.16])
    omega[0, 1] = omega[1, 0] = 0.8 * 0.09
    truth = model_of(omega=omega, effects=(), full=True)
    table = people(truth, 60, np.random.default_rng(5))
    full = fit_population(table, replace(truth, omega=np.diag([0.1, 0.1, 0.1])), errors=False)
    plain = fit_population(
        table, replace(truth, full=False, omega=np.diag([0.1] * 3)), errors=False
    )
    corr = {row["name"]: row["value"] for row in full.table()}["corr(v,cl)"]
    assert corr == pytest.approx(0.8, abs=0.15)
    assert full.minus2 < plain.minus2 - 10.0


def test_batches_give_the_same_likelihood() -> None:
    """One person alone has the likelihood that they have in a batch of people and variants."""
    model = model_of()
    table = people(model, 4, np.random.default_rng(6))
    design, pops = design_of(table.people, model), Populations.of(model)
    together = marginal(find_modes(design, model, pops.repeat(3)), pops.repeat(3))
    for k in range(4):
        one = design_of([table.people[k]], model)
        alone = marginal(find_modes(one, model, pops), pops)
        np.testing.assert_allclose(together[:, k], alone[0, 0], atol=1e-6)


def test_too_little_is_refused() -> None:
    """A population cannot be told from one person; a covariate that is missing is named."""
    table = people(model_of(), 3, np.random.default_rng(7))
    with pytest.raises(InputError, match="cannot tell"):
        fit_population(replace(table, people=table.people[:1]), model_of())
    height = (Effect("v", "height_cm", "power", 170.0, 1.0),)
    with pytest.raises(InputError, match="subject 0: covariate height_cm is not in the table"):
        fit_population(table, model_of(effects=height))


def test_shipped_populations_are_whole() -> None:
    """Each population that ships has a source for every number and comes back from JSON."""
    from dosegym.physiology.population_kinetics_table import (
        list_population_kinetics,
        model_as_dict,
        model_from_dict,
    )

    names = list_population_kinetics()
    assert {"theophylline", "warfarin", "phenobarbital"} <= set(names)
    for name in names:
        model = load_population_kinetics(name)
        assert all(fact.source and fact.status for fact in model.facts)
        again = model_from_dict(model_as_dict(model))
        assert again.typical == model.typical
        np.testing.assert_array_equal(again.omega, model.omega)
    with pytest.raises(InputError, match="choose one of"):
        load_population_kinetics("aspirin")
