"""L1 and L6, bounds over the virtual population: harm within limits, no worse than today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..item_words import told
from ..verdict import ItemResult
from .lane import Lane, by_group

#: Kinds of items by the lane that answers for them.
KINDS: Final = {
    "L1": ("chance", "mean", "hard"),
    "L2": ("tail",),
    "L6": ("noninferiority",),
}


def items_of(lane: str, results: Sequence[ItemResult]) -> list[ItemResult]:
    """Return the results that a lane answers for."""
    return [r for r in results if r.type in KINDS[lane]]


def bounds_lane(id: str, results: Sequence[ItemResult], groups: Sequence[str]) -> Lane:
    """Return lane L1 or L6 from the results of all items.

    A group of which no item of the kind speaks is unknown; where the set has none at all, there is
    nothing to look at.
    """
    own = items_of(id, results)
    if not own:
        return Lane(id, "not applicable", ("the constraint set has no item of this kind",))
    reasons = {g: failures([r for r in own if r.group == g]) for g in groups}
    silent = [g for g in groups if not any(r.group == g for r in own)]
    for g in silent:
        reasons[g] = ["no item of the constraint set speaks of it"]
    closest = sorted(own, key=lambda r: r.slack / max(abs(r.limit), 1e-12))[:1]
    seen = [
        f"all {len(own)} bounds hold"
        + "".join(f"; closest to its limit: {r.group}, {said(r)}" for r in closest)
    ]
    numbers = {"items": len(own), "failed": sum(not r.passed for r in own)}
    return by_group(id, reasons, seen, numbers, silent)


def failures(results: Sequence[ItemResult]) -> list[str]:
    """Return a line on each result that does not hold, the furthest from its limit first."""
    wrong = [r for r in results if not r.passed]
    return [said(r) for r in sorted(wrong, key=lambda r: r.slack / max(abs(r.limit), 1e-12))]


def said(result: ItemResult) -> str:
    """Return one bound against its limit in words; of whom, the caller says."""
    t = told(result)
    return (
        f"{result.id}: bound {t.bound:.3g} {t.unit}, limit {t.limit:.3g} "
        f"(observed {t.observed:.3g}, n = {result.n})"
    )
