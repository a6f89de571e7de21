"""The native vector environment: all patients in one transition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .core import Step, Task, as_actions, infos_of
from .lanes import Lanes, overwrite

Flags = NDArray[np.bool_]


class DoseVectorEnv(gym.vector.VectorEnv[Any, Any, Any]):
    """Any Task as a Gymnasium VectorEnv with all three autoreset modes.

    ``reset(seed=s)`` seeds lane i with s + i, as Gymnasium's own vector environments do.
    """

    def __init__(
        self,
        task: Task,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        if not isinstance(num_envs, (int, np.integer)) or num_envs < 1:
            raise InputError(f"num_envs is {num_envs!r}; give a whole number of at least 1")
        self.task = task
        self.num_envs = int(num_envs)
        self.autoreset_mode = _mode(autoreset_mode)
        self.metadata = {"autoreset_mode": self.autoreset_mode, "render_modes": []}
        self.single_observation_space = task.observation_space
        self.single_action_space = task.action_space
        self.observation_space = batch_space(task.observation_space, self.num_envs)
        self.action_space = batch_space(task.action_space, self.num_envs)
        self._lanes = Lanes(task, self.num_envs)
        self._over = np.zeros(self.num_envs, dtype=np.bool_)
        self._last: Step | None = None

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes on all lanes, or on those of ``options["reset_mask"]`` alone.

        Raises
        ------
        InputError
            If seeds or mask do not fit the number of lanes, or a mask comes before the first reset.
        """
        mask = self._mask((options or {}).get("reset_mask"))
        lanes = np.flatnonzero(mask).tolist()
        seeds = _seeds(seed, self.num_envs)
        for lane in lanes:
            if seeds[lane] is not None:
                self._lanes.seed(lane, seeds[lane])
        step = self._lanes.begin(lanes)
        if self._last is not None:
            step = overwrite(self._last, lanes, step)
        self._over = self._over & ~mask
        self._last = step
        return step.observation.copy(), infos_of(self.task, step, mask)

    def _mask(self, mask: Any) -> Flags:
        if mask is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        given = np.asarray(mask)
        if given.shape != (self.num_envs,) or given.dtype != np.bool_ or not given.any():
            raise InputError(
                f"reset_mask is {str(mask)[:60]}; give {self.num_envs} booleans, at least one True"
            )
        if self._last is None and not given.all():
            raise InputError("no episode has begun; reset all lanes before resetting some")
        return given

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], Flags, Flags, dict[str, Any]]:
        """Advance every lane; finished lanes are handled as the autoreset mode says.

        Raises
        ------
        InputError
            If an action is not one of the action space, or a lane has ended and nobody reset it.
        """
        asked = as_actions(actions, (self.num_envs, *self.task.action_space.shape))
        if self.autoreset_mode is AutoresetMode.DISABLED and self._over.any():
            raise InputError(
                f"lane {int(np.argmax(self._over))} has ended; reset it with "
                "options={'reset_mask': ...} before the next step (autoreset is disabled)"
            )
        waiting = np.flatnonzero(self._over).tolist()
        if waiting:
            # Whatever is asked of a lane that is about to begin anew, nothing is done with it.
            asked = np.where(self._over[:, None], 0.0, asked)
        step = self._lanes.step(asked)
        extra: dict[str, Any] = {}
        if waiting:
            step = self._begin_waiting(step, waiting)
        over = step.terminated | step.truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and over.any():
            step, extra = self._begin_same_step(step, over)
        else:
            self._over = over
        self._last = step
        infos = infos_of(self.task, step) | extra
        return step.observation.copy(), step.reward, step.terminated, step.truncated, infos

    def _begin_waiting(self, step: Step, waiting: list[int]) -> Step:
        step = overwrite(step, waiting, self._lanes.begin(waiting))
        step.reward[waiting] = 0.0
        step.terminated[waiting] = False
        step.truncated[waiting] = False
        return step

    def _begin_same_step(self, step: Step, over: Flags) -> tuple[Step, dict[str, Any]]:
        lanes = np.flatnonzero(over).tolist()
        final = np.full(self.num_envs, None, dtype=object)
        for lane in lanes:
            final[lane] = step.observation[lane].copy()
        ended = infos_of(self.task, step, over)
        extra = {"final_obs": final, "_final_obs": over, "final_info": ended, "_final_info": over}
        return overwrite(step, lanes, self._lanes.begin(lanes)), extra


def _mode(value: str | AutoresetMode) -> AutoresetMode:
    if isinstance(value, AutoresetMode):
        return value
    modes = {mode.name.lower(): mode for mode in AutoresetMode}
    # Gymnasium writes a mode's value as "NextStep", its specs in JSON among them.
    modes |= {mode.value.lower(): mode for mode in AutoresetMode}
    key = str(value).lower()
    if key not in modes:
        names = ", ".join(mode.name.lower() for mode in AutoresetMode)
        raise InputError(f"autoreset_mode is {value!r}; choose one of {names}")
    return modes[key]


def _seeds(seed: int | Sequence[int | None] | None, n: int) -> Sequence[int | None]:
    if seed is None:
        return [None] * n
    whole = (int, np.integer)
    if isinstance(seed, whole):
        return [int(seed) + i for i in range(n)]
    given = seed if isinstance(seed, Sequence) else ()
    if len(given) != n or not all(s is None or isinstance(s, whole) for s in given):
        raise InputError(f"seed is {seed!r}; give one whole number, or one for each of {n} lanes")
    return [None if s is None else int(s) for s in given]
