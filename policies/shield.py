"""The shield: a policy and what guards it as one policy, certified and used together.

Every dose the inner policy proposes passes two layers: rules (``shield_rules``,
``shield_pressure``) and, for insulin, a forecast over an ensemble of possible bodies
(``shield_forecast``). A dose moves only towards the safe side of a hazard, and the largest safe
dose not above the proposed one is given. The memory of each lane travels through ``state``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .basal import ConstantBasal
from .rule import Chart
from .shield_insulin import InsulinGuard
from .shield_log import Interventions, Log, no_log
from .shield_pressure import PressureGuard

INSULIN, PRESSURE = "dosegym/Insulin-v0", "dosegym/BloodPressure-v0"
LAYERS: Final = ("rules", "forecast")
_OF: Final = {INSULIN: LAYERS, PRESSURE: ("rules",)}


class Shield:
    """Another policy's doses, each moved to the nearest safe one where it is not.

    Parameters
    ----------
    inner : policy, optional
        With SB3's ``predict`` and a ``card``; constant basal by default.
    layers : sequence of str, optional
        Of ``rules`` and ``forecast``; all that the environment has by default, none for a shield
        that is off.
    ensemble : Ensemble, optional
        Bodies that the forecast runs; people of the population with the chart's weight and daily
        dose by default, a person's own through ``Ensemble.of_twin``.
    step_min : float, optional
        Decision interval of insulin; the inner policy's by default, else 5 min.
    record : bool
        Whether interventions are kept for :meth:`log`.
    threads : int
        Threads of the forecast; what is given does not depend on them.

    Raises
    ------
    InputError
        If the inner policy cannot be asked, or a layer is unknown to its environment.
    """

    name = "shielded"

    def __init__(
        self,
        inner: Any = None,
        layers: Sequence[str] | None = None,
        *,
        ensemble: Any = None,
        step_min: float | None = None,
        record: bool = True,
        threads: int = 2,
    ) -> None:
        self.inner = ConstantBasal() if inner is None else inner
        if not callable(getattr(self.inner, "predict", None)):
            raise InputError(
                f"inner is {inner!r}; give a policy with predict(observation, state, ...)"
            )
        self.env_id = str(getattr(self.inner, "env_id", INSULIN))
        if self.env_id not in _OF:
            raise InputError(f"inner acts in {self.env_id!r}; the shield knows {', '.join(_OF)}")
        self.layers = self._layers(layers)
        self.guard: Any = self._guard(ensemble, step_min, threads)
        names = (self.guard.rule_names, self.guard.dose_names)
        self._log = Log(*names) if record else None

    def _layers(self, layers: Sequence[str] | None) -> tuple[str, ...]:
        known = _OF[self.env_id]
        chosen = known if layers is None else layers
        if isinstance(chosen, str) or any(layer not in known for layer in chosen):
            raise InputError(
                f"layers is {layers!r}; for {self.env_id} give a list of some of {', '.join(known)}"
            )
        return tuple(layer for layer in known if layer in chosen)

    def _guard(self, ensemble: Any, step_min: float | None, threads: int) -> Any:
        wants, rules = self.wants, "rules" in self.layers
        if self.env_id == PRESSURE:
            if ensemble is not None:
                raise InputError("ensemble is for insulin; leave it out for blood pressure")
            return PressureGuard(wants.get("formulary", "default"), rules)
        own = getattr(self.inner, "step_min", wants.get("step_min", 5.0))
        step = float(own if step_min is None else step_min)
        forecast = None
        if "forecast" in self.layers:
            from .shield_forecast import Forecaster

            forecast = Forecaster(ensemble, step, threads=threads)
        return InsulinGuard(str(wants.get("action", "basal_rate")), step, rules, forecast)

    @property
    def wants(self) -> Mapping[str, Any]:
        """What the inner policy wants."""
        return dict(getattr(self.inner, "wants", {}))

    @property
    def card(self) -> dict[str, Any]:
        """What policy and shield are, in JSON, so that one hash covers both."""
        inner = getattr(self.inner, "card", None)
        if inner is None:
            raise InputError(
                f"inner policy {type(self.inner).__name__} has no card; give it a `card` dictionary"
            )
        return {
            "policy": self.name,
            "kind": "shield",
            "env_id": self.env_id,
            "wants": dict(self.wants),
            "layers": list(self.layers),
            "shield": self.guard.card,
            "inner": inner,
        }

    def meet(self, chart: Chart) -> None:
        """Learn who is in which lane, and hand the chart on; the log begins a new batch."""
        if self._log is not None:
            self._log.meet(tuple(chart.names))
        if hasattr(self.inner, "meet"):
            self.inner.meet(chart)

    def log(self) -> Interventions:
        """Return every intervention since the last :meth:`clear`.

        Raises
        ------
        InputError
            If the shield was made with ``record=False``.
        """
        if self._log is None:
            raise no_log()
        return self._log.read()

    def clear(self) -> None:
        """Empty the log."""
        if self._log is not None:
            self._log.clear()

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return safe actions and the state, for one observation (n,) or a batch (B, n).

        Raises
        ------
        InputError
            If the observation is not the view's, or the state belongs to another batch.
        """
        own, theirs = (None, None) if state is None else (state["shield"], state["inner"])
        action, theirs = self.inner.predict(observation, theirs, episode_start, deterministic)
        seen, asked = np.atleast_2d(observation), np.asarray(action)
        single = np.ndim(observation) == 1
        memory = self._carry(own, episode_start, len(seen))
        safe, new, verdict = self.guard.amend(seen, asked[None] if single else asked, memory)
        if self._log is not None:
            self._log.add(len(seen), memory["step"], *verdict)
        new = {**new, "step": memory["step"] + 1}
        return (safe[0] if single else safe), {"inner": theirs, "shield": new}

    def _carry(self, state: Any, episode_start: Any, n: int) -> dict[str, NDArray[Any]]:
        fresh = {"step": np.zeros(n, np.int64), **self.guard.remember(n)}
        if state is None:
            return fresh
        if any(np.shape(state.get(k)) != np.shape(v) for k, v in fresh.items()):
            raise InputError(f"state is not that of {n} lanes; begin with state None")
        if episode_start is None:
            return dict(state)
        begin = np.broadcast_to(np.asarray(episode_start, dtype=bool), (n,))
        if not begin.any():
            return dict(state)
        return {
            k: np.where(begin.reshape(n, *(1,) * (v.ndim - 1)), v, state[k])
            for k, v in fresh.items()
        }
