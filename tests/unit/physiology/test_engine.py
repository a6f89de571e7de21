"""The compiled engine: a person's trajectory depends on nobody else, and bad arrays are refused."""

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients
from dosegym.physiology.engine import Engine, engine_for
from dosegym.physiology.library import load_model
from dosegym.physiology.models.uva_padova_2008 import GUTS

MINUTES = 45


@pytest.fixture(scope="module")
def engine(model: Model) -> Engine:
    return engine_for(model)


def _run(engine: Engine, params: np.ndarray, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Run people under inputs of the person, not of the lane; return (states, record)."""
    model = engine.model
    x = model.initial(params)
    u = np.zeros((MINUTES, 2, len(params)))
    u[:, 1] = model.basal_inputs(params)[:, 1]
    u[3:10, 0] = params[:, 0] / 20.0
    u[5, 1] += params[:, 2] / 50.0
    record = np.empty((MINUTES, x.shape[1], x.shape[0]))
    engine.advance(x, params, u, record=record, threads=threads)
    return x, record


@pytest.mark.parametrize(
    ("batch", "threads"), [(1, 1), (3, 1), (64, 1), (65, 1), (127, 1), (200, 1), (200, 2), (64, 2)]
)
def test_a_lane_does_not_feel_its_neighbours(
    engine: Engine, people: Patients, batch: int, threads: int
) -> None:
    """Alone or in any lane of any batch, with one thread or two, results are bit-identical."""
    alone = {i: _run(engine, people.params[i : i + 1].copy()) for i in range(30)}
    rng = np.random.default_rng(batch)
    for _ in range(3):
        who = rng.integers(0, 30, batch)
        x, record = _run(engine, people.params[who], threads)
        for lane, i in enumerate(who):
            np.testing.assert_array_equal(x[lane], alone[i][0][0])
            np.testing.assert_array_equal(record[:, :, lane], alone[i][1][:, :, 0])


@pytest.mark.parametrize("gut", GUTS)
@pytest.mark.parametrize("batch", [2, 5, 9])
def test_a_lone_person_is_computed_as_one_of_many(people: Patients, gut: str, batch: int) -> None:
    """In every stomach's kernel one person ends bit for bit as in a batch that fills no vector."""
    own = engine_for(load_model("uva_padova_2008", gut=gut))
    many, _, seen, _ = _watched(own, people[list(range(batch))])
    for i in range(batch):
        alone, _, read, _ = _watched(own, people[[i]], meal=1.0 + 4.0 * i / (batch - 1))
        np.testing.assert_array_equal(alone[0], many[i])
        np.testing.assert_array_equal(read[:, :, 0], seen[:, :, i])


def test_running_on_equals_running_through(engine: Engine, people: Patients) -> None:
    """Two calls of half the length end bit-identical with one call."""
    params = people.params
    u = np.zeros((20, 2, 30))
    u[2:9, 0] = 4.0
    whole, parts = engine.model.initial(params), engine.model.initial(params)
    engine.advance(whole, params, u)
    engine.advance(parts, params, u[:6])
    engine.advance(parts, params, u[6:])
    np.testing.assert_array_equal(whole, parts)


def test_outputs_equal_the_models_own(engine: Engine, people: Patients) -> None:
    """The compiled reading of outputs equals the NumPy one."""
    x, _ = _run(engine, people.params)
    u = engine.model.basal_inputs(people.params)
    compiled = engine.outputs(x, people.params, np.ascontiguousarray(u.T))
    np.testing.assert_allclose(compiled, engine.model.output(x, u, people.params), rtol=1e-14)


def _watched(
    engine: Engine, people: Patients, threads: int = 1, meal: float | None = None
) -> tuple[np.ndarray, ...]:
    """Run under inputs that change; return (states, record, seen, inputs)."""
    model, batch = engine.model, len(people)
    x = model.initial(people.params)
    u = np.zeros((MINUTES, 2, batch))
    u[:, 1] = model.basal_inputs(people.params)[:, 1]
    u[3:9, 0] = np.linspace(1.0, 5.0, batch) if meal is None else meal
    record = np.empty((MINUTES, x.shape[1], batch))
    seen = np.empty((MINUTES, len(model.outputs), batch))
    engine.advance(x, people.params, u, record=record, seen=seen, threads=threads)
    return x, record, seen, u


def test_seen_are_the_outputs_of_every_interval(engine: Engine, people: Patients) -> None:
    """What is seen at an interval's end is the output of the state recorded there."""
    x, record, seen, u = _watched(engine, people)
    for t in range(MINUTES):
        state = np.ascontiguousarray(record[t].T)
        np.testing.assert_array_equal(seen[t].T, engine.outputs(state, people.params, u[t]))
    np.testing.assert_array_equal(record[-1].T, x)


def test_seldom_seen_are_some_of_those_seen(engine: Engine, people: Patients) -> None:
    """Outputs of every fifth interval equal those among the outputs of all."""
    _, _, seen, u = _watched(engine, people)
    some = np.empty((MINUTES // 5, *seen.shape[1:]))
    x = engine.model.initial(people.params)
    engine.advance(x, people.params, u, seen=some, every=5)
    np.testing.assert_array_equal(some, seen[4::5])


def test_a_store_of_another_length_is_refused(engine: Engine, people: Patients) -> None:
    """A store that outputs would overflow is refused, and nobody is moved."""
    _, _, seen, u = _watched(engine, people)
    x = engine.model.initial(people.params)
    before = x.copy()
    with pytest.raises(InputError, match="rows"):
        engine.advance(x, people.params, u, seen=seen[1:])
    with pytest.raises(InputError, match="every is 0"):
        engine.advance(x, people.params, u, seen=seen, every=0)
    np.testing.assert_array_equal(x, before)


def test_watching_changes_nothing(engine: Engine, people: Patients) -> None:
    """States end bit-identical whether or not outputs or states are stored."""
    x, _, _, u = _watched(engine, people)
    plain = engine.model.initial(people.params)
    engine.advance(plain, people.params, u)
    np.testing.assert_array_equal(plain, x)


def test_threads_see_the_same(engine: Engine, people: Patients) -> None:
    """Split over two threads, all outputs of 210 lanes are bit-identical."""
    many = people[list(range(30)) * 7]
    np.testing.assert_array_equal(_watched(engine, many)[2], _watched(engine, many, threads=2)[2])


def test_any_layout_of_inputs_gives_the_same(engine: Engine, people: Patients) -> None:
    """Transposed views of parameters and inputs are taken as they are meant."""
    u = np.zeros((5, 2, 30))
    u[:, 0] = 2.0
    a, b = engine.model.initial(people.params), engine.model.initial(people.params)
    engine.advance(a, people.params, u)
    engine.advance(b, np.asfortranarray(people.params), np.asfortranarray(u))
    np.testing.assert_array_equal(a, b)


def test_states_that_cannot_change_in_place_are_refused(engine: Engine, people: Patients) -> None:
    """A copy would be advanced and lost: a view with strides or another type is an error."""
    x, u = engine.model.initial(people.params), np.zeros((1, 2, 30))
    for bad in (np.asfortranarray(x), x.astype(np.float32)):
        with pytest.raises(InputError, match="give a C-contiguous array of float64"):
            engine.advance(bad, people.params, u)


def test_one_engine_per_model(model: Model) -> None:
    """Building the model anew finds the engine that is there; another option has its own."""
    from dosegym.physiology import load_model

    assert engine_for(load_model("uva_padova_2008")) is engine_for(model)
    legacy = load_model("uva_padova_2008", gut="simglucose_legacy")
    assert engine_for(legacy) is not engine_for(model)
