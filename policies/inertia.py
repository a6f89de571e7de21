"""Clinical inertia: the visits at which a clinician who should step up does not.

Whether a visit is missed must not depend on chance inside a policy, or the same policy would not
repeat itself; so it is drawn from the person and the week: an even scramble of what the chart holds
of both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pressure_rule import Visit

# Features that tell people apart and never change, and the week that tells visits apart.
_WHO_AND_WHEN = ("age", "bmi", "egfr0", "risk_10y", "entry_sbp", "weeks")
_ODD = np.uint64(0x9E3779B97F4A7C15)


def _scramble(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SplitMix64's finaliser, whose output bits look independent and even."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def draws(visit: Visit, seed: int = 0) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each person and week (B,), even and always the same."""
    # In whole numbers modulo 2^64: NumPy warns where a single product overflows.
    total = np.full(len(visit), (seed * int(_ODD) + 1) % 2**64, np.uint64)
    for name in _WHO_AND_WHEN:
        bits = np.ascontiguousarray(visit[name]).view(np.uint64)
        total = _scramble(total * _ODD + bits)
    return (total >> np.uint64(11)).astype(np.float64) * 2.0**-53


def hesitates(visit: Visit, probability: float, seed: int = 0) -> NDArray[np.bool_]:
    """Return where a clinician leaves an intensification undone at this visit, (B,)."""
    if probability <= 0.0:
        return np.zeros(len(visit), np.bool_)
    return draws(visit, seed) < probability
