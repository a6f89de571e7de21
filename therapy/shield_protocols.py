"""Limits of the shield's rules, each with its source; the one place for such numbers.

A rule may only move a dose towards the safe side of the hazard it serves. Both sides are hazards:
too much insulin is hypoglycaemia, too little for hours is ketoacidosis; too many tablets are
hypotension, too few are a stroke.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .protocols import INSULIN_DOSES, LEVELS, Source

_OPENAPS: Final = Source(
    "OpenAPS preference current_basal_safety_multiplier, 4 times the scheduled basal (recalled)",
    verified=False,
)
_BOLUS: Final = Source(
    "project choice: a 100 g meal by the 500 rule is 0.2 of the daily dose, a correction from 300 "
    "mg/dL about 0.1; half as much again is no dose that anyone asks for on purpose"
)
_IOB: Final = Source(
    "OpenAPS max_iob as coded in therapy.onboard.iob_cap, announced carbohydrate covered besides "
    "(project choice)"
)
_RISE: Final = Source(
    "project choice: the full span of the dosing curve is reached in three decisions, not in one"
)
_WITHHELD: Final = Source(
    "project choice: a mean over 200 min falls to half after 2 h 20 min of suspension; pumps that "
    "suspend by themselves (t:slim with Basal-IQ, MiniMed 640G) do so for at most 2 h (recalled)",
    verified=False,
)
_KETONES: Final = Source(
    "project choice: ketones rise within hours of an interrupted pump, and faster than glucose "
    "tells; so at 250 mg/dL the mean insulin of the last hours must reach the prescribed basal"
)
_LOW: Final = Source(
    "IINTS-AF supervisor: no insulin when 60 mg/dL is predicted within 30 min; as suspend.py does, "
    "by the trend of 15 min. Basal-IQ's 80 mg/dL is a comfort limit, and stops after many a meal; "
    "that a bolus for a meal now announced may pass from 54 mg/dL on is a project choice"
)


_PRESSURE_RISE: Final = Source(
    "ESC/ESH 2018 and ACC/AHA 2017 start two drugs at once (recalled), and a visit may raise a "
    "third; more in one visit: project choice",
    verified=False,
)
_STOP: Final = Source("usual definition of hypotension, 90 mmHg; stepping down: project choice")
_SEVERE: Final = Source(
    "grade 2 hypertension of the ESC/ESH 2018, 160/100 mmHg (recalled); rule: project choice",
    "10.1093/eurheartj/ehy339",
    verified=False,
)
_BETA_BLOCKER: Final = Source(
    "labels of beta-blockers warn of a sudden stop; one level a visit: project choice"
)
_HORIZON: Final = Source(
    "project choice: rapid-acting insulin has done nearly all it does after 4 h"
)


@dataclass(frozen=True)
class InsulinShieldLimits:
    """Limits of the insulin rules.

    Parameters
    ----------
    basal_multiple : float
        Largest basal rate, in prescribed ones.
    bolus_share, bolus_u_per_kg, bolus_u : float
        Largest bolus as a share of the daily dose, by weight, and of the device; the least counts.
    rate_rise_multiple : float
        Largest rise of the rate from one decision to the next, in prescribed basal rates.
    low_mg_dl, predicted_mg_dl, predicted_min : float
        No insulin below the first, or where the trend reaches the second within so long.
    meal_bolus_mg_dl : float
        Glucose from which a bolus for carbohydrate announced now passes nevertheless.
    least_share : tuple of (float, float)
        Least mean insulin of the last hours (exponential, 200 min) in prescribed basal rates by
        glucose, mg/dL; in between linear.
    """

    basal_multiple: float = 4.0
    bolus_share: float = 0.45
    bolus_u_per_kg: float = 0.45
    bolus_u: float = INSULIN_DOSES.bolus_max_u
    rate_rise_multiple: float = 16.0
    low_mg_dl: float = LEVELS.low
    predicted_mg_dl: float = 60.0
    predicted_min: float = 30.0
    meal_bolus_mg_dl: float = LEVELS.very_low
    least_share: tuple[tuple[float, float], ...] = (
        (LEVELS.low, 0.3),
        (100.0, 0.5),
        (LEVELS.high, 0.5),
        (LEVELS.very_high, 1.0),
    )
    basal_source: Source = _OPENAPS
    bolus_source: Source = _BOLUS
    iob_source: Source = _IOB
    rise_source: Source = _RISE
    low_source: Source = _LOW
    withheld_source: Source = _WITHHELD
    high_source: Source = _KETONES


@dataclass(frozen=True)
class PressureShieldLimits:
    """Limits of the blood-pressure rules.

    Parameters
    ----------
    rise_standard_doses : float
        Largest rise of the regimen at one visit, in standard doses.
    stop_sbp_mmhg : float
        Seated systolic pressure below which every class is stepped down.
    severe_sbp_mmhg, severe_dbp_mmhg : float
        Pressure at or above which nothing is taken back without a reason.
    beta_blocker_fall : int
        Levels by which a beta-blocker may fall at one visit.
    """

    rise_standard_doses: float = 3.0
    stop_sbp_mmhg: float = 90.0
    severe_sbp_mmhg: float = 160.0
    severe_dbp_mmhg: float = 100.0
    beta_blocker_fall: int = 1
    rise_source: Source = _PRESSURE_RISE
    stop_source: Source = _STOP
    severe_source: Source = _SEVERE
    beta_blocker_source: Source = _BETA_BLOCKER


@dataclass(frozen=True)
class ForecastLimits:
    """Settings of the predictive layer.

    Parameters
    ----------
    floor_mg_dl : float
        Glucose that the lower bound of the forecast must not fall below.
    horizon_min : int
        How far ahead is looked, min.
    suspend_min : int
        How long insulin could be withheld after the decision, before the basal flows again, min.
    """

    floor_mg_dl: float = LEVELS.very_low
    horizon_min: int = 240
    suspend_min: int = 120
    floor_source: Source = LEVELS.source
    horizon_source: Source = _HORIZON


INSULIN_SHIELD: Final = InsulinShieldLimits()
PRESSURE_SHIELD: Final = PressureShieldLimits()
FORECAST_SHIELD: Final = ForecastLimits()
