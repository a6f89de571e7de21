"""What an evaluation recorded of each patient, and the rows its metrics become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rollout:
    """What happened to each lane.

    Parameters
    ----------
    names, groups : tuple of str, one per lane
    seeds : tuple of int
        ``reset(seed=...)`` of the single environment repeats the lane.
    step_min : float
    series : mapping of str to array (T+1, B)
        The task's log columns at times 0..T of the recorded window (rates and doses at index t are
        those of the interval that ended there), and ``reward``.
    start_min : array (B,)
        Minute at time 0, since midnight of day 0.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    seeds: tuple[int, ...]
    step_min: float
    series: dict[str, NDArray[np.float32]]
    start_min: Array


def rows_from(run: Rollout, metrics: Mapping[str, Array]) -> list[dict[str, Any]]:
    """Return one row per lane: patient, group, seed, metrics."""
    return [
        {
            "patient": run.names[i],
            "group": run.groups[i],
            "seed": run.seeds[i],
            "metrics": {k: float(v[i]) for k, v in metrics.items()},
        }
        for i in range(len(run.names))
    ]
