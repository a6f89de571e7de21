"""The native batched VecEnv of Stable-Baselines3: resets within the step, and lazy infos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from ..physiology.errors import InputError
from .core import Step, Task, as_actions, info_of
from .lanes import Lanes, overwrite
from .registry import make_task

# Set at once where a lane ends; elsewhere the first is False and the second absent.
_ENDINGS = ("TimeLimit.truncated", "terminal_observation")
# What SB3 looks for in every info at every step and no environment of ours ever writes.
_NEVER = ("episode", "is_success")


def _filled(name: str) -> Any:
    method = getattr(dict, name)

    def read(self: LaneInfo, *args: Any, **kwargs: Any) -> Any:
        self.fill()
        return method(self, *args, **kwargs)

    read.__name__, read.__doc__ = name, method.__doc__
    return read


class LaneInfo(dict[str, Any]):
    """One lane's info, filled from the batch's arrays when first read; otherwise a plain dict.

    Building a thousand dictionaries a step would cost more than a thousand patients do; SB3 itself
    reads only the finished ones.
    """

    __slots__ = ("_lane", "_step", "_task")
    __hash__ = None

    def __init__(self, task: Task, step: Step, lane: int) -> None:
        self._task, self._step, self._lane = task, step, lane

    def fill(self) -> None:
        """Write all entries, once; what was set before stays."""
        step = self._step
        if step is not None:
            self._step = None  # type: ignore[assignment]
            for key, value in info_of(self._task, step, self._lane).items():
                dict.setdefault(self, key, value)
            dict.setdefault(self, "TimeLimit.truncated", False)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value; what SB3 asks of every lane at every step costs nothing."""
        if key == _ENDINGS[0]:
            default = False
        elif key not in _ENDINGS and key not in _NEVER:
            self.fill()
        return dict.get(self, key, default)

    def copy(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        self.fill()
        return dict(dict.items(self))

    def __reduce__(self) -> Any:
        return (dict, (self.copy(),))


for _name in (
    *("__getitem__", "__delitem__", "__contains__", "__iter__", "__reversed__", "__len__"),
    *("__eq__", "__ne__", "__or__", "__ror__", "__repr__"),
    *("keys", "values", "items", "pop", "popitem", "clear", "setdefault"),
):
    setattr(LaneInfo, _name, _filled(_name))


class DoseVecEnv(VecEnv):
    """Any Task as SB3's VecEnv, all patients in one transition.

    ``last_step`` is the latest transition as arrays, before finished lanes began anew: what
    training logs are summed from. ``lanes`` holds the running episodes, which a checkpoint keeps.
    """

    def __init__(self, task: Task, n_envs: int, env_id: str, kwargs: dict[str, Any]) -> None:
        if not isinstance(n_envs, (int, np.integer)) or n_envs < 1:
            raise InputError(f"n_envs is {n_envs!r}; give a whole number of at least 1")
        self.task = task
        self.env_id, self.env_kwargs = env_id, kwargs
        self.render_mode = None
        self.lanes = Lanes(task, n_envs)
        self.last_step: Step | None = None
        self._masks: NDArray[np.bool_] | None = None
        self._actions: NDArray[Any] = np.zeros((n_envs, *task.action_space.shape))
        super().__init__(n_envs, task.observation_space, task.action_space)

    def reset(self) -> NDArray[np.float32]:
        """Start an episode on every lane; seeds set by ``seed`` are used once."""
        for lane, seed in enumerate(self._seeds):
            if seed is not None:
                self.lanes.seed(lane, seed)
        step = self.lanes.begin()
        self._masks = step.mask
        self.reset_infos = [info_of(self.task, step, i) for i in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return step.observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions (n_envs, A) for ``step_wait``."""
        self._actions = as_actions(actions, self._actions.shape)

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Advance every lane; finished lanes begin anew within the same step."""
        step = self.last_step = self.lanes.step(self._actions)
        done = step.terminated | step.truncated
        infos: list[dict[str, Any]] = [LaneInfo(self.task, step, i) for i in range(self.num_envs)]
        observation, self._masks = step.observation, step.mask
        if done.any():
            lanes = np.flatnonzero(done).tolist()
            for lane in lanes:
                infos[lane].update(
                    {
                        "terminal_observation": step.observation[lane].copy(),
                        "TimeLimit.truncated": bool(step.truncated[lane]),
                    }
                )
            fresh = self.lanes.begin(lanes)
            both = overwrite(step, lanes, fresh)
            observation, self._masks = both.observation, both.mask
            for i, lane in enumerate(lanes):
                self.reset_infos[lane] = info_of(self.task, fresh, i)
        return observation, step.reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing to release."""

    def _lane_list(self, indices: int | Iterable[int] | None) -> list[int]:
        return list(self._get_indices(indices))

    def get_attr(self, attr_name: str, indices: int | Iterable[int] | None = None) -> list[Any]:
        """Return an attribute of the environment or its task, once per lane."""
        owner = self if hasattr(self, attr_name) else self.task
        return [getattr(owner, attr_name) for _ in self._lane_list(indices)]

    def set_attr(
        self, attr_name: str, value: Any, indices: int | Iterable[int] | None = None
    ) -> None:
        """Set an attribute of the whole batch (lanes share one task)."""
        setattr(self, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: int | Iterable[int] | None = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method of the task, once per lane; ``action_masks`` is answered lane by lane."""
        if method_name == "action_masks" and not method_args and not method_kwargs:
            return list(self.action_masks()[self._lane_list(indices)])
        method = getattr(self.task, method_name)
        return [method(*method_args, **method_kwargs) for _ in self._lane_list(indices)]

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which single choices each lane may make now, (n_envs, sum of levels).

        Raises
        ------
        InputError
            If the task forbids nothing, or no episode has begun.
        """
        if self._masks is None:
            raise InputError(
                f"{self.env_id} has no action mask now; masks belong to discrete actions, after "
                "reset()"
            )
        return self._masks

    def env_is_wrapped(
        self, wrapper_class: type[Any], indices: int | Iterable[int] | None = None
    ) -> list[bool]:
        """No lane is wrapped."""
        return [False for _ in self._lane_list(indices)]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Return None for every lane: the batched environment draws nothing."""
        return [None] * self.num_envs


def make_sb3_vec_env(
    env_id: str, n_envs: int = 1, seed: int | None = None, **kwargs: Any
) -> VecEnv:
    """Return a native batched SB3 VecEnv of a registered environment.

    Parameters
    ----------
    env_id : str
        E.g. ``"dosegym/Insulin-v0"``.
    n_envs : int
        Lanes.
    seed : int, optional
        Lane i is seeded with ``seed + i``.
    **kwargs
        Keywords of the environment.

    Raises
    ------
    InputError
        If the id or a keyword is unknown, or ``n_envs`` or a keyword's value is not acceptable.
    """
    env = DoseVecEnv(make_task(env_id, **kwargs), n_envs, env_id, kwargs)
    if seed is not None:
        env.seed(seed)
    return env
