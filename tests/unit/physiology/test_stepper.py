"""The order-preserving step and the body with gains that it was made for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients, load_model, load_sampler, simulate
from dosegym.physiology.engine import engine_for
from dosegym.physiology.models.uva_padova_gains import ADDED, DRIFT_LIMIT, modulation
from dosegym.physiology.namespace import NUMPY
from dosegym.physiology.paired import compare, draw_pairs
from dosegym.physiology.population import adopt
from dosegym.physiology.solve import rollout


@pytest.fixture(scope="module")
def hybrid() -> Model:
    return load_model("uva_padova_gains")


def _anybody(hybrid: Model, people: Patients, seed: int) -> np.ndarray:
    """Return the named people with gains and coefficients anywhere within their bounds."""
    rng = np.random.default_rng(seed)
    table = adopt(hybrid, people).params.copy()
    for k, q in enumerate(hybrid.parameters[-len(ADDED) :]):
        table[:, k - len(ADDED)] = rng.uniform(q.low, q.high, len(table))
    return table


def test_more_insulin_never_raises_glucose(hybrid: Model) -> None:
    """In 2,000 pairs of any bodies, gains, meals and overdoses not one minute is higher."""
    pairs = draw_pairs(hybrid, load_sampler(), 2000, 360, np.random.default_rng(1))
    verdict = compare(hybrid, pairs)
    assert (pairs.extra.max(axis=0) > 0.0).all()
    assert verdict.violations == verdict.lost == 0
    assert verdict.worst_mg_dl <= 1e-12


def test_classical_runge_kutta_raises_it(hybrid: Model) -> None:
    """The same pairs stepped by Runge-Kutta are violated: the check sees what it should."""
    unguarded = replace(hybrid, name="gains_by_runge_kutta", stepper="rk4", fastest=None)
    pairs = draw_pairs(hybrid, load_sampler(), 1000, 240, np.random.default_rng(1))
    assert compare(unguarded, pairs).violations > 50


@pytest.mark.slow
def test_more_insulin_never_raises_glucose_at_full_size(hybrid: Model) -> None:
    """The same in 100,000 pairs over twelve hours."""
    rng, people = np.random.default_rng(2), load_sampler()
    for _ in range(50):
        verdict = compare(hybrid, draw_pairs(hybrid, people, 2000, 720, rng))
        assert verdict.violations == 0, verdict


def test_neutral_gains_are_the_bare_body(hybrid: Model, model: Model, people: Patients) -> None:
    """With gains of 1 and no drift, stepped alike, hybrid and bare body agree to rounding."""
    table, rng = adopt(hybrid, people).params, np.random.default_rng(3)
    u = np.zeros((300, 2, 30))
    u[:, 1] = model.basal_inputs(people.params)[:, 1]
    u[5:20, 0], u[40] = 4.0, u[40] * rng.uniform(0.0, 60.0, 30)
    start = tuple(model.initial(people.params).T)
    alike = replace(model, stepper="order_preserving")
    bare = rollout(alike, NUMPY, model.params(people.params), u, start)
    with_gains = rollout(hybrid, NUMPY, hybrid.params(table), u, start)
    for a, b in zip(bare, with_gains, strict=True):
        np.testing.assert_allclose(np.stack(b), np.stack(a), rtol=1e-12, atol=1e-12)


def test_nothing_is_added_at_rest(hybrid: Model, model: Model, people: Patients) -> None:
    """At the basal state every slope is bitwise the bare body's, whatever the gains."""
    table = _anybody(hybrid, people, 4)
    x, u = hybrid.initial(table), hybrid.basal_inputs(table)
    np.testing.assert_array_equal(
        hybrid.derivative(x, u, table), model.derivative(x, u, people.params)
    )
    day = {"insulin": np.tile(u[:, 1], (1440, 1))}
    path = simulate(hybrid, table, day, np.arange(1441.0))
    np.testing.assert_allclose(path.states[-1], path.states[0], rtol=1e-9, atol=1e-9)


def test_drift_is_bounded_and_fades(hybrid: Model, people: Patients) -> None:
    """From 0 to 2,000 mg/dL the drift stays within 0.5 mg/dL/min, and is nothing at zero."""
    p = hybrid.params(_anybody(hybrid, people, 5))
    for glucose in np.linspace(0.0, 2000.0, 201):
        drift = modulation(NUMPY)(glucose * p.Vg, 0.0, p.Ib, 0.0, p)[4] / p.Vg
        assert np.abs(drift).max() <= DRIFT_LIMIT
        if glucose == 0.0:
            assert (drift == 0.0).all()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("gain_muscle", 2.1, "gain_muscle is 2.1 1; the order-preserving step"),
        ("gain_liver", float("nan"), "gain_liver is nan"),
        ("drift_above", -2.5, "drift_above is -2.5"),
        ("kp3", -0.001, "kp3 is -0.001"),
        ("m30", 9.0, "m30 is 9"),
    ],
)
def test_what_breaks_the_promise_is_refused(
    hybrid: Model, people: Patients, name: str, value: float, words: str
) -> None:
    """A gain, coupling or rate beyond the conditions is refused, and nobody has moved."""
    table = adopt(hybrid, people).params.copy()
    x = hybrid.initial(table)
    table[7, hybrid.parameter_index[name]] = value
    before = x.copy()
    with pytest.raises(InputError, match=words):
        engine_for(hybrid).advance(x, table, np.zeros((3, 2, 30)))
    np.testing.assert_array_equal(x, before)


def test_rates_within_all_bounds_are_admitted(hybrid: Model) -> None:
    """Every corner of the parameters' bounds that was tried satisfies the step's condition."""
    rng = np.random.default_rng(6)
    ends = np.array([[q.low, q.high] for q in hybrid.parameters])
    corners = ends[np.arange(len(ends)), rng.integers(0, 2, (5000, len(ends)))]
    rates = hybrid.fastest(NUMPY)(hybrid.params(corners))  # type: ignore[misc]
    assert rates.max() <= 4.0


def test_step_is_five_stages_of_a_quarter(decay: Callable[..., Model]) -> None:
    """On dx/dt = u - k x one step multiplies the deviation by 1/5 + 4/5 (1 - k/4)^5."""
    for k in (0.1, 0.9):
        model = replace(decay(), stepper="order_preserving", fastest=lambda xp: lambda p: p.rate)
        path = simulate(model, np.array([[k]]), {"dose": [0.0]}, [0.0, 1.0], initial=[3.0, 0.0])
        np.testing.assert_allclose(
            path["amount"][1], 3.0 * (0.2 + 0.8 * (1.0 - k / 4.0) ** 5), rtol=1e-14
        )


def test_stepper_without_conditions_is_refused(decay: Callable[..., Model]) -> None:
    """A model that names the stepper must name its fastest rate; an unknown stepper is refused."""
    x = np.zeros((1, 2))
    for stepper, words in (("order_preserving", "give fastest="), ("euler", "choose one of rk4")):
        model = replace(decay(), name=f"decay_{stepper}", stepper=stepper)
        with pytest.raises(InputError, match=words):
            engine_for(model).advance(x, np.ones((1, 1)), np.zeros((1, 1, 1)))
