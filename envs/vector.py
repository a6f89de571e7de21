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
from .core import Step, Task, infos_of
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

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start episodes on all lanes, or on those of ``options["reset_mask"]``."""
        mask = (options or {}).get("reset_mask")
        lanes = list(range(self.num_envs)) if mask is None else np.flatnonzero(mask).tolist()
        if mask is not None and (np.shape(mask) != (self.num_envs,) or not lanes):
            raise InputError(
                f"reset_mask must be {self.num_envs} booleans with at least one True; "
                f"got shape {np.shape(mask)}"
            )
        for lane, lane_seed in enumerate(_seeds(seed, self.num_envs)):
            if lane_seed is not None and (mask is None or mask[lane]):
                self._lanes.seed(lane, lane_seed)
        fresh = self._lanes.begin(lanes)
        self._over[lanes] = False
        whole = fresh if len(lanes) == self.num_envs else overwrite(self._last, lanes, fresh)
        self._last = whole
        return whole.observation.copy(), infos_of(self.task, whole)

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], Flags, Flags, dict[str, Any]]:
        """Advance every lane; finished lanes are handled as the autoreset mode says."""
        asked = np.asarray(actions, dtype=np.float64).reshape(self.num_envs, -1)
        if self.autoreset_mode is AutoresetMode.DISABLED and self._over.any():
            raise InputError(
                f"lane {int(np.argmax(self._over))} has ended; reset it with "
                "options={'reset_mask': ...} before the next step (autoreset is disabled)"
            )
        waiting = np.flatnonzero(self._over).tolist()
        step = self._lanes.step(asked)
        extra: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.NEXT_STEP:
            step = self._begin_waiting(step, waiting)
        over = step.terminated | step.truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and over.any():
            step, extra = self._begin_same_step(step, over)
        else:
            self._over = over
        self._last = step
        infos = infos_of(self.task, step) | extra
        return step.observation, step.reward, step.terminated, step.truncated, infos

    def _begin_waiting(self, step: Step, waiting: list[int]) -> Step:
        if not waiting:
            return step
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
        ended = {k: over if k[0] == "_" else v for k, v in infos_of(self.task, step).items()}
        extra = {"final_obs": final, "_final_obs": over, "final_info": ended, "_final_info": over}
        return overwrite(step, lanes, self._lanes.begin(lanes)), extra


def _mode(value: str | AutoresetMode) -> AutoresetMode:
    if isinstance(value, AutoresetMode):
        return value
    for mode in AutoresetMode:
        if str(value).lower().replace("_", "-") in (mode.value.lower(), mode.name.lower().replace("_", "-")):
            return mode
    raise InputError(
        f"autoreset_mode is {value!r}; choose one of {', '.join(m.name.lower() for m in AutoresetMode)}"
    )


def _seeds(seed: int | Sequence[int | None] | None, n: int) -> Sequence[int | None]:
    if seed is None:
        return [None] * n
    if isinstance(seed, (int, np.integer)):
        return [int(seed) + i for i in range(n)]
    if len(seed) != n:
        raise InputError(f"seed lists {len(seed)} numbers for {n} lanes; give one for each lane")
    return seed
