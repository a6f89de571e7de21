"""Where a trial's people are simulated: in this process, or by Ray over many machines.

People are cut into parts. Each person has a seed of their own, so neither the number of parts nor
the engine changes a number.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..policies.library import load_policy
from .rollout import Progress, rollout
from .trial_endpoints import values_of
from .trial_protocol import Endpoint

Array = NDArray[np.float64]
Tell = Callable[[int, int], None]

ENGINES: Final = ("local", "ray")


@dataclass(frozen=True)
class Part:
    """Some people of one arm, and all that is needed to simulate them anywhere.

    Parameters
    ----------
    environment : str
    keywords : mapping
        JSON-like keywords of the environment.
    policy : str
    settings : mapping
        Of the policy.
    cohort : Cohort or PressureCohort
    seeds : tuple of int
        One per person.
    endpoints : tuple of Endpoint
    """

    environment: str
    keywords: Mapping[str, Any]
    policy: str
    settings: Mapping[str, Any]
    cohort: Any
    seeds: tuple[int, ...]
    endpoints: tuple[Endpoint, ...]


def live(part: Part, threads: int = 1, progress: Progress | None = None) -> dict[str, Array]:
    """Let people live through the trial; return by measure one number a person.

    Parameters
    ----------
    part : Part
    threads : int
        Of the environment's engine.
    progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    dict of measure key to array (n,)
        See :func:`key_of`.
    """
    policy = load_policy(part.policy, **part.settings)
    task = make_task(
        part.environment,
        **part.keywords,
        terminate=None,
        by_lane=True,
        threads=threads,
        cohort=part.cohort,
    )
    columns = tuple(dict.fromkeys(c for e in part.endpoints for c in e.columns))
    record = tuple(c for c in columns if c != "reward")
    run = rollout(task, policy, part.seeds, record=record, progress=progress)
    return {key_of(e): values_of(e, run) for e in part.endpoints}


def key_of(endpoint: Endpoint) -> str:
    """Return a text that endpoints share which measure the same of a person."""
    keys = ("measure", "column", "limits", "above", "range", "week", "from_week")
    return json.dumps([getattr(endpoint, k) for k in keys], sort_keys=True)


def live_all(parts: Sequence[Part], engine: str, tell: Tell) -> list[dict[str, Array]]:
    """Simulate all parts; return their results in order.

    Parameters
    ----------
    parts : sequence of Part
    engine : {"local", "ray"}
    tell : callable
        Called with (people done, people in all), each counted once an arm.

    Raises
    ------
    InputError
        If the engine is unknown or not installed.
    """
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r}; choose one of {', '.join(ENGINES)}")
    done = _by_ray(parts) if engine == "ray" else _here(parts, tell)
    results: list[dict[str, Array]] = [{} for _ in parts]
    finished, total = 0, sum(len(part.seeds) for part in parts)
    tell(0, total)
    for place, found in done:
        results[place] = found
        finished += len(parts[place].seeds)
        tell(finished, total)
    return results


def _here(parts: Sequence[Part], tell: Tell) -> Iterator[tuple[int, dict[str, Array]]]:
    """Simulate the parts one after another, each on all cores."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    before, total = 0, sum(len(part.seeds) for part in parts)
    for place, part in enumerate(parts):
        people = len(part.seeds)

        def step(done: int, steps: int, at: int = before, width: int = people) -> None:
            tell(at + width * done // steps, total)

        yield place, live(part, threads or 1, step)
        before += people


def _by_ray(parts: Sequence[Part]) -> Iterator[tuple[int, dict[str, Array]]]:
    """Simulate each part as one Ray task on one core; yield as they finish."""
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise InputError(
            "engine is 'ray', which is not installed; pip install 'dosegym[ray]' or choose "
            "engine local"
        ) from None
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, include_dashboard=False)
    try:
        remote = ray.remote(num_cpus=1)(live)
        waiting = {remote.remote(part): place for place, part in enumerate(parts)}
        while waiting:
            ready, _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(ready[0]), ray.get(ready[0])
    finally:
        if started_here:
            ray.shutdown()
