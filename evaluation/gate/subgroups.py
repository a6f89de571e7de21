"""L2, first part: who is harmed, by what charts tell of them; a mean must not hide a subgroup."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...therapy.constraint import ConstraintSet
from ..statistics import clopper_pearson
from .harm import counted

Array = NDArray[np.float64]

FIFTHS: Final = 5
TAILS: Final = 0.02
DELTA: Final = 0.01
LEAST: Final = 10


@dataclass(frozen=True)
class Subgroup:
    """One slice of the population by one feature of its charts, under one chance item.

    Parameters
    ----------
    item, feature : str
    low, high : float
        Of the feature, in its unit.
    n, harmed : int
    lower : float
        Bound that the probability of harm exceeds, all slices and items together at ``DELTA``.
    limit : float
        Of the item.
    """

    item: str
    feature: str
    low: float
    high: float
    n: int
    harmed: int
    lower: float
    limit: float

    @property
    def refuted(self) -> bool:
        """Whether this slice is harmed beyond the limit, surely."""
        return self.lower > self.limit

    def said(self) -> str:
        """Return the slice in words."""
        return (
            f"{self.item}: {self.harmed} of {self.n} patients with {self.feature} from "
            f"{self.low:.3g} to {self.high:.3g} are harmed, at least {100 * self.lower:.2g} % "
            f"(limit {100 * self.limit:.2g} %)"
        )


def subgroups(
    rules: ConstraintSet, harmed: Mapping[str, NDArray[np.bool_]], features: Mapping[str, Array]
) -> list[Subgroup]:
    """Return every slice of every feature under every chance item, the worst first.

    Parameters
    ----------
    rules : ConstraintSet
    harmed : mapping of item id to array (n,)
        Who was harmed.
    features : mapping of name to array (n,)
        What charts tell of each patient.

    Notes
    -----
    Fifths of each feature, and its outer 2 % on both sides, where rare harm hides. Bounds are exact
    (Clopper and Pearson 1934) at ``DELTA`` over their number: what is refuted is so with
    confidence 99 % all together. Where nothing is refuted nothing is shown: the slices are too
    small for that.
    """
    slices = [(name, rows) for name, x in features.items() for rows in _slices(x)]
    items = [i for i in counted(rules) if i.id in harmed]
    sure = 1.0 - DELTA / max(len(slices) * len(items), 1)
    found = []
    for item in items:
        for name, rows in slices:
            n, bad = len(rows), int(harmed[item.id][rows].sum())
            lower = clopper_pearson(bad, n, confidence=sure, side="lower").value
            x = features[name][rows]
            found.append(
                Subgroup(item.id, name, float(x.min()), float(x.max()), n, bad, lower, item.limit)
            )
    return sorted(found, key=lambda s: s.limit - s.lower)


def _slices(x: Array) -> list[NDArray[np.int64]]:
    """Return the rows of each slice of a feature, those with fewer than ``LEAST`` left out."""
    order = np.argsort(x, kind="stable")
    few = round(TAILS * len(x))
    parts = [*np.array_split(order, FIFTHS), order[:few], order[len(x) - few :]]
    return [rows for rows in parts if len(rows) >= LEAST]
