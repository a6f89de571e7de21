"""The release gate, version 1: an exact statement about a virtual population, and default deny.

Independent virtual patients that no training ever saw live through the constraint set's horizon
under the candidate and, on the same days, under the environment's comparator. Each constraint item
becomes one finite-sample bound over the patients of each group. All must hold for a group to be
released: a good mean never buys off a subgroup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..policies.card import policy_hash
from ..policies.library import load_policy
from ..therapy.constraint import ConstraintSet
from .certified_people import DAY_SEEDS, certified_patients, population_sha256
from .constraints import load_constraints
from .evaluate import keywords_for
from .rollout import rollout
from .safety_case import SafetyCase
from .sentence import sentence_of
from .subject import Subject
from .subjects import environment_of, subject_of
from .temporal import formula_verdicts, trace_columns
from .verdict import ItemResult, decide, judge_all
from .versions import versions

__all__ = ["DAY_SEEDS", "SEED", "certified_patients", "certify"]

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

LANES: Final = 1024
VALID_DAYS: Final = 90
WORST_SHOWN: Final = 5
SEED: Final = 20_261
# What the gate itself decides; a caller who could set these could choose an easier examination.
FIXED: Final = ("patient", "cohort", "days", "terminate", "by_lane")


def certify(
    policy: Any,
    *,
    constraints: str | Path | None = None,
    patients: int = 3000,
    seed: int = SEED,
    groups: Sequence[str] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
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
        environment that the policy was made for, ``insulin-v1`` or ``blood-pressure-v1``.
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
    trust : bool
        Accept an agent file that differs from its manifest.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    SafetyCase
        RELEASE if every item holds in every group, RESTRICT if in some groups, NO_SOLUTION
        otherwise.

    Raises
    ------
    InputError
        On anything unknown or broken, such as an action that is not a number; never a release.
    """
    chosen = load_policy(policy, trust=trust) if isinstance(policy, (str, Path)) else policy
    identity = policy_hash(chosen)
    rules = _rules(chosen, constraints)
    subject = subject_of(rules.environment)
    exam = subject.examination
    meant, given = (
        _check_groups(groups, subject.groups),
        _check_keywords(chosen, env_kwargs, subject),
    )
    kwargs = _keywords(chosen, given, rules)
    cohort, seeds = certified_patients(patients, seed, meant, kwargs, env_id=subject.env_id)
    tell = progress or (lambda *_: None)
    candidate = _lives(chosen, rules, cohort, kwargs, seeds, lambda d, t: tell("candidate", d, t))
    regimen = load_policy(exam.comparator)
    usual = _keywords(regimen, {k: v for k, v in given.items() if k not in exam.own}, rules)
    same = all(usual.get(k) == kwargs.get(k) for k in exam.own if k != "action")
    people = cohort if same else exam.people(patients, seed, meant, usual)
    current = _lives(regimen, rules, people, usual, seeds, lambda d, t: tell("comparator", d, t))
    if policy_hash(chosen) != identity:
        raise InputError("the policy's card changed while it was judged; certify a fixed policy")
    results = judge_all(rules, candidate, current, cohort.patients.groups)
    worst = _worst(subject, cohort, seeds, candidate)
    population = _population(subject, cohort, seed, meant)
    return _case(chosen, rules, population, kwargs, results, worst)


def _rules(policy: Any, constraints: str | Path | None) -> ConstraintSet:
    """Return the constraint set, after checking that the policy is for its environment."""
    if constraints is None:
        constraints = subject_of(environment_of(policy)).examination.constraints
    rules = load_constraints(constraints)
    environment_of(policy, rules.environment)
    return rules


def _check_groups(groups: Sequence[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    meant = known if groups is None else (groups,) if isinstance(groups, str) else tuple(groups)
    if not meant:
        raise InputError(f"groups names nobody; choose among {', '.join(known)}")
    for group in meant:
        if group not in known:
            raise InputError(f"group is {group!r}; choose among {', '.join(known)}")
    return tuple(g for g in known if g in meant)


def _check_keywords(
    policy: Any, env_kwargs: Mapping[str, Any] | None, subject: Subject
) -> dict[str, Any]:
    """Return the caller's keywords, after refusing what makes another examination of it."""
    exam = subject.examination
    given = {**exam.defaults, **(env_kwargs or {})}
    wants = dict(getattr(policy, "wants", {}))
    for key in (*FIXED, *exam.fixed):
        if key in given or key in wants:
            who = "env-kwargs names" if key in given else "the policy wants"
            raise InputError(f"{who} {key!r}, which the certification sets itself; leave it out")
    return given


def _keywords(policy: Any, given: Mapping[str, Any], rules: ConstraintSet) -> dict[str, Any]:
    fixed = {"days": rules.horizon_days, "terminate": None, "by_lane": True}
    return {**keywords_for(policy, given), **fixed}


def _lives(
    policy: Any,
    rules: ConstraintSet,
    cohort: Any,
    kwargs: Mapping[str, Any],
    seeds: Sequence[int],
    tell: Callable[[int, int], None],
) -> dict[str, Array]:
    """Return signals (n,) of every patient's horizon under a policy, in the cohort's order."""
    exam = subject_of(rules.environment).examination
    task = make_task(rules.environment, **{**kwargs, "cohort": cohort.take(range(1))})
    columns = tuple(dict.fromkeys([*exam.columns(rules), *trace_columns(rules, exam, task)]))
    parts: list[dict[str, Array]] = []
    for first in range(0, len(cohort), LANES):
        rows = range(first, min(first + LANES, len(cohort)))

        def step(done: int, total: int, at: int = first, width: int = len(rows)) -> None:
            tell(at * total + done * width, len(cohort) * total)

        part = replace(task, cohort=cohort.take(rows))
        run = rollout(part, policy, [seeds[i] for i in rows], record=columns, progress=step)
        parts.append(exam.signals(run, rules) | formula_verdicts(run, rules, exam, part))
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def _worst(
    subject: Subject, cohort: Any, seeds: Sequence[int], signals: Mapping[str, Array]
) -> list[dict[str, Any]]:
    exam = subject.examination
    return [
        {
            "patient": cohort.patients.names[i],
            "group": cohort.patients.groups[i],
            "seed": seeds[i],
            **{k: float(signals[k][i]) for k in exam.worst_shown},
        }
        for i in exam.worst(signals)[:WORST_SHOWN]
    ]


def _population(subject: Subject, cohort: Any, seed: int, meant: Sequence[str]) -> dict[str, Any]:
    return {
        "sampler": subject.examination.sampler,
        "purpose": "certification",
        "groups": list(meant),
        "n": len(cohort),
        "seed": seed,
        "sha256": population_sha256(cohort, subject.env_id),
    }


def _case(
    policy: Any,
    rules: ConstraintSet,
    population: Mapping[str, Any],
    kwargs: Mapping[str, Any],
    results: Sequence[ItemResult],
    worst: Sequence[Mapping[str, Any]],
) -> SafetyCase:
    now = datetime.now(UTC).replace(microsecond=0)
    verdict, scope = decide(results, population["groups"])
    sentence, assumptions = sentence_of(verdict, scope, population, kwargs, rules)
    return SafetyCase(
        verdict=verdict,
        scope=scope,
        items=tuple(results),
        sentence=sentence,
        assumptions=assumptions,
        policy=dict(policy.card),
        policy_sha256=policy_hash(policy),
        constraints={
            "name": rules.name,
            "version": rules.version,
            "sha256": rules.sha256,
            "total_delta": rules.total_delta,
            "horizon_days": rules.horizon_days,
        },
        population=population,
        environment={"id": rules.environment, "kwargs": dict(kwargs)},
        comparator=subject_of(rules.environment).examination.comparator_words,
        created=now.isoformat(),
        expires=(now + timedelta(days=VALID_DAYS)).isoformat(),
        versions=versions(),
        worst=tuple(worst),
    )
