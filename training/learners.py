"""The class that learns under an algorithm's name, where it is not the one that only acts."""

from __future__ import annotations

from typing import Any

from ..policies.learned import algorithm

CONSTRAINED = "ppo_lagrangian"


def learner(name: str) -> Any:
    """Return the class that trains an algorithm's agents.

    Raises
    ------
    InputError
        As :func:`dosegym.policies.learned.algorithm`.
    """
    if name == CONSTRAINED:
        from .lagrangian import PPOLagrangian

        return PPOLagrangian
    return algorithm(name)
