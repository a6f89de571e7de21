"""Gates on the forecast: no severe low, and not worse than under the current regimen."""

from __future__ import annotations

from ..therapy.protocols import LEVELS
from .checks import Check, judged, percent, skipped
from .limits import LIMITS, GateLimits
from .propose import Forecast

LOW = f"Any glucose below {LEVELS.very_low:g} mg/dL in the forecast"
MORE = f"Risk below {LEVELS.very_low:g} mg/dL beside the current regimen"
WORSE = "Probability that the proposal is worse than the current regimen"


def forecast_checks(
    forecast: Forecast | None, why_not: str, limits: GateLimits = LIMITS
) -> list[Check]:
    """Return the checks on a person's forecast under the policy."""
    ids = {"forecast-low": LOW, "forecast-more-low": MORE, "forecast-worse": WORSE}
    if forecast is None or forecast.proposed is None or forecast.worse is None:
        return [skipped(id, title, "-", why_not) for id, title in ids.items()]
    keep = "keep the current regimen"
    own = forecast.proposed.chance(LEVELS.very_low, "below")
    now = forecast.current.chance(LEVELS.very_low, "below")
    low, extra, worse = limits.severe_low, limits.extra_low, limits.worse
    return [
        judged(
            "forecast-low", LOW, own <= low.value, f"in {percent(own, 1)} of draws",
            f"in at most {percent(low.value)}", keep, reason=low.reason,
        ),
        judged(
            "forecast-more-low", MORE, own <= now + extra.value,
            f"{percent(own, 1)}, now {percent(now, 1)}",
            f"at most {100 * extra.value:g} points more", keep, reason=extra.reason,
        ),
        judged(
            "forecast-worse", WORSE, forecast.worse <= worse.value, percent(forecast.worse),
            f"at most {percent(worse.value)}", keep, reason=worse.reason,
        ),
    ]  # fmt: skip
