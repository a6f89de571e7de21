"""L3 and L9, which only a recommendation to a person can judge; L5 where nothing was logged."""

from __future__ import annotations

from .lane import Lane


def person_lane() -> Lane:
    """Return lane L3, deferred: ``dosegym recommend`` judges it on the person's twin."""
    return Lane(
        "L3",
        "deferred",
        ("the person's twin and its draws are judged when a recommendation is asked for",),
    )


def review_lane() -> Lane:
    """Return lane L9, deferred to the clinician."""
    return Lane(
        "L9",
        "deferred",
        ("a clinician accepts, modifies or rejects each proposal, with a reason, on record",),
    )


def nothing_logged() -> Lane:
    """Return lane L5 where no logged treatment was given: there is nothing to veto by."""
    return Lane("L5", "not applicable", ("no logged treatment was given; nothing objects",))
