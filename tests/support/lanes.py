"""Lanes that found nothing, for certificates made by hand."""

from __future__ import annotations

from collections.abc import Sequence

from dosegym.evaluation.gate.lane import CLAIMS, Lane

FAR = 1e6
BY_GROUP = ("L1", "L2", "L4", "L6")
DEFERRED = ("L3", "L9")
NOT_APPLICABLE = ("L5", "L8")


def good_lanes(groups: Sequence[str]) -> tuple[Lane, ...]:
    """Return every lane as a release needs it, invented."""
    return tuple(_lane(id, groups) for id in CLAIMS)


def _lane(id: str, groups: Sequence[str]) -> Lane:
    if id == "L7":
        numbers = {"least_p": 1e-9, **{g: {"threshold": FAR} for g in groups}}
        return Lane(id, "deferred", ("invented",), dict.fromkeys(groups, "deferred"), numbers)
    if id in DEFERRED:
        return Lane(id, "deferred", ("invented",))
    if id in NOT_APPLICABLE:
        return Lane(id, "not applicable", ("invented",))
    numbers = {"watched": {"severe-low": {"limit": 0.01, "delta": 0.01}}} if id == "L10" else {}
    each = dict.fromkeys(groups, "passed") if id in BY_GROUP else {}
    return Lane(id, "passed", ("invented",), each, numbers)
