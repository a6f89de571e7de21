"""Basal-bolus therapy: prescribed basal, a bolus for announced carbohydrate, and corrections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..therapy.protocols import STARTING_RULES
from .rule import Doses, DosingRule, Memory, Seen, within

NEVER_MIN = 1e6


@dataclass
class BasalBolus(DosingRule):
    """Bolus at an announced meal = carbs / ratio + (CGM - target) / correction if CGM > threshold.

    The default is simglucose's controller (jxx123/simglucose ``basal_bolus_ctrller.py``, MIT):
    prescribed basal, ratio and correction factor, threshold 150 and target 140 mg/dL.
    ``tdd_rules`` makes it BBI, the baseline of G2P2C and RL4T1D (RL4T1D ea9e172,
    ``clinical/basal_bolus_treatment.py``): ratio, factor and basal from the daily dose by
    ``therapy.protocols.STARTING_RULES``, and no correction up to ``quiet_h`` hours after another
    announced meal.

    Parameters
    ----------
    target_mg_dl, threshold_mg_dl : float
    tdd_rules : bool
    quiet_h : float
        Only with ``tdd_rules``.
    lead_min : float
        How long before a meal the rule wants to be told of it.
    """

    target_mg_dl: float = 140.0
    threshold_mg_dl: float = 150.0
    tdd_rules: bool = False
    quiet_h: float = 3.0
    lead_min: float = 0.0
    action: str = "basal_and_bolus"
    name: str = field(default="basal_bolus", init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        within("target_mg_dl", self.target_mg_dl, 60.0, 400.0)
        within("threshold_mg_dl", self.threshold_mg_dl, 60.0, 600.0)
        within("quiet_h", self.quiet_h, 0.0, 24.0)
        within("lead_min", self.lead_min, 0.0, 180.0)

    @property
    def wants(self) -> Mapping[str, Any]:
        """Announced meals and a bolus channel."""
        return {"action": self.action, "announced": True, "lead_min": self.lead_min}

    @property
    def settings(self) -> dict[str, Any]:
        """The rule's own settings."""
        keys = ("target_mg_dl", "threshold_mg_dl", "tdd_rules", "quiet_h", "lead_min")
        return {k: getattr(self, k) for k in keys}

    def remember(self, n: int) -> Memory:
        """Return minutes since the last announced meal."""
        return {"since_meal_min": np.full(n, NEVER_MIN)}

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return basal and bolus."""
        ratio, correction, basal = seen.carb_ratio, seen.correction, seen.basal_u_per_h
        since = memory["since_meal_min"]
        corrects = seen.cgm > self.threshold_mg_dl
        if self.tdd_rules:
            ratio = STARTING_RULES.carb_rule / seen.daily_dose_u
            correction = STARTING_RULES.correction_rule / seen.daily_dose_u
            basal = STARTING_RULES.basal_share * seen.daily_dose_u / 24.0
            corrects = corrects & (since > self.quiet_h * 60.0)
        meal = seen.told_g > 0.0
        excess = np.where(corrects, (seen.cgm - self.target_mg_dl) / correction, 0.0)
        bolus = np.where(meal, np.maximum(seen.told_g / ratio + excess, 0.0), 0.0)
        return Doses(basal, bolus), {"since_meal_min": np.where(meal, 0.0, since) + self.step_min}
