"""The one evaluation loop: a policy dosing patients side by side, and what was recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..envs.core import Task
from ..envs.lanes import Lanes
from ..policies.rule import Chart

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Rollout:
    """What happened to each lane.

    Parameters
    ----------
    names, groups : tuple of str, one per lane
    seeds : tuple of int
        ``reset(seed=...)`` of the single environment repeats the lane.
    step_min : float
    series : mapping of str to array (T+1, B)
        The task's log columns at times 0..T (rates and doses at index t are those of the interval
        that ended there), and ``reward``.
    start_min : array (B,)
        Minute of the day at time 0.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    seeds: tuple[int, ...]
    step_min: float
    series: dict[str, NDArray[np.float32]]
    start_min: Array


def lane_seed(seed: int, episode: int, patient: int) -> int:
    """Return the seed of one patient's episode; the same for every policy (common random numbers)."""
    return int(np.random.SeedSequence((seed, episode, patient)).generate_state(1)[0])


def rollout(
    task: Task,
    policy: Any,
    seeds: Sequence[int],
    *,
    record: Sequence[str] = ("glucose_mg_dl", "cgm_mg_dl", "basal_u_per_h", "bolus_u", "iob_u"),
    progress: Progress | None = None,
) -> Rollout:
    """Let a policy dose lane i's patient (``task.cohort`` row i modulo its size) for one episode.

    Parameters
    ----------
    task : Task
        With ``by_lane`` and, as a rule, without termination: a policy must not escape the harm it
        does by ending the episode.
    policy : object
        With ``predict`` in SB3's form.
    seeds : sequence of int
        One per lane.
    record : sequence of str
        Log columns to keep.
    progress : callable, optional
        Called with (steps done, steps in all) now and then.

    Returns
    -------
    Rollout
    """
    lanes = Lanes(task, len(seeds))
    for i, seed in enumerate(seeds):
        lanes.seed(i, seed)
    step = lanes.begin()
    who = lanes.episode.person
    patients = task.cohort.patients  # type: ignore[attr-defined]
    names = tuple(patients.names[i] for i in who)
    groups = tuple(patients.groups[i] for i in who)
    if hasattr(policy, "meet"):
        policy.meet(Chart(names, groups))
    n = int(task.n_steps)  # type: ignore[attr-defined]
    columns = [task.log_columns.index(c) for c in record]
    kept = np.empty((n + 1, len(columns), len(seeds)), dtype=np.float32)
    rewards = np.zeros((n + 1, len(seeds)), dtype=np.float32)
    kept[0] = step.log[:, columns].T
    start = step.log[:, task.log_columns.index("time_min")].copy()
    memory: Any = None
    begin = np.ones(len(seeds), dtype=np.bool_)
    for t in range(n):
        action, memory = policy.predict(step.observation, memory, begin, True)
        begin = np.zeros(len(seeds), dtype=np.bool_)
        step = lanes.step(action)
        kept[t + 1] = step.log[:, columns].T
        rewards[t + 1] = step.reward
        if progress is not None and (t % 64 == 0 or t == n - 1):
            progress(t + 1, n)
    series = {name: kept[:, i] for i, name in enumerate(record)}
    series["reward"] = rewards
    width = float(task.step_min)  # type: ignore[attr-defined]
    return Rollout(names, groups, tuple(int(s) for s in seeds), width, series, start)
