"""A batch of running episodes: the one mutable thing behind the single, vector and SB3 shells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .core import Step, Streams, Task, as_actions, put, streams_of, transition


class Lanes:
    """Episodes of one task side by side, each with random streams of its own.

    Lane i seeded with s behaves as a single environment reset with seed s, whatever the others do.
    """

    def __init__(self, task: Task, n: int) -> None:
        self.task = task
        self.n = n
        self.generators: list[np.random.Generator | None] = [None] * n
        self.streams: list[Streams | None] = [None] * n
        self.episode: Any = None
        self.state: Any = None

    def seed(self, lane: int, seed: int | None) -> None:
        """Give a lane new streams, from entropy when ``seed`` is None."""
        generator, _ = seeding.np_random(seed)
        self.adopt(lane, generator)

    def adopt(self, lane: int, generator: np.random.Generator) -> None:
        """Spawn a lane's streams from a generator (Gymnasium's ``np_random``)."""
        self.generators[lane] = generator
        self.streams[lane] = streams_of(generator)

    def begin(self, lanes: Sequence[int] | None = None) -> Step:
        """Start a new episode on some lanes (all by default); return their Step at time zero."""
        which = list(range(self.n)) if lanes is None else list(lanes)
        drawn = []
        for lane in which:
            if self.streams[lane] is None:
                self.seed(lane, None)
            stream = self.streams[lane]
            assert stream is not None
            drawn.append(stream)
        episode, state, step = self.task.begin(drawn, which)
        if len(which) == self.n:
            self.episode, self.state = episode, state
        else:
            put(self.episode, which, episode)
            put(self.state, which, state)
        return step

    def step(self, action: NDArray[Any]) -> Step:
        """Advance every lane by one decision; nothing is reset.

        Raises
        ------
        InputError
            If no episode has begun, or an action is no number, out of bounds or misshapen.
        """
        if self.state is None:
            raise InputError("no episode has begun; call reset() before step()")
        asked = as_actions(action, (self.n, *self.task.action_space.shape))
        self.state, step = transition(self.task, self.episode, self.state, asked)
        return step


def overwrite(step: Step, lanes: Sequence[int], fresh: Step) -> Step:
    """Return a Step whose observation and log rows come from freshly begun episodes."""
    observation, log = step.observation.copy(), step.log.copy()
    proposed, applied = step.proposed.copy(), step.applied.copy()
    observation[lanes], log[lanes] = fresh.observation, fresh.log
    proposed[lanes], applied[lanes] = fresh.proposed, fresh.applied
    mask = step.mask
    if mask is not None and fresh.mask is not None:
        mask = mask.copy()
        mask[lanes] = fresh.mask
    return step._replace(
        observation=observation, log=log, proposed=proposed, applied=applied, mask=mask
    )
