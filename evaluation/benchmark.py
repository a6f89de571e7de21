"""Running a benchmark protocol: every policy on the same days, and their differences by patient."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..policies.library import load_policy
from .comparison import paired_differences, paired_rows
from .evaluate import Evaluation, evaluate, keywords_for, without_nan
from .protocol import Protocol, ProtocolTask
from .protocols import load_protocol
from .summary import Summary
from .versions import versions
from .write import write_text

__all__ = ["BenchmarkResult", "TaskResult", "benchmark", "paired_rows"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TaskResult:
    """One task of a protocol.

    Parameters
    ----------
    name : str
    evaluations : mapping of policy to Evaluation
        In the order they were given.
    differences : mapping of policy to dict
        Each policy after the first, minus the first, paired by patient: group -> metric -> mean,
        sd, low, high, n.
    """

    name: str
    evaluations: Mapping[str, Evaluation]
    differences: Mapping[str, Summary]


@dataclass(frozen=True)
class BenchmarkResult:
    """What a protocol found.

    Parameters
    ----------
    protocol : Protocol
        As it was run.
    tasks : tuple of TaskResult
    """

    protocol: Protocol
    tasks: tuple[TaskResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "protocol": self.protocol.model_dump(mode="json"),
            "protocol_sha256": self.protocol.sha256,
            "versions": versions(),
            "tasks": [
                {
                    "name": task.name,
                    "policies": {name: e.to_dict() for name, e in task.evaluations.items()},
                    "differences": dict(task.differences),
                }
                for task in self.tasks
            ],
        }

    def write_json(self, path: str | Path) -> None:
        """Write the JSON form, whole or not at all; NaN becomes null."""
        plain = without_nan(self.to_dict())
        write_text(path, json.dumps(plain, indent=1, default=str) + "\n")


def benchmark(
    protocol: str | Path | Protocol,
    policies: Sequence[str | Path] = (),
    *,
    episodes: int | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> BenchmarkResult:
    """Run every policy through every task of a protocol, on the same days.

    Parameters
    ----------
    protocol : str, Path or Protocol
        A name, a YAML file, or the protocol itself.
    policies : sequence of str or Path
        Anything ``load_policy`` takes; the protocol's own baselines by default. The first is what
        the others are compared with.
    episodes : int, optional
        Episodes per patient instead of the protocol's: quicker, and no longer the benchmark.
    trust : bool
        Accept an agent file that differs from its manifest.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    BenchmarkResult

    Raises
    ------
    InputError
        If something is unknown, a policy is named twice, or one cannot act in a task; before
        anything is run.
    """
    plan = protocol if isinstance(protocol, Protocol) else load_protocol(protocol)
    if episodes is not None:
        _check_episodes(episodes)
        plan = plan.model_copy(update={"episodes": episodes})
    names = [str(p) for p in policies] or list(plan.policies)
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"policy {name} is given twice; give each once")
    agents = {name: load_policy(name, trust=trust) for name in names}
    _check(plan, agents)
    return BenchmarkResult(plan, tuple(_run(plan, task, agents, progress) for task in plan.tasks))


def _check_episodes(episodes: Any) -> None:
    if not isinstance(episodes, int) or isinstance(episodes, bool) or episodes < 1:
        raise InputError(f"episodes is {episodes!r}; give a whole number of at least 1")


def _check(plan: Protocol, agents: Mapping[str, Any]) -> None:
    """Compose every task once, so that a fault shows before hours of work."""
    for task in plan.tasks:
        for agent in agents.values():
            kwargs = {**keywords_for(agent, task.env_kwargs), "days": plan.days}
            made = make_task(plan.environment, **{"patient": "all", **kwargs})
            plan.window_of().bounds(made.n_steps)


def _run(
    plan: Protocol, task: ProtocolTask, agents: Mapping[str, Any], progress: Progress | None
) -> TaskResult:
    found: dict[str, Evaluation] = {}
    for name, agent in agents.items():
        label = f"{task.name}, {name}"
        found[name] = evaluate(
            agent,
            plan.environment,
            episodes=plan.episodes,
            days=plan.days,
            seed=plan.seed,
            env_kwargs=task.env_kwargs,
            window=plan.window_of(),
            scoring=plan.scoring_of(),
            progress=None if progress is None else _named(progress, label),
        )
    return TaskResult(task.name, found, paired_differences(found, seed=plan.seed))


def _named(progress: Progress, label: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(label, done, total)
