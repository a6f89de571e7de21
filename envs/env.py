"""The single environment: a batch of one behind Gymnasium's Env."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .core import Task, as_actions, info_of
from .lanes import Lanes


class DoseEnv(gym.Env[NDArray[np.float32], NDArray[np.float32]]):
    """Any Task as a Gymnasium environment; members subclass it to document themselves."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 4}  # noqa: RUF012

    def __init__(self, task: Task, render_mode: str | None = None) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise InputError(f"render_mode is {render_mode!r}; choose 'rgb_array' or leave it out")
        self.task = task
        self.render_mode = render_mode
        self.observation_space = task.observation_space
        self.action_space = task.action_space
        self._lanes = Lanes(task, 1)
        self._over = False
        self._track: list[list[float]] = []
        self._mask: NDArray[np.bool_] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode; ``seed`` renews every random stream."""
        super().reset(seed=seed)
        if seed is not None or self._lanes.streams[0] is None:
            self._lanes.adopt(0, self.np_random)
        step = self._lanes.begin()
        self._over = False
        self._track = [step.log[0].tolist()]
        self._mask = None if step.mask is None else step.mask[0]
        return step.observation[0], info_of(self.task, step, 0)

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Advance by one decision interval.

        Raises
        ------
        InputError
            If the episode has ended or not begun, or the action is not one of the action space.
        """
        if self._over:
            raise InputError("the episode has ended; call reset() before the next step()")
        step = self._lanes.step(as_actions(action, self.task.action_space.shape)[None])
        if self.render_mode is not None:
            self._track.append(step.log[0].tolist())
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        self._over = terminated or truncated
        self._mask = None if step.mask is None else step.mask[0]
        info = info_of(self.task, step, 0)
        return step.observation[0], float(step.reward[0]), terminated, truncated, info

    def render(self) -> Any:
        """Draw the episode so far: an array (450, 800, 3), or None without a render mode."""
        if self.render_mode is None:
            return None
        if not self._track:
            raise InputError("no episode has begun; call reset() before render()")
        return self.task.draw(np.array(self._track))
