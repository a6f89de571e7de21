"""Clears lanes that need no forecast: looked at a while ago, with room left.

The slack of a lane is by how much its forecast stays above the floor on the basal. A line in what
is seen tells well by how much the slack changed since it was last computed. The line is fitted by
``examples/calibrate_shield.py``. The older the forecast, the more room is asked for (project
choice, by which four in a hundred units that a forecast would have cut pass); a dose above the
basal must be paid for out of the room, and only a small one may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .shield_rules import Memory, Sight

Array = NDArray[np.float64]

# mg/dL of room asked for per decision since the last forecast.
SPARE_MG_DL: Final = 8.0
# Decisions that a forecast is good for at most.
OLDEST: Final = 10
# Share of the correction factor by which a unit above the basal takes from the room.
PRICE: Final = 1.0
# What may pass unlooked at above the basal lowers glucose by no more than this.
LARGEST_MG_DL: Final = 10.0
KNEE_MG_DL: Final = 140.0
TRAITS: Final = (
    "cgm_up_to_140", "cgm_above_140", "iob_above", "iob_below", "falling", "rising",
    "carbs_60", "carbs_120",
)  # fmt: skip


def traits(sight: Sight, slope: Array, carbs: Array) -> Array:
    """Return what the line is drawn in (B, 8), mg/dL and mg/dL/min.

    Parameters
    ----------
    sight : Sight
    slope : array (B,), mg/dL/min
    carbs : array (B, 5), g
        Means of announced carbohydrate.
    """
    board = sight.correction * sight.iob_u
    rise = sight.correction / sight.carb_ratio
    return np.stack(
        [
            np.minimum(sight.cgm, KNEE_MG_DL), np.maximum(sight.cgm - KNEE_MG_DL, 0.0),
            np.maximum(board, 0.0), np.minimum(board, 0.0),
            np.minimum(slope, 0.0), np.maximum(slope, 0.0),
            rise * carbs[:, 2], rise * carbs[:, 3],
        ],
        axis=1,
    )  # fmt: skip


def line(features: Array, coefficients: tuple[float, ...]) -> Array:
    """Return the line's slack (B,), mg/dL; the last coefficient is its constant."""
    # Summed by hand: a matrix product rounds a row differently in batches of different size.
    total = np.full(len(features), coefficients[-1])
    for k, value in enumerate(coefficients[:-1]):
        total = total + value * features[:, k]
    return total


def remember(n: int) -> Memory:
    """Return the memory of n fresh lanes: slack and line then, decisions since."""
    return {
        "slack": np.full(n, -np.inf),
        "line": np.zeros(n),
        "age": np.full(n, OLDEST + 1, np.int64),
    }


def cleared(sight: Sight, now: Array, memory: Mapping[str, Any]) -> Array:
    """Return the insulin (B,), U, of the coming interval that needs no forecast; 0 where all does.

    Parameters
    ----------
    sight : Sight
    now : array (B,)
        The line's slack at this decision.
    memory : mapping
    """
    age = memory["age"]
    since = memory["slack"] + now - memory["line"] - SPARE_MG_DL * age
    room = np.where(age <= OLDEST, since, -np.inf)
    extra = np.clip(room / PRICE, 0.0, LARGEST_MG_DL) / sight.correction
    return np.where(room > 0.0, sight.basal_u + extra, 0.0)
