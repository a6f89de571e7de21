"""What a blood-pressure agent aims at: time in target, without harm bought for it.

score = time in target - sum of weight x harm, each in percent

Time in target is the share of days with true systolic and diastolic pressure below the target; the
harms are those of ``evaluation.subjects.blood_pressure``: most are the share of visit intervals in
which a limit was crossed, ``serious_harm`` the share of people who ever came to one. The weights
are project choices, fixed before any agent was trained: what a point (percent) of the harm costs in
points of time in target. Findings that a clinician acts upon cost the time they fill; systolic
pressure below 100 mmHg and high potassium twice that (time below 100 mmHg counts as in target too,
so its net cost is one point); symptoms, which trouble without danger, a quarter; a contraindicated
prescription ten times, so that none pays.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from ..therapy.formulary import CLASSES
from .aim import Aim, Array, Watched

HARM_WEIGHTS: Final = MappingProxyType(
    {
        "serious_harm": 1.0,
        "sbp_below_100": 2.0,
        "potassium_high": 2.0,
        "potassium_low": 1.0,
        "egfr_drop": 1.0,
        "bradycardia": 1.0,
        "orthostatic": 0.5,
        "contraindicated": 10.0,
        "hypotension_days": 1.0,
        "oedema": 0.25,
        "cough": 0.25,
        "other_symptoms": 0.25,
    }
)
# Among the intervals of 14, 28, 56 and 84 days.
_FOUR_WEEKS: Final = 1
# What a validation reports, in this order; metrics of ``evaluation.subjects.blood_pressure``.
REPORTED: Final = ("time_in_target", "control_130_80", "mean_sbp", "n_drugs", *HARM_WEIGHTS)
# The ordinary start: a full dose of an ACE inhibitor, a calcium channel blocker and a diuretic.
USUAL_DOSES: Final = MappingProxyType({"acei": 1.0, "ccb": 1.0, "thiazide": 1.0})


def score_of(figures: Mapping[str, float]) -> float:
    """Return the score of mean metrics, in points (percent)."""
    lost = sum(weight * figures[name] for name, weight in HARM_WEIGHTS.items())
    return float(figures["time_in_target"] - lost)


def usual_action(task: Any) -> Array:
    """Return the action (A,) that asks for the ordinary first regimen, in the task's own form.

    Where the action chooses the next visit too, for one in four weeks.
    """
    tablets = task.cohort.formulary
    levels = [
        tablets.nearest_level(slot, USUAL_DOSES.get(kind, 0.0)) for slot, kind in enumerate(CLASSES)
    ]
    usual = np.array([*levels, _FOUR_WEEKS][: len(task.nvec)], np.float64)
    return usual if task.mode == "levels" else 2.0 * usual / (task.nvec - 1) - 1.0


def _percent(share: Array) -> Array:
    return 100.0 * share


def _plain(value: Array) -> Array:
    return value


def _brief(figures: Mapping[str, float]) -> str:
    return (
        f"TTT {figures['time_in_target']:.1f} <100 {figures['sbp_below_100']:.2f} "
        f"score {figures['score']:.1f}"
    )


def _sentence(figures: Mapping[str, float]) -> str:
    return (
        f"{figures['time_in_target']:.1f} % of days in target, systolic below 100 mmHg in "
        f"{figures['sbp_below_100']:.2f} % of the intervals between visits, "
        f"score {figures['score']:.1f}"
    )


AIM: Final = Aim(
    watched=(
        Watched("time_in_target_percent", "in_target", _percent),
        Watched("control_percent", "control", _percent),
        Watched("mean_sbp", "sbp_mmhg", _plain),
        Watched("n_drugs", "n_drugs", _plain),
        Watched("standard_doses", "standard_doses", _plain),
    ),
    reported=REPORTED,
    score=score_of,
    brief=_brief,
    sentence=_sentence,
    usual=usual_action,
)
