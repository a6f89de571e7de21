"""Which of two validated agents is the better: the one within the limits, then the higher score."""

from __future__ import annotations

from collections.abc import Mapping

PERCENT = 100.0


def excess_of(figures: Mapping[str, float], limits: Mapping[str, float]) -> float:
    """Return by how much validation lies above the limits, summed over them, in percent of steps.

    Parameters
    ----------
    figures : mapping
        Of a validation, in percent; the figure of a cost bears its name, or ``time_`` before it.
        A cost that validation does not tell of cannot count.
    limits : mapping of str to float
        Shares of steps.
    """
    total = 0.0
    for name, limit in limits.items():
        found = figures.get(f"time_{name}", figures.get(name))
        if found is not None:
            total += max(found - PERCENT * limit, 0.0)
    return total


def is_better(
    one: Mapping[str, float], other: Mapping[str, float], limits: Mapping[str, float]
) -> bool:
    """Return whether an agent is better than another by their validations.

    Without limits the score decides alone.
    """
    mine, its = excess_of(one, limits), excess_of(other, limits)
    return mine < its or (mine == its and one["score"] > other["score"])
