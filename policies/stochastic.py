"""What a policy that acts by chance owes besides ``predict``: the exact probability of its acts."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..therapy.formulary import Formulary, load_formulary

Array = NDArray[np.float64]


@runtime_checkable
class Stochastic(Protocol):
    """A policy whose choices have known probabilities."""

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return actions and state; drawn by chance where ``deterministic`` is False."""
        ...

    def log_prob(
        self,
        observation: NDArray[np.float32],
        action: NDArray[Any],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
    ) -> Array:
        """Return the log density or log mass (B,) of actions (B, A), given what predict was."""
        ...

    def seeded(self, rng: np.random.Generator) -> Any:
        """Return the same policy drawing from another generator."""
        ...


def tablets_of(policy: Any) -> Formulary:
    """Return the formulary that a policy of levels acts in; the default where it names none."""
    return load_formulary(dict(getattr(policy, "wants", {})).get("formulary", "default"))


def is_levels(action: NDArray[Any]) -> bool:
    """Return whether actions are whole levels and not numbers."""
    return bool(np.issubdtype(np.asarray(action).dtype, np.integer))


def batch(observation: NDArray[np.float32], action: NDArray[Any]) -> tuple[Any, Any]:
    """Return observations (B, n) and actions (B, A) of one lane or of many."""
    return np.atleast_2d(observation), np.atleast_2d(action)
