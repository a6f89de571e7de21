"""Constraints for any Stable-Baselines3 algorithm, by a reward that carries the multipliers.

Biased, and offered because it is simple: an off-policy learner keeps transitions whose rewards bear
the multipliers of long ago, its critic has to follow a target that moves with every update of them,
and the costs are measured under the exploring policy. On SAC the scheme is known to be unsteady:
keep the replay buffer short, ``ki`` small (0.005) and ``smooth`` low (0.5). Where the choice is
free, take ``PPOLagrangian``, whose cost critics see costs themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from ..physiology.errors import InputError
from .cost_source import cost_reader
from .multipliers import Gains, Multipliers


class LagrangianReward(VecEnvWrapper):
    """Pay (reward - sum of lambda_k cost_k / unit_k) / (1 + sum of lambda_k).

    Costs come in units of their limits (of the gains' floor, if larger), so that under a
    multiplier of 1 a policy at its limit loses 1 of reward per step. Nothing moves the multipliers
    but :class:`UpdateMultipliers`.

    Parameters
    ----------
    venv : VecEnv
    limits : mapping of str to float
        Limit of each cost, per step.
    gains : Gains, optional
        Of the multipliers.

    Raises
    ------
    InputError
        If limits cannot be used; in a step, if a cost is missing.
    """

    def __init__(
        self, venv: VecEnv, limits: Mapping[str, float], gains: Gains | None = None
    ) -> None:
        super().__init__(venv)
        self.multipliers = Multipliers(limits, gains)
        allowed = np.array(list(self.multipliers.limits.values()))
        self._unit = np.maximum(allowed, self.multipliers.gains.floor)
        self._read = cost_reader(venv, list(limits))
        self._total, self._steps = np.zeros(len(allowed)), 0

    def reset(self) -> Any:
        """Begin all lanes anew."""
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Return the step with what its costs take off the reward."""
        observation, reward, done, infos = self.venv.step_wait()
        costs = self._read(infos)
        self._total += costs.mean(axis=0)
        self._steps += 1
        weights = self.multipliers.values
        paid = (reward - costs / self._unit @ weights) / (1.0 + weights.sum())
        return observation, paid.astype(np.float32), done, infos

    def take_costs(self) -> NDArray[np.float64]:
        """Return the mean costs per step (K,) since the last call, and begin anew.

        Raises
        ------
        InputError
            If there was no step.
        """
        if self._steps == 0:
            raise InputError("no step was made since the costs were last taken; step first")
        costs = self._total / self._steps
        self._total, self._steps = np.zeros(len(costs)), 0
        return np.asarray(costs)


class UpdateMultipliers(BaseCallback):
    """Move the multipliers of a ``LagrangianReward`` now and then while an algorithm learns.

    Parameters
    ----------
    rewards : LagrangianReward
        The environment the algorithm learns on, or one within its wrappers.
    every : int
        Steps of the lanes (calls of ``step``) between updates.
    """

    def __init__(self, rewards: LagrangianReward, every: int = 288) -> None:
        super().__init__()
        if every < 1:
            raise InputError(f"every is {every!r}; give a whole number of at least 1")
        self.rewards, self.every = rewards, every

    def _on_step(self) -> bool:
        if self.n_calls % self.every == 0:
            costs = self.rewards.take_costs()
            weights = self.rewards.multipliers.update(costs)
            for k, (name, limit) in enumerate(self.rewards.multipliers.limits.items()):
                self.logger.record(f"safety/{name}/cost", float(costs[k]))
                self.logger.record(f"safety/{name}/limit", limit)
                self.logger.record(f"safety/{name}/lambda", float(weights[k]))
        return True
