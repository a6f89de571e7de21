"""Records of the insulin task: starts, what an episode drew, what changes, what is delivered."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .core import Array


class Start(NamedTuple):
    """Where known people begin, one row a person of the cohort: the end of their records.

    ``body`` (P, S); ``memory`` (P, MEMORIES) as ``kernels.remember`` leaves it; ``history`` (P, H),
    readings in mg/dL, the latest first.
    """

    body: Array
    memory: Array
    history: Array


class Episode(NamedTuple):
    """What was drawn at the start of each lane's episode.

    ``gains`` (B, 48, 6) and ``member`` (B,) are the residual's; empty and zero without one.
    """

    person: NDArray[np.int64]
    params: Array
    chart: Array
    meals: Array
    told: Array
    gain: Array
    offset: Array
    heed: Array
    flow: Array
    steps: NDArray[np.int64]
    gains: Array
    member: NDArray[np.int64]


class State(NamedTuple):
    """What changes: body, clock, plate, memories, sensor history, counters."""

    body: Array
    outputs: Array
    minute: NDArray[np.int64]
    step: NDArray[np.int64]
    plate: Array
    meal_next: NDArray[np.int64]
    told_next: NDArray[np.int64]
    told_now: Array
    memory: Array
    history: Array
    last_rescue: NDArray[np.int64]
    episode_cost: Array


class Orders(NamedTuple):
    """What the device delivers over one interval."""

    inputs: Array
    dose: Array
    plate: Array
    meal_next: NDArray[np.int64]
    rescued: Array
    last_rescue: NDArray[np.int64]
    proposed: NDArray[np.float32]
    applied: NDArray[np.float32]
