"""From metrics of virtual patients to a verdict: one bound per constraint item and group.

Patients of one group are independent draws from one distribution, as the bounds require; patients
of different groups are not, so no bound pools groups. Nothing is lost: limits and margins are on
means, so what holds in every group holds for any mixture of them.

An item's error probability is shared equally by the groups it is judged in. So the error
probabilities of all bounds, those of groups that end outside the scope included, sum to at most the
set's ``total_delta``: with probability 1 - ``total_delta`` no item is passed wrongly in any group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.constraint import (
    EVERYONE,
    ChanceItem,
    ConstraintSet,
    FormulaChanceItem,
    FormulaClaim,
    HardItem,
    MeanItem,
    TailItem,
)
from .statistics import (
    Bound,
    betting,
    clopper_pearson,
    cvar_rockafellar_uryasev,
    paired_difference,
)
from .subjects import subject_of
from .temporal import verdict_key

Array = NDArray[np.float64]
Metrics = Mapping[str, Array]


@dataclass(frozen=True)
class ItemResult:
    """One constraint item judged on one group of patients.

    ``limit`` is the largest share of harmed patients (chance), the limit of the mean (mean) or of
    the mean of the worst (tail), the margin (noninferiority), or 0 (hard); ``observed`` and
    ``bound`` are in the same unit; ``slack`` >= 0 passes. A hard item passes by what was observed:
    its bound says how rare violations are shown to be, which no sample shows to be never.
    ``signal`` is the formula where the item has one.
    """

    id: str
    hazard: str
    type: str
    signal: str
    unit: str
    harm: str
    group: str
    limit: float
    threshold: float | None
    n: int
    observed: float
    bound: float
    slack: float
    passed: bool
    method: str
    confidence: float
    delta: float
    source: str


def judge_all(
    constraints: ConstraintSet, candidate: Metrics, current: Metrics, groups: Sequence[str]
) -> list[ItemResult]:
    """Return a result for every item in every group it speaks of.

    Parameters
    ----------
    constraints : ConstraintSet
        An item whose scope is ``all`` is judged in each group present.
    candidate, current : mapping of metric to array (n,)
        Under the policy and under the comparator, patients in the same order, which was fixed
        before anything was seen.
    groups : sequence of str (n,)
        Each patient's group, one of those of the set's environment.

    Raises
    ------
    InputError
        If a group is unknown, a signal is missing or not one value per patient, or a mean would be
        taken over a missing value. Missing verdicts of a formula are no error: they are unknown,
        and unknown counts as harm.
    """
    labels = np.asarray(groups)
    present = _present(constraints, labels, subject_of(constraints.environment).groups)
    results = []
    for item in constraints.items:
        values, other = _values(item, candidate, current, len(labels))
        scopes = [g for g in present if EVERYONE in item.scope or g in item.scope]
        for group in scopes:
            inside = labels == group
            delta = item.delta / len(scopes)
            results.append(_judge(item, values[inside], other[inside], group, delta))
    return results


def decide(results: Sequence[ItemResult], groups: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the verdict and the groups it releases.

    Parameters
    ----------
    results : sequence of ItemResult
        As :func:`judge_all` returns them.
    groups : sequence of str
        The groups that the policy is meant for.

    Returns
    -------
    verdict : str
        ``RELEASE`` if every group passes every item, ``RESTRICT`` if some groups do,
        ``NO_SOLUTION`` otherwise. A group of which no item speaks does not pass.
    scope : tuple of str
    """
    meant = tuple(dict.fromkeys(groups))
    good = tuple(g for g in meant if _all_passed([r for r in results if r.group == g]))
    if good and good == meant:
        return "RELEASE", good
    return ("RESTRICT" if good else "NO_SOLUTION"), good


def _all_passed(results: Sequence[ItemResult]) -> bool:
    return bool(results) and all(r.passed for r in results)


def _present(
    constraints: ConstraintSet, labels: NDArray[np.str_], known: Sequence[str]
) -> list[str]:
    """Return the groups among the patients, after refusing names that nobody knows."""
    asked = {scope for item in constraints.items for scope in item.scope} - {EVERYONE}
    for group in [*sorted(asked), *sorted(set(labels.tolist()))]:
        if group not in known:
            raise InputError(
                f"group is {group!r}; constraints and patients know {', '.join(known)}"
            )
    return [g for g in known if (labels == g).any()]


def _values(item: Any, candidate: Metrics, current: Metrics, n: int) -> tuple[Array, Array]:
    """Return what an item looks at: a signal under both policies, or its formula's verdicts."""
    if not isinstance(item, FormulaClaim):
        return (
            _signal(candidate, item.signal, n, "candidate"),
            _signal(current, item.signal, n, "current regimen"),
        )
    key = verdict_key(item.id)
    # What nobody judged is unknown, and unknown is denied.
    verdicts = _signal(candidate, key, n, "candidate") if key in candidate else np.zeros(n)
    return verdicts, verdicts


def _signal(metrics: Metrics, name: str, n: int, whose: str) -> Array:
    if name not in metrics:
        raise InputError(
            f"signal {name} is missing from the {whose}'s metrics; a constraint cannot be shown "
            "without it"
        )
    values = np.asarray(metrics[name], dtype=np.float64)
    if values.shape != (n,):
        raise InputError(
            f"signal {name} of the {whose} has shape {values.shape}; give one value for each of "
            f"the {n} patients"
        )
    return values


def _judge(item: Any, values: Array, other: Array, group: str, delta: float) -> ItemResult:
    """Turn one item and the patients of one group into a bound and a verdict."""
    bound, observed, limit = _bound(item, values, other, 1.0 - delta)
    of_patients = isinstance(item, ChanceItem | FormulaClaim)
    formula = isinstance(item, FormulaClaim)
    slack = float(item.slack(observed if isinstance(item, HardItem) else bound.value))
    return ItemResult(
        id=item.id,
        hazard=item.hazard,
        type=item.type,
        signal=item.stl if formula else item.signal,
        unit="share of patients" if of_patients else item.unit,
        harm="above" if formula else item.harm,
        group=group,
        limit=float(limit),
        threshold=float(item.threshold) if isinstance(item, ChanceItem) else None,
        n=len(values),
        observed=float(observed),
        bound=float(bound.value),
        slack=slack,
        passed=slack >= 0.0,
        method=bound.method,
        confidence=1.0 - delta,
        delta=delta,
        source=item.source,
    )


def _bound(item: Any, values: Array, other: Array, sure: float) -> tuple[Bound, float, float]:
    """Return the bound on the harmful side, what was observed, and the limit or margin."""
    if isinstance(item, ChanceItem | FormulaChanceItem | HardItem):
        harmed = int(item.harmed(values).sum())
        share = harmed / len(values)
        limit = 0.0 if isinstance(item, HardItem) else item.limit
        return clopper_pearson(harmed, len(values), confidence=sure), share, limit
    if isinstance(item, TailItem):
        return _tail(item, values, sure)
    side: Literal["upper", "lower"] = "upper" if item.harm == "above" else "lower"
    if isinstance(item, MeanItem):
        bound = betting(values, support=item.support, confidence=sure, side=side)
        return bound, float(values.mean()), item.limit
    bound = paired_difference(values, other, support=item.support, confidence=sure, side=side)
    return bound, float((values - other).mean()), item.margin


def _tail(item: TailItem, values: Array, sure: float) -> tuple[Bound, float, float]:
    """Bound the mean of the worst share of patients, values above the support at its end."""
    capped = np.minimum(values, item.support[1])
    bound = cvar_rockafellar_uryasev(
        capped, support=item.support, alpha=item.alpha, confidence=sure, side="upper"
    )
    return bound, observed_tail(capped, item.alpha), item.limit


def observed_tail(values: Array, alpha: float) -> float:
    """Return the mean of the worst ``alpha`` share of values (n,); a patient may count in part."""
    worst = np.sort(np.asarray(values, np.float64))[::-1]
    weights = np.clip(alpha * len(worst) - np.arange(len(worst)), 0.0, 1.0)
    return float(worst @ weights / (alpha * len(worst)))
