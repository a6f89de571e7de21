"""A target policy blurred a little, so that logged actions have a density under it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .noisy import NoisyClinician
from .stochastic import Array
from .wrapper import Wrapper, card_of


@dataclass(frozen=True)
class Smoothed(Wrapper):
    """A kernel about a deterministic policy: what is judged is the blurred policy, and it says so.

    A deterministic policy over numbers never does exactly what was logged. Kallus and Zhou 2018
    (arXiv 1802.06037) put a kernel about its action; here the kernel is a normal cut to the range
    of actions, so that the blurred policy is a policy of its own whose value is estimated without
    bias. The difference to the sharp policy's value is not part of any interval.

    Parameters
    ----------
    policy : object
        With a deterministic ``predict``.
    sd : float
        Width of the kernel, in units of the action.
    epsilon : float
        Of levels: probability of a small move instead (see ``NoisyClinician``).
    rng : numpy.random.Generator or int
    """

    policy: Any
    sd: float = 0.05
    epsilon: float = 0.05
    rng: np.random.Generator | int = 0
    name: str = field(default="smoothed", init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rng", np.random.default_rng(self.rng))
        _ = self._blurred

    @property
    def _blurred(self) -> NoisyClinician:
        return NoisyClinician(self.policy, self.sd, self.epsilon, rng=self.rng)

    @property
    def inner(self) -> Any:
        """The sharp policy."""
        return self.policy

    @property
    def card(self) -> dict[str, Any]:
        """What it is, in JSON."""
        frame = {"policy": self.name, "kind": "stochastic", "sd": self.sd, "epsilon": self.epsilon}
        return {**frame, "inner": card_of(self.policy)}

    def seeded(self, rng: np.random.Generator) -> Smoothed:
        """Return the same policy drawing from another generator."""
        return replace(self, rng=rng)

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return actions and state; the sharp policy's own where ``deterministic``."""
        return self._blurred.predict(observation, state, episode_start, deterministic)

    def log_prob(
        self,
        observation: NDArray[np.float32],
        action: NDArray[Any],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
    ) -> Array:
        """Return the log density or log mass of actions under the blurred policy, (B,)."""
        return self._blurred.log_prob(observation, action, state, episode_start)
