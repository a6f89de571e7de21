"""Basal-bolus therapy: prescribed basal, a bolus for announced carbohydrate, correction when high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .rule import Doses, DosingRule, Memory, Seen

TDD_RULE_RATIO_G = 500.0
TDD_RULE_CORRECTION_MG_DL = 1800.0
TDD_RULE_BASAL_SHARE = 0.48


@dataclass
class BasalBolus(DosingRule):
    """Bolus at an announced meal = carbs / ratio + (CGM > threshold) (CGM - target) / correction.

    The default is simglucose's controller (jxx123/simglucose ``basal_bolus_ctrller.py``, MIT):
    correction only with a meal, above 150 mg/dL, to a target of 140 mg/dL, prescribed ratio and
    factor. ``tdd_rules`` takes the ratio (500/TDD), the factor (1800/TDD) and the basal
    (0.48 TDD/24 h) from the daily dose and corrects without a meal too once none was announced for
    ``quiet_h`` hours: the BBI baseline of G2P2C and RL4T1D.
    """

    target_mg_dl: float = 140.0
    threshold_mg_dl: float = 150.0
    tdd_rules: bool = False
    quiet_h: float = 3.0
    lead_min: float = 0.0
    action: str = "basal_and_bolus"
    name: str = field(default="basal_bolus", init=False)

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
        return {"since_meal_min": np.full(n, 1e6)}

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return basal and bolus."""
        ratio, correction, basal = seen.carb_ratio, seen.correction, seen.basal_u_per_h
        if self.tdd_rules:
            ratio = TDD_RULE_RATIO_G / seen.daily_dose_u
            correction = TDD_RULE_CORRECTION_MG_DL / seen.daily_dose_u
            basal = TDD_RULE_BASAL_SHARE * seen.daily_dose_u / 24.0
        meal = seen.told_g > 0.0
        high = seen.cgm > self.threshold_mg_dl
        excess = np.where(high, (seen.cgm - self.target_mg_dl) / correction, 0.0)
        if self.tdd_rules:
            # BBI: corrections only when no meal was announced for quiet_h, then wait as long again.
            quiet = memory["since_meal_min"] >= self.quiet_h * 60.0
            bolus = np.where(meal, seen.told_g / ratio, 0.0) + np.where(quiet, excess, 0.0)
            acted = meal | (quiet & high)
        else:
            bolus = np.where(meal, seen.told_g / ratio + excess, 0.0)
            acted = meal
        since = np.where(acted, 0.0, memory["since_meal_min"]) + self.step_min
        return Doses(basal, np.maximum(bolus, 0.0)), {"since_meal_min": since}
