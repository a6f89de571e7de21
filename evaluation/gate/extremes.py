"""L2, tails, subgroups and searched-for patients: what a mean over the population may hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..verdict import ItemResult
from .bounds import failures, items_of
from .lane import Lane, by_group
from .lives import World
from .request import Request
from .search import searched
from .subgroups import DELTA, subgroups

Array = NDArray[np.float64]
SHOWN = 5


def extremes_lane(
    request: Request,
    world: World,
    results: Sequence[ItemResult],
    harmed: Mapping[str, NDArray[np.bool_]],
) -> Lane:
    """Return lane L2.

    Three looks: bounds on tails, where the constraint set has such items; every slice of the
    population by what charts tell, of which none may be harmed beyond an item's limit; and a search
    for the patient on whom the policy does worst, which denies where people like that one are
    harmed much more often than under the comparator. A search that finds nothing shows nothing.
    """
    own = items_of("L2", results)
    reasons = {g: failures([r for r in own if r.group == g]) for g in request.groups}
    features = request.subject.examination.features(world.cohort)
    labels = world.groups
    told: list[dict[str, Any]] = []
    for g in request.groups:
        inside = labels == g
        slices = subgroups(
            request.rules,
            {k: v[inside] for k, v in harmed.items()},
            {k: v[inside] for k, v in features.items()},
        )
        reasons[g] += [s.said() for s in slices if s.refuted][:SHOWN]
        told += [{"group": g, **vars(s)} for s in slices[:SHOWN]]
    found = searched(request, world)
    for g, reason in found.reasons.items():
        reasons[g].append(reason)
    blind = request.groups if found.unknown else ()
    for g in blind:
        reasons[g].append(found.unknown)
    numbers = {"subgroups": told, "subgroup_delta": DELTA, "search": found.numbers}
    seen = [*([f"all {len(own)} bounds on tails hold"] if own else []), found.seen]
    seen.append(f"no slice by {len(features)} features is harmed beyond a limit")
    return by_group("L2", reasons, seen, numbers, blind)
