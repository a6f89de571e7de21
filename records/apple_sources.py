"""One value where several apps and devices wrote it: which source counts in Apple Health."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

REACH_S: Final = {
    "glucose": 450.0,
    "heart_rate": 60.0,
    "bolus": 300.0,
    "long-acting insulin": 300.0,
    "basal": 0.0,
    "carbs": 300.0,
    "steps": 0.0,
    "sleep": 0.0,
    "pressure": 60.0,
    "weight": 60.0,
    "height": 60.0,
}
"""s: how near a reading of a better source makes another one superfluous (project choice).

Glucose: one and a half of a sensor's usual interval, so that a second app never fills between.
"""
BY_AMOUNT: Final = frozenset({"bolus", "long-acting insulin", "carbs", "pressure"})
"""Kinds of which only an equal amount is a copy: two real doses may lie close together."""


class Seen(NamedTuple):
    """One value with its source; equal ends where it is of a moment."""

    start_s: float
    end_s: float
    amount: float
    source: str
    extra: tuple[float, ...] = ()


def one_of_each(kind: str, seen: Sequence[Seen]) -> tuple[list[Seen], list[Seen]]:
    """Part values into those that count and copies by a lesser source.

    The source with most values of a kind comes first, then the next; a value of a lesser source
    counts only where no value of a better one lies within ``REACH_S`` (and is of the same amount,
    for ``BY_AMOUNT``). Within one source nothing is left out here.

    Returns
    -------
    (kept, copies)
    """
    counts = Counter(item.source for item in seen)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    if len(ranked) < 2:
        return list(seen), []
    kept: list[Seen] = []
    copies: list[Seen] = []
    for name in ranked:
        own = sorted(item for item in seen if item.source == name)
        taken = _Taken(kept)
        for item in own:
            (copies if taken.covers(item, kind) else kept).append(item)
    return kept, copies


class _Taken:
    """What better sources hold, ready to be searched."""

    def __init__(self, kept: Sequence[Seen]) -> None:
        self._rows = sorted(kept)
        self._starts = [item.start_s for item in self._rows]
        self._longest = max((item.end_s - item.start_s for item in self._rows), default=0.0)

    def covers(self, item: Seen, kind: str) -> bool:
        """Tell whether a better source holds this value."""
        reach = REACH_S[kind]
        low = bisect.bisect_left(self._starts, item.start_s - reach - self._longest)
        high = bisect.bisect_right(self._starts, item.end_s + reach)
        for other in self._rows[low:high]:
            touch = other.start_s - reach <= item.end_s and other.end_s + reach >= item.start_s
            if reach == 0 and item.end_s > item.start_s:  # intervals that only meet are not one
                touch = other.start_s < item.end_s and other.end_s > item.start_s
            if touch and (kind not in BY_AMOUNT or abs(other.amount - item.amount) < 0.005):
                return True
        return False
