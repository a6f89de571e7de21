"""Low-glucose suspend: another policy's doses, withheld when glucose is or will soon be low."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.protocols import LEVELS
from ..therapy.view import INSULIN_VIEW
from .basal import ConstantBasal
from .rule import Chart

PREDICTED_MG_DL = 80.0
HORIZON_MIN = 30.0


class LowGlucoseSuspend:
    """Withhold insulin below 70 mg/dL, or when the trend reaches 80 mg/dL within 30 minutes.

    The rule of the t:slim X2 with Basal-IQ (Forlenza et al. 2018, PROLOG, doi:10.2337/dc18-0771);
    the trend is the change over the last 15 minutes.

    Parameters
    ----------
    inner : policy, optional
        Whose doses pass while glucose is safe; constant basal by default. In a dosing mode in which
        an action of -1 is no insulin at all, so not in ``meal_bolus``.
    """

    name = "low_glucose_suspend"
    env_id = "dosegym/Insulin-v0"

    def __init__(self, inner: Any = None) -> None:
        self.inner = ConstantBasal() if inner is None else inner
        if not callable(getattr(self.inner, "predict", None)):
            raise InputError(
                f"inner is {inner!r}; give a policy with predict(observation, state, ...)"
            )
        if self.wants.get("action") == "meal_bolus":
            raise InputError(
                "inner acts in 'meal_bolus', where basal insulin cannot be withheld; give a policy "
                "that acts in 'basal_rate' or 'basal_and_bolus'"
            )

    @property
    def wants(self) -> Mapping[str, Any]:
        """What the inner policy wants."""
        return dict(getattr(self.inner, "wants", {}))

    @property
    def card(self) -> dict[str, Any]:
        """What the policy is, in JSON."""
        inner = getattr(self.inner, "card", None)
        if inner is None:
            raise InputError(
                f"inner policy {type(self.inner).__name__} has no card; give it a `card` dictionary"
            )
        rule = {"predicted_mg_dl": PREDICTED_MG_DL, "horizon_min": HORIZON_MIN}
        wants = dict(self.wants)
        return {"policy": self.name, "kind": "rule", "wants": wants, **rule, "inner": inner}

    def meet(self, chart: Chart) -> None:
        """Hand the chart on."""
        if hasattr(self.inner, "meet"):
            self.inner.meet(chart)

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Return the inner policy's actions, -1 (no insulin) where glucose is or will be low."""
        action, state = self.inner.predict(observation, state, episode_start, deterministic)
        now = INSULIN_VIEW.read(observation, "cgm")
        slope = INSULIN_VIEW.read(observation, "cgm_change_15") / 15.0
        low = (now < LEVELS.low) | (now + slope * HORIZON_MIN < PREDICTED_MG_DL)
        return np.where(low[..., None], np.float32(-1.0), action), state
