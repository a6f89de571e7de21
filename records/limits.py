"""Bounds beyond which a value is a fault of the file, each with its source.

They guard the reading only; what is safe for a person stands in the therapy room.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Limit:
    """A closed range.

    Parameters
    ----------
    low, high : float
    unit : str
    source : str
    """

    low: float
    high: float
    unit: str
    source: str

    def holds(self, value: ArrayLike) -> NDArray[np.bool_]:
        """Tell which values lie inside, both ends included."""
        array = np.asarray(value, dtype=float)
        return np.asarray((array >= self.low) & (array <= self.high))

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit}"


ABSURD = 1e6  # far outside any limit, and safe to multiply and to add
GLUCOSE = Limit(
    20, 600, "mg/dL", "ours: the display range of finger-stick meters, a sensor's is 40-400"
)
SENSOR = Limit(40, 400, "mg/dL", "Dexcom G6 and G7; their words Low and High lie beyond it")
METER = Limit(20, 600, "mg/dL", "display range of finger-stick meters [unverified]")
BOLUS = Limit(0, 100, "U", "ours: above any pump's largest single bolus and any rapid-acting pen")
LONG_ACTING = Limit(0, 300, "U", "ours: a full pen of 300 units")
CARBS = Limit(0, 500, "g", "ours: a larger single entry is a typing error")
BASAL = Limit(0, 35, "U/h", "ours: above LoopKit's guardrail of 30 U/h")
CARB_RATIO = Limit(1, 150, "g/U", "LoopKit, Guardrail+Settings: carbRatio 1 to 150")
CORRECTION = Limit(
    10, 500, "mg/dL per U", "LoopKit, Guardrail+Settings: insulinSensitivity 10 to 500"
)
TARGET = Limit(60, 250, "mg/dL", "LoopKit, Guardrail+Settings: from 60; the upper end is ours")
DURATION = Limit(2, 24, "h", "ours: rapid-acting insulin is set to 2 to 8 h, regular to more")
WEIGHT = Limit(2, 400, "kg", "ours")
AGE = Limit(0, 120, "years", "ours")

MEDIAN_SPLIT_MG_DL = 30.0
"""Medians below are mmol/L (30 mmol/L is 540 mg/dL), above mg/dL (30 mg/dL is not survived)."""
