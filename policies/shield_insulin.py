"""The shield of insulin: clamps each dose to what the rules and the forecast allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..therapy.dosing import DosingMap
from ..therapy.shield_protocols import INSULIN_SHIELD
from . import shield_rules
from .shield_clamp import NONE, Clamped, bounds_of, clamp, cut_total, lift, settle
from .shield_rules import RULE_NAMES, RULES, Memory, Sight, sight_of

if TYPE_CHECKING:
    from .shield_forecast import Forecaster

Array = NDArray[np.float64]
FORECAST: Final = len(RULES)


class Verdict(NamedTuple):
    """What a guard did: the rule (B,), -1 for none, doses (B, D) before and after, the bound."""

    rule: NDArray[np.int64]
    proposed: Array
    applied: Array
    cap: Array


@dataclass
class InsulinGuard:
    """Rules and forecast over one dosing mode.

    Parameters
    ----------
    action : str
        Dosing mode of ``therapy.dosing``.
    step_min : float
        Decision interval, min.
    rules : bool
        Whether the rule layer is on.
    forecast : Forecaster or None
        The predictive layer, where it is on.
    """

    action: str
    step_min: float
    rules: bool
    forecast: Forecaster | None

    rule_names = (*RULE_NAMES, "forecast")
    dose_names = ("basal_u_per_h", "bolus_u")

    @property
    def card(self) -> dict[str, Any]:
        """What the guard is, in JSON."""
        rules = {k: v for k, v in asdict(INSULIN_SHIELD).items() if not k.endswith("source")}
        return {
            "action": self.action,
            "step_min": self.step_min,
            "rules": {"names": list(RULE_NAMES), **rules} if self.rules else None,
            "forecast": None if self.forecast is None else self.forecast.card,
        }

    def remember(self, n: int) -> Memory:
        """Return the memory of n fresh lanes."""
        ahead = {} if self.forecast is None else self.forecast.remember(n)
        return {**shield_rules.remember(n), **ahead}

    def amend(
        self, observation: NDArray[np.float32], action: NDArray[Any], memory: Memory
    ) -> tuple[NDArray[Any], Memory, Verdict]:
        """Return actions (B, A) that may be given, the new memory, and what was changed."""
        mapping = DosingMap(self.action)
        seen = sight_of(observation, self.step_min, mapping.size == 2)
        rate, bolus = mapping.decode(
            action, scheduled_u_per_h=seen.basal_u_per_h, daily_dose_u=seen.daily_dose_u,
            told_g=seen.told_g, carb_ratio=seen.carb_ratio,
        )  # fmt: skip
        fixed = self.action == "meal_bolus"
        ahead: Mapping[str, Any] = {}
        if self.forecast is not None:
            ahead = self.forecast.listen(seen, memory)
        heard = {**memory, **ahead}
        safe, looked = self._clamped(observation, seen, heard, rate, bolus, fixed=fixed)
        given = self._encode(mapping, seen, action, rate, bolus, safe)
        proposed, applied = (np.stack(d, axis=1) for d in ((rate, bolus), (safe.rate, safe.bolus)))
        return (
            given,
            {"rate": safe.rate, **ahead, **looked},
            Verdict(safe.rule, proposed, applied, safe.cap),
        )

    def _clamped(
        self, observation: NDArray[np.float32], seen: Sight, memory: Memory, rate: Array,
        bolus: Array, *, fixed: bool,
    ) -> tuple[Clamped, Memory]:  # fmt: skip
        none = np.full(len(rate), NONE, np.int64)
        safe = Clamped(rate, bolus, none, np.full(len(rate), np.nan))
        bounds = bounds_of(seen, memory) if self.rules else None
        looked: Memory = {}
        if bounds is not None:
            # Lifted first, so that the caps see what would be given; no cap may withhold it for ever.
            safe = clamp(seen, bounds, rate if fixed else lift(bounds, rate), bolus, fixed=fixed)
        if self.forecast is not None:
            cap, looked = self.forecast.cap(observation, seen, memory, safe.rate, safe.bolus)
            lower, given, over = cut_total(seen, cap, safe.rate, safe.bolus, fixed=fixed)
            rule, bound = np.where(over, FORECAST, safe.rule), np.where(over, cap, safe.cap)
            safe = Clamped(lower, given, rule, bound)
        if bounds is not None and not fixed:
            safe = settle(safe, bounds, rate, bolus)
        return safe, looked

    def _encode(
        self, mapping: DosingMap, seen: Sight, action: NDArray[Any], rate: Array, bolus: Array,
        safe: Clamped,
    ) -> NDArray[Any]:  # fmt: skip
        moved = safe.rule != NONE
        if not moved.any():
            return action
        told = mapping.encode(
            safe.rate, safe.bolus, scheduled_u_per_h=seen.basal_u_per_h,
            daily_dose_u=seen.daily_dose_u, told_g=seen.told_g, carb_ratio=seen.carb_ratio,
            step_min=self.step_min,
        )  # fmt: skip
        columns = [moved] if mapping.size == 1 else [safe.rate != rate, safe.bolus != bolus]
        change = np.stack(columns, axis=1) & moved[:, None]
        return np.where(change, told, action).astype(action.dtype)
