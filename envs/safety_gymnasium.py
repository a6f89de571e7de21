"""Safety-Gymnasium's convention, there and back: the cost as third of six results of a step.

Safety-Gymnasium (Ji 2023, arXiv 2310.12567) and OmniSafe step as ``observation, reward, cost,
terminated, truncated, info``; Gymnasium's five results carry it in ``info["cost"]``.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from ..physiology.errors import InputError
from .costs import cost_of


class ToSafetyGymnasium(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Step with six results, the third of them a cost.

    Parameters
    ----------
    env : Env
    cost : str
        Which cost: ``cost`` for ``info["cost"]``, or a name of ``info["costs"]``.

    Raises
    ------
    InputError
        In a step whose info has no such cost.
    """

    def __init__(self, env: gym.Env[Any, Any], cost: str = "cost") -> None:
        RecordConstructorArgs.__init__(self, cost=cost)
        super().__init__(env)
        self._cost = cost

    def step(self, action: Any) -> Any:
        """Return observation, reward, cost, terminated, truncated and info."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, cost_of(info, self._cost), terminated, truncated, info


class FromSafetyGymnasium(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Step with Gymnasium's five results an environment that steps with six.

    The cost goes to ``info["cost"]``, its sum over the episode to ``info["episode_cost"]``, and
    under a name to ``info["costs"]``, where constrained learners read it.

    Parameters
    ----------
    env : Env
    name : str
        What the cost is called in ``info["costs"]``.

    Raises
    ------
    InputError
        In a step that does not return six results.
    """

    def __init__(self, env: gym.Env[Any, Any], name: str = "cost") -> None:
        RecordConstructorArgs.__init__(self, name=name)
        super().__init__(env)
        self._name, self._total = name, 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; nothing has cost anything yet."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._total = 0.0
        return observation, self._told(info, 0.0)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Return observation, reward, terminated, truncated and info with the cost in it."""
        results: tuple[Any, ...] = self.env.step(action)
        if len(results) != 6:
            raise InputError(
                f"a step returned {len(results)} results; FromSafetyGymnasium needs six, the third "
                "of them the cost"
            )
        observation, reward, cost, terminated, truncated, info = results
        self._total += float(cost)
        return observation, reward, terminated, truncated, self._told(info, float(cost))

    def _told(self, info: dict[str, Any], cost: float) -> dict[str, Any]:
        named = {**info.get("costs", {}), self._name: cost}
        return {**info, "cost": cost, "costs": named, "episode_cost": self._total}
