"""An environment upon one person's twin: draws of the posterior, their state, their tablets."""

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from dosegym.envs.registry import make_task
from dosegym.physiology.errors import InputError
from dosegym.records import demo_pressure_record, read_pressure
from dosegym.twins.pressure import PressureTwin, fit_pressure
from dosegym.twins.pressure_body import live
from dosegym.twins.pressure_observe import observe_pressure

ID = "dosegym/BloodPressure-v0"


@pytest.fixture(scope="module")
def twin() -> PressureTwin:
    """Return the twin of the bundled record."""
    return fit_pressure(observe_pressure(read_pressure(demo_pressure_record())), draws=80)


@pytest.fixture(scope="module")
def path(twin: PressureTwin, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the twin's file."""
    file = tmp_path_factory.mktemp("twin") / "one.json"
    file.write_text(json.dumps(twin.full()))
    return str(file)


def test_episodes_begin_where_the_record_ends(twin: PressureTwin, path: str) -> None:
    """Every episode's true pressure is that of one draw of the posterior, and draws differ."""
    env = gym.make(ID, twin=path)
    now = live(twin.bodies, np.zeros((0, 6)), [0])[1]["sbp"][0]
    task = make_task(ID, twin=path)
    assert len(task.cohort) == len(twin)
    np.testing.assert_array_equal(task.settled[0], twin.bodies.x)
    shown = set()
    for seed in range(12):
        _, info = env.reset(seed=seed)
        shown.add(info["truth"]["sbp_mmhg"])
        assert np.abs(now - info["truth"]["sbp_mmhg"]).min() < 4.0
    assert len(shown) > 6


def test_the_regimen_of_the_record_goes_on(twin: PressureTwin, path: str) -> None:
    """People enter on what the person takes now; unchanged, the course is the twin's forecast."""
    task = make_task(ID, twin=path)
    mg = task.cohort.formulary.mg_of(task.cohort.entry[0])
    np.testing.assert_allclose(mg, twin.seen.doses.now)
    quiet = {"adherence": "perfect", "sick_days": "none", "laboratory": "usual"}
    env = gym.make_vec(
        ID, num_envs=len(twin), vectorization_mode="vector_entry_point", twin=path, by_lane=True,
        days=56, **quiet,
    )  # fmt: skip
    env.reset(seed=0)
    action = np.tile(task.cohort.entry[0], (len(twin), 1))
    env.step(action)
    _, _, _, _, info = env.step(action)
    ahead = twin.forecast(twin.seen.doses.now, 56)["sbp"][-1]
    # The twin's people miss some tablets, those of the perfect preset none: a little lower.
    assert abs(np.median(info["truth"]["sbp_mmhg"]) - np.median(ahead)) < 6.0


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"twin": "nobody"}, "DOSEGYM_TWINS"),
        ({"twin": 3}, "as text"),
        ({"twin": True}, "as text"),
        ({"patient": "older"}, "give one of the two"),
        ({"formulary": {"arb": "telmisartan", "ccb": "amlodipine"}}, "leave it out"),
    ],
)
def test_wrong_keywords_are_refused(path: str, keywords: dict, says: str) -> None:
    """What contradicts a twin, or is none, is refused in one line."""
    with pytest.raises(InputError, match=says) as error:
        make_task(ID, **{"twin": path, **keywords})
    assert "\n" not in str(error.value)


def test_a_poor_sample_is_refused(twin: PressureTwin, tmp_path: Path) -> None:
    """A twin that rests on a handful of lucky draws is no environment."""
    from dataclasses import replace

    poor = tmp_path / "poor.json"
    poor.write_text(json.dumps(replace(twin, distinct=12).full()))
    with pytest.raises(InputError, match="12 different bodies"):
        make_task(ID, twin=str(poor))
