"""A day under one way of dosing, over all of a twin's draws, and its summaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.dosing import BASAL_SPAN, BOLUS_SHARE, rise
from ..therapy.protocols import LEVELS

Array = NDArray[np.float64]

QUANTILES: Final = (0.05, 0.50, 0.95)


@dataclass(frozen=True)
class Course:
    """One day under one way of dosing, over all draws.

    Parameters
    ----------
    name : str
    series : mapping of str to array (T + 1, n)
        ``glucose_mg_dl``, ``basal_u_per_h``, ``bolus_u`` and the others that a rollout records;
        doses at index t are those of the step that ended there.
    asked_basal_u_per_h, asked_bolus_u : array (T, n)
        What was asked for before the pump's limits and increments.
    metrics : mapping of str to array (n,)
        Consensus metrics of the day of each draw.
    step_min : float
    """

    name: str
    series: Mapping[str, Array]
    asked_basal_u_per_h: Array
    asked_bolus_u: Array
    metrics: Mapping[str, Array]
    step_min: float

    def band(self, name: str) -> Array:
        """Return the 5, 50 and 95 % quantiles (3, T + 1) of a series over the draws."""
        quantiles: Array = np.quantile(self.series[name], QUANTILES, axis=1)
        return quantiles

    def chance(self, threshold: float, side: str) -> float:
        """Return the share of draws with any glucose below or above a threshold (mg/dL)."""
        glucose = self.series["glucose_mg_dl"][1:]
        beyond = glucose < threshold if side == "below" else glucose > threshold
        return float(beyond.any(axis=0).mean())

    def hourly(self, start_minute: float) -> list[dict[str, float]]:
        """Return the doses of each clock hour, medians over draws with 5 and 95 % quantiles.

        Parameters
        ----------
        start_minute : float
            Local minute of the day at time 0; the first and the last hour may be cut short.

        Returns
        -------
        list of dict
            ``minute`` (of the day at which it begins), ``minutes`` (its length), ``basal_u_per_h``,
            ``bolus_u``, ``insulin_u`` with ``insulin_low_u`` and ``insulin_high_u``, ``limited``
            (share of its doses that a pump limit cut).
        """
        at = start_minute + self.step_min * np.arange(len(self.series["bolus_u"]) - 1)
        hour = np.floor(at / 60.0 + 1e-9).astype(np.int64)
        return [self._hour(hour == h, float(at[hour == h][0])) for h in np.unique(hour)]

    def _hour(self, inside: NDArray[np.bool_], begins: float) -> dict[str, float]:
        steps = int(inside.sum())
        basal = self.series["basal_u_per_h"][1:][inside].mean(axis=0)
        bolus = self.series["bolus_u"][1:][inside].sum(axis=0)
        total = basal * steps * self.step_min / 60.0 + bolus
        low, middle, high = (float(q) for q in np.quantile(total, QUANTILES))
        return {
            "minute": begins % 1440.0,
            "minutes": steps * self.step_min,
            "basal_u_per_h": float(np.median(basal)),
            "bolus_u": float(np.median(bolus)),
            "insulin_u": middle,
            "insulin_low_u": low,
            "insulin_high_u": high,
            "limited": float(self.series["limited"][1:][inside].mean()),
        }


def asked_doses(task: Any, actions: Array, delivered_bolus: Array) -> tuple[Array, Array]:
    """Return the basal (U/h) and bolus (U) that actions (T, n, A) ask for, before the pump.

    Where the mode leaves the bolus to the task (``meal_bolus``), what was delivered stands for
    what was asked.
    """
    chart = task.charts[: actions.shape[1]]
    usual, daily = chart[:, 0], chart[:, 3]
    if task.dosing.mode == "meal_bolus":
        return np.broadcast_to(usual, actions.shape[:2]).copy(), delivered_bolus
    basal = usual * BASAL_SPAN * rise(actions[:, :, 0])
    if task.dosing.mode == "basal_rate":
        return basal, np.zeros_like(basal)
    return basal, daily * BOLUS_SHARE * rise(actions[:, :, 1])


def chances(course: Course) -> dict[str, float]:
    """Return the shares of draws with any glucose in the ranges that matter most."""
    return {
        "below_54": course.chance(LEVELS.very_low, "below"),
        "below_70": course.chance(LEVELS.low, "below"),
        "above_250": course.chance(LEVELS.very_high, "above"),
    }
