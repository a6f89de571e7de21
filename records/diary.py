"""What a person noted beside doses and readings: meals without grams, exercise, symptoms."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .series import Flags, Floats, freeze_columns, require_sorted

NOTED = (
    "before breakfast",
    "after breakfast",
    "before lunch",
    "after lunch",
    "before supper",
    "after supper",
    "before snack",
    "meal",
    "large meal",
    "small meal",
    "exercise",
    "hard exercise",
    "light exercise",
    "hypoglycaemic symptoms",
    "special event",
)
"""All that a diary can say; an event's code is its place here."""


@dataclass(frozen=True, eq=False)
class Diary:
    """Notes of a fixed vocabulary, never free text.

    Parameters
    ----------
    time_s : array (n,), seconds since 1970 UTC
    noted : array (n,) of int8
        Place in `NOTED`.
    """

    time_s: Floats = field(default_factory=lambda: np.zeros(0))
    noted: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.int8))

    def __post_init__(self) -> None:
        freeze_columns(self, {"time_s": float, "noted": np.int8})
        require_sorted(self.time_s, "diary")

    def __len__(self) -> int:
        return int(self.time_s.size)

    @property
    def words(self) -> tuple[str, ...]:
        """Each note in words."""
        return tuple(NOTED[code] for code in self.noted.tolist())

    def times_of(self, *words: str) -> Floats:
        """Return when any of some notes was made, seconds since 1970 UTC."""
        codes = [NOTED.index(word) for word in words]
        return np.asarray(self.time_s[np.isin(self.noted, codes)], dtype=float)

    def between(self, start_s: float, end_s: float) -> Diary:
        """Return the notes with ``start_s <= time < end_s``."""
        low, high = np.searchsorted(self.time_s, [start_s, end_s])
        part = slice(low, max(low, high))
        return Diary(self.time_s[part], self.noted[part])
