"""Thresholds of alarms, fixed on a training population before the test population was run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FIXED_ON = "2026-11-27"


@dataclass(frozen=True)
class Threshold:
    """When an episode opens and closes.

    Parameters
    ----------
    opens, closes : float
        Probability at or above which it opens, and below which it closes.
    intervals : int
        Intervals of five minutes for which it must hold.
    cusum : float
        Of the general test only.
    quiet : int
        Intervals after an episode in which the same kind is not told again.
    """

    opens: float
    closes: float
    intervals: int = 1
    cusum: float = 1e9
    quiet: int = 48  # four hours (project choice)


THRESHOLDS: Mapping[str, Threshold] = MappingProxyType(
    {
        "occlusion": Threshold(0.55, 0.15, 2),
        "meal": Threshold(0.35, 0.1, 1),
        "compression": Threshold(0.2, 0.06, 2),
        "drift": Threshold(0.3, 0.1, 1),
        "illness": Threshold(0.5, 0.35, 1, quiet=288),
        "unexplained": Threshold(1.0 - 1e-7, 0.5, 2, 15.0),
    }
)
