"""What an insulin agent aims at: time in range, dearly little time below 54 mg/dL.

score = time in range - 10 x time below 54 - 0.5 x failures, each in percent

Times are of true glucose, range 70-180 mg/dL, averaged over episodes (each patient has the same
number); a failure is an episode that touches 40 or 600 mg/dL. The weights are project choices: the
consensus allows 1 % below 54 mg/dL beside a goal of 70 % in range (Battelino 2019,
doi:10.2337/dci19-0028), so a point below 54 here costs ten in range; failures count beside it
because a mean hides a rare death.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.dosing import DosingMap
from ..therapy.protocols import LEVELS
from .aim import Aim, Array, Watched

BELOW_54_WEIGHT = 10.0
FAILURE_WEIGHT = 0.5
# What a validation reports, in this order; metrics of ``evaluation.subjects.insulin``.
REPORTED = (
    "time_in_range",
    "time_below_70",
    "time_below_54",
    "time_above_250",
    "failure",
    "magni_risk",
)


def score_of(metrics: Mapping[str, float]) -> float:
    """Return the score of mean metrics, in points (percent)."""
    lost = BELOW_54_WEIGHT * metrics["time_below_54"] + FAILURE_WEIGHT * metrics["failure"]
    return float(metrics["time_in_range"] - lost)


def usual_action(task: Any) -> NDArray[np.float64]:
    """Return the action (A,) that asks for the prescribed therapy.

    The prescribed basal rate and no bolus; in ``meal_bolus`` the carb-ratio bolus.
    """
    dosing: DosingMap = task.dosing
    bolus = 1.0 if dosing.mode == "meal_bolus" else 0.0
    action = dosing.encode(1.0, bolus, scheduled_u_per_h=1.0, daily_dose_u=24.0, told_g=1.0)
    return np.asarray(action[0], np.float64)


def _in_range(glucose: Array) -> Array:
    inside = (glucose >= LEVELS.low) & (glucose <= LEVELS.high)
    return 100.0 * inside.astype(np.float64)


def _brief(figures: Mapping[str, float]) -> str:
    return (
        f"TIR {figures['time_in_range']:.1f} "
        f"<54 {figures['time_below_54']:.2f} score {figures['score']:.1f}"
    )


def _sentence(figures: Mapping[str, float]) -> str:
    return (
        f"{figures['time_in_range']:.1f} % in range, "
        f"{figures['time_below_54']:.2f} % below 54 mg/dL, score {figures['score']:.1f}"
    )


AIM: Final = Aim(
    watched=(Watched("time_in_range_percent", "glucose_mg_dl", _in_range),),
    reported=REPORTED,
    score=score_of,
    brief=_brief,
    sentence=_sentence,
    usual=usual_action,
)
