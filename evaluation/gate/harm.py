"""Who was harmed, by each item of a constraint set that counts people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...therapy.constraint import ChanceItem, ConstraintSet, FormulaChanceItem
from ..temporal import verdict_key

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def counted(rules: ConstraintSet) -> list[Any]:
    """Return the items that bound a probability over people."""
    return [item for item in rules.items if isinstance(item, ChanceItem | FormulaChanceItem)]


def harmed_by(item: Any, signals: Mapping[str, Array]) -> Flags:
    """Return who (n,) was harmed under an item; what is not known counts as harm."""
    key = verdict_key(item.id) if isinstance(item, FormulaChanceItem) else item.signal
    flags: Flags = item.harmed(signals[key])
    return flags


def harms(rules: ConstraintSet, signals: Mapping[str, Array]) -> dict[str, Flags]:
    """Return who was harmed, by item."""
    return {item.id: harmed_by(item, signals) for item in counted(rules)}
