"""The common frame of blood-pressure policies: read the visit, decide a regimen, carry memory.

Such a policy sees one observation a visit and answers with a level for each drug class. Its memory
travels through ``state`` as in SB3's recurrent policies, so one object serves any number of people.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.formulary import CLASSES, DEFAULT, Formulary, load_formulary
from ..therapy.pressure_view import PRESSURE_VIEW
from .rule import Chart, within

Array = NDArray[np.float64]
Levels = NDArray[np.int64]
Rungs = NDArray[np.int8]
Bools = NDArray[np.bool_]
Memory = dict[str, NDArray[Any]]
# Observations are float32: 5.5 may read 5.4999998, so limits are met within this much.
CLOSE = 1e-3


class Visit:
    """What a policy reads of B people at one visit; features are decoded when first asked for.

    Parameters
    ----------
    observation : array (B, n)
        Of ``therapy.pressure_view.PRESSURE_VIEW``.

    Raises
    ------
    InputError
        If n is not the number of the view's features.
    """

    def __init__(self, observation: NDArray[np.float32]) -> None:
        if observation.shape[-1] != len(PRESSURE_VIEW.features):
            raise InputError(
                f"observation has {observation.shape[-1]} entries; pressure policies read the "
                f"{len(PRESSURE_VIEW.features)} of dosegym.therapy.pressure_view.PRESSURE_VIEW"
            )
        self._observation = observation
        self._read: dict[str, Array] = {}

    def __len__(self) -> int:
        return len(self._observation)

    def __getitem__(self, name: str) -> Array:
        """Return a feature (B,) in its own unit."""
        if name not in self._read:
            self._read[name] = PRESSURE_VIEW.read(self._observation, name)
        return self._read[name]

    def at_least(self, name: str, limit: float) -> Bools:
        """Return where a feature is at or above a limit, (B,)."""
        return self[name] >= limit - CLOSE

    def below(self, name: str, limit: float) -> Bools:
        """Return where a feature is below a limit, (B,)."""
        return self[name] < limit - CLOSE

    def flag(self, name: str) -> Bools:
        """Return where a yes-or-no feature is yes, (B,)."""
        return self[name] > 0.5

    def levels(self, formulary: Formulary) -> Rungs:
        """Return the present regimen (6, B) in levels of a formulary, the nearest of its doses."""
        found = np.zeros((len(CLASSES), len(self)), np.int8)
        for slot, kind in enumerate(CLASSES):
            doses = formulary.standard[slot, : formulary.levels[slot]]
            for limit in 0.5 * (doses[1:] + doses[:-1]):
                found[slot] += self[f"dose_{kind}"] > limit
        return found


class PressureRule(ABC):
    """A policy for ``dosegym/BloodPressure-v0``; subclasses write ``decide``.

    Parameters
    ----------
    formulary : as ``therapy.formulary.load_formulary`` takes it
        What the levels it answers with mean; the environment must have the same.
    interval_days : int
        Days between visits it is made for.
    """

    env_id: ClassVar[str] = "dosegym/BloodPressure-v0"
    name: str = "pressure_rule"
    kind: ClassVar[str] = "rule"

    def __init__(self, formulary: Any = "default", interval_days: int = 28) -> None:
        self.formulary = load_formulary(formulary)
        if not isinstance(interval_days, int) or isinstance(interval_days, bool):
            raise InputError(f"interval_days is {interval_days!r}; give a whole number of days")
        within("interval_days", interval_days, 1, 365)
        self.interval_days = interval_days

    @property
    def wants(self) -> Mapping[str, Any]:
        """Environment keywords this policy is made for."""
        chosen = dict(zip(CLASSES, self.formulary.drugs, strict=True))
        own = {kind: drug for kind, drug in chosen.items() if DEFAULT[kind] != drug}
        return {
            "action": "levels",
            "formulary": own or "default",
            "interval_days": self.interval_days,
        }

    @property
    def card(self) -> dict[str, Any]:
        """What the policy is, in JSON."""
        frame = {"policy": self.name, "kind": self.kind, "env_id": self.env_id}
        return {**frame, "wants": dict(self.wants), **self.settings}

    @property
    def settings(self) -> dict[str, Any]:
        """The policy's own settings, enough to build it again."""
        return {}

    def meet(self, chart: Chart) -> None:  # noqa: B027
        """Learn who is in which lane, before an evaluation; most policies need nothing of it."""

    def remember(self, n: int) -> Memory:
        """Return the memory of ``n`` people at their first visit, arrays (n, ...)."""
        return {}

    @abstractmethod
    def decide(self, visit: Visit, memory: Memory) -> tuple[Levels, Memory]:
        """Return the regimen (B, 6) in levels and the new memory."""

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[Levels, Any]:
        """Return regimens and state, for one observation (n,) or a batch (B, n).

        Raises
        ------
        InputError
            If the observation is not the view's, or the state belongs to another batch.
        """
        single = np.ndim(observation) == 1
        visit = Visit(np.atleast_2d(observation))
        memory = self._carry(state, episode_start, len(visit))
        levels, memory = self.decide(visit, memory)
        return (levels[0] if single else levels), memory

    def _carry(self, state: Any, episode_start: Any, n: int) -> Memory:
        fresh = self.remember(n)
        if state is None or not fresh:
            return fresh
        if any(k not in state or np.shape(state[k]) != np.shape(fresh[k]) for k in fresh):
            raise InputError(f"state is not that of {n} people; begin with state None")
        if episode_start is None:
            return dict(state)
        begin = np.broadcast_to(np.asarray(episode_start, dtype=bool), (n,))
        if not begin.any():
            return dict(state)
        return {
            k: np.where(begin.reshape(n, *(1,) * (fresh[k].ndim - 1)), fresh[k], state[k])
            for k in fresh
        }
