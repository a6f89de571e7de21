"""What only glucose models must do, for each option of each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.physiology import Model, Patients, load_model, load_population, simulate
from dosegym.physiology.models.uva_padova_2008 import GUTS
from dosegym.physiology.namespace import NUMPY
from dosegym.physiology.population import adopt

DAY = 1440


NAMES = ("uva_padova_2008", "uva_padova_gains")


@pytest.fixture(params=[(name, gut) for name in NAMES for gut in GUTS], ids="-".join)
def variant(request: pytest.FixtureRequest) -> Model:
    name, gut = request.param
    return load_model(name, gut=gut)


@pytest.fixture
def people(variant: Model) -> Patients:
    return adopt(variant, load_population("uva_padova_30"))


def _day(model: Model, people: Patients) -> dict[str, np.ndarray]:
    """Return a day of inputs: three meals and two snacks with boluses, basal insulin throughout."""
    basal = model.basal_inputs(people.params)[:, model.input_index["insulin"]]
    weight = people.covariates["weight_kg"]
    carbs, insulin = np.zeros((DAY, len(people))), np.tile(basal, (DAY, 1))
    for start, share in ((60, 0.7), (240, 0.2), (360, 1.0), (363, 0.3), (780, 1.2)):
        grams = share * weight
        for minute in range(25):
            carbs[start + minute] += np.clip(grams - 5.0 * minute, 0.0, 5.0)
        insulin[start] += grams * basal / basal.mean() / 10.0
    return {"carbs": carbs, "insulin": insulin}


@pytest.mark.parametrize("units", [30.0, 100.0, 1000.0])
def test_an_absurd_dose_neither_overflows_nor_lasts(
    variant: Model, people: Patients, units: float
) -> None:
    """Up to 1,000 U at once glucose stays in [0, 2000], and after six days it is back."""
    basal = variant.basal_inputs(people.params)[:, variant.input_index["insulin"]]
    insulin = np.tile(basal, (6 * DAY, 1))
    insulin[0] += units
    path = simulate(variant, people, {"insulin": insulin}, np.arange(6 * DAY + 1.0))
    glucose = path["plasma_glucose"]
    assert np.isfinite(path.states).all()
    assert glucose.min() >= 0.0
    assert glucose.max() < 2000.0
    np.testing.assert_allclose(glucose[-1], glucose[0], rtol=0.05)


@pytest.mark.parametrize("grams_per_min", [1e-6, 0.01, 0.3, 5.0, 60.0])
def test_any_speed_of_eating_is_stable(
    variant: Model, people: Patients, grams_per_min: float
) -> None:
    """From nibbling to bolting, stomach and gut stay within zero and what was eaten."""
    carbs = np.zeros(300)
    carbs[:60] = grams_per_min
    path = simulate(variant, people, {"carbs": carbs}, np.arange(301.0))
    eaten = 60_000.0 * grams_per_min
    for name in ("stomach_solid", "stomach_liquid", "gut"):
        assert path[name].min() >= -1e-9 * eaten, name
        assert path[name].max() <= eaten * (1 + 1e-9), name


def test_carbohydrate_is_neither_made_nor_lost(variant: Model, people: Patients) -> None:
    """Eaten = in the stomach + in the gut + absorbed (absorption summed by Simpson's rule)."""
    inputs = _day(variant, people)
    fine = simulate(variant, people, inputs, np.arange(DAY + 1.0))
    eaten = 1000.0 * np.concatenate([np.zeros((1, 30)), np.cumsum(inputs["carbs"], axis=0)])
    rate = fine["gut"] * people.params[:, variant.parameter_index["kabs"]]
    absorbed = np.zeros_like(rate)
    middle = _midpoints(variant, people, fine, inputs) * variant.params(people.params).kabs
    absorbed[1:] = np.cumsum((rate[:-1] + 4.0 * middle + rate[1:]) / 6.0, axis=0)
    held = fine["stomach_solid"] + fine["stomach_liquid"] + fine["gut"]
    # The flux that a step of order 2 lets through differs more from Simpson's.
    tolerance = {"rk4": 2e-4, "order_preserving": 1e-3}[variant.stepper]
    assert np.abs(held + absorbed - eaten).max() < tolerance * eaten.max()


def _midpoints(model: Model, people: Patients, path: Any, inputs: dict[str, Any]) -> np.ndarray:
    """Return the gut content half a minute into each interval, by Hermite interpolation."""
    at = {"now": path.states[:-1], "next": path.states[1:].copy()}
    # Memory changes at the start of an interval: both ends are read with that interval's memory.
    n = len(model.states)
    at["now"] = np.concatenate([at["now"][:, :n], at["next"][:, n:]], axis=1)
    u = (inputs["carbs"], inputs["insulin"])
    rhs = model.equations(NUMPY)
    p = model.params(people.params)
    slope = {k: rhs(tuple(np.moveaxis(x, 1, 0)), u, p)[2] for k, x in at.items()}
    gut = model.state_index["gut"]
    middle: np.ndarray = (at["now"][:, gut] + at["next"][:, gut]) / 2.0 + (
        slope["now"] - slope["next"]
    ) / 8.0
    return middle


def test_absorption_is_the_only_way_out(variant: Model, people: Patients) -> None:
    """At random states the contents' total slope is intake less kabs x gut, to rounding."""
    rng = np.random.default_rng(4)
    x = variant.initial(people.params)
    x[:, :3] = rng.uniform(0, 60_000, (30, 3))
    x[:, 13:] = np.column_stack([rng.uniform(0, 30_000, 30), rng.uniform(0, 90, 30), np.ones(30)])
    u = np.column_stack([rng.uniform(0, 10, 30), np.zeros(30)])
    slope = variant.derivative(x, u, people.params)[:, :3].sum(axis=1)
    kabs = people.params[:, variant.parameter_index["kabs"]]
    np.testing.assert_allclose(slope, 1000.0 * u[:, 0] - kabs * x[:, 2], rtol=1e-9, atol=1e-6)


def test_displaced_states_have_the_glucose_asked_for(variant: Model, people: Patients) -> None:
    """A state moved to 100 mg/dL reads 100 mg/dL, its tissue glucose in balance with plasma."""
    assert variant.displace is not None
    p = variant.params(people.params)
    state = variant.initial(people.params)
    moved = np.stack(np.broadcast_arrays(*variant.displace(tuple(state.T), p, 100.0)), axis=1)
    u = variant.basal_inputs(people.params)
    outputs = variant.output(moved, u, people.params)
    for name in ("plasma_glucose", "interstitial_glucose"):
        np.testing.assert_allclose(outputs[:, variant.output_index[name]], 100.0)
    slope = variant.derivative(moved, u, people.params)
    assert np.abs(slope[:, variant.state_index["tissue_glucose_mass"]]).max() < 1e-9
