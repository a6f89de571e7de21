"""Cases that families of tests run over: every registered environment in each of its variants."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import MultiDiscrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from dosegym.envs.registry import ENTRIES


@dataclass(frozen=True)
class Case:
    """One environment id with one of its keyword variants."""

    id: str
    kwargs: Mapping[str, Any]

    def make(self, **extra: Any) -> Any:
        """Return the single environment."""
        return gym.make(self.id, **{**self.kwargs, **extra})

    def make_vec(self, n: int, mode: str = "next_step", **extra: Any) -> Any:
        """Return the native vector environment."""
        return gym.make_vec(
            self.id,
            num_envs=n,
            vectorization_mode="vector_entry_point",
            autoreset_mode=mode,
            **{**self.kwargs, **extra},
        )

    def make_sync(self, n: int, mode: str = "next_step") -> Any:
        """Return Gymnasium's own vector of single environments."""
        return SyncVectorEnv([self.make] * n, autoreset_mode=AutoresetMode[mode.upper()])

    def actions(self, seed: int, steps: int, n: int) -> np.ndarray:
        """Return random actions (steps, n, A); lane i doses less the higher i, so ends differ."""
        space = self.make().action_space
        rng = np.random.default_rng(seed)
        draws = rng.random((steps, n, *space.shape)) * np.linspace(1.0, 0.3, n)[None, :, None]
        if isinstance(space, MultiDiscrete):
            return (draws * space.nvec).astype(space.dtype)
        return (space.low + draws * (space.high - space.low)).astype(space.dtype)


# Twins that the batteries play: written once a session, found by id.
TWIN_CASES = [
    Case("dosegym/BloodPressure-v0", {"days": 168, "twin": "family-pressure"}),
    Case(
        "dosegym/Insulin-v0",
        {"days": 1, "twin": "family-insulin", "scenario": "announced", "action": "basal_and_bolus"},
    ),
    Case("dosegym/Insulin-v0", {"days": 1, "physiology": "hovorka_2004", "patient": "all"}),
]
CASES = [Case(entry.id, kwargs) for entry in ENTRIES for kwargs in entry.variants] + TWIN_CASES


def _write_pressure_twin(folder: Path) -> None:
    from dosegym.records import demo_pressure_record, read_pressure
    from dosegym.twins.pressure import fit_pressure
    from dosegym.twins.pressure_observe import observe_pressure

    seen = observe_pressure(read_pressure(demo_pressure_record()))
    twin = fit_pressure(seen, seed=1, draws=50)
    (folder / "family-pressure.json").write_text(json.dumps(twin.full()))


def _write_insulin_twin(folder: Path) -> None:
    from dosegym.physiology import load_model, load_population
    from dosegym.twins import fit_twin
    from dosegym.twins.virtual import Life, live

    model, person = load_model("uva_padova_2008"), load_population()["adult#004"]
    (record,) = live(model, person, Life(days=1.0), np.random.default_rng(8))
    (folder / "family-insulin.json").write_text(json.dumps(fit_twin(record, seed=1).to_dict()))


@pytest.fixture(scope="session", autouse=True)
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Fill a folder of twins and name it in DOSEGYM_TWINS while the families are tested."""
    folder = tmp_path_factory.mktemp("twins")
    _write_pressure_twin(folder)
    _write_insulin_twin(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOSEGYM_TWINS", str(folder))
        yield folder


@pytest.fixture(params=CASES, ids=[f"{c.id}-{i}" for i, c in enumerate(CASES)])
def case(request: pytest.FixtureRequest) -> Case:
    """Return one environment in one variant."""
    return request.param


def _assert_same(left: Any, right: Any, path: str = "") -> None:
    assert type(left) is type(right), (path, type(left), type(right))
    if isinstance(left, dict):
        assert set(left) == set(right), (path, set(left) ^ set(right))
        for key in left:
            _assert_same(left[key], right[key], f"{path}/{key}")
    elif isinstance(left, (list, tuple)):
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            _assert_same(a, b, f"{path}[{i}]")
    elif isinstance(left, np.ndarray):
        assert left.dtype == right.dtype, (path, left.dtype, right.dtype)
        if left.dtype == object:
            _assert_same(left.tolist(), right.tolist(), path)
        else:
            np.testing.assert_array_equal(left, right, err_msg=path)
    else:
        assert left == right, (path, left, right)


@pytest.fixture
def assert_same() -> Any:
    """Return a comparison, bit for bit and type for type, of nested dictionaries and arrays."""
    return _assert_same
