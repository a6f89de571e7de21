"""A clinician who does about what a policy says: noise about its doses, of known density."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import truncated_normal as normal
from .rule import within
from .step_moves import absent, moves, pick, share_of
from .stochastic import Array, batch, is_levels, tablets_of
from .wrapper import Wrapper, card_of

LOW, HIGH = -1.0, 1.0
_FEWEST = 1e-4


@dataclass(frozen=True)
class NoisyClinician(Wrapper):
    """Another policy's action, disturbed.

    Doses in [-1, 1] get normal noise cut to that range, mixed with a uniform share. Levels are the
    inner policy's, or with probability ``epsilon`` any small move that the chart permits (see
    ``step_moves``); at a missed visit the regimen stays, as it does in the environment.

    Parameters
    ----------
    inner : object
        With a deterministic ``predict`` whose memory travels through ``state``.
    sd : float
        Of the noise on each dose, in units of the action, from 1e-4 to 10.
    epsilon : float
        Probability of a small move instead of the inner policy's levels, from 0 to 1.
    uniform : float
        Probability that a dose comes from all of [-1, 1] alike, from 0 to 1; it bounds the weights
        of any other policy from above.
    rng : numpy.random.Generator or int
        What is drawn from, or its seed.
    """

    inner: Any
    sd: float = 0.1
    epsilon: float = 0.1
    uniform: float = 0.0
    rng: np.random.Generator | int = 0
    name: str = field(default="noisy_clinician", init=False)

    def __post_init__(self) -> None:
        within("sd", self.sd, _FEWEST, 10.0)
        within("epsilon", self.epsilon, 0.0, 1.0)
        within("uniform", self.uniform, 0.0, 1.0)
        object.__setattr__(self, "rng", np.random.default_rng(self.rng))

    @property
    def card(self) -> dict[str, Any]:
        """What it is, in JSON."""
        own = {"sd": self.sd, "epsilon": self.epsilon, "uniform": self.uniform}
        return {"policy": self.name, "kind": "stochastic", **own, "inner": card_of(self.inner)}

    def seeded(self, rng: np.random.Generator) -> NoisyClinician:
        """Return the same clinician drawing from another generator."""
        return replace(self, rng=rng)

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return actions and state; the inner policy's own where ``deterministic``."""
        action, memory = self.inner.predict(observation, state, episode_start, True)
        if deterministic:
            return action, memory
        seen, asked = batch(observation, action)
        drawn = self._levels(seen, asked) if is_levels(asked) else self._doses(asked)
        return (drawn[0] if np.ndim(action) == 1 else drawn), memory

    def log_prob(
        self,
        observation: NDArray[np.float32],
        action: NDArray[Any],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
    ) -> Array:
        """Return the log density (doses) or log mass (levels) of actions, (B,).

        Parameters
        ----------
        observation : array (B, n)
        action : array (B, A)
        state, episode_start
            As ``predict`` was given them.
        """
        asked, _ = self.inner.predict(observation, state, episode_start, True)
        seen, told = batch(observation, asked)
        done = np.atleast_2d(action)
        if not is_levels(told):
            return self._density(done, told)
        regimens, free = moves(seen, tablets_of(self.inner))
        follows = (done == told).all(axis=1)
        stays = absent(free)
        other = share_of(done, regimens, free) * (done[:, 6:] == told[:, 6:]).all(axis=1)
        mass = np.where(stays, other, (1.0 - self.epsilon) * follows + self.epsilon * other)
        with np.errstate(divide="ignore"):
            return np.log(mass)

    def _levels(self, seen: NDArray[np.float32], asked: NDArray[Any]) -> NDArray[Any]:
        regimens, free = moves(seen, tablets_of(self.inner))
        strays = (self._rng.random(len(asked)) < self.epsilon) | absent(free)
        drawn = asked.copy()
        drawn[:, :6] = np.where(strays[:, None], pick(regimens, free, self._rng), asked[:, :6])
        return drawn

    def _doses(self, asked: NDArray[Any]) -> NDArray[np.float32]:
        near = normal.draw(asked, self.sd, LOW, HIGH, self._rng)
        anywhere = self._rng.uniform(LOW, HIGH, asked.shape)
        loose = self._rng.random(asked.shape) < self.uniform
        return np.where(loose, anywhere, near).astype(np.float32)

    def _density(self, done: NDArray[Any], told: NDArray[Any]) -> Array:
        near = normal.log_density(done, told, self.sd, LOW, HIGH)
        if self.uniform == 0.0:
            return np.asarray(near.sum(axis=1))
        flat = self.uniform / (HIGH - LOW)
        return np.asarray(np.log((1.0 - self.uniform) * np.exp(near) + flat).sum(axis=1))

    @property
    def _rng(self) -> np.random.Generator:
        assert isinstance(self.rng, np.random.Generator)
        return self.rng
