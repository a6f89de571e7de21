"""The one evaluation loop: a policy dosing patients side by side, and what was recorded of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..envs.core import Step, Task
from ..envs.lanes import Lanes
from ..physiology.errors import InputError
from ..policies.rule import Chart
from ..policies.threads import one_thread
from .subjects import subject_of_task
from .trajectory import Rollout
from .window import Window

__all__ = ["Decision", "Listener", "Rollout", "lane_seed", "rollout"]

Progress = Callable[[int, int], None]

WHOLE = Window()


class Decision(NamedTuple):
    """One decision of all lanes: what the policy was given, what it asked, what came of it."""

    observation: NDArray[np.float32]
    state: Any
    episode_start: NDArray[np.bool_]
    action: NDArray[Any]
    step: Step


class Listener(Protocol):
    """Who hears an episode while it runs, such as a logger."""

    def begin(self, chart: Chart, step: Step) -> None:
        """Hear who is in which lane, and the Step at time zero."""
        ...

    def hear(self, decision: Decision) -> None:
        """Hear one decision."""
        ...


def lane_seed(seed: int, episode: int, patient: int) -> int:
    """Return the seed of one patient's episode, the same for every policy."""
    return int(np.random.SeedSequence((seed, episode, patient)).generate_state(1)[0])


@one_thread()
def rollout(
    task: Task,
    policy: Any,
    seeds: Sequence[int],
    *,
    record: Sequence[str] | None = None,
    window: Window = WHOLE,
    progress: Progress | None = None,
    deterministic: bool = True,
    listener: Listener | None = None,
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
    record : sequence of str, optional
        Log columns to keep; by default those that the task's metrics are made from.
    window : Window
        Part of the episode to record; the whole by default.
    progress : callable, optional
        Called with (steps done, steps in all) now and then.
    deterministic : bool
        Passed to ``predict``; False lets a policy act by chance.
    listener : Listener, optional
        Hears every decision.

    Returns
    -------
    Rollout

    Raises
    ------
    InputError
        If the window does not fit, an action is not acceptable, or a recorded value is not finite.
    """
    job: Any = task
    first, last = window.bounds(int(job.n_steps))
    lanes, step, chart = _admit(job, policy, seeds)
    columns = subject_of_task(job).record if record is None else record
    tape = _Tape(job, columns, last - first, len(seeds))
    start = step.log[:, job.log_columns.index("time_min")] + first * job.step_min
    usual = subject_of_task(job).usual(job) if window.calibration else None
    memory: Any = None
    begin = np.ones(len(seeds), dtype=np.bool_)
    if listener is not None:
        listener.begin(chart, step)
    for t in range(last):
        if t == first:
            tape.keep(0, step, rewarded=False)
        seen, before, began = step.observation, memory, begin
        if usual is not None and t < window.calibration:
            action, _ = usual.predict(seen)
        else:
            action, memory = policy.predict(seen, memory, begin, deterministic)
            begin = np.zeros(len(seeds), dtype=np.bool_)
        step = lanes.step(action)
        if listener is not None:
            listener.hear(Decision(seen, before, began, action, step))
        if t >= first:
            tape.keep(t + 1 - first, step)
        tape.end(step)
        if progress is not None and (t % 64 == 0 or t == last - 1):
            progress(t + 1, last)
    names, groups = tuple(chart.names), tuple(chart.groups)
    ids = tuple(int(s) for s in seeds)
    return Rollout(names, groups, ids, float(job.step_min), tape.series(names), start)


def _admit(task: Any, policy: Any, seeds: Sequence[int]) -> tuple[Lanes, Step, Chart]:
    """Begin one episode per seed and let the policy know who is in which lane."""
    lanes = Lanes(task, len(seeds))
    for i, seed in enumerate(seeds):
        lanes.seed(i, seed)
    step = lanes.begin()
    patients, who = task.cohort.patients, lanes.episode.person
    chart = Chart(tuple(patients.names[i] for i in who), tuple(patients.groups[i] for i in who))
    if hasattr(policy, "meet"):
        policy.meet(chart)
    return lanes, step, chart


class _Tape:
    """The recorded columns while they are being written."""

    def __init__(self, task: Task, record: Sequence[str], n: int, lanes: int) -> None:
        self._names = tuple(record)
        self._columns = [task.log_columns.index(c) for c in record]
        self._kept = np.empty((n + 1, len(record), lanes), dtype=np.float32)
        self._rewards = np.zeros((n + 1, lanes), dtype=np.float32)
        self._ended = np.zeros(lanes, dtype=np.bool_)

    def keep(self, t: int, step: Any, *, rewarded: bool = True) -> None:
        """Write one time; for whom the horizon is over, time stands still."""
        self._kept[t] = step.log[:, self._columns].T
        if rewarded:
            self._rewards[t] = np.where(self._ended, 0.0, step.reward)
        if t > 0 and self._ended.any():
            self._kept[t][:, self._ended] = self._kept[t - 1][:, self._ended]

    def end(self, step: Any) -> None:
        """Note whose horizon is over; a policy that chooses its intervals ends when it likes."""
        self._ended |= step.truncated

    def series(self, people: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return the columns by name, after refusing what is not finite: it would hide harm."""
        for i, name in enumerate(self._names):
            bad = ~np.isfinite(self._kept[:, i])
            if bad.any():
                t, lane = (int(k) for k in np.argwhere(bad)[0])
                raise InputError(
                    f"{name} of {people[lane]} is {self._kept[t, i, lane]} at step {t}: the "
                    "simulation broke down under this policy, which therefore cannot be judged"
                )
        return {name: self._kept[:, i] for i, name in enumerate(self._names)} | {
            "reward": self._rewards
        }
