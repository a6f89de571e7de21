"""The release gate: an exact statement about a virtual population, and default deny.

Independent virtual patients that no training ever saw live through the constraint set's horizon
under the candidate and, on the same days, under the environment's comparator. Each constraint item
becomes one finite-sample bound over the patients of each group; lanes L0 to L10
(``evaluation.gate``) ask what bounds cannot. All must hold for a group to be released: nothing buys
off anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..policies.card import policy_hash
from .certified_people import DAY_SEEDS, certified_patients, population_sha256
from .gate.lane import Lane, conclude
from .gate.lanes import judge_lanes
from .gate.lives import World, live
from .gate.request import Request, request_of
from .gate.store import Store
from .gate.validity import expiry
from .safety_case import SafetyCase
from .sentence import sentence_of
from .verdict import ItemResult, judge_all
from .versions import versions

__all__ = ["DAY_SEEDS", "SEED", "certified_patients", "certify"]

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

WORST_SHOWN: Final = 5
SEED: Final = 20_261


def certify(
    policy: Any,
    *,
    constraints: str | Path | None = None,
    patients: int = 3000,
    seed: int = SEED,
    groups: Sequence[str] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    logged: str | Path | None = None,
    work: str | Path | None = None,
    trust: bool = False,
    progress: Progress | None = None,
) -> SafetyCase:
    """Test a policy on independent virtual patients against a constraint set.

    Parameters
    ----------
    policy : str, Path or object
        Anything ``load_policy`` takes, or an object with ``predict`` and ``card``.
    constraints : str or Path, optional
        Name or file of a constraint set, which names the environment; by default the set of the
        environment that the policy was made for.
    patients : int
        Virtual patients, from the ``certification`` stream, which training never draws from; each
        group gets its equal part.
    seed : int
        Of patients and days; fixed before the run and written into the case.
    groups : sequence of str, optional
        Groups the policy is meant for; all three by default. Patients are drawn from these alone,
        and each group has to be shown safe by its own patients.
    env_kwargs : mapping, optional
        Keywords of the environment; insulin's scenario defaults to ``messy``.
    logged : str or Path, optional
        A file of logged treatment (``evaluation.logged``), which may veto.
    work : str or Path, optional
        A folder for finished parts: a killed certification that is begun again with the same
        arguments goes on from them.
    trust : bool
        Accept an agent file that differs from its manifest.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    SafetyCase
        RELEASE if every item and every lane holds in every group, RESTRICT if in some groups,
        NO_SOLUTION otherwise.

    Raises
    ------
    InputError
        On anything unknown or broken, such as an action that is not a number; never a release.
    """
    return examine(
        policy,
        constraints=constraints,
        patients=patients,
        seed=seed,
        groups=groups,
        env_kwargs=env_kwargs,
        logged=logged,
        work=work,
        trust=trust,
        progress=progress,
        created=datetime.now(UTC).replace(microsecond=0),
    )


def examine(
    policy: Any,
    *,
    constraints: str | Path | None,
    patients: int,
    seed: int,
    groups: Sequence[str] | None,
    env_kwargs: Mapping[str, Any] | None,
    logged: str | Path | None = None,
    work: str | Path | None = None,
    trust: bool = False,
    progress: Progress | None = None,
    created: datetime,
) -> SafetyCase:
    """Return what :func:`certify` does, as if it were done at a given time."""
    request = request_of(
        policy,
        constraints=constraints,
        patients=patients,
        seed=seed,
        groups=groups,
        env_kwargs=env_kwargs,
        trust=trust,
    )
    identity = policy_hash(request.policy)
    asked = request.to_dict() | ({} if logged is None else {"logged": str(logged)})
    store = Store(None if work is None else Path(work), asked | {"versions": versions()})
    world, usual = request.worlds(store, progress or (lambda *_: None))
    candidate = live(request.policy, world, "candidate")
    current = live(request.comparator, usual, "comparator")
    results = judge_all(request.rules, candidate, current, world.groups.tolist())
    lanes = judge_lanes(request, world, candidate, current, results, created=created, logged=logged)
    if policy_hash(request.policy) != identity:
        raise InputError("the policy's card changed while it was judged; certify a fixed policy")
    worst = _worst(world, candidate)
    return _case(request, asked, world, results, lanes, worst, created)


def _worst(world: World, signals: Mapping[str, Array]) -> list[dict[str, Any]]:
    exam, patients = world.subject.examination, world.cohort.patients
    return [
        {
            "patient": patients.names[i],
            "group": patients.groups[i],
            "seed": world.seeds[i],
            **{k: float(signals[k][i]) for k in exam.worst_shown},
        }
        for i in exam.worst(signals)[:WORST_SHOWN]
    ]


def _case(
    request: Request,
    asked: Mapping[str, Any],
    world: World,
    results: Sequence[ItemResult],
    lanes: Sequence[Lane],
    worst: Sequence[Mapping[str, Any]],
    created: datetime,
) -> SafetyCase:
    rules, exam = request.rules, request.subject.examination
    population = {
        "sampler": exam.sampler,
        "purpose": "certification",
        "groups": list(request.groups),
        "n": len(world.cohort),
        "seed": request.seed,
        "sha256": population_sha256(world.cohort, rules.environment),
    }
    verdict, scope = conclude(results, lanes, request.groups)
    sentence, assumptions = sentence_of(verdict, scope, population, world.kwargs, rules)
    return SafetyCase(
        verdict=verdict,
        scope=scope,
        items=tuple(results),
        lanes=tuple(lanes),
        sentence=sentence,
        assumptions=assumptions,
        policy=dict(request.policy.card),
        policy_sha256=policy_hash(request.policy),
        constraints={
            "name": rules.name,
            "version": rules.version,
            "sha256": rules.sha256,
            "total_delta": rules.total_delta,
            "horizon_days": rules.horizon_days,
        },
        population=population,
        environment={"id": rules.environment, "kwargs": dict(world.kwargs)},
        comparator=exam.comparator_words,
        created=created.isoformat(),
        expires=expiry(created).isoformat(),
        versions=versions(),
        worst=tuple(worst),
        request=dict(asked),
    )
