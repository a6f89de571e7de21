"""The insulin environment upon one person's twin: draws of the posterior, the person's therapy."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from dosegym.envs.registry import make_task
from dosegym.physiology.errors import InputError
from dosegym.records import demo_record, read_record
from dosegym.twins import Twin, fit_twin
from dosegym.twins.settings import schedule

ID = "dosegym/Insulin-v0"


@pytest.fixture(scope="module")
def twin() -> Twin:
    """Return a twin of one day of the bundled record."""
    record = read_record(demo_record())
    end = float(record.glucose.time_s[-1])
    return fit_twin(
        record.window(end - 86400.0, end + 1.0), weight_kg=75.0, seed=1, starts=1, hold_out=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def path(twin: Twin, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the twin's file."""
    file = tmp_path_factory.mktemp("twin") / "one.json"
    file.write_text(json.dumps(twin.to_dict()))
    return str(file)


def test_episodes_are_lived_by_draws(twin: Twin, path: str) -> None:
    """Bodies are those of the posterior and differ; the same seed gives the same episode."""
    task = make_task(ID, twin=path)
    bodies = task.cohort.patients.params
    column = twin.model.parameter_index
    assert np.unique(bodies[:, column["Ib"]]).size > 20
    own = twin.where.params(twin.posterior.z)  # type: ignore[union-attr]
    for name in ("Gb", "kmax"):
        i = column[name]
        assert own[:, i].min() <= np.median(bodies[:, i]) <= own[:, i].max()
    env = gym.make(ID, twin=path)
    seen = []
    for seed in (3, 3, 4):
        first, info = env.reset(seed=seed)
        path_of = [first]
        for _ in range(5):
            observation, *_ = env.step(np.zeros(env.action_space.shape, dtype=np.float32))
            path_of.append(observation)
        assert np.isfinite(np.concatenate(path_of)).all()
        assert "truth" in info
        seen.append(np.concatenate(path_of))
    np.testing.assert_array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])


def test_the_therapy_is_the_persons(twin: Twin, path: str) -> None:
    """Everybody's chart holds the basal rate that the record states."""
    stated = schedule(twin.settings, "basal_u_per_h")
    assert stated is not None
    chart = make_task(ID, twin=path).cohort.therapy
    np.testing.assert_allclose(chart.basal_u_per_h, stated.mean())


def test_an_id_is_found_in_its_folder(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a file in the folder of DOSEGYM_TWINS does as well as its path."""
    monkeypatch.setenv("DOSEGYM_TWINS", str(Path(path).parent))
    by_id, by_path = (make_task(ID, twin=name).cohort.patients.params for name in ("one", path))
    np.testing.assert_array_equal(by_id, by_path)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"twin": "nobody"}, "DOSEGYM_TWINS"),
        ({"twin": 3}, "as text"),
        ({"patient": "adult#002"}, "give one of the two"),
        ({"physiology": "hovorka_2004"}, "give one of the two"),
    ],
)
def test_wrong_keywords_are_refused(path: str, keywords: dict, says: str) -> None:
    """What is no twin, or contradicts it, is refused in one line."""
    with pytest.raises(InputError, match=says) as error:
        gym.make(ID, **{"twin": path, **keywords})
    assert "\n" not in str(error.value)
