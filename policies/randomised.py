"""Treatment by lot: as in a trial that randomises each decision, with known probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .rule import Chart, within
from .step_moves import absent, moves, pick, share_of
from .stochastic import Array, batch, is_levels, tablets_of
from .truncated_normal import EDGE
from .wrapper import card_of

LOW, HIGH = -1.0, 1.0


@dataclass(frozen=True)
class Randomised:
    """Draws what to do at each decision.

    With several arms, each decision is that of an arm drawn anew, all alike: a sequential, multiple
    assignment, randomised trial (Murphy 2005, doi 10.1002/sim.2022). With one arm of levels, any
    small move that the chart permits is as likely as another; with one arm of doses, any dose
    within ``band`` of the arm's.

    Parameters
    ----------
    arms : sequence of objects
        Policies with deterministic ``predict``; several only where actions are levels.
    band : float
        Half-width about the arm's dose, in units of the action, above 0 and at most 2.
    rng : numpy.random.Generator or int

    Raises
    ------
    InputError
        If there is no arm, or arms are of different environments or want different ones.
    """

    arms: Sequence[Any]
    band: float = 0.2
    rng: np.random.Generator | int = 0
    name: str = field(default="randomised", init=False)

    def __post_init__(self) -> None:
        arms = tuple(self.arms) if isinstance(self.arms, (list, tuple)) else (self.arms,)
        if not arms:
            raise InputError("arms is empty; name at least one policy")
        if len({getattr(arm, "env_id", None) for arm in arms}) > 1:
            raise InputError("arms are for different environments; give arms of one")
        if len({str(sorted(dict(getattr(arm, "wants", {})).items())) for arm in arms}) > 1:
            raise InputError("arms act in different formularies or intervals; give arms that agree")
        within("band", self.band, 1e-4, 2.0)
        object.__setattr__(self, "arms", arms)
        object.__setattr__(self, "rng", np.random.default_rng(self.rng))

    @property
    def env_id(self) -> str | None:
        """Environment of the arms."""
        return getattr(self.arms[0], "env_id", None)

    @property
    def wants(self) -> Mapping[str, Any]:
        """What the first arm wants."""
        return dict(getattr(self.arms[0], "wants", {}))

    @property
    def card(self) -> dict[str, Any]:
        """What it is, in JSON."""
        arms = [card_of(arm) for arm in self.arms]
        return {"policy": self.name, "kind": "stochastic", "band": self.band, "arms": arms}

    def meet(self, chart: Chart) -> None:
        """Pass on who is in which lane."""
        for arm in self.arms:
            if hasattr(arm, "meet"):
                arm.meet(chart)

    def seeded(self, rng: np.random.Generator) -> Randomised:
        """Return the same lot drawing from another generator."""
        return replace(self, rng=rng)

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return actions and the arms' states; the first arm's actions where ``deterministic``."""
        asked, memory = self._ask(observation, state, episode_start)
        if deterministic:
            return asked[0], memory
        seen, first = batch(observation, asked[0])
        told = np.stack([np.atleast_2d(a) for a in asked])
        drawn = self._levels(seen, told) if is_levels(first) else self._doses(told)
        return (drawn[0] if np.ndim(asked[0]) == 1 else drawn), memory

    def log_prob(
        self,
        observation: NDArray[np.float32],
        action: NDArray[Any],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
    ) -> Array:
        """Return the log density (doses) or log mass (levels) of actions (B, A), (B,)."""
        asked, _ = self._ask(observation, state, episode_start)
        told, done = np.stack([np.atleast_2d(a) for a in asked]), np.atleast_2d(action)
        if not is_levels(told):
            return self._density(done, self._one(told))
        regimens, free = moves(np.atleast_2d(observation), tablets_of(self.arms[0]))
        small = share_of(done, regimens, free) * (done[:, 6:] == told[0][:, 6:]).all(axis=1)
        mass = small if len(told) == 1 else (done == told).all(axis=2).mean(axis=0)
        with np.errstate(divide="ignore"):
            return np.log(np.where(absent(free), small, mass))

    def _ask(self, observation: Any, state: Any, begin: Any) -> tuple[list[Any], tuple[Any, ...]]:
        states = (None,) * len(self.arms) if state is None else state
        answers = [
            arm.predict(observation, own, begin, True)
            for arm, own in zip(self.arms, states, strict=True)
        ]
        return [action for action, _ in answers], tuple(memory for _, memory in answers)

    def _levels(self, seen: NDArray[np.float32], told: NDArray[Any]) -> NDArray[Any]:
        regimens, free = moves(seen, tablets_of(self.arms[0]))
        lanes = np.arange(told.shape[1])
        drawn = told[self._rng.integers(0, len(told), len(lanes)), lanes]
        small = absent(free) if len(told) > 1 else np.ones(len(lanes), np.bool_)
        drawn[:, :6] = np.where(small[:, None], pick(regimens, free, self._rng), drawn[:, :6])
        drawn[:, 6:] = np.where(small[:, None], told[0][:, 6:], drawn[:, 6:])
        return drawn

    def _one(self, told: NDArray[Any]) -> NDArray[Any]:
        if len(told) > 1:
            raise InputError(
                f"{len(told)} arms of doses have no density; give one arm, with band, or arms of "
                "levels"
            )
        one: NDArray[Any] = told[0]
        return one

    def _ends(self, told: NDArray[Any]) -> tuple[Array, Array]:
        centre = told.astype(np.float64)
        return np.maximum(centre - self.band, LOW), np.minimum(centre + self.band, HIGH)

    def _doses(self, told: NDArray[Any]) -> NDArray[np.float32]:
        low, high = self._ends(self._one(told))
        return self._rng.uniform(low, high).astype(np.float32)

    def _density(self, done: NDArray[Any], told: NDArray[Any]) -> Array:
        low, high = self._ends(told)
        inside = ((done >= low - EDGE) & (done <= high + EDGE)).all(axis=1)
        return np.where(inside, -np.log(high - low).sum(axis=1), -np.inf)

    @property
    def _rng(self) -> np.random.Generator:
        assert isinstance(self.rng, np.random.Generator)
        return self.rng
