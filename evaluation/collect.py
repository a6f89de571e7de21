"""Logging what a behaviour policy does to virtual patients, with the probability of every act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.core import Step, json_ready
from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..physiology.streams import check_seed
from ..policies.library import load_policy
from ..policies.rule import Chart
from ..policies.stochastic import is_levels
from .evaluate import keywords_for
from .logged import Logged, LoggedEpisode
from .rollout import Decision, Progress, lane_seed, rollout
from .subjects import environment_of

LANES: Final = 512
LOT_STREAM: Final = 11
_UNSAID: Final = {"terminate": None}


def collect(
    env_id: str,
    behaviour: Any,
    patients: Any,
    seed: int,
    episodes: int = 1,
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    discount: float = 1.0,
    by_chance: bool = True,
    meta: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Logged:
    """Log a behaviour policy's treatment of every patient of a cohort.

    Parameters
    ----------
    env_id : str
    behaviour : str or object
        What ``load_policy`` takes, or an object with ``predict``. With ``log_prob`` (see
        ``policies.stochastic``) it acts by chance and its probabilities are logged; without, it is
        taken to be deterministic, so that levels have mass 1 and doses no density (NaN).
    patients : str, list, mapping or cohort
        The environment's keyword ``patient``, or its ``cohort``.
    seed : int
        Of the patients' days (as ``evaluate``) and of the behaviour's lot.
    episodes : int
        Per patient.
    env_kwargs : mapping, optional
        ``terminate`` is None unless said: a death then ends no episode, as in evaluations.
    discount : float
        By which returns are reckoned.
    by_chance : bool
        False logs the policy's deterministic actions instead.
    meta : mapping, JSON, optional
    progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    Logged
        Patients of a virtual population bear its purpose and seed in their name, so that people of
        different populations are never taken for one.

    Raises
    ------
    InputError
        On anything unknown or out of range.
    """
    logging = _Logging(env_id, behaviour, patients, seed, episodes, env_kwargs, by_chance)
    courses = tuple(logging.run(progress))
    card = dict(getattr(logging.policy, "card", {"policy": type(logging.policy).__name__}))
    return Logged(
        courses,
        logging.env_id,
        json_ready(logging.kwargs),
        tuple(logging.task.cost_names),
        json_ready({**card, "by_chance": logging.by_chance}),
        discount,
        json_ready({"seed": seed, "episodes": episodes, **(meta or {})}),
    )


def true_value(
    env_id: str,
    policy: Any,
    patients: Any,
    seed: int,
    episodes: int = 1,
    *,
    env_kwargs: Mapping[str, Any] | None = None,
    discount: float = 1.0,
    by_chance: bool = True,
) -> dict[str, float]:
    """Return a policy's value as the simulator tells it: by treating patients with it.

    Parameters are those of :func:`collect`.

    Returns
    -------
    dict
        ``mean`` over patients of their mean discounted return, its standard error ``se`` (patients
        being the units) and ``n`` patients.
    """
    logging = _Logging(env_id, policy, patients, seed, episodes, env_kwargs, by_chance)
    each: dict[str, list[float]] = {}
    for course in logging.run(None):
        each.setdefault(course.patient, []).append(course.returns(discount))
    values = np.array([np.mean(own) for own in each.values()])
    n = len(values)
    se = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return {"mean": float(values.mean()), "se": se, "n": float(n)}


class _Logging:
    """One run: the task, the policy, and the plan of patients and episodes."""

    def __init__(
        self, env_id: str, behaviour: Any, patients: Any, seed: int, episodes: int,
        env_kwargs: Mapping[str, Any] | None, by_chance: bool,
    ) -> None:  # fmt: skip
        self.policy = load_policy(behaviour) if isinstance(behaviour, str) else behaviour
        self.env_id = environment_of(self.policy, env_id)
        check_seed(seed)
        if not isinstance(episodes, int) or isinstance(episodes, bool) or episodes < 1:
            raise InputError(f"episodes is {episodes!r}; give a whole number of at least 1")
        named = isinstance(patients, (str, list, tuple, Mapping))
        who = {"patient": patients} if named else {"cohort": patients}
        self.kwargs = {**_UNSAID, **keywords_for(self.policy, env_kwargs)}
        self.task = make_task(self.env_id, **{**self.kwargs, **who, "by_lane": True})
        self.kwargs |= {"patient": json_ready(patients)} if named else {}
        self.prefix = _prefix(patients)
        self.seed, self.episodes = seed, episodes
        self.by_chance = by_chance and hasattr(self.policy, "log_prob")

    def run(self, progress: Progress | None) -> Iterator[LoggedEpisode]:
        """Yield the courses, patient by patient within each episode."""
        plan = [(e, i) for e in range(self.episodes) for i in range(len(self.task.cohort))]
        for part, first in enumerate(range(0, len(plan), LANES)):
            rows = plan[first : first + LANES]
            job = replace(self.task, cohort=self.task.cohort.take([i for _, i in rows]))
            policy = self.policy
            if self.by_chance:
                key = np.random.SeedSequence(self.seed, spawn_key=(LOT_STREAM, part))
                policy = policy.seeded(np.random.default_rng(key))
            seeds = [lane_seed(self.seed, e, i) for e, i in rows]
            log = _Log(policy if self.by_chance else None, job)
            rollout(job, policy, seeds, record=(), deterministic=not self.by_chance, listener=log)
            yield from log.courses(seeds, self.prefix)
            if progress is not None:
                progress(first + len(rows), len(plan))


def _prefix(patients: Any) -> str:
    if not isinstance(patients, Mapping):
        return ""
    return f"{patients.get('purpose', 'training')}-{patients.get('seed', 0)}/"


class _Log:
    """A rollout's listener that keeps everything a logged episode holds."""

    def __init__(self, policy: Any, task: Any) -> None:
        self._policy = policy
        self._n_costs = len(task.cost_names)
        self._time = task.log_columns.index("time_min")
        self._limited = task.log_columns.index("limited")
        self._steps: list[Step] = []
        self._log_prob: list[NDArray[np.float64]] = []
        self._chart = Chart((), ())

    def begin(self, chart: Chart, step: Step) -> None:
        """Keep who is in which lane, and the first observation."""
        self._chart = chart
        self._steps = [step]

    def hear(self, decision: Decision) -> None:
        """Keep one decision."""
        self._steps.append(decision.step)
        proposed = decision.step.proposed
        if self._policy is None:
            known = 0.0 if is_levels(proposed) else np.nan
            self._log_prob.append(np.full(len(proposed), known))
            return
        seen, memory, began = decision.observation, decision.state, decision.episode_start
        self._log_prob.append(self._policy.log_prob(seen, proposed, memory, began))

    def courses(self, seeds: list[int], prefix: str) -> Iterator[LoggedEpisode]:
        """Yield each lane's episode, up to where it ended."""
        after = self._steps[1:]
        terminated = np.stack([s.terminated for s in after])
        truncated = np.stack([s.truncated for s in after])
        over = terminated | truncated
        last = np.where(over.any(axis=0), over.argmax(axis=0), len(after) - 1)
        observation = np.stack([s.observation for s in self._steps])
        log = np.stack([s.log for s in self._steps])
        applied, proposed = (np.stack([getattr(s, k) for s in after]) for k in _ACTS)
        reward, chance = np.stack([s.reward for s in after]), np.stack(self._log_prob)
        for lane, seed in enumerate(seeds):
            n = int(last[lane]) + 1
            died = bool(terminated[n - 1, lane])
            yield LoggedEpisode(
                observations=observation[: n + 1, lane],
                actions=applied[:n, lane],
                rewards=reward[:n, lane],
                costs=log[1 : n + 1, lane, : self._n_costs],
                time_min=log[: n + 1, lane, self._time],
                log_prob=chance[:n, lane],
                proposed=proposed[:n, lane],
                shielded=log[1 : n + 1, lane, self._limited] > 0.0,
                terminated=died,
                truncated=not died,
                patient=prefix + self._chart.names[lane],
                group=self._chart.groups[lane],
                seed=seed,
            )


_ACTS: Final = ("applied", "proposed")
