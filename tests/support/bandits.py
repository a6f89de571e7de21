"""Constrained problems whose solution is known, as Stable-Baselines3 VecEnvs."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

Array = NDArray[np.float64]


class Bandits(VecEnv):
    """Lanes of one-step episodes: reward and named costs are functions of the action in [-1, 1].

    Parameters
    ----------
    n : int
        Lanes.
    reward : callable
        From actions (N,) to rewards (N,).
    costs : mapping of str to callable
        From actions (N,) to costs (N,).
    length : int
        Steps of an episode.
    """

    def __init__(
        self,
        n: int,
        reward: Callable[[Array], Array],
        costs: Mapping[str, Callable[[Array], Array]],
        length: int = 1,
    ) -> None:
        self.reward, self.costs, self.length = reward, dict(costs), length
        self.render_mode = None
        self._step = 0
        self._actions: Array = np.zeros(n)
        super().__init__(n, Box(-1.0, 1.0, (1,), np.float32), Box(-1.0, 1.0, (1,), np.float32))

    def _seen(self) -> NDArray[np.float32]:
        return np.ones((self.num_envs, 1), np.float32)

    def reset(self) -> NDArray[np.float32]:
        """Begin anew."""
        self._step = 0
        return self._seen()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions."""
        self._actions = np.asarray(actions, np.float64)[:, 0]

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Pay rewards and costs; the episode truly ends, nothing is cut off."""
        self._step = (self._step + 1) % self.length
        over = self._step == 0
        paid = {name: cost(self._actions) for name, cost in self.costs.items()}
        infos: list[dict[str, Any]] = [
            {"costs": {name: float(paid[name][i]) for name in paid}} for i in range(self.num_envs)
        ]
        if over:
            for info in infos:
                info.update({"terminal_observation": self._seen()[0], "TimeLimit.truncated": False})
        done = np.full(self.num_envs, over)
        return self._seen(), self.reward(self._actions).astype(np.float32), done, infos

    def close(self) -> None:
        """Nothing to release."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, once per lane."""
        return [getattr(self, attr_name)] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of all."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> Any:
        """Call a method, once per lane."""
        return [getattr(self, method_name)(*args, **kwargs)] * self.num_envs

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """No lane is wrapped."""
        return [False] * self.num_envs
