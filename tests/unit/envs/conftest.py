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


def _run(
    act: Callable[[int, Any], np.ndarray] | float | np.ndarray = NEAR_BASAL,
    *,
    n: int = 1,
    steps: int | None = None,
    seed: int = 0,
    **kwargs: Any,
) -> Course:
    task = make_task("dosegym/Insulin-v0", **{"patient": "adult#001", "terminate": None, **kwargs})
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
    )


@pytest.fixture
def run() -> Any:
    """Return ``run(action, n=..., steps=..., seed=..., **keywords) -> Course``."""
    return _run
