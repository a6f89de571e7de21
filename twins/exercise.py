"""Exercise of virtual people: bouts, and what they do to a body's parameters.

A bout raises glucose uptake at once, whatever the insulin, and the action of insulin for hours
afterwards: the two effects of Breton's model of physical activity (J Diabetes Sci Technol
2008;2:169-81, doi:10.1177/193229680800200127 [unverified]). Their sizes are project choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physiology.model import Model
from .observations import SAMPLE_MIN

Array = NDArray[np.float64]

TRACES_MIN = (30.0, 180.0, 720.0)
"""Memories of activity, min: now, the last hours, the last half day."""
BOUT_CHANCE = 0.6
BOUT_MIN = (30, 75)
INTENSITY = (0.4, 1.0)
BOUT_HOURS = (7, 21)
UPTAKE = 1.0
AFTER_EFFECT = 1.2


def bouts(n: int, steps: int, rng: np.random.Generator) -> Array:
    """Return activity (T, n) in each step, from 0 to 1: on most days one bout at some hour."""
    out = np.zeros((steps, n))
    for day in range(-(-steps * SAMPLE_MIN // 1440)):
        moves = rng.random(n) < BOUT_CHANCE
        begin = (day * 24 + rng.uniform(*BOUT_HOURS, n)) * 60.0 // SAMPLE_MIN
        length = rng.uniform(*BOUT_MIN, n) // SAMPLE_MIN
        level = rng.uniform(*INTENSITY, n)
        at = np.arange(steps)[:, None]
        inside = (at >= begin) & (at < begin + length) & moves
        out = np.where(inside, level, out)
    return out


def traces(activity: Array) -> Array:
    """Return exponential means (T + 1, n, 3) of activity (T, n) at each step's start."""
    keep = np.exp(-SAMPLE_MIN / np.array(TRACES_MIN))
    out = np.zeros((len(activity) + 1, activity.shape[1], len(keep)))
    for k, now in enumerate(activity):
        out[k + 1] = keep * out[k] + (1.0 - keep) * now[:, None]
    return out


@dataclass(frozen=True)
class Exercise:
    """What exercise does to bodies; give its ``alter`` to ``virtual.live``.

    Parameters
    ----------
    model : Model
    activity : array (T, n)
    """

    model: Model
    activity: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "_felt", traces(self.activity))

    def alter(self, k: int, params: Array) -> Array:
        """Return parameters (n, P) in step k."""
        felt: Array = self._felt[k]  # type: ignore[attr-defined]
        index, now = self.model.parameter_index, params.copy()
        now[:, index["Vm0"]] *= 1.0 + UPTAKE * self.activity[k]
        now[:, index["Vmx"]] *= 1.0 + AFTER_EFFECT * np.sqrt(felt[:, 1])
        return now
