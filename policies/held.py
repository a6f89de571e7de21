"""A policy that decides now and then and holds what it decided in between."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .stochastic import Array
from .wrapper import Wrapper, card_of


@dataclass(frozen=True)
class Held(Wrapper):
    """Another policy asked every so many steps; what it said is done until it is asked again.

    Parameters
    ----------
    inner : object
        With ``predict``; with ``log_prob`` and ``seeded`` too, this has them as well.
    every : int
        Steps between decisions, at least 1. All lanes begin together, as in an evaluation.
    """

    inner: Any
    every: int
    name: str = field(default="held", init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.every, int) or isinstance(self.every, bool) or self.every < 1:
            raise InputError(f"every is {self.every!r}; give a whole number of at least 1")

    @property
    def card(self) -> dict[str, Any]:
        """What it is, in JSON."""
        return {
            "policy": self.name,
            "kind": "stochastic",
            "every": self.every,
            "inner": card_of(self.inner),
        }

    def seeded(self, rng: np.random.Generator) -> Held:
        """Return the same policy whose inner one draws from another generator."""
        return replace(self, inner=self.inner.seeded(rng))

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return actions and state: (steps since the decision, what is held, inner state)."""
        fresh, since, held, memory = self._recall(state, episode_start)
        if since % self.every == 0:
            begin = np.ones(np.shape(observation)[:-1], np.bool_) if fresh else episode_start
            held, memory = self.inner.predict(observation, memory, begin, deterministic)
            since = 0
        return held, (since + 1, held, memory)

    def log_prob(
        self,
        observation: NDArray[np.float32],
        action: NDArray[Any],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
    ) -> Array:
        """Return the inner log probability at a decision; in between 0 for what is held.

        In between a density would be one of nothing: what is held is certain, anything else cannot
        be (minus infinity).
        """
        fresh, since, held, memory = self._recall(state, episode_start)
        if since % self.every == 0:
            begin = np.ones(np.shape(observation)[:-1], np.bool_) if fresh else episode_start
            found: Array = self.inner.log_prob(observation, action, memory, begin)
            return found
        same = (np.atleast_2d(action) == np.atleast_2d(held)).all(axis=1)
        return np.where(same, 0.0, -np.inf)

    def _recall(self, state: Any, episode_start: Any) -> tuple[bool, int, Any, Any]:
        if state is None or (episode_start is not None and bool(np.all(episode_start))):
            return True, 0, None, None
        since, held, memory = state
        return False, since, held, memory
