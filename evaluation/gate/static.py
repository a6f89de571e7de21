"""L0, what can be asked of a policy before anybody is treated: form, like days, size of doses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ...envs.core import Task
from ...envs.registry import make_task
from ...policies.threads import one_thread
from .lane import Lane
from .lives import World
from .probe import answers, record, repeatable, separate, steady

PEOPLE: Final = 8


@one_thread()
def static_lane(policy: Any, world: World) -> Lane:
    """Return lane L0.

    A policy is asked about random and extreme observations; about the same ones twice, one patient
    at a time, and in another order; and about the same stretch again and again for twice the
    horizon, in which a policy that acts on a clock of its own, rather than on its patient, gives
    itself away. What it asks for on that stretch must be of the size of the patient's own therapy.
    """
    task = _task(world)
    wrong = answers(policy, task)
    checks = {"answers every observation within its action space": wrong}
    if not wrong:
        tape = record(policy, task, PEOPLE)
        checks |= {
            "answers alike to the same observations": repeatable(policy, tape),
            "answers for each patient by what is seen of that patient": separate(policy, tape),
            "answers alike on like days, beyond the horizon": steady(
                policy, task, tape, _rounds(world)
            ),
            "was trained on nobody who is kept for judging": _trained(policy),
            **world.subject.examination.sizes(task, tape.asked, tape.log),
        }
    failed = tuple(f"{what}: NO, {why}" for what, why in checks.items() if why)
    seen = (f"{len(checks)} checks: it " + "; ".join(checks),)
    numbers = {"checks": {what: not why for what, why in checks.items()}}
    return Lane("L0", "failed" if failed else "passed", failed or seen, {}, numbers)


def _task(world: World) -> Task:
    """Return a short stretch of the world, which holds a whole round of what recurs."""
    rows = np.linspace(0, len(world.cohort) - 1, PEOPLE).astype(int).tolist()
    days = min(world.rules.horizon_days, world.subject.examination.round_days)
    kwargs = {**world.kwargs, "cohort": world.cohort.take(rows), "days": days}
    return make_task(world.rules.environment, **kwargs)


def _rounds(world: World) -> int:
    """Return how often the stretch must come again to last twice the horizon."""
    return 2 * world.rules.horizon_days // world.subject.examination.round_days


def _trained(policy: Any) -> str:
    """Say where a trained agent's card tells of people it may not have been trained on."""
    own: Mapping[str, Any] = dict(getattr(policy, "card", {}))
    while isinstance(own.get("inner"), Mapping):
        own = own["inner"]
    patient = dict(own.get("env_kwargs", {})).get("patient")
    purpose = patient.get("purpose", "training") if isinstance(patient, Mapping) else "training"
    return "" if purpose == "training" else f"it was trained on people of the purpose {purpose}"
