"""One bound against its limit, as people are told it: what it is of, in which unit, how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .verdict import ItemResult

#: Items that count patients; they are told in per cent.
SHARES: Final = ("chance", "hard")
_BESIDES: Final = {
    "tail": ", mean of the worst",
    "hard": ", never violated",
    "noninferiority": ", against the comparator",
}


@dataclass(frozen=True)
class Told:
    """A bound in the unit that it is told in.

    Parameters
    ----------
    what : str
        The signal and its threshold, or the formula as it was written.
    unit : str
    observed, bound, limit : float, in ``unit``
        The limit with the sign of what it bounds: that of a loss is below zero.
    """

    what: str
    unit: str
    observed: float
    bound: float
    limit: float


def told(item: ItemResult) -> Told:
    """Return how a bound is told."""
    scale, unit = (100.0, "% of patients") if item.type in SHARES else (1.0, item.unit)
    loss = item.type == "noninferiority" and item.harm == "below"
    side = "under" if item.harm == "below" else "over"
    rule = "" if item.threshold is None else f" {side} {item.threshold:g}"
    words = item.signal.replace("_", " ") if item.signal.isidentifier() else item.signal
    return Told(
        what=f"{words}{rule}{_BESIDES.get(item.type, '')}",
        unit=unit,
        observed=scale * item.observed,
        bound=scale * item.bound,
        limit=scale * (-item.limit if loss else item.limit),
    )
