"""The common frame of dosing rules: read the observation, decide doses, encode the action.

A rule sees only the observation; its memory travels through ``state`` as in SB3's recurrent
policies, so one object serves any number of patients. What a rule wants of the environment (its
dosing mode, announced meals) stands in ``wants``, which evaluation uses as default keywords.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.dosing import DosingMap
from ..therapy.view import INSULIN_VIEW

Array = NDArray[np.float64]
Memory = dict[str, Array]


class Seen(NamedTuple):
    """What a rule reads from observations, arrays (B,): mg/dL, g, U, U/h, g/U, mg/dL per U."""

    cgm: Array
    told_g: Array
    iob_u: Array
    basal_u_per_h: Array
    carb_ratio: Array
    correction: Array
    daily_dose_u: Array


class Doses(NamedTuple):
    """What a rule asks for, arrays (B,)."""

    basal_u_per_h: Array
    bolus_u: Array


class Chart(NamedTuple):
    """What a clinic knows of each lane's patient besides the observation."""

    names: Sequence[str]
    groups: Sequence[str]


def within(name: str, value: Any, low: float, high: float) -> None:
    """Refuse a setting that is not a number within [low, high].

    Raises
    ------
    InputError
        Naming the setting, its value and the bounds.
    """
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not right or not low <= value <= high:
        raise InputError(f"{name} is {value!r}; give a number from {low:g} to {high:g}")


def read(observation: NDArray[np.float32]) -> Seen:
    """Decode observations (B, n) of ``therapy.view.INSULIN_VIEW``.

    Raises
    ------
    InputError
        If n is not the number of the view's features.
    """
    view = INSULIN_VIEW
    if observation.shape[-1] != len(view.features):
        raise InputError(
            f"observation has {observation.shape[-1]} entries; rules read the "
            f"{len(view.features)} of dosegym.therapy.view.INSULIN_VIEW"
        )
    daily = np.exp(view.read(observation, "log_daily_dose"))
    return Seen(
        cgm=view.read(observation, "cgm"),
        told_g=view.read(observation, "told_carbs"),
        iob_u=view.read(observation, "iob") * daily,
        basal_u_per_h=np.exp(view.read(observation, "log_basal")),
        carb_ratio=np.exp(view.read(observation, "log_carb_ratio")),
        correction=np.exp(view.read(observation, "log_correction")),
        daily_dose_u=daily,
    )


@dataclass(kw_only=True)
class DosingRule(ABC):
    """A rule that maps what is seen and remembered to doses; subclasses write ``decide``.

    Parameters
    ----------
    action : str
        Dosing mode its actions are meant for.
    step_min : float
        Decision interval in minutes.
    """

    env_id: ClassVar[str] = "dosegym/Insulin-v0"

    action: str = "basal_rate"
    step_min: float = 5.0
    name: str = field(default="rule", init=False)

    def __post_init__(self) -> None:
        DosingMap(self.action)
        within("step_min", self.step_min, 1.0, 1440.0)

    @property
    def wants(self) -> Mapping[str, Any]:
        """Environment keywords this rule is made for."""
        return {"action": self.action}

    @property
    def card(self) -> dict[str, Any]:
        """What the rule is, in JSON."""
        frame = {"policy": self.name, "kind": "rule", "wants": dict(self.wants)}
        return {**frame, "step_min": self.step_min, **self.settings}

    @property
    def settings(self) -> dict[str, Any]:
        """The rule's own settings, enough to build it again."""
        return {}

    def meet(self, chart: Chart) -> None:  # noqa: B027
        """Learn who is in which lane, before an evaluation; most rules need nothing of it."""

    def remember(self, n: int) -> Memory:
        """Return the memory of ``n`` fresh lanes."""
        return {}

    @abstractmethod
    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return doses and the new memory."""

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Return actions and state, for one observation (n,) or a batch (B, n).

        Raises
        ------
        InputError
            If the observation is not the view's, or the state belongs to another batch.
        """
        single = np.ndim(observation) == 1
        seen = read(np.atleast_2d(observation))
        memory = self._carry(state, episode_start, len(seen.cgm))
        doses, memory = self.decide(seen, memory)
        action = DosingMap(self.action).encode(
            doses.basal_u_per_h,
            doses.bolus_u,
            scheduled_u_per_h=seen.basal_u_per_h,
            daily_dose_u=seen.daily_dose_u,
            told_g=seen.told_g,
            carb_ratio=seen.carb_ratio,
            step_min=self.step_min,
        )
        return (action[0] if single else action), memory

    def _carry(self, state: Any, episode_start: Any, n: int) -> Memory:
        fresh = self.remember(n)
        if state is None or not fresh:
            return fresh
        if any(np.shape(state[k]) != np.shape(fresh[k]) for k in fresh):
            raise InputError(f"state is not that of {n} lanes; begin with state None")
        if episode_start is None:
            return dict(state)
        begin = np.broadcast_to(np.asarray(episode_start, dtype=bool), (n,))
        return {k: np.where(begin, fresh[k], np.asarray(state[k])) for k in fresh}
