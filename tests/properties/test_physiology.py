"""Properties of the insulin body that hold for any person, meal and dose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosegym.physiology import Patients, Trajectory, load_model, load_population, simulate
from dosegym.physiology.models.uva_padova_2008 import GUTS
from dosegym.physiology.population import concatenate
from dosegym.physiology.sampling import load_sampler
from dosegym.physiology.streams import stream

HOURS = 12
MINUTES = 60 * HOURS
calm = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Meals = list[tuple[int, int, float]]
Doses = list[tuple[int, float]]
MODELS = {gut: load_model("uva_padova_2008", gut=gut) for gut in GUTS}


@pytest.fixture(scope="module")
def crowd() -> Patients:
    """Return the named people and 34 virtual ones."""
    return concatenate([load_population(), load_sampler().sample(34, stream(0, "test"))])


meals = st.lists(
    st.tuples(st.integers(0, MINUTES - 60), st.integers(1, 15), st.floats(0.1, 5.0)), max_size=3
)
doses = st.lists(st.tuples(st.integers(0, MINUTES - 1), st.floats(0.0, 4.0)), max_size=3)


def _run(
    gut: str, crowd: Patients, meals: Meals, doses: Doses, more_carbs: float = 1.0
) -> Trajectory:
    """Simulate half a day: meals (start, minutes, g/min), doses (minute, hours of basal)."""
    model = MODELS[gut]
    carbs, factor = np.zeros((MINUTES, len(crowd))), np.ones((MINUTES, 1))
    for start, minutes, speed in meals:
        carbs[start : start + minutes] = speed * more_carbs
    for minute, hours in doses:
        factor[minute] += 60.0 * hours
    insulin = factor * model.basal_inputs(crowd.params)[:, 1]
    inputs = {"carbs": carbs, "insulin": insulin}
    return simulate(model, crowd, inputs, np.arange(MINUTES + 1.0))


@calm
@given(
    gut=st.sampled_from(GUTS),
    meals=meals,
    doses=doses,
    when=st.integers(0, MINUTES - 1),
    more=st.floats(0.01, 3),
)
def test_more_insulin_never_raises_glucose(
    crowd: Patients, gut: str, meals: Meals, doses: Doses, when: int, more: float
) -> None:
    """Extra insulin at any minute raises glucose at no later one and changes no earlier one.

    Near zero the guard lets a step overshoot: there, 0.2 mg/dL are allowed.
    """
    before = _run(gut, crowd, meals, doses)["plasma_glucose"]
    after = _run(gut, crowd, meals, [*doses, (when, more)])["plasma_glucose"]
    np.testing.assert_array_equal(after[: when + 1], before[: when + 1])
    rise = after - before
    near_zero = np.minimum.accumulate(after, axis=0) < 5.0
    assert rise[~near_zero].max() <= 1e-9
    assert rise.max() <= 0.2


@calm
@given(gut=st.sampled_from(GUTS), meals=meals, doses=doses, share=st.floats(0.01, 1.0))
def test_more_carbohydrate_never_lowers_mean_glucose(
    crowd: Patients, gut: str, meals: Meals, doses: Doses, share: float
) -> None:
    """Eating more of everything never lowers mean glucose.

    At single minutes it may: a larger meal leaves the stomach more slowly at first.
    """
    before = _run(gut, crowd, meals, doses)["plasma_glucose"]
    after = _run(gut, crowd, meals, doses, 1.0 + share)["plasma_glucose"]
    assert (after.mean(axis=0) - before.mean(axis=0)).min() >= -0.05


@calm
@given(gut=st.sampled_from(GUTS), meals=meals, doses=doses)
def test_any_day_is_finite_and_within_bounds(
    crowd: Patients, gut: str, meals: Meals, doses: Doses
) -> None:
    """Meals and doses in any order leave every output within its Quantity's bounds."""
    path = _run(gut, crowd, meals, doses)
    for q in path.model.outputs:
        assert path[q.name].min() >= q.low - 1e-6, q.name
        assert path[q.name].max() <= q.high, q.name


@calm
@given(seed=st.integers(0, 2**63), n=st.integers(1, 12), data=st.data())
def test_any_seed_draws_people_at_rest(seed: int, n: int, data: st.DataObject) -> None:
    """Whatever the seed, number and groups, drawn people stand at an exact equilibrium."""
    groups = data.draw(
        st.lists(st.sampled_from(("adult", "adolescent", "child")), min_size=1, max_size=3)
    )
    people = load_sampler().sample(n, stream(seed, "test"), groups=groups)
    model = MODELS["published"]
    slope = model.derivative(
        model.initial(people.params), model.basal_inputs(people.params), people.params
    )
    assert np.abs(slope).max() < 1e-12
    assert people.groups == tuple(groups[i % len(groups)] for i in range(n))
