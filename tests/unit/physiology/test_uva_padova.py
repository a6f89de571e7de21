"""What sets the stomach variants apart, and the guards of the insulin body."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dosegym.physiology import Model, Patients, load_model, simulate

MINUTES = 360


def _told_ahead(meal_g: float) -> Model:
    """Return the t1dms variant with D known at the first bite, as LoopInsighT1 has it."""

    def hold(xp: Any) -> Callable[..., Any]:
        def update(x: Any, u: Any, p: Any) -> Any:
            begins = (u[0] > 0.0) & (x[15] <= 0.0)
            residual = xp.where(begins, x[0] + x[1], x[13])
            return residual, meal_g + 0.0 * x[14], xp.where(u[0] > 0.0, 1.0, 0.0 * u[0])

        return update

    return dataclasses.replace(load_model("uva_padova_2008", gut="t1dms"), hold=hold)


@pytest.mark.parametrize(("meal_g", "most"), [(20.0, 0.3), (30.0, 1.2), (80.0, 13.0)])
def test_t1dms_is_near_loopinsight_for_small_meals(
    people: Patients, meal_g: float, most: float
) -> None:
    """Knowing only what was eaten so far costs at most the mg/dL that the docstring states."""
    carbs = np.clip(meal_g - 5.0 * np.arange(MINUTES), 0.0, 5.0)
    basal = load_model().basal_inputs(people.params)[:, 1] * np.ones((MINUTES, 1))
    inputs, times = {"carbs": carbs, "insulin": basal}, np.arange(MINUTES + 1.0)
    causal = simulate(load_model(gut="t1dms"), people, inputs, times)
    told = simulate(_told_ahead(meal_g), people, inputs, times, backend="numpy")
    gap = np.abs(causal["interstitial_glucose"] - told["interstitial_glucose"]).max()
    assert 0.0 < gap <= most


def _emptying(gut: str, people: Patients, content_mg: float, eaten_g: float) -> np.ndarray:
    """Return the emptying rate kgut (B,), read off the liquid stomach's slope."""
    model = load_model("uva_padova_2008", gut=gut)
    x = model.initial(people.params)
    x[:, 1], x[:, 14] = content_mg, eaten_g
    slope = model.derivative(x, np.zeros((30, 2)), people.params)[:, 1]
    rate: np.ndarray = -slope / content_mg
    return rate


def test_emptying_falls_to_its_minimum_and_rises_again(model: Model, people: Patients) -> None:
    """Published: fast when full and when nearly empty, slow between, always in [kmin, kmax]."""
    p = model.params(people.params)
    full, middle, last = (_emptying("published", people, c, 60.0) for c in (6e4, 3e4, 1e2))
    for rate in (full, middle, last):
        assert (rate >= p.kmin * (1 - 1e-9)).all()
        assert (rate <= p.kmax * (1 + 1e-9)).all()
    assert (middle <= full + 1e-12).all()
    assert (middle <= last + 1e-12).all()
    assert (middle < 0.9 * last).sum() >= 28


def test_legacy_never_slows_down(model: Model, people: Patients) -> None:
    """Legacy: with D a thousand times too small a meal leaves at kmax to the end."""
    p = model.params(people.params)
    for content in (6e4, 3e4, 1e3):
        np.testing.assert_allclose(_emptying("simglucose_legacy", people, content, 60.0), p.kmax)


def test_t1dms_speeds_small_meals_up_tenfold_at_most(people: Patients) -> None:
    """t1dms: 15 g leave twice as fast as 30 g at the same share; a gram ten times, not thirty."""
    reference = _emptying("t1dms", people, 15_000.0, 30.0)
    np.testing.assert_allclose(_emptying("t1dms", people, 7_500.0, 15.0), 2.0 * reference)
    np.testing.assert_allclose(_emptying("t1dms", people, 30_000.0, 60.0), reference)
    np.testing.assert_allclose(_emptying("t1dms", people, 1_500.0, 3.0), 10.0 * reference)
    p = load_model().params(people.params)
    assert (_emptying("t1dms", people, 900.0, 1.0) <= 10.0 * p.kmax * (1 + 1e-9)).all()


def test_a_first_bite_does_not_empty_a_full_stomach(people: Patients) -> None:
    """t1dms: one gram eaten 26 min after 65 g empties the stomach no faster than published."""
    carbs = np.zeros(60)
    carbs[:13], carbs[26] = 5.0, 1.0
    guts = (load_model("uva_padova_2008", gut=gut) for gut in ("t1dms", "published"))
    ours, usual = (simulate(m, people, {"carbs": carbs}, np.arange(61.0)) for m in guts)
    assert (ours["carbs_appearance"] - usual["carbs_appearance"])[27:].max() < 0.5


def test_meal_memory_starts_anew_with_each_meal(model: Model, people: Patients) -> None:
    """Grams eaten add up while eating goes on and restart after a pause."""
    carbs = np.array([5.0, 5.0, 0.0, 0.0, 4.0, 1.0])
    path = simulate(model, people["adult#001"], {"carbs": carbs}, np.arange(7.0))
    np.testing.assert_allclose(path["meal_eaten"], [0, 5, 10, 10, 10, 4, 5])
    np.testing.assert_allclose(path["eating"], [0, 1, 1, 0, 0, 1, 1])
    held = path["stomach_solid"] + path["stomach_liquid"]
    assert path["meal_residual"][5] == pytest.approx(held[4])


def test_a_state_at_zero_may_rise_and_not_fall(model: Model, people: Patients) -> None:
    """The guard blocks only slopes that lead below zero."""
    x = model.initial(people.params)
    u = model.basal_inputs(people.params)
    p = model.params(people.params)
    x[:, model.state_index["plasma_glucose_mass"]] = 0.0
    rising = model.derivative(x, u, people.params)
    assert (rising[:, 3] > 0).all()
    x[:, model.state_index["tissue_glucose_mass"]] = 0.0
    x[:, model.state_index["delayed_insulin_2"]] = 1e4
    held = model.derivative(x, u, people.params)
    assert (held[:, 3] == 0.0).all()
    assert (p.kp1 - p.kp3 * 1e4 - p.Fsnc < 0).all()


def test_equilibrium_counts_renal_excretion(model: Model, people: Patients) -> None:
    """At 220 mg/dL, above the renal threshold, the basal state is at rest all the same."""
    params, column = people.params.copy(), model.parameter_index
    params[:, column["Gb"]], params[:, column["Vg"]] = 220.0, 2.0
    p = model.params(params)
    excretion, production = p.ke1 * (440.0 - p.ke2), 2.5
    params[:, column["kp1"]] = production + p.kp2 * 440.0 + p.kp3 * p.Ib
    uptake = production - p.Fsnc - excretion
    tissue = (p.k1 * 440.0 - uptake) / p.k2
    params[:, column["Vm0"]] = uptake * (p.Km0 + tissue) / tissue
    slope = model.derivative(model.initial(params), model.basal_inputs(params), params)
    assert (excretion > 0.04).all()
    assert np.abs(slope).max() < 1e-9
