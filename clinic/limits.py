"""How good record, twin and forecast must be before a dose is proposed, and why so good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Limit:
    """One number and why it is that number."""

    value: float
    unit: str
    reason: str


_CHOICE: Final = "project choice: "


@dataclass(frozen=True)
class GateLimits:
    """The limits of the gates; none is a clinical standard, each says where it comes from."""

    glucose_days: Limit = Limit(
        3.0, "days", _CHOICE + "two days to fit and one to test the forecast on"
    )
    wear: Limit = Limit(
        0.70, "of the time", "70 % of the time worn, as for the modal day (Tidepool viz)"
    )
    meals_per_day: Limit = Limit(
        2.0, "meals a day", _CHOICE + "fewer leave most carbohydrate of a usual day unlogged"
    )
    basal_logged: Limit = Limit(
        0.80, "of the time", _CHOICE + "a fifth of the basal insulin may be taken from the schedule"
    )
    stale_min: Limit = Limit(
        30.0, "min", _CHOICE + "the forecast starts at the last reading, doses after it are unseen"
    )
    fit_error: Limit = Limit(
        20.0, "%", _CHOICE + "twice the 10 % that replay simulators aim at (Hughes 2021)"
    )
    held_out_error: Limit = Limit(
        46.5,
        "mg/dL",
        "what published models reach 4 h ahead on OhioT1DM (arXiv 2505.08821), asked here of a "
        "whole day without looking at the readings",
    )
    held_out_coverage: Limit = Limit(
        0.50, "of readings", _CHOICE + "a 90 % band that misses most readings misleads"
    )
    table_coverage: Limit = Limit(
        0.65, "of readings", _CHOICE + "15 points below nominal is what a day's sample may show"
    )
    draws_in_range: Limit = Limit(
        0.90, "of the twin's draws", _CHOICE + "as large a share as the band covers"
    )
    severe_low: Limit = Limit(0.05, "of the twin's draws", _CHOICE + "one possible body in twenty")
    severe_low_bound: Limit = Limit(
        0.10, "of all bodies", _CHOICE + "with 95 % confidence over the draws, 200 or more"
    )
    extra_low: Limit = Limit(
        0.02, "of the twin's draws", _CHOICE + "half of it may be chance at 200 draws"
    )
    extra_worst: Limit = Limit(
        1.0, "points", _CHOICE + "a quarter of an hour a day more for those worst off"
    )
    worse: Limit = Limit(
        0.50, "of the twin's draws", _CHOICE + "a change must be likelier to help than to harm"
    )


LIMITS: Final = GateLimits()
# Parameters that decide what insulin and food do; of each group one at least must be known.
ESSENTIAL: Final = {
    "basal insulin need": ("Ib",),
    "insulin action": ("Vmx", "kp3"),
    "carbohydrate absorption": ("kmax", "kabs", "carb_factor"),
}


@dataclass(frozen=True)
class PressureGateLimits:
    """The limits of the gates; none is a clinical standard, each says where it comes from."""

    fit_error: Limit = Limit(
        1.6, "times the device's error", _CHOICE + "more says that the body is not this person's"
    )
    foretold: Limit = Limit(
        0.60, "of visits", _CHOICE + "a 90 % band that misses two visits in five misleads"
    )
    distinct: Limit = Limit(
        100.0, "virtual people", _CHOICE + "fewer make a posterior of a handful of lucky draws"
    )
    accepted: Limit = Limit(
        0.05, "of moves", _CHOICE + "fewer leave the bodies where chance first put them"
    )
    known: Limit = Limit(0.60, "of the prior's spread", _CHOICE + "a prior is not this person")
    serious: Limit = Limit(0.10, "of the twin's draws", _CHOICE + "one possible person in ten")
    extra: Limit = Limit(
        0.05, "of the twin's draws", _CHOICE + "half of it may be chance at 400 draws"
    )
    worse: Limit = Limit(
        0.50, "of the twin's draws", _CHOICE + "a change must be likelier to help than to harm"
    )


PRESSURE_LIMITS: Final = PressureGateLimits()
