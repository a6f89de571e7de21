"""A safety budget in the observation, for constraints that shall hold in every single episode.

Sootla 2022 (Sauté RL, arXiv 2202.06558): the state is augmented by what is left of the budget; once
it is spent, every reward is replaced by a low one. Any learner then learns to stay within budget
almost surely, not on average.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .costs import cost_of


class Saute(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Append the share of the budget that is left to the observation, and punish spending it all.

    The share starts at 1 and falls by cost / (budget x length) at every step; it is shown down to
    -1. Nothing is terminated. Infos get ``budget_left`` and ``sauted`` (whether the reward was
    replaced).

    Parameters
    ----------
    env : Env
        With a one-dimensional Box as observation, and costs in its infos.
    cost : str
        Which cost: ``cost`` for ``info["cost"]``, or a name of ``info["costs"]``.
    budget : float
        Mean cost per step that an episode may have, above 0: of an indicator, the share of steps.
    length : int
        Steps of a whole episode.
    penalty : float
        Reward of a step whose budget is spent. Below what any step returns otherwise, or spending
        pays.

    Raises
    ------
    InputError
        If the observation is no vector, or budget, length or penalty are out of range; in a step
        whose info has no such cost.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        cost: str = "cost",
        *,
        budget: float,
        length: int,
        penalty: float = -1.0,
    ) -> None:
        RecordConstructorArgs.__init__(
            self, cost=cost, budget=budget, length=length, penalty=penalty
        )
        super().__init__(env)
        seen = env.observation_space
        if not isinstance(seen, Box) or len(seen.shape) != 1:
            raise InputError(f"observation space is {seen}; Saute needs a Box of one dimension")
        for name, value, least in (("budget", budget, 0.0), ("length", length, 0.0)):
            if not (math.isfinite(value) and value > least):
                raise InputError(f"{name} is {value!r}; give a number above 0")
        if not math.isfinite(penalty):
            raise InputError(f"penalty is {penalty!r}; give a finite number")
        low, high = np.append(seen.low, -1.0), np.append(seen.high, 1.0)
        self.observation_space = Box(
            low.astype(np.float32), high.astype(np.float32), dtype=np.float32
        )
        self._cost, self._whole, self._penalty = cost, budget * length, penalty
        self._left = 1.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin an episode with the whole budget."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._left = 1.0
        return self._seen(observation), {**info, "budget_left": 1.0, "sauted": False}

    def step(self, action: Any) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Step, take the cost off the budget, and replace the reward if nothing is left."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._left -= cost_of(info, self._cost) / self._whole
        spent = self._left < 0.0
        told = {**info, "budget_left": self._left, "sauted": spent}
        paid = self._penalty if spent else float(reward)
        return self._seen(observation), paid, terminated, truncated, told

    def _seen(self, observation: Any) -> NDArray[np.float32]:
        return np.append(observation, max(self._left, -1.0)).astype(np.float32)
