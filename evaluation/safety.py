"""The release gate, version 1: an exact statement about a virtual population, and default deny.

Independent virtual patients that no training ever saw live through the constraint set's horizon
under the candidate and, on the same days, under their current regimen. Each constraint item becomes
one finite-sample bound over the patients of each age group. All must hold for a group to be
released: a good mean never buys off a subgroup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..physiology.library import load_model
from ..physiology.streams import stream
from ..policies.card import policy_hash
from ..policies.library import load_policy
from ..therapy.cohort import Cohort, virtual_cohort
from ..therapy.constraint import ConstraintSet
from .constraints import load_constraints
from .evaluate import keywords_for
from .metrics import cgm_metrics_batch
from .rollout import rollout
from .safety_case import SafetyCase
from .scoring import COLUMNS
from .sentence import sentence_of
from .verdict import GROUPS, ItemResult, decide, judge_all
from .versions import versions

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

LANES: Final = 1024
CURRENT_REGIMEN: Final = "basal_bolus"
MODEL: Final = "uva_padova_2008"
SCENARIO: Final = "messy"
VALID_DAYS: Final = 90
WORST_SHOWN: Final = 5
SEED: Final = 20_261
LEAST_PER_GROUP: Final = 30
GLUCOSE_MG_DL: Final = (1e-3, 1000.0)
# Seeds of certified days lie beyond 32 bits: training, validation and evaluation use none of these.
DAY_SEEDS: Final = (2**32, 2**53)
# What the gate itself decides; a caller who could set these could choose an easier examination.
FIXED: Final = ("patient", "cohort", "days", "terminate", "by_lane")


def certify(
    policy: Any,
    *,
    constraints: str | Path = "insulin-v1",
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
    constraints : str or Path
        Name or file of a constraint set.
    patients : int
        Virtual patients, from the ``certification`` stream, which training never draws from; each
        group gets its equal part.
    seed : int
        Of patients and days; fixed before the run and written into the case.
    groups : sequence of str, optional
        Age groups the policy is meant for; all three by default. Patients are drawn from these
        alone, and each group has to be shown safe by its own patients.
    env_kwargs : mapping, optional
        Keywords of the environment; its scenario defaults to ``messy``.
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
    rules = load_constraints(constraints)
    chosen = load_policy(policy, trust=trust) if isinstance(policy, (str, Path)) else policy
    identity = policy_hash(chosen)
    meant, given = _check_groups(groups), _check_keywords(env_kwargs)
    cohort, seeds = certified_patients(patients, seed, meant, given)
    tell = progress or (lambda *_: None)

    def lives(who: Any, keywords: Mapping[str, Any], what: str) -> dict[str, Array]:
        return _lives(who, rules, cohort, keywords, seeds, lambda d, t: tell(what, d, t))

    kwargs = _keywords(chosen, given, rules)
    candidate = lives(chosen, kwargs, "candidate")
    regimen = load_policy(CURRENT_REGIMEN)
    usual = {k: v for k, v in given.items() if k != "action"}
    current = lives(regimen, _keywords(regimen, usual, rules), "current regimen")
    if policy_hash(chosen) != identity:
        raise InputError("the policy's card changed while it was judged; certify a fixed policy")
    results = judge_all(rules, candidate, current, cohort.patients.groups)
    worst = _worst(cohort, seeds, candidate)
    return _case(chosen, rules, _population(cohort, seed, meant), kwargs, results, worst)


def certified_patients(
    patients: int, seed: int, groups: Sequence[str], env_kwargs: Mapping[str, Any]
) -> tuple[Cohort, list[int]]:
    """Return the virtual patients of a certification and the seed of each one's days.

    Raises
    ------
    InputError
        If they are too few, or the seed is none.
    """
    least = LEAST_PER_GROUP * len(groups)
    if not isinstance(patients, int) or isinstance(patients, bool) or patients < least:
        raise InputError(
            f"patients is {patients!r}; give at least {least} (3000 for a certificate)"
        )
    body = env_kwargs.get("physiology", MODEL)
    model = load_model(body, gut=env_kwargs.get("gut", "published"))
    cohort = virtual_cohort(
        model, patients, purpose="certification", seed=seed, groups=tuple(groups)
    )
    chance = stream(seed, "certification").spawn(1)[0]
    return cohort, [int(s) for s in chance.integers(*DAY_SEEDS, size=patients)]


def _check_groups(groups: Sequence[str] | None) -> tuple[str, ...]:
    meant = GROUPS if groups is None else (groups,) if isinstance(groups, str) else tuple(groups)
    if not meant:
        raise InputError(f"groups names nobody; choose among {', '.join(GROUPS)}")
    for group in meant:
        if group not in GROUPS:
            raise InputError(f"group is {group!r}; choose among {', '.join(GROUPS)}")
    return tuple(g for g in GROUPS if g in meant)


def _check_keywords(env_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    given = {"scenario": SCENARIO, **(env_kwargs or {})}
    for key in FIXED:
        if key in given:
            raise InputError(
                f"env-kwargs names {key!r}, which the certification sets itself; leave it out"
            )
    return given


def _keywords(policy: Any, given: Mapping[str, Any], rules: ConstraintSet) -> dict[str, Any]:
    fixed = {"days": rules.horizon_days, "terminate": None, "by_lane": True}
    return {**keywords_for(policy, given), **fixed}


def _lives(
    policy: Any,
    rules: ConstraintSet,
    cohort: Cohort,
    kwargs: Mapping[str, Any],
    seeds: Sequence[int],
    tell: Callable[[int, int], None],
) -> dict[str, Array]:
    """Return metrics (n,) of every patient's horizon under a policy, in the cohort's order."""
    task = make_task(rules.environment, **{**kwargs, "cohort": cohort.take(range(1))})
    signal = COLUMNS[rules.trace]
    parts: list[dict[str, Array]] = []
    for first in range(0, len(cohort), LANES):
        rows = range(first, min(first + LANES, len(cohort)))

        def step(done: int, total: int, at: int = first, width: int = len(rows)) -> None:
            tell(at * total + done * width, len(cohort) * total)

        part = replace(task, cohort=cohort.take(rows))
        run = rollout(part, policy, [seeds[i] for i in rows], record=(signal,), progress=step)
        glucose = np.clip(run.series[signal][1:].astype(np.float64), *GLUCOSE_MG_DL)
        parts.append(cgm_metrics_batch(glucose, run.step_min))
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def _worst(
    cohort: Cohort, seeds: Sequence[int], metrics: Mapping[str, Array]
) -> list[dict[str, Any]]:
    order = np.lexsort((metrics["min_glucose"], -metrics["time_below_54"]))[:WORST_SHOWN]
    keys = ("min_glucose", "max_glucose", "time_below_54", "time_in_range", "time_above_250")
    return [
        {
            "patient": cohort.patients.names[i],
            "group": cohort.patients.groups[i],
            "seed": seeds[i],
            **{k: float(metrics[k][i]) for k in keys},
        }
        for i in order
    ]


def _population(cohort: Cohort, seed: int, meant: Sequence[str]) -> dict[str, Any]:
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(cohort.patients.params).tobytes())
    digest.update("\n".join(cohort.patients.names).encode())
    return {
        "sampler": "uva_padova_virtual",
        "purpose": "certification",
        "groups": list(meant),
        "n": len(cohort),
        "seed": seed,
        "sha256": digest.hexdigest(),
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
        comparator=f"{CURRENT_REGIMEN} with each patient's own prescription, same days",
        created=now.isoformat(),
        expires=(now + timedelta(days=VALID_DAYS)).isoformat(),
        versions=versions(),
        worst=tuple(worst),
    )
