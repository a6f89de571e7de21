"""What the report says of doses: the current regimen, the coming day, the proposal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..records.series import DailySchedule
from . import figures_forecast
from .checks import percent
from .course import Course, chances
from .propose import Forecast
from .regimen import Regimen
from .words import clock

if TYPE_CHECKING:
    from .recommendation import Recommendation

NOTHING_U: Final = 0.05
LARGEST_SHOWN: Final = 3.0
LEAST_SHOWN: Final = 0.01
# Rows of the table of expectations that open the report: range, lows, insulin, chance of a low.
HEADLINE: Final = (0, 1, 4, 5)


def doses_view(found: Recommendation) -> dict[str, Any]:
    """Return everything the report shows of doses."""
    forecast = found.forecast
    trusted = [c for c in found.checks if c.id.startswith("twin-")]
    return {
        "regimen": None if found.regimen is None else _regimen(found.regimen),
        "forecast": None if forecast is None else _forecast(forecast),
        "misfit": _misfit(found),
        "twin_trusted": all(check.passed for check in trusted),
        "released": not found.refused,
    }


def _misfit(found: Recommendation) -> str:
    """Say what the bands of the forecast leave out."""
    held = None if found.twin is None else found.twin.quality.get("held_out_day")
    told = f": it erred by {held['rmse_mg_dl']:.0f} mg/dL on the day held out" if held else ""
    return (
        f"The bands hold what the record leaves open about the body, not the twin's misfit{told}."
    )


def _regimen(regimen: Regimen) -> dict[str, Any]:
    rows = [
        ("Basal rate", "U/h", regimen.basal, regimen.origin["basal"]),
        ("Carb ratio", "g/U", regimen.carb_ratio, regimen.origin["carb ratio"]),
        ("Correction factor", "mg/dL per U", regimen.correction, regimen.origin["correction"]),
        ("Target", "mg/dL", regimen.target, regimen.origin["target"]),
    ]
    return {
        "rows": [(name, _schedule(s), unit, origin) for name, unit, s, origin in rows],
        "daily": f"{regimen.daily_dose_u:.1f} U",
        "daily_origin": regimen.origin["daily dose"],
    }


def _schedule(schedule: DailySchedule) -> str:
    values = [f"{value:.3g}" for value in schedule.value]
    if len(values) == 1:
        return values[0]
    steps = zip(schedule.minute_of_day, values, strict=True)
    return ", ".join(f"{clock(minute)} {value}" for minute, value in steps)


def _forecast(forecast: Forecast) -> dict[str, Any]:
    proposed = forecast.proposed
    expected = _expected(forecast.current, proposed)
    return {
        "start": clock(forecast.start_minute),
        "hours": forecast.hours,
        "draws": len(forecast.bodies.patients),
        "glucose": figures_forecast.forecast_glucose(forecast),
        "doses": figures_forecast.forecast_doses(forecast),
        "has_proposal": proposed is not None,
        "expected": expected,
        "headline": [expected[i] for i in HEADLINE],
        "hourly": [] if proposed is None else _hourly(forecast, proposed),
        "notes": list(forecast.notes),
        "worse": None if forecast.worse is None else percent(forecast.worse),
    }


def _expected(current: Course, proposed: Course | None) -> list[tuple[str, str, str]]:
    """Return rows of (what, now, proposed)."""

    def mean(course: Course | None, key: str, unit: str, digits: int) -> str:
        if course is None:
            return ""
        return f"{float(np.mean(course.metrics[key])):.{digits}f} {unit}"

    def odds(course: Course | None, key: str) -> str:
        return "" if course is None else percent(chances(course)[key], 1)

    rows = [
        (label, mean(current, key, unit, digits), mean(proposed, key, unit, digits))
        for key, label, unit, digits in (
            ("time_in_range", "Time in range, 70-180 mg/dL", "%", 1),
            ("time_below_70", "Time below 70 mg/dL", "%", 2),
            ("time_above_180", "Time above 180 mg/dL", "%", 1),
            ("mean_glucose", "Mean glucose", "mg/dL", 0),
            ("insulin_u_per_day", "Insulin a day", "U", 1),
        )
    ]
    return rows + [
        (label, odds(current, key), odds(proposed, key))
        for key, label in (
            ("below_54", "Chance of any glucose below 54 mg/dL"),
            ("below_70", "Chance of any glucose below 70 mg/dL"),
            ("above_250", "Chance of any glucose above 250 mg/dL"),
        )
    ]


def _hourly(forecast: Forecast, proposed: Course) -> list[dict[str, str]]:
    start = forecast.start_minute
    pairs = zip(forecast.current.hourly(start), proposed.hourly(start), strict=True)
    return [
        {
            "hour": clock(now["minute"]),
            "now_basal": f"{now['basal_u_per_h']:.2f}",
            "now_bolus": _units(now["bolus_u"]),
            "basal": f"{then['basal_u_per_h']:.2f}",
            "bolus": _units(then["bolus_u"]),
            "band": f"{then['insulin_low_u']:.1f}-{then['insulin_high_u']:.1f}",
            "change": change_text(now["insulin_u"], then["insulin_u"]),
            "limited": _cut(then["limited"]),
        }
        for now, then in pairs
    ]


def _cut(share: float) -> str:
    return "no" if share <= 0.0 else "< 1 %" if share < LEAST_SHOWN else percent(share)


def _units(value: float) -> str:
    return f"{value:.1f}" if value >= NOTHING_U else "-"


def change_text(before: float, after: float) -> str:
    """Return a change of dose in per cent, or in words where per cent would mislead."""
    if before < NOTHING_U:
        return "none" if after < NOTHING_U else "new"
    share = after / before - 1.0
    if share > LARGEST_SHOWN:
        return f"x {after / before:.0f}"
    return f"{100 * share:+.0f} %"
