"""The rollout of a constrained learner: Stable-Baselines3's, with a column for each cost.

Generalised advantage estimation (Schulman 2016, arXiv 1506.02438) of costs follows the rules that
SB3 has for rewards: where an episode was cut off by its time limit, what the last observation
(``terminal_observation``) still promises is added; where it truly ended, nothing follows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.buffers import RolloutBuffer

Array32 = NDArray[np.float32]


class CostRolloutBuffer(RolloutBuffer):
    """SB3's rollout buffer of T steps of N lanes, with costs (T, N, K).

    Parameters
    ----------
    *args
        As ``RolloutBuffer``.
    n_costs : int
        Costs, K.
    **kwargs
        As ``RolloutBuffer``.
    """

    def __init__(self, *args: Any, n_costs: int = 1, **kwargs: Any) -> None:
        self.n_costs = n_costs
        super().__init__(*args, **kwargs)

    def reset(self) -> None:
        """Empty the rollout."""
        super().reset()
        shape = (self.buffer_size, self.n_envs, self.n_costs)
        self.costs = np.zeros(shape, np.float32)
        self.cost_values = np.zeros(shape, np.float32)
        self.cost_returns = np.zeros(shape, np.float32)
        self.cost_advantages = np.zeros(shape, np.float32)
        self.cut_off: list[tuple[int, int]] = []
        self.cut_off_observations: list[NDArray[Any]] = []

    def keep_costs(self, costs: NDArray[Any]) -> None:
        """Write the costs (N, K) of the step that ``add`` is about to take."""
        self.costs[self.pos] = costs

    def keep_cut_off(self, lane: int, observation: NDArray[Any]) -> None:
        """Note that the time limit ended a lane's episode at this step, and what it saw last."""
        self.cut_off.append((self.pos, lane))
        self.cut_off_observations.append(observation)

    def compute_cost_advantages(
        self, values: Array32, last_values: Array32, cut_off_values: Array32, ended: NDArray[Any]
    ) -> None:
        """Estimate the advantages and returns of costs by GAE.

        Parameters
        ----------
        values : array (T, N, K)
            Foreseen costs of the rollout's observations.
        last_values : array (N, K)
            Of the observations after its last step.
        cut_off_values : array (M, K)
            Of the last observations of episodes cut off, in the order of ``cut_off``.
        ended : array (N,) of bool
            Whether the last step ended an episode.
        """
        promised = np.zeros_like(self.costs)
        for (step, lane), value in zip(self.cut_off, cut_off_values, strict=True):
            promised[step, lane] = self.gamma * value
        # Where the next step begins an episode, the values that follow belong to another one.
        goes_on = 1.0 - np.concatenate([self.episode_starts[1:], ended[None]]).astype(np.float32)
        following = np.concatenate([values[1:], last_values[None]])
        later = np.zeros_like(last_values)
        for step in reversed(range(self.buffer_size)):
            lives = goes_on[step][:, None]
            target = self.costs[step] + promised[step] + self.gamma * lives * following[step]
            later = target - values[step] + self.gamma * self.gae_lambda * lives * later
            self.cost_advantages[step] = later
        self.cost_values = values
        self.cost_returns = self.cost_advantages + values
