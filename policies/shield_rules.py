"""The insulin rules of the shield: each serves one hazard and moves a dose in one direction.

A rule bounds one lever from one side: the rate (U/h), the bolus (U) or all insulin of the coming
interval (U). What bounds from above serves hypoglycaemia, what bounds from below ketoacidosis; no
bound depends on the dose proposed, so the clamp that they make is monotone and idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.onboard import iob_cap
from ..therapy.shield_protocols import INSULIN_SHIELD as LIMITS
from ..therapy.view import INSULIN_VIEW

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Memory = dict[str, NDArray[Any]]
Lever = Literal["rate", "bolus", "total"]
Direction = Literal["down", "up"]
HYPO, KETO = "hypoglycaemia", "ketoacidosis"
MEAN_MIN = 200


class Sight(NamedTuple):
    """What the rules read of B people; arrays (B,) in mg/dL, U, U/h, kg, g/U."""

    cgm: Array
    low: Bools
    iob_u: Array
    basal_u_per_h: Array
    daily_dose_u: Array
    weight_kg: Array
    carb_ratio: Array
    correction: Array
    told_g: Array
    told_recent_g: Array
    mean_ratio: Array
    step_h: float
    two_channels: bool

    @property
    def basal_u(self) -> Array:
        """Prescribed basal insulin of one interval, U."""
        return self.basal_u_per_h * self.step_h


def sight_of(observation: NDArray[np.float32], step_min: float, two_channels: bool) -> Sight:
    """Decode observations (B, n) of ``INSULIN_VIEW``.

    Raises
    ------
    InputError
        If n is not the number of the view's features.
    """
    view = INSULIN_VIEW
    if observation.shape[-1] != len(view.features):
        raise InputError(
            f"observation has {observation.shape[-1]} entries; the shield reads the "
            f"{len(view.features)} of dosegym.therapy.view.INSULIN_VIEW"
        )
    daily = np.exp(view.read(observation, "log_daily_dose"))
    cgm = view.read(observation, "cgm")
    ahead = cgm + view.read(observation, "cgm_change_15") / 15.0 * LIMITS.predicted_min
    return Sight(
        cgm=cgm,
        low=(cgm < LIMITS.low_mg_dl) | (ahead < LIMITS.predicted_mg_dl),
        iob_u=view.read(observation, "iob") * daily,
        basal_u_per_h=np.exp(view.read(observation, "log_basal")),
        daily_dose_u=daily,
        weight_kg=np.exp(view.read(observation, "log_weight")),
        carb_ratio=np.exp(view.read(observation, "log_carb_ratio")),
        correction=np.exp(view.read(observation, "log_correction")),
        told_g=view.read(observation, "told_carbs"),
        told_recent_g=view.read(observation, "told_recent"),
        mean_ratio=np.expm1(view.read(observation, f"dose_{MEAN_MIN}")),
        step_h=step_min / 60.0,
        two_channels=two_channels,
    )


@dataclass(frozen=True)
class Rule:
    """One rule.

    Parameters
    ----------
    name : str
        Identifier in the log.
    hazard : str
        What it guards against.
    direction : {"down", "up"}
        The only way in which it may move a dose.
    lever : {"rate", "bolus", "total"}
        What it bounds: U/h, U, or U of the whole interval.
    text : str
        What it says to a clinician.
    source : str
    bound : callable
        (sight, memory) -> array (B,) in the lever's unit; inf (down) or 0 (up) where it is silent.
    """

    name: str
    hazard: str
    direction: Direction
    lever: Lever
    text: str
    source: str
    bound: Callable[[Sight, Mapping[str, Any]], Array]


def remember(n: int) -> Memory:
    """Return the memory of n fresh lanes: the last rate, U/h; NaN before the first."""
    return {"rate": np.full(n, np.nan)}


def largest_bolus(seen: Sight) -> Array:
    """Return the largest bolus (B,), U, by daily dose, weight and device."""
    own = np.minimum(LIMITS.bolus_share * seen.daily_dose_u, LIMITS.bolus_u_per_kg * seen.weight_kg)
    return np.minimum(own, LIMITS.bolus_u)


def _max_basal(seen: Sight, memory: Mapping[str, Any]) -> Array:
    # Where there is no bolus channel, the rate carries boluses too: then max_dose bounds it.
    cap = LIMITS.basal_multiple * seen.basal_u_per_h
    return cap if seen.two_channels else np.full_like(cap, np.inf)


def _max_bolus(seen: Sight, memory: Mapping[str, Any]) -> Array:
    return largest_bolus(seen)


def _max_dose(seen: Sight, memory: Mapping[str, Any]) -> Array:
    return largest_bolus(seen) + LIMITS.basal_multiple * seen.basal_u


def _rate_rise(seen: Sight, memory: Mapping[str, Any]) -> Array:
    last = np.where(np.isnan(memory["rate"]), seen.basal_u_per_h, memory["rate"])
    return last + LIMITS.rate_rise_multiple * seen.basal_u_per_h


def _iob(seen: Sight, memory: Mapping[str, Any]) -> Array:
    covered = seen.told_recent_g / seen.carb_ratio
    room = iob_cap(seen.basal_u_per_h, seen.daily_dose_u) + covered - seen.iob_u
    return np.maximum(room, 0.0) + seen.basal_u


def _low(seen: Sight, memory: Mapping[str, Any]) -> Array:
    # A low before a meal is no reason to leave the meal without insulin.
    meal = np.where(seen.cgm >= LIMITS.meal_bolus_mg_dl, seen.told_g / seen.carb_ratio, 0.0)
    return np.where(seen.low, meal, np.inf)


def _unread(seen: Sight, memory: Mapping[str, Any]) -> Array:
    return np.where(np.isfinite(seen.cgm), np.inf, seen.basal_u)


def _withheld(seen: Sight, memory: Mapping[str, Any]) -> Array:
    glucose, share = zip(*LIMITS.least_share, strict=True)
    short = seen.mean_ratio < np.interp(seen.cgm, glucose, share)
    return np.where(short & ~seen.low, seen.basal_u_per_h, 0.0)


RULES: Final = (
    Rule(
        "max_basal", HYPO, "down", "rate",
        f"Basal rate above {LIMITS.basal_multiple:g} times the prescribed one.",
        LIMITS.basal_source.text, _max_basal,
    ),
    Rule(
        "max_bolus", HYPO, "down", "bolus",
        f"Bolus above {LIMITS.bolus_share:g} of the daily dose, {LIMITS.bolus_u_per_kg:g} U/kg or "
        f"{LIMITS.bolus_u:g} U.",
        LIMITS.bolus_source.text, _max_bolus,
    ),
    Rule(
        "max_dose", HYPO, "down", "total",
        "Insulin of one decision above the largest bolus and basal together.",
        LIMITS.bolus_source.text, _max_dose,
    ),
    Rule(
        "rate_rise", HYPO, "down", "rate",
        f"Rate up by more than {LIMITS.rate_rise_multiple:g} prescribed basal rates at once.",
        LIMITS.rise_source.text, _rate_rise,
    ),
    Rule(
        "iob_cap", HYPO, "down", "total",
        "Insulin on board above the cap and what announced carbohydrate needs.",
        LIMITS.iob_source.text, _iob,
    ),
    Rule(
        "low_glucose", HYPO, "down", "total",
        f"Glucose below {LIMITS.low_mg_dl:g} mg/dL, or heading below {LIMITS.predicted_mg_dl:g} "
        f"within {LIMITS.predicted_min:g} min: no insulin but for a meal announced now.",
        LIMITS.low_source.text, _low,
    ),
    Rule(
        "no_reading", HYPO, "down", "total",
        "No glucose reading: no more than the prescribed basal.",
        "project choice: without a reading the current regimen goes on", _unread,
    ),
    Rule(
        "withheld", KETO, "up", "rate",
        f"Mean insulin of {MEAN_MIN} min below half of the basal, or below all of it at "
        f"{LIMITS.least_share[-1][0]:g} mg/dL or more: the basal flows.",
        f"{LIMITS.withheld_source.text}; {LIMITS.high_source.text}", _withheld,
    ),
)  # fmt: skip
RULE_NAMES: Final = tuple(rule.name for rule in RULES)
