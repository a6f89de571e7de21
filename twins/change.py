"""Changes to days that were lived: doses multiplied or added, carbohydrate likewise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.timeline import Timeline
from .observations import Observations, eat

Array = NDArray[np.float64]
MOST_FACTOR, MOST_UNITS, MOST_GRAMS = 10.0, 100.0, 500.0


@dataclass(frozen=True)
class Change:
    """What would have been done otherwise.

    Parameters
    ----------
    basal, bolus, carbs : float
        Factors on what was delivered and eaten.
    boluses : tuple of (float, float)
        Seconds since 1970 UTC, and units besides; below zero for units less.
    meals : tuple of (float, float)
        Seconds since 1970 UTC, and grams besides.

    Raises
    ------
    InputError
        If a number is not finite or out of bounds.
    """

    basal: float = 1.0
    bolus: float = 1.0
    carbs: float = 1.0
    boluses: tuple[tuple[float, float], ...] = ()
    meals: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for name in ("basal", "bolus", "carbs"):
            value = getattr(self, name)
            if not 0.0 <= value <= MOST_FACTOR:
                raise InputError(f"{name} x {value}; give a factor from 0 to {MOST_FACTOR:g}")
        _check(self.boluses, -MOST_UNITS, MOST_UNITS, "bolus", "U")
        _check(self.meals, 0.0, MOST_GRAMS, "meal", "g")

    @property
    def nothing(self) -> bool:
        """Whether it changes nothing."""
        factors = (self.basal, self.bolus, self.carbs)
        return factors == (1.0, 1.0, 1.0) and not self.boluses and not self.meals

    def words(self) -> str:
        """Say it."""
        factors = (("basal", self.basal), ("bolus", self.bolus), ("carbohydrate", self.carbs))
        said = [f"{name} x {value:g}" for name, value in factors if value != 1.0]
        said += [f"bolus {units:+g} U" for _, units in self.boluses]
        said += [f"carbohydrate {grams:+g} g" for _, grams in self.meals]
        return ", ".join(said) or "nothing"

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON."""
        return {
            "basal": self.basal,
            "bolus": self.bolus,
            "carbs": self.carbs,
            "boluses": [list(pair) for pair in self.boluses],
            "meals": [list(pair) for pair in self.meals],
        }


def _check(
    pairs: Sequence[tuple[float, float]], low: float, high: float, what: str, unit: str
) -> None:
    for time, amount in pairs:
        if not (np.isfinite(time) and low <= amount <= high):
            raise InputError(
                f"{what} is {amount} {unit} at {time}; give {low:g} to {high:g} {unit} at seconds "
                "since 1970"
            )


@dataclass(frozen=True)
class Doses:
    """Insulin of each minute of a record (T,), U/min: what flows, and what is given at once."""

    basal: Array
    bolus: Array

    def daily(self) -> Array:
        """Return the insulin of each whole day from the record's end backwards, U."""
        total = self.basal + self.bolus
        days = max(1, len(total) // 1440)
        return total[-days * 1440 :].reshape(days, -1).sum(axis=1)


def doses_of(timeline: Timeline, seen: Observations) -> Doses:
    """Return basal and boluses of the minutes that a fit saw."""
    given = replace(timeline, basal=None).on_grid(seen.start_s, len(seen.insulin), 1.0)
    bolus = np.array(given.insulin_u_per_min)
    return Doses(np.maximum(seen.insulin - bolus, 0.0), bolus)


@dataclass(frozen=True)
class Altered:
    """A change laid on the minutes of a record.

    Parameters
    ----------
    insulin : array (T,), U/min
        Added to what was delivered.
    eaten : array (T,)
        Factor on carbohydrate.
    more : array (T,), g/min
        Eaten besides.
    """

    insulin: Array
    eaten: Array
    more: Array

    def add(self, u: Array, first_minute: int) -> None:
        """Change inputs u (T, 2, B) of a stretch of the record in place."""
        here = slice(first_minute, first_minute + len(u))
        u[:, 0] = u[:, 0] * self.eaten[here, None] + self.more[here, None]
        u[:, 1] = np.maximum(u[:, 1] + self.insulin[here, None], 0.0)


def laid(change: Change, timeline: Timeline, seen: Observations, first: int, last: int) -> Altered:
    """Lay a change on a record, factors from one minute to another.

    Raises
    ------
    InputError
        If basal insulin is changed but none is recorded, or a dated dose lies outside.
    """
    if change.basal != 1.0 and seen.own_basal:
        raise InputError(
            f"basal x {change.basal:g}, but the record tells no basal insulin; add the pump's export"
        )
    doses, n = doses_of(timeline, seen), len(seen.insulin)
    within = np.zeros(n)
    within[first:last] = 1.0
    insulin = within * ((change.basal - 1.0) * doses.basal + (change.bolus - 1.0) * doses.bolus)
    for minute, units in _minutes(change.boluses, seen, first, last, "bolus"):
        insulin[minute] += units
    grams = np.zeros(n)
    for minute, amount in _minutes(change.meals, seen, first, last, "meal"):
        grams[minute] += amount
    return Altered(insulin, 1.0 + within * (change.carbs - 1.0), eat(grams))


def _minutes(
    pairs: Sequence[tuple[float, float]], seen: Observations, first: int, last: int, what: str
) -> list[tuple[int, float]]:
    out = []
    for time, amount in pairs:
        minute = int((time - seen.start_s) // 60.0)
        if not first <= minute < last:
            raise InputError(
                f"{what} at {time:.0f} s lies outside of the days looked at, "
                f"{seen.start_s + 60 * first:.0f} to {seen.start_s + 60 * last:.0f} s"
            )
        out.append((minute, amount))
    return out
