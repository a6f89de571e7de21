"""Gates on the forecast, lanes L3 and L4 for one person: no severe low, not worse than today."""

from __future__ import annotations

from typing import Final

from ..evaluation.statistics import clopper_pearson
from ..evaluation.verdict import observed_tail
from ..therapy.protocols import LEVELS
from .checks import Check, judged, percent, skipped
from .course import Course
from .limits import LIMITS, GateLimits
from .propose import Forecast

LOW = f"Any glucose below {LEVELS.very_low:g} mg/dL in the forecast"
MORE = f"Risk below {LEVELS.very_low:g} mg/dL beside the current regimen"
WORST = "Time below 70 mg/dL of the worst twentieth of possible bodies"
MARGIN = f"Risk below {LEVELS.very_low:g} mg/dL, forecasts lowered by the twin's own error"
WORSE = "Probability that the proposal is worse than the current regimen"
TITLES: Final = {
    "forecast-low": LOW,
    "forecast-more-low": MORE,
    "forecast-worst-bodies": WORST,
    "forecast-margin": MARGIN,
    "forecast-worse": WORSE,
}
SURE: Final = 0.95
WORST_SHARE: Final = 0.05
KEEP: Final = "keep the current regimen"


def forecast_checks(
    forecast: Forecast | None,
    why_not: str,
    limits: GateLimits = LIMITS,
    *,
    overstated_mg_dl: float | None = None,
) -> list[Check]:
    """Return the checks on a person's forecast under the policy.

    Parameters
    ----------
    forecast : Forecast or None
    why_not : str
        Why there is none.
    limits : GateLimits
    overstated_mg_dl : float, optional
        By how much the twin foretold too high on its held-out day, for 90 % of the readings.
    """
    if forecast is None or forecast.proposed is None or forecast.worse is None:
        return [skipped(id, title, "-", why_not) for id, title in TITLES.items()]
    now, then = forecast.current, forecast.proposed
    worse = limits.worse
    return [
        _low(then, limits),
        _more(now, then, limits),
        _worst_bodies(now, then, limits),
        _margin(now, then, overstated_mg_dl, limits),
        judged(
            "forecast-worse", WORSE, forecast.worse <= worse.value, percent(forecast.worse),
            f"at most {percent(worse.value)}", KEEP, reason=worse.reason,
        ),
    ]  # fmt: skip


def _low(then: Course, limits: GateLimits) -> Check:
    """Judge the probability of a severe low, with what so many draws leave open."""
    low, most = limits.severe_low, limits.severe_low_bound
    n = then.series["glucose_mg_dl"].shape[1]
    share = then.chance(LEVELS.very_low, "below")
    bound = clopper_pearson(round(share * n), n, confidence=SURE).value
    return judged(
        "forecast-low", LOW, share <= low.value and bound <= most.value,
        f"in {percent(share, 1)} of {n} draws, at most {percent(bound, 1)} of all",
        f"in at most {percent(low.value)}, and surely at most {percent(most.value)}", KEEP,
        reason=f"{low.reason}; {most.reason}",
    )  # fmt: skip


def _more(now: Course, then: Course, limits: GateLimits) -> Check:
    one, other = now.chance(LEVELS.very_low, "below"), then.chance(LEVELS.very_low, "below")
    extra = limits.extra_low
    return judged(
        "forecast-more-low", MORE, other <= one + extra.value,
        f"{percent(other, 1)}, now {percent(one, 1)}",
        f"at most {100 * extra.value:g} points more", KEEP, reason=extra.reason,
    )  # fmt: skip


def _worst_bodies(now: Course, then: Course, limits: GateLimits) -> Check:
    """Judge the worst of the bodies that the record allows, not the mean of them."""
    one, other = (observed_tail(c.metrics["time_below_70"], WORST_SHARE) for c in (now, then))
    extra = limits.extra_worst
    return judged(
        "forecast-worst-bodies", WORST, other <= one + extra.value,
        f"{other:.1f} %, now {one:.1f} %", f"at most {extra.value:g} points more", KEEP,
        reason=extra.reason,
    )  # fmt: skip


def _margin(now: Course, then: Course, margin: float | None, limits: GateLimits) -> Check:
    """Judge the risk once more with every forecast lowered by the twin's measured error."""
    if margin is None:
        why = "the twin's error on a held-out day is not known"
        return skipped("forecast-margin", MARGIN, "-", why)
    threshold, extra = LEVELS.very_low + margin, limits.extra_low
    one, other = now.chance(threshold, "below"), then.chance(threshold, "below")
    return judged(
        "forecast-margin", MARGIN, other <= one + extra.value,
        f"lowered by {margin:.0f} mg/dL: {percent(other, 1)}, now {percent(one, 1)}",
        f"at most {100 * extra.value:g} points more", KEEP, reason=extra.reason,
    )  # fmt: skip
