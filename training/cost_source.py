"""Where a constrained learner reads its costs from: the batch's arrays, else every lane's info."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from ..envs.costs import cost_of
from ..envs.sb3 import DoseVecEnv
from ..physiology.errors import InputError

Array = NDArray[np.float64]
Reader = Callable[[Sequence[Mapping[str, Any]]], Array]


def cost_reader(env: VecEnv, names: Sequence[str]) -> Reader:
    """Return a function from a step's infos to its costs (N, K).

    A native batched environment is read from ``last_step.log``, whose columns may also be harms of
    the hidden truth; of any other environment ``info["costs"][name]`` is read, and
    ``info["cost"]`` under the name ``cost``.

    Parameters
    ----------
    env : VecEnv
        Wrapped or not.
    names : sequence of str

    Raises
    ------
    InputError
        If a native environment logs no such column; later, when a cost is missing, is not finite
        or is negative. A missing cost is never taken for zero.
    """
    inner = env.unwrapped
    if not isinstance(inner, DoseVecEnv):
        return lambda infos: _from_infos(infos, names)
    task: Any = inner.task
    columns: tuple[str, ...] = task.log_columns
    for name in names:
        if name not in columns:
            raise InputError(
                f"limits name {name!r}, which {inner.env_id} does not log; its costs are "
                f"{', '.join(task.cost_names)}"
            )
    places = [columns.index(name) for name in names]

    def read(infos: Sequence[Mapping[str, Any]]) -> Array:
        step = inner.last_step
        assert step is not None
        return _checked(step.log[:, places], names)

    return read


def _from_infos(infos: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Array:
    return np.array([[cost_of(info, name) for name in names] for info in infos], np.float64)


def _checked(costs: Array, names: Sequence[str]) -> Array:
    bad = ~(np.isfinite(costs) & (costs >= 0.0))
    if bad.any():
        lane, which = (int(k) for k in np.argwhere(bad)[0])
        raise InputError(
            f"cost {names[which]} of lane {lane} is {costs[lane, which]}; costs are finite numbers "
            "of at least 0"
        )
    return costs
