"""Runs a task on given actions and returns what happened, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.envs.lanes import Lanes

NEAR_BASAL = -0.2


@dataclass(frozen=True)
class Course:
    """What happened to B lanes in T steps: log columns and rewards (T+1, B), observations."""

    task: Any
    lanes: Lanes
    log: dict[str, np.ndarray]
    reward: np.ndarray
    observation: np.ndarray
    proposed: np.ndarray
    applied: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    mask: np.ndarray | None


def _run(
    act: Callable[[int, Any], np.ndarray] | float | np.ndarray = NEAR_BASAL,
    *,
    n: int = 1,
    steps: int | None = None,
    seed: int = 0,
    **kwargs: Any,
) -> Course:
    task = make_task("dosegym/Insulin-v0", **{"patient": "adult#001", "terminate": None, **kwargs})
    return _course(task, act, n, steps, seed)


# Nothing by chance, nothing hidden: what a hand calculation needs.
PLAIN = {
    "patient": {"population": "virtual", "size": 24, "purpose": "training", "entry": [1.0]},
    "measurement": "noise_free",
    "laboratory": "error_free",
    "adherence": "perfect",
    "sick_days": "none",
    "terminate": None,
    "by_lane": True,
}


def _treat(
    act: Callable[[int, Any], np.ndarray] | np.ndarray | list[int],
    *,
    n: int = 24,
    steps: int | None = None,
    seed: int = 0,
    task: Any = None,
    **kwargs: Any,
) -> Course:
    task = task or make_task("dosegym/BloodPressure-v0", **{**PLAIN, **kwargs})
    return _course(task, act, n, steps, seed)


class Watched:
    """An engine that remembers what it was last given (T, U, B) and what came of it (T, O, B)."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.given: list[np.ndarray] = []
        self.seen: list[np.ndarray] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def advance(self, x: np.ndarray, p: np.ndarray, u: np.ndarray, **kwargs: Any) -> None:
        """Advance, and remember."""
        self._engine.advance(x, p, u, **kwargs)
        if "seen" in kwargs:
            self.given.append(u.copy())
            self.seen.append(kwargs["seen"].copy())


def _watched(**kwargs: Any) -> Any:
    task = make_task("dosegym/BloodPressure-v0", **{**PLAIN, **kwargs})
    task.__dict__["engine"] = Watched(task.engine)
    return task


def _course(task: Any, act: Any, n: int, steps: int | None, seed: int) -> Course:
    lanes = Lanes(task, n)
    for lane in range(n):
        lanes.seed(lane, seed + lane)
    told = [lanes.begin()]
    shape = (n, *task.action_space.shape)
    for t in range(task.n_steps if steps is None else steps):
        asked = act(t, told[-1]) if callable(act) else np.asarray(act, dtype=np.float64)
        told.append(lanes.step(np.broadcast_to(asked, shape)))
    log = np.stack([s.log for s in told])
    return Course(
        task,
        lanes,
        {name: log[..., i] for i, name in enumerate(task.log_columns)},
        np.stack([s.reward for s in told]),
        np.stack([s.observation for s in told]),
        np.stack([s.proposed for s in told]),
        np.stack([s.applied for s in told]),
        np.stack([s.terminated for s in told]),
        np.stack([s.truncated for s in told]),
        None if told[0].mask is None else np.stack([s.mask for s in told]),
    )


@pytest.fixture
def run() -> Any:
    """Return ``run(action, n=..., steps=..., seed=..., **keywords) -> Course``."""
    return _run


@pytest.fixture
def treat() -> Any:
    """Return ``treat(levels, n=..., steps=..., seed=..., task=..., **keywords) -> Course``.

    By default 24 untreated people without chance: noise-free, adherent, never ill.
    """
    return _treat


@pytest.fixture
def watched() -> Any:
    """Return ``watched(**keywords)``: a task whose ``engine`` remembers what it was given."""
    return _watched
