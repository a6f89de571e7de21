"""Virtual people living their horizon under a policy, and what the gate keeps of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...envs.registry import make_task
from ...therapy.constraint import ConstraintSet
from ..rollout import rollout
from ..subject import Subject
from ..subjects import subject_of
from ..temporal import formula_verdicts, trace_columns
from .store import Store

Array = NDArray[np.float64]
Tell = Callable[[str, int, int], None]

LANES: Final = 1024
# How often a shield stepped in; no constraint can be called so.
INTERVENED: Final = "intervened."


@dataclass(frozen=True)
class World:
    """Who lives, where, and by which rules they are judged.

    Parameters
    ----------
    rules : ConstraintSet
    cohort : Cohort of the environment
    seeds : sequence of int
        Of each person's days.
    kwargs : mapping
        Keywords of the environment, horizon included.
    store : Store
        Where finished parts are kept.
    tell : callable
        (what, done, total) as steps of people.
    """

    rules: ConstraintSet
    cohort: Any
    seeds: Sequence[int]
    kwargs: Mapping[str, Any]
    store: Store
    tell: Tell

    @property
    def subject(self) -> Subject:
        """The environment as evaluation sees it."""
        return subject_of(self.rules.environment)

    @property
    def groups(self) -> NDArray[np.str_]:
        """Each person's group (n,)."""
        return np.asarray(self.cohort.patients.groups)

    def take(self, rows: Sequence[int]) -> World:
        """Return the world of some of its people."""
        seeds = [self.seeds[i] for i in rows]
        return replace(self, cohort=self.cohort.take(list(rows)), seeds=seeds)


def live(policy: Any, world: World, name: str) -> dict[str, Array]:
    """Return signals (n,) of everybody's horizon under a policy, in the cohort's order.

    Parameters
    ----------
    policy : object
    world : World
    name : str
        Of this life among the store's parts.

    Returns
    -------
    dict
        The signals of the environment's examination, the verdicts of the rules' formulas, and, of a
        policy with a shield, ``intervened.`` (share of steps), also by rule.
    """
    exam, rules = world.subject.examination, world.rules
    first = world.cohort.take(range(1))
    task = make_task(rules.environment, **{**world.kwargs, "cohort": first})
    columns = tuple(dict.fromkeys([*exam.columns(rules), *trace_columns(rules, exam, task)]))
    parts = []
    for begin in range(0, len(world.cohort), LANES):
        rows = range(begin, min(begin + LANES, len(world.cohort)))

        def make(rows: range = rows) -> dict[str, Array]:
            def step(done: int, total: int) -> None:
                world.tell(name, rows.start * total + done * len(rows), len(world.cohort) * total)

            part = replace(task, cohort=world.cohort.take(rows))
            seeds = [world.seeds[i] for i in rows]
            if is_shielded(policy):
                policy.clear()
            run = rollout(part, policy, seeds, record=columns, progress=step)
            found = exam.signals(run, rules) | formula_verdicts(run, rules, exam, part)
            return found | _interventions(policy, len(rows))

        parts.append(world.store.part(f"{name} {begin}", make))
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def is_shielded(policy: Any) -> bool:
    """Whether a policy is another one under a shield."""
    return hasattr(policy, "inner") and hasattr(policy, "log") and hasattr(policy, "layers")


def _interventions(policy: Any, n: int) -> dict[str, Array]:
    """Return, of a policy with a shield, the share of steps (n,) at which each rule stepped in."""
    if not is_shielded(policy):
        return {}
    log = policy.log()
    steps = max(log.decisions / n, 1.0)
    found = {INTERVENED: np.bincount(log.lane, minlength=n) / steps}
    for i, rule in enumerate(log.rules):
        found[INTERVENED + rule] = np.bincount(log.lane[log.rule == i], minlength=n) / steps
    return found
