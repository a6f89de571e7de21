"""One battery for every model and each of its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from dosegym.physiology import MODELS, Model, Patients, load_model, load_population, simulate
from dosegym.physiology.engine import engine_for
from dosegym.physiology.models.uva_padova_2008 import GUTS
from dosegym.physiology.population import adopt
from dosegym.physiology.stepper import STEPPERS

OPTIONS: dict[str, list[dict[str, Any]]] = {
    name: [{"gut": gut} for gut in GUTS] for name in ("uva_padova_2008", "uva_padova_gains")
}
VARIANTS = [(name, options) for name in MODELS for options in OPTIONS.get(name, [{}])]
LABELS = ["-".join([name, *map(str, options.values())]) for name, options in VARIANTS]
Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class Battery:
    """What the battery needs to know of a model.

    Parameters
    ----------
    population : str
        Named people.
    few : tuple of str
        Some of them, as unlike as can be.
    rest : int
        Intervals over which rest is watched.
    ordinary : callable
        Inputs of everyone over an ordinary course.
    absurd : callable
        Inputs of everyone, drawn over all that can be given for as long as somebody might.
    smooth : callable
        Start, inputs, number of intervals and substeps of a stretch without kinks.
    """

    population: str
    few: tuple[str, ...]
    rest: int
    ordinary: Callable[[Model, Patients], Inputs]
    absurd: Callable[[Model, Patients, np.random.Generator], Inputs]
    smooth: Callable[[Model, Patients], tuple[np.ndarray, Inputs, int, tuple[int, ...]]]


def _meals(model: Model, people: Patients) -> Inputs:
    """Return a day of inputs: three meals and two snacks with boluses, basal insulin throughout."""
    basal = model.basal_inputs(people.params)[:, model.input_index["insulin"]]
    weight = people.covariates["weight_kg"]
    carbs, insulin = np.zeros((1440, len(people))), np.tile(basal, (1440, 1))
    for start, share in ((60, 0.7), (240, 0.2), (360, 1.0), (363, 0.3), (780, 1.2)):
        grams = share * weight
        for minute in range(25):
            carbs[start + minute] += np.clip(grams - 5.0 * minute, 0.0, 5.0)
        insulin[start] += grams * basal / basal.mean() / 10.0
    return {"carbs": carbs, "insulin": insulin}


def _gorging(model: Model, people: Patients, rng: np.random.Generator) -> Inputs:
    """Return two days: up to 100 U of insulin at once, up to 180 g of carbohydrate in an hour."""
    shape = (2880, len(people))
    basal = model.basal_inputs(people.params)[:, model.input_index["insulin"]]
    carbs, insulin = np.zeros(shape), np.tile(basal, (2880, 1))
    for lane in range(len(people)):
        start = rng.integers(0, 2000)
        carbs[start : start + 60, lane] = rng.choice([0.01, 0.3, 1.0, 3.0])
        insulin[rng.integers(0, 2000), lane] += rng.choice([1.0, 30.0, 100.0])
    return {"carbs": carbs, "insulin": insulin}


def _after_a_bolus(
    model: Model, people: Patients
) -> tuple[np.ndarray, Inputs, int, tuple[int, ...]]:
    """Return an empty stomach, whose emptying has kinks, and all other kinetics away from rest."""
    x = model.initial(people.params)
    x[:, 3:13] *= np.linspace(0.8, 1.1, 10)
    insulin = model.basal_inputs(people.params)[:, 1] * np.ones((30, 1))
    return x, {"insulin": insulin}, 30, (1, 2, 4)


def _every_pool_away_from_rest(
    model: Model, people: Patients
) -> tuple[np.ndarray, Inputs, int, tuple[int, ...]]:
    """Return a gut with food and all pools of ``hovorka_2004`` away from rest, above its kinks."""
    x = model.initial(people.params)
    x[:, 5:] *= np.linspace(3.0, 0.3, 6)
    x[:, :2] = 1.0
    x[:, 2], x[:, 4] = 8.0 * model.params(people.params).VG, 7.0
    insulin = model.basal_inputs(people.params)[:, 1] * np.ones((30, 1))
    return x, {"insulin": insulin}, 30, (1, 2, 4)


CLASSES = ("acei", "arb", "ccb", "thiazide", "beta_blocker", "mra")


def _year(model: Model, people: Patients) -> Inputs:
    """Return a year: drugs added one after the other, saltier weeks, two illnesses."""
    days, lanes = 364, len(people)
    inputs = {"sodium_intake": np.ones((days, lanes)), "fluid_loss": np.zeros((days, lanes))}
    inputs["sodium_intake"][200:220] = np.linspace(0.5, 2.0, lanes)
    inputs["fluid_loss"][100:105] = 0.02
    inputs["fluid_loss"][300:304] = np.linspace(0.0, 0.04, lanes)
    for k, name in enumerate(("ccb", "acei", "thiazide", "mra", "beta_blocker")):
        inputs[name] = np.zeros((days, lanes))
        inputs[name][28 * (k + 1) :] = np.linspace(0.5, 2.0, lanes)
    return inputs


def _every_drug(model: Model, people: Patients, rng: np.random.Generator) -> Inputs:
    """Return a year of up to 20 standard doses of all six classes, any salt, a bad illness.

    A third of people change every day, a third stay, a third take bursts.
    """
    days, lanes = 364, len(people)
    draws = rng.random((days, len(model.inputs), lanes))
    draws[:, :, 1::3] = np.round(draws[:1, :, 1::3])
    draws[:, :, 2::3] = np.round(draws[:, :, 2::3]) * (rng.random((days, 1, 1)) < 0.05)
    values = {q.name: q.low + draws[:, i] * (q.high - q.low) for i, q in enumerate(model.inputs)}
    ill = np.zeros((days, lanes), dtype=bool)
    for lane, start in enumerate(rng.integers(0, days - 5, lanes)):
        ill[start : start + 5, lane] = True
    return {**values, "fluid_loss": np.where(ill, 0.1, 0.0)}


def _first_weeks(model: Model, people: Patients) -> tuple[np.ndarray, Inputs, int, tuple[int, ...]]:
    """Return three weeks of half doses on a little more salt, from states that all move."""
    x = model.initial(people.params)
    x[:, : len(model.states)] = np.linspace(-0.02, 0.02, len(model.states))
    inputs = {name: np.full(21, 0.5) for name in ("ccb", "acei", "thiazide", "beta_blocker")}
    return x, {**inputs, "sodium_intake": np.full(21, 1.1)}, 21, (4, 8, 16)


GLUCOSE = Battery(
    population="uva_padova_30",
    few=("adult#001", "adolescent#006", "child#010"),
    rest=1440,
    ordinary=_meals,
    absurd=_gorging,
    smooth=_after_a_bolus,
)
BATTERIES = {
    "uva_padova_2008": GLUCOSE,
    "uva_padova_gains": GLUCOSE,
    "hovorka_2004": replace(
        GLUCOSE,
        population="hovorka_30",
        few=("adult#001", "adult#002", "adult#003"),
        smooth=_every_pool_away_from_rest,
    ),
    "dosegym_bp_2026": Battery(
        population="hypertension_30",
        few=("person#001", "person#015", "person#030"),
        rest=364,
        ordinary=_year,
        absurd=_every_drug,
        smooth=_first_weeks,
    ),
}


@pytest.fixture(params=VARIANTS, ids=LABELS)
def variant(request: pytest.FixtureRequest) -> Model:
    name, options = request.param
    return load_model(name, **options)


@pytest.fixture
def battery(variant: Model) -> Battery:
    assert variant.name in BATTERIES, f"describe {variant.name} in this file"
    return BATTERIES[variant.name]


@pytest.fixture
def people(variant: Model, battery: Battery) -> Patients:
    return adopt(variant, load_population(battery.population))


def _run(model: Model, people: Patients, inputs: Inputs, **more: Any) -> Any:
    """Simulate from rest over all of the inputs."""
    times = model.hold_every * np.arange(1.0 + len(next(iter(inputs.values()))))
    return simulate(model, people, inputs, times, **more)


def test_quantities_are_described(variant: Model) -> None:
    """Names are unique, bounds ordered, units and meanings given, parameters in Params' order."""
    everything = variant.states + variant.memory + variant.outputs + variant.parameters
    everything += variant.inputs
    assert len({q.name for q in everything}) == len(everything)
    assert all(q.low < q.high and q.unit and q.doc for q in everything)
    assert variant.Params._fields == tuple(q.name for q in variant.parameters)
    assert variant.reference
    assert variant.name in MODELS


def test_equilibrium_is_stationary(variant: Model, people: Patients, battery: Battery) -> None:
    """At the basal state and inputs no state moves, now or over a long rest."""
    x, u = variant.initial(people.params), variant.basal_inputs(people.params)
    assert np.abs(variant.derivative(x, u, people.params)).max() < 1e-9
    held = {q.name: np.tile(u[:, i], (battery.rest, 1)) for i, q in enumerate(variant.inputs)}
    path = _run(variant, people, held)
    drift = np.abs(path.states[-1] - path.states[0]) / (1.0 + np.abs(path.states[0]))
    assert drift.max() < 1e-9


def test_equilibrium_is_within_bounds(variant: Model, people: Patients) -> None:
    """States, inputs and parameters of everyone at rest lie within their Quantity's bounds."""
    x, u = variant.initial(people.params), variant.basal_inputs(people.params)
    for quantities, values in (
        (variant.states + variant.memory, x),
        (variant.inputs, u),
        (variant.parameters, people.params),
    ):
        for i, q in enumerate(quantities):
            assert ((values[:, i] >= q.low) & (values[:, i] <= q.high)).all(), q.name


def _assert_within_bounds(model: Model, path: Any) -> None:
    """Every value is finite and within its Quantity's bounds.

    A state may overshoot a guard at zero within one step, by 1e-4 of its range at most.
    """
    for q in model.states + model.memory + model.outputs:
        values = path[q.name]
        assert np.isfinite(values).all(), q.name
        slack = 0.0 if q in model.outputs else 1e-4 * (q.high - min(q.low, 0.0))
        assert values.min() >= q.low - slack, (q.name, values.min())
        assert values.max() <= q.high + slack, (q.name, values.max())


def test_an_ordinary_course_stays_within_bounds(
    variant: Model, people: Patients, battery: Battery
) -> None:
    """Over an ordinary course every state and output is finite and within its bounds."""
    _assert_within_bounds(variant, _run(variant, people, battery.ordinary(variant, people)))


def test_absurd_inputs_stay_finite(variant: Model, people: Patients, battery: Battery) -> None:
    """Whatever is given, states stay finite and outputs within their bounds."""
    for seed in range(3):
        inputs = battery.absurd(variant, people, np.random.default_rng(seed))
        path = _run(variant, people, inputs)
        assert np.isfinite(path.states).all()
        for q in variant.outputs:
            assert path[q.name].min() >= q.low, (q.name, path[q.name].min())
            assert path[q.name].max() <= q.high, (q.name, path[q.name].max())


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_namespaces_agree(variant: Model, people: Patients, battery: Battery, backend: str) -> None:
    """NumPy and torch give Numba's states, to 1e-9 of each state's largest value."""
    few = people[list(battery.few)]
    inputs = {name: rows[50:170] for name, rows in battery.ordinary(variant, few).items()}
    a = _run(variant, few, inputs).states
    b = _run(variant, few, inputs, backend=backend).states
    assert np.all(np.abs(a - b) <= 1e-9 * (1.0 + np.abs(a).max(axis=(0, 2), keepdims=True)))


def test_compiled_outputs_are_the_models_own(
    variant: Model, people: Patients, battery: Battery
) -> None:
    """The engine's reading of outputs equals the NumPy one along an ordinary course."""
    path = _run(variant, people, battery.ordinary(variant, people))
    x = np.ascontiguousarray(path.states[120].T)
    u = np.ascontiguousarray(path.inputs[120])
    compiled = engine_for(variant).outputs(x, people.params, u)
    np.testing.assert_allclose(compiled, variant.output(x, u.T, people.params), rtol=1e-12)


def test_integrator_is_of_its_order(variant: Model, people: Patients, battery: Battery) -> None:
    """On a smooth stretch halving the step divides the error by 2^order (order +- 0.4)."""
    start, inputs, length, substeps = battery.smooth(variant, people)
    times = variant.hold_every * np.arange(length + 1.0)

    def end(n: int) -> np.ndarray:
        path = simulate(variant, people, inputs, times, initial=start, substeps=n)
        return np.asarray(path.states[-1, : len(variant.states)])

    best = end(64)
    errors = np.array([np.abs(end(n) - best).max(axis=1) for n in substeps])
    moved = errors[-1] > 1e-11 * (1.0 + np.abs(best).max(axis=1))
    assert moved.sum() >= 4
    orders = np.log2(errors[:-1, moved] / errors[1:, moved])
    expected = STEPPERS[variant.stepper].order
    assert np.all(np.abs(orders - expected) < 0.4), orders
