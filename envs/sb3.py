"""The native batched VecEnv of Stable-Baselines3: same-step reset, terminal observations, lazy infos."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from .core import Step, Task, info_of
from .lanes import Lanes, overwrite
from .registry import make_task

_KEYS = frozenset(
    ("cost", "costs", "episode_cost", "time_min", "proposed_action", "applied_action")
    + ("shielded", "truth")
)
# Set at once where a lane ends; elsewhere the first is False and the second absent.
_ENDINGS = frozenset(("TimeLimit.truncated", "terminal_observation"))


class LaneInfo(dict[str, Any]):
    """One lane's info, filled from the batch's arrays when first read.

    Building a thousand dictionaries a step would cost more than a thousand patients do; SB3 itself
    reads only the finished ones.
    """

    __slots__ = ("_lane", "_step", "_task")

    def __init__(self, task: Task, step: Step, lane: int) -> None:
        super().__init__()
        self._task, self._step, self._lane = task, step, lane

    def _fill(self) -> None:
        step = self._step
        if step is not None:
            self._step = None  # type: ignore[assignment]
            extra = dict(super().items())
            super().update(info_of(self._task, step, self._lane))
            super().update(extra)
            if "TimeLimit.truncated" not in extra:
                super().__setitem__("TimeLimit.truncated", False)

    def __getitem__(self, key: str) -> Any:
        self._fill()
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value; what SB3 asks of every lane at every step costs nothing."""
        if key in _ENDINGS:
            absent = False if key == "TimeLimit.truncated" else default
            return super().get(key, absent)
        if key in _KEYS:
            self._fill()
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self._fill()
        return super().__contains__(key)

    def __iter__(self) -> Iterator[str]:
        self._fill()
        return super().__iter__()

    def __len__(self) -> int:
        self._fill()
        return super().__len__()

    def __eq__(self, other: object) -> bool:
        self._fill()
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        self._fill()
        return super().__repr__()

    def keys(self) -> Any:
        """Return the keys."""
        self._fill()
        return super().keys()

    def values(self) -> Any:
        """Return the values."""
        self._fill()
        return super().values()

    def items(self) -> Any:
        """Return the items."""
        self._fill()
        return super().items()

    def copy(self) -> dict[str, Any]:
        """Return a plain dictionary."""
        self._fill()
        return dict(super().items())

    def __reduce__(self) -> Any:
        return (dict, (self.copy(),))


class DoseVecEnv(VecEnv):
    """Any Task as SB3's VecEnv, all patients in one transition.

    ``last_step`` is the latest transition as arrays, before finished lanes began anew: what training
    logs are summed from. ``lanes`` holds the running episodes, which a checkpoint keeps.
    """

    def __init__(self, task: Task, n_envs: int, env_id: str, kwargs: dict[str, Any]) -> None:
        self.task = task
        self.env_id, self.env_kwargs = env_id, kwargs
        self.render_mode = None
        self.lanes = Lanes(task, n_envs)
        self.last_step: Step | None = None
        self._actions: NDArray[Any] = np.zeros((n_envs, *task.action_space.shape))
        super().__init__(n_envs, task.observation_space, task.action_space)

    def reset(self) -> NDArray[np.float32]:
        """Start an episode on every lane; seeds set by ``seed`` are used once."""
        for lane, seed in enumerate(self._seeds):
            if seed is not None:
                self.lanes.seed(lane, seed)
        step = self.lanes.begin()
        self.reset_infos = [LaneInfo(self.task, step, i) for i in range(self.num_envs)]
        self._reset_seeds()
        self._reset_options()
        return step.observation

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions for ``step_wait``."""
        self._actions = np.asarray(actions, dtype=np.float64).reshape(self.num_envs, -1)

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Advance every lane; finished lanes begin anew within the same step."""
        step = self.last_step = self.lanes.step(self._actions)
        done = step.terminated | step.truncated
        infos: list[dict[str, Any]] = [LaneInfo(self.task, step, i) for i in range(self.num_envs)]
        observation = step.observation
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
            observation = overwrite(step, lanes, fresh).observation
            for i, lane in enumerate(lanes):
                self.reset_infos[lane] = LaneInfo(self.task, fresh, i)
        return observation, step.reward.astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing to release."""

    def _lane_list(self, indices: None | int | Iterable[int]) -> list[int]:
        return list(self._get_indices(indices))

    def get_attr(self, attr_name: str, indices: None | int | Iterable[int] = None) -> list[Any]:
        """Return an attribute of the environment or its task, once per lane."""
        owner = self if hasattr(self, attr_name) else self.task
        return [getattr(owner, attr_name) for _ in self._lane_list(indices)]

    def set_attr(
        self, attr_name: str, value: Any, indices: None | int | Iterable[int] = None
    ) -> None:
        """Set an attribute of the whole batch (lanes share one task)."""
        setattr(self, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: None | int | Iterable[int] = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """Call a method of the task, once per lane."""
        method = getattr(self.task, method_name)
        return [method(*method_args, **method_kwargs) for _ in self._lane_list(indices)]

    def env_is_wrapped(
        self, wrapper_class: type[Any], indices: None | int | Iterable[int] = None
    ) -> list[bool]:
        """No lane is wrapped."""
        return [False for _ in self._lane_list(indices)]

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """The batched environment draws nothing."""
        return [None] * self.num_envs


def make_sb3_vec_env(env_id: str, n_envs: int = 1, seed: int | None = None, **kwargs: Any) -> VecEnv:
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
        If the id or a keyword is unknown.
    """
    env = DoseVecEnv(make_task(env_id, **kwargs), n_envs, env_id, kwargs)
    if seed is not None:
        env.seed(seed)
    return env
