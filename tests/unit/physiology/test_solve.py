"""Simulation: closed forms, order of convergence, agreement of backends, refusals."""

from collections.abc import Callable

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients, simulate
from dosegym.physiology.solve import BACKENDS


@pytest.mark.parametrize("backend", BACKENDS)
def test_decay_follows_its_closed_form(decay: Callable[..., Model], backend: str) -> None:
    """dx/dt = u - k x is exp(-k t) between changes of u, in every backend, on uneven times."""
    rate, times = 0.05, np.array([0.0, 1, 5, 6, 30])
    dose = np.array([0.0, 3.0, 3.0, 0.0])
    given = {"initial": [100.0, 0.0], "backend": backend, "substeps": 4}
    got = simulate(decay(), {"rate": rate}, {"dose": dose}, times, **given)
    expected = [100.0]
    for u, span in zip(dose, np.diff(times), strict=True):
        rest = u / rate
        expected.append(rest + (expected[-1] - rest) * np.exp(-rate * span))
    np.testing.assert_allclose(got["amount"], expected, rtol=1e-9)
    np.testing.assert_allclose(got["twice"], 2.0 * np.array(expected), rtol=1e-9)
    np.testing.assert_array_equal(got["last_dose"], [0.0, *dose])


def _excited(model: Model, people: Patients) -> np.ndarray:
    """Return states in which all kinetics move, below the kink at the renal threshold."""
    x = model.initial(people.params)
    x[:, :3] = [4_000.0, 3_000.0, 1_000.0]
    x[:, 3:13] *= np.linspace(0.8, 1.1, 10)
    x[:, 13:] = [0.0, 12.0, 0.0]
    return x


def test_integrator_is_of_order_four(model: Model, people: Patients) -> None:
    """On a smooth stretch, halving the step divides the error by 2^4 (empirical order 4 +- 0.3)."""
    start, times = _excited(model, people), np.arange(31.0)
    u = {"insulin": model.basal_inputs(people.params)[:, 1] * np.ones((30, 1))}
    runs = {n: simulate(model, people, u, times, initial=start, substeps=n) for n in (1, 2, 4, 64)}
    assert runs[64]["plasma_glucose_mass"].max() < people.params[0, model.parameter_index["ke2"]]
    for name in ("plasma_glucose_mass", "gut", "plasma_insulin_mass", "delayed_insulin_2"):
        errors = [np.abs(runs[n][name][-1] - runs[64][name][-1]).max() for n in (1, 2, 4)]
        orders = np.log2(np.array(errors[:-1]) / errors[1:])
        assert np.all(np.abs(orders - 4.0) < 0.3), (name, orders)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_array_backends_agree_with_numba(model: Model, people: Patients, backend: str) -> None:
    """All states of all people over two meals and a bolus agree to 1e-9 of their largest."""
    minutes, batch = 240, len(people)
    u = {
        "carbs": np.zeros((minutes, batch)),
        "insulin": np.tile(model.basal_inputs(people.params)[:, 1], (minutes, 1)),
    }
    u["carbs"][20:32] = 5.0
    u["carbs"][100:104] = 3.0
    u["insulin"][20] += 4.0
    times = np.arange(minutes + 1.0)
    a = simulate(model, people, u, times)
    b = simulate(model, people, u, times, backend=backend)
    scale = np.abs(a.states).max(axis=(0, 2), keepdims=True)
    assert np.all(np.abs(a.states - b.states) <= 1e-9 * (1.0 + scale))


def test_fixed_steps_agree_with_an_adaptive_solver(model: Model, people: Patients) -> None:
    """One-minute steps stay within 0.002 mg/dL of DOP853 at tolerance 1e-10 over a meal's start."""
    u = {"carbs": np.r_[np.full(6, 5.0), np.zeros(34)], "insulin": np.r_[2.0, np.full(39, 0.02)]}
    a, b = (
        simulate(model, people["adult#001"], u, np.arange(41.0), backend=name)
        for name in ("numba", "scipy")
    )
    np.testing.assert_allclose(a["plasma_glucose"], b["plasma_glucose"], atol=0.002)


def test_shapes_follow_the_patients(model: Model, people: Patients) -> None:
    """One person gives (T+1,); a batch, or inputs with a patient axis, gives (T+1, B)."""
    times, flat = np.arange(6.0), np.zeros(5)
    one = simulate(model, people["adult#001"], {"insulin": flat}, times)
    assert one["plasma_glucose"].shape == (6,)
    table = dict(zip((q.name for q in model.parameters), people.params[0], strict=True))
    named = simulate(model, table, {"insulin": flat}, times)
    np.testing.assert_array_equal(named["plasma_glucose"], one["plasma_glucose"])
    row = simulate(model, people.params[0], {"insulin": flat}, times)
    assert row["plasma_glucose"].shape == (6,)
    assert simulate(model, people, {"insulin": flat}, times)["plasma_glucose"].shape == (6, 30)
    wide = simulate(model, people["adult#001"], {"insulin": np.zeros((5, 7))}, times)
    assert wide["plasma_glucose"].shape == (6, 7)
    assert one.unit("plasma_glucose") == "mg/dL"
    assert one.unit("meal_eaten") == "g"


def test_long_intervals_hold_their_input(model: Model, people: Patients) -> None:
    """An input held over ten minutes equals ten one-minute entries of it."""
    fine = simulate(model, people, {"carbs": np.repeat([4.0, 0.0], 10)}, np.arange(21.0))
    coarse = simulate(model, people, {"carbs": [4.0, 0.0]}, [0.0, 10.0, 20.0])
    np.testing.assert_array_equal(coarse.states, fine.states[::10])


@pytest.mark.parametrize(
    ("inputs", "times", "message"),
    [
        (
            {"insuline": [0.0]},
            [0, 1],
            "unknown input 'insuline'; uva_padova_2008 takes carbs, insulin",
        ),
        ({"insulin": [0.0, 0.0]}, [0, 1], r"input insulin has shape \(2, 1\), expected \(1,\)"),
        (
            {"insulin": [np.nan]},
            [0, 1],
            "insulin has value .*nan.* U/min; every value must be finite",
        ),
        ({"carbs": [-1.0]}, [0, 1], r"carbs has value .*-1.0.* g/min; .* at least 0"),
        ({}, [0], "give at least two increasing times"),
        ({}, [0, 0.5], "whole multiples of 1 min; the smallest interval given is 0.5"),
        ({}, [0, -1], "times must increase"),
    ],
)
def test_bad_inputs_are_refused(
    model: Model, people: Patients, inputs: dict[str, list[float]], times: list[float], message: str
) -> None:
    """Each fault of the inputs is named with its value and bound."""
    with pytest.raises(InputError, match=message):
        simulate(model, people["adult#001"], inputs, times)


def test_bad_patients_and_states_are_refused(
    model: Model, people: Patients, decay: Callable[..., Model]
) -> None:
    """Patients of another model, incomplete or not finite, and wrong states, are named."""
    with pytest.raises(InputError, match="patients belong to uva_padova_2008, the model is decay"):
        simulate(decay(), people, {}, [0, 1])
    with pytest.raises(InputError, match="patient lacks Gb"):
        simulate(model, {"BW": 70.0}, {}, [0, 1])
    with pytest.raises(InputError, match="has 3 columns, uva_padova_2008 needs 32"):
        simulate(model, np.ones((1, 3)), {}, [0, 1])
    with pytest.raises(InputError, match="a parameter of uva_padova_2008 is not finite"):
        simulate(model, np.full((1, 32), np.nan), {}, [0, 1])
    with pytest.raises(InputError, match=r"initial has shape \(3,\), expected \(16,\)"):
        simulate(model, people, {}, [0, 1], initial=[1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="backend is 'gpu'; choose one of numba, numpy"):
        simulate(model, people, {}, [0, 1], backend="gpu")
    with pytest.raises(InputError, match="trajectory has no 'glucose'; uva_padova_2008 offers"):
        simulate(model, people, {}, [0, 1])["glucose"]
