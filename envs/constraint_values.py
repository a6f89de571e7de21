"""safe-control-gym's convention: signed values of constraints, above zero where one is violated.

safe-control-gym (Yuan 2022, arXiv 2109.06325) writes a constraint as g <= 0, puts the vector of g
into ``info["constraint_values"]`` and 0 or 1 into ``info["constraint_violation"]``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from ..physiology.errors import InputError
from .costs import cost_of


class ConstraintValues(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Add ``constraint_values`` and ``constraint_violation`` to every info, reset included.

    Parameters
    ----------
    env : Env
        With costs in its infos.
    allowed : mapping of str to float
        Costs that are constraints, with what each may be at a step; g = cost - allowed. Zero for
        events that must not happen at all.

    Raises
    ------
    InputError
        If nothing is named, or an allowance is no number; in a step without one of the costs.
    """

    def __init__(self, env: gym.Env[Any, Any], allowed: Mapping[str, float]) -> None:
        RecordConstructorArgs.__init__(self, allowed=dict(allowed))
        super().__init__(env)
        if not allowed or not all(math.isfinite(float(v)) for v in allowed.values()):
            raise InputError(
                f"allowed is {dict(allowed)!r}; give costs with what each may be at a step, such "
                "as {'below_54': 0}"
            )
        self._allowed = {str(name): float(value) for name, value in allowed.items()}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        return observation, self._told(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and judge the costs."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated, truncated, self._told(info)

    def _told(self, info: dict[str, Any]) -> dict[str, Any]:
        values = [cost_of(info, name) - limit for name, limit in self._allowed.items()]
        signed = np.array(values, np.float32)
        return {
            **info,
            "constraint_values": signed,
            "constraint_violation": int(np.any(signed > 0.0)),
        }


class CostsFromConstraints(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Add named costs to an environment that tells ``constraint_values`` only.

    A cost is 1 at a step at which its constraint is violated, else 0.

    Parameters
    ----------
    env : Env
    names : sequence of str
        Of the constraints, in the order of the values.

    Raises
    ------
    InputError
        In a step without ``constraint_values``, or with another number of them.
    """

    def __init__(self, env: gym.Env[Any, Any], names: tuple[str, ...]) -> None:
        RecordConstructorArgs.__init__(self, names=tuple(names))
        super().__init__(env)
        self._names, self._total = tuple(names), 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; nothing has cost anything yet."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._total = 0.0
        return observation, self._told(info, np.zeros(len(self._names)))

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and turn the constraints' values into costs."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        values = np.atleast_1d(np.asarray(info.get("constraint_values", ()), np.float64))
        if values.shape != (len(self._names),) or not np.isfinite(values).all():
            raise InputError(
                f"info['constraint_values'] is {values.tolist()}; {len(self._names)} finite values "
                f"are needed, for {', '.join(self._names)}"
            )
        return observation, reward, terminated, truncated, self._told(info, values > 0.0)

    def _told(self, info: dict[str, Any], violated: Any) -> dict[str, Any]:
        costs = {name: float(v) for name, v in zip(self._names, violated, strict=True)}
        cost = sum(costs.values())
        self._total += cost
        return {**info, "costs": costs, "cost": cost, "episode_cost": self._total}
