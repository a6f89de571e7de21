"""The release gate, version 1: an exact statement about a virtual population, and default deny.

Independent virtual patients that no training ever saw live through the constraint set's horizon under
the candidate and, on the same days, under their current regimen. Each constraint item becomes one
finite-sample bound over patients. All items must hold; a mean never buys off a subgroup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..physiology.library import load_model
from ..physiology.streams import stream
from ..policies.card import policy_hash
from ..policies.library import load_policy
from ..therapy.cohort import Cohort, virtual_cohort
from ..therapy.constraint import ChanceItem, ConstraintSet, MeanItem, NonInferiorityItem
from .constraints import load_constraints
from .evaluate import keywords_for
from .metrics import cgm_metrics_batch
from .rollout import rollout
from .safety_case import ItemResult, SafetyCase, sentence_of
from .statistics import betting, clopper_pearson, paired_difference
from .versions import versions

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

LANES = 512
GROUPS = ("adult", "adolescent", "child")
CURRENT_REGIMEN = "basal_bolus"
SCENARIO = "messy"
VALID_DAYS = 90
WORST_SHOWN = 5
SEED = 20_261
CEILING_MG_DL = 1000.0


def _population_hash(cohort: Cohort) -> str:
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(cohort.patients.params).tobytes())
    digest.update("\n".join(cohort.patients.names).encode())
    return digest.hexdigest()


def _lives(
    policy: Any,
    env_id: str,
    cohort: Cohort,
    kwargs: Mapping[str, Any],
    seeds: Sequence[int],
    tell: Callable[[int, int], None],
) -> dict[str, Array]:
    """Return metrics (n,) of every patient's horizon under a policy, in the cohort's order."""
    task = make_task(env_id, **{**kwargs, "cohort": cohort.take(range(1))})
    parts: list[dict[str, Array]] = []
    signal = "glucose_mg_dl"
    for first in range(0, len(cohort), LANES):
        rows = range(first, min(first + LANES, len(cohort)))
        part = replace(task, cohort=cohort.take(rows))

        def step(done: int, total: int, at: int = first, width: int = len(rows)) -> None:
            tell(at * total + done * width, len(cohort) * total)

        run = rollout(part, policy, [seeds[i] for i in rows], record=(signal,), progress=step)
        glucose = np.clip(run.series[signal][1:].astype(np.float64), 0.0, CEILING_MG_DL)
        parts.append(cgm_metrics_batch(np.maximum(glucose, 1e-3), run.step_min))
    return {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}


def _judge(item: Any, values: Array, other: Array, group: str, share: int) -> ItemResult:
    """Turn one constraint item and the patients of one group into a bound and a verdict."""
    delta = item.delta / share
    sure = 1.0 - delta
    threshold = None
    if isinstance(item, ChanceItem):
        harmed = int(item.harmed(values).sum())
        bound = clopper_pearson(harmed, len(values), confidence=sure)
        observed, limit, threshold = harmed / len(values), item.limit, item.threshold
    else:
        side = "upper" if item.harm == "above" else "lower"
        if isinstance(item, MeanItem):
            bound = betting(values, support=item.support, confidence=sure, side=side)  # type: ignore[arg-type]
            observed, limit = float(values.mean()), item.limit
        else:
            bound = paired_difference(
                values,
                other,
                support=item.support,
                confidence=sure,
                side=side,  # type: ignore[arg-type]
            )
            observed, limit = float((values - other).mean()), item.margin
    slack = item.slack(bound.value)
    return ItemResult(
        id=item.id,
        hazard=item.hazard,
        type=item.type,
        signal=item.signal,
        unit="share of patients" if isinstance(item, ChanceItem) else item.unit,
        harm=item.harm,
        group=group,
        limit=float(limit),
        threshold=threshold,
        n=len(values),
        observed=float(observed),
        bound=float(bound.value),
        slack=float(slack),
        passed=bool(slack >= 0.0),
        method=bound.method,
        confidence=sure,
        delta=delta,
        source=item.source,
    )


def judge_all(
    constraints: ConstraintSet,
    candidate: Mapping[str, Array],
    current: Mapping[str, Array],
    groups: Sequence[str],
    share: int = 1,
    group: str = "all",
) -> list[ItemResult]:
    """Return a result for every item, over everyone or over one group.

    Parameters
    ----------
    constraints : ConstraintSet
    candidate, current : mapping of metric to array (n,)
        Under the policy and under the current regimen, patients in the same order.
    groups : sequence of str
        Each patient's age group.
    share : int
        How many alternatives the error probability of each item is divided among.
    group : str
        ``"all"`` or the age group judged.
    """
    labels = np.asarray(groups)
    results = []
    for item in constraints.items:
        scopes = [group] if group != "all" else list(item.scope)
        for scope in scopes:
            inside = np.ones(len(labels), bool) if scope == "all" else labels == scope
            values, other = candidate[item.signal][inside], current[item.signal][inside]
            results.append(_judge(item, values, other, scope, share * len(scopes)))
    return results


def _decide(
    constraints: ConstraintSet, candidate: Any, current: Any, labels: Sequence[str]
) -> tuple[str, tuple[str, ...], list[ItemResult]]:
    """Return verdict, scope and results; the error probability covers all that is tried.

    With several groups, half of it is spent on everyone together and half on the groups apart, so that
    what is released for some groups is as sure as what is released for all.
    """
    present = tuple(g for g in GROUPS if g in set(labels))
    if len(present) == 1:
        results = judge_all(constraints, candidate, current, labels)
        good = all(r.passed for r in results)
        return ("RELEASE" if good else "NO_SOLUTION"), present if good else (), results
    whole = judge_all(constraints, candidate, current, labels, share=2)
    parts = {
        g: judge_all(constraints, candidate, current, labels, share=2 * len(present), group=g)
        for g in present
    }
    good = tuple(g for g in present if all(r.passed for r in parts[g]))
    results = [*whole, *(r for g in present for r in parts[g])]
    if all(r.passed for r in whole) and good == present:
        return "RELEASE", present, results
    return ("RESTRICT" if good else "NO_SOLUTION"), good, results


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
        Virtual patients, from the ``certification`` stream, which training never draws from.
    seed : int
        Of patients and days; fixed before the run and written into the case.
    groups : sequence of str, optional
        Age groups the policy is meant for; all three by default. Patients are drawn from these alone.
    env_kwargs : mapping, optional
        Keywords of the environment; its scenario defaults to ``messy``.
    trust : bool
        Accept an agent file that differs from its manifest.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    SafetyCase
        RELEASE if every item holds for everyone and for each group, RESTRICT if for some groups,
        NO_SOLUTION otherwise.

    Raises
    ------
    InputError
        On anything unknown; never a release.
    """
    rules = load_constraints(constraints)
    chosen = load_policy(policy, trust=trust) if isinstance(policy, (str, Path)) else policy
    meant = _check_groups(groups)
    if not isinstance(patients, int) or patients < 30 * len(meant):
        raise InputError(
            f"patients is {patients!r}; give at least {30 * len(meant)} (3000 for a certificate)"
        )
    model = load_model("uva_padova_2008", gut=dict(env_kwargs or {}).get("gut", "published"))
    cohort = virtual_cohort(model, patients, purpose="certification", seed=seed, groups=meant)
    chance = stream(seed, "certification").spawn(1)[0]
    seeds = [int(s) for s in chance.integers(0, 2**31 - 1, size=patients)]
    given = {"scenario": SCENARIO, **(env_kwargs or {})}
    fixed = {"days": rules.horizon_days, "terminate": None, "by_lane": True}
    tell = progress or (lambda *_: None)
    kwargs = {**keywords_for(chosen, given), **fixed}
    candidate = _lives(
        chosen, rules.environment, cohort, kwargs, seeds, lambda d, t: tell("candidate", d, t)
    )
    regimen = load_policy(CURRENT_REGIMEN)
    usual = {k: v for k, v in given.items() if k != "action"}
    current = _lives(
        regimen, rules.environment, cohort, {**keywords_for(regimen, usual), **fixed}, seeds,
        lambda d, t: tell("current regimen", d, t),
    )  # fmt: skip
    verdict, scope, results = _decide(rules, candidate, current, cohort.patients.groups)
    return _case(
        chosen, rules, cohort, seed, kwargs, meant, verdict, scope, results,
        _worst(cohort, seeds, candidate),
    )  # fmt: skip


def _check_groups(groups: Sequence[str] | None) -> tuple[str, ...]:
    meant = tuple(groups) if groups else GROUPS
    for group in meant:
        if group not in GROUPS:
            raise InputError(f"group is {group!r}; choose among {', '.join(GROUPS)}")
    return tuple(g for g in GROUPS if g in meant)


def _case(
    policy: Any, rules: ConstraintSet, cohort: Cohort, seed: int, kwargs: Mapping[str, Any],
    meant: tuple[str, ...], verdict: str, scope: tuple[str, ...], results: list[ItemResult],
    worst: list[dict[str, Any]],
) -> SafetyCase:  # fmt: skip
    now = datetime.now(UTC).replace(microsecond=0)
    population = {
        "sampler": "uva_padova_virtual",
        "purpose": "certification",
        "groups": list(meant),
        "n": len(cohort),
        "seed": seed,
        "sha256": _population_hash(cohort),
    }
    sure = 1.0 - rules.total_delta
    shown = {k: v for k, v in kwargs.items() if k != "cohort"}
    sentence, assumptions = sentence_of(verdict, scope, sure, population, shown, rules)
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
        environment={"id": rules.environment, "kwargs": shown},
        comparator=f"{CURRENT_REGIMEN} with each patient's own prescription, same days",
        created=now.isoformat(),
        expires=(now + timedelta(days=VALID_DAYS)).isoformat(),
        versions=versions(),
        worst=tuple(worst),
    )
