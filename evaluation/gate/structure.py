"""L4, does what was shown hold off the model: bodies of another structure, and measured gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...therapy.constraint import ChanceItem
from ..verdict import ItemResult, judge_all
from .bounds import said
from .gaps import Gap
from .lane import Lane, by_group
from .lives import World, live
from .request import Request

Array = NDArray[np.float64]

OFFSET: Final = 1  # added to the seed: other people than those of the main examination


def structure_lane(
    request: Request, world: World, candidate: Mapping[str, Array], gaps: Sequence[Gap]
) -> Lane:
    """Return lane L4.

    Two ways to ask what the model's own error may hide. On bodies of another structure, harm to a
    person (chance and hard items) must be shown to keep its limits again; it may be no worse than
    the comparator by what can be shown; and no mean may lie surely beyond its limit, unless the
    comparator's own mean lies farther out on those bodies: then the limit says more of the bodies
    than of the policy. And where the error of the simulated against real people was measured,
    thresholds are tightened by its conformal quantile, and harm must keep its limits still. Neither
    bridges to reality at large; a person's own gap is judged when a recommendation is asked for. A
    group for which there is neither is unknown.
    """
    groups, exam = request.groups, request.subject.examination
    reasons: dict[str, list[str]] = {g: [] for g in groups}
    looked: dict[str, list[str]] = {g: [] for g in groups}
    numbers: dict[str, Any] = {}
    for name, (keywords, stands_for) in exam.structures.items():
        meant = tuple(g for g in groups if g in stands_for)
        if not meant or _same(keywords, world.kwargs):
            continue
        results, usual = _other_body(request, world, keywords, name, meant)
        for r, as_usual in zip(results, usual, strict=True):
            looked[r.group].append(name)
            if _speaks_against(r, as_usual):
                reasons[r.group].append(f"on {name}, {said(r)}")
        numbers[name] = _told(results)
    tightened = _tightened(world, candidate, gaps)
    for r, gap in tightened:
        looked[r.group].append(gap.signal)
        if not r.passed:
            reasons[r.group].append(f"with {gap.said()}, {said(r)}")
    numbers["gaps"] = [gap.to_dict() for gap in gaps]
    numbers["tightened"] = _told([r for r, _ in tightened])
    blind = [g for g in groups if not looked[g]]
    for g in blind:
        reasons[g] = ["there is no other body and no measured gap for it"]
    ways = [*(name for name in exam.structures if name in numbers), *(g.said() for g in gaps)]
    return by_group("L4", reasons, [f"holds with: {'; '.join(ways)}"], numbers, blind)


def _same(keywords: Mapping[str, Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a structure is the examined one itself, or cannot be asked of it."""
    other = kwargs.get("physiology", "uva_padova_2008") != "uva_padova_2008"
    return other or all(kwargs.get(k) == v for k, v in keywords.items())


def _other_body(
    request: Request, world: World, keywords: Mapping[str, Any], name: str, meant: tuple[str, ...]
) -> tuple[list[ItemResult], list[ItemResult]]:
    """Return all items judged on people with another body, for the policy and the comparator."""
    size = sum(int((world.groups == g).sum()) for g in meant)
    there, usual = request.worlds(
        world.store, world.tell, other=keywords, patients=size, seed=request.seed + OFFSET,
        groups=meant,
    )  # fmt: skip
    candidate = live(request.policy, there, f"candidate on {name}")
    current = live(request.comparator, usual, f"comparator on {name}")
    labels = there.groups.tolist()
    return (
        judge_all(world.rules, candidate, current, labels),
        judge_all(world.rules, current, current, labels),
    )


def _speaks_against(result: ItemResult, usual: ItemResult) -> bool:
    """Whether a result on another body denies: harm not shown to be rare, or anything refuted."""
    if result.type in ("chance", "hard"):
        return not result.passed
    sign = 1.0 if result.harm == "above" else -1.0
    if result.type == "noninferiority":
        worse = sign * result.observed - result.limit
    else:
        worse = sign * (result.observed - result.limit)
    # As far beyond its limit as the bound lies beyond the observed: refuted at the same confidence.
    refuted = worse > abs(result.bound - result.observed)
    if result.type == "noninferiority":
        return refuted
    return refuted and sign * result.observed > sign * usual.observed


def _tightened(
    world: World, candidate: Mapping[str, Array], gaps: Sequence[Gap]
) -> list[tuple[ItemResult, Gap]]:
    """Return the chance items judged again, thresholds moved by what the model may be wrong."""
    by_signal = {gap.signal: gap for gap in gaps}
    moved = {
        item.id: (_moved(item, by_signal[item.signal]), by_signal[item.signal])
        for item in world.rules.items
        if isinstance(item, ChanceItem) and item.signal in by_signal
    }
    harder = world.rules.model_copy(update={"items": tuple(item for item, _ in moved.values())})
    results = judge_all(harder, candidate, candidate, world.groups.tolist())
    return [(r, moved[r.id][1]) for r in results]


def _moved(item: ChanceItem, gap: Gap) -> ChanceItem:
    """Return an item whose threshold lies nearer to the usual, by the gap's margin."""
    away = gap.margin if item.harm == "below" else -gap.margin
    return item.model_copy(update={"threshold": item.threshold + away})


def _told(results: Sequence[ItemResult]) -> list[dict[str, Any]]:
    return [
        {
            "id": r.id, "group": r.group, "threshold": r.threshold, "observed": r.observed,
            "bound": r.bound, "limit": r.limit, "n": r.n, "holds": r.passed,
        }
        for r in results
    ]  # fmt: skip
