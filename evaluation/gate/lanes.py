"""All lanes of one certification, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..verdict import ItemResult
from .bounds import bounds_lane
from .domain import domain_lane
from .extremes import extremes_lane
from .gaps import gaps_of
from .harm import counted, harms
from .lane import Lane
from .later import person_lane, review_lane
from .lives import World
from .logged import logged_lane
from .request import Request
from .shielded import shield_lane
from .static import static_lane
from .structure import structure_lane
from .validity import validity_lane

Array = NDArray[np.float64]


def judge_lanes(
    request: Request,
    world: World,
    candidate: Mapping[str, Array],
    current: Mapping[str, Array],
    results: Sequence[ItemResult],
    *,
    created: datetime,
    logged: str | Path | None,
) -> tuple[Lane, ...]:
    """Return lanes L0 to L10.

    Parameters
    ----------
    request : Request
    world : World
        Of the candidate.
    candidate, current : mapping of signal to array (n,)
        How everybody fared under both.
    results : sequence of ItemResult
        Every item in every group.
    created : datetime
    logged : str, Path or None
        A file of logged treatment.
    """
    groups, rules = request.groups, request.rules
    harmed = harms(rules, candidate)
    anyhow = np.any(list(harmed.values()), axis=0) if harmed else np.ones(len(world.seeds), bool)
    allowed = sum(item.limit for item in counted(rules))
    features = request.subject.examination.features(world.cohort)
    return (
        static_lane(request.policy, world),
        bounds_lane("L1", results, groups),
        extremes_lane(request, world, results, harmed),
        person_lane(),
        structure_lane(request, world, candidate, gaps_of(rules.environment)),
        logged_lane(request, logged),
        bounds_lane("L6", results, groups),
        domain_lane(features, world.groups, anyhow, groups, allowed),
        shield_lane(request.policy, world, candidate, current, groups),
        review_lane(),
        validity_lane(rules, created),
    )
