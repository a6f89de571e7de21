"""Plain words about a forecast, every one derived from its numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.protocols import LEVELS
from .checks import percent
from .course import Course
from .propose import Forecast

Array = NDArray[np.float64]

INTENDED_USE: Final = (
    "Research software, not a medical device. For researchers and clinicians who study dosing "
    "policies; not for treating a person. A qualified clinician decides on every dose."
)
# A change smaller than these is called none (project choices).
SAME_POINTS: Final = {"time_in_range": 0.5, "time_below_70": 0.05, "time_above_180": 0.5}
SAME_DOSE: Final = 0.05
PERIOD_H: Final = 6
OBSERVE_DAYS: Final = "2 to 3 days"


def clock(minute: float) -> str:
    """Return a minute of the day as HH:MM."""
    whole = round(minute) % 1440
    return f"{whole // 60:02d}:{whole % 60:02d}"


def change(before: float, after: float, unit: str, digits: int = 0) -> str:
    """Return "from A to B unit"."""
    return f"from {before:.{digits}f} to {after:.{digits}f} {unit}"


def reasons_for(forecast: Forecast | None) -> tuple[str, ...]:
    """Return what the proposal changes and what is expected of it; nothing without one."""
    if forecast is None or forecast.proposed is None:
        return ()
    proposed, current = forecast.proposed, forecast.current
    return (
        *_expected(current, proposed),
        _odds(forecast),
        _total(current, proposed),
        *_periods(forecast, current, proposed),
    )


def _mean(course: Course, metric: str) -> float:
    return float(np.mean(course.metrics[metric]))


def _expected(current: Course, proposed: Course) -> list[str]:
    sentences = []
    for metric, words in (
        ("time_in_range", "time in range (70-180 mg/dL)"),
        ("time_below_70", "time below 70 mg/dL"),
        ("time_above_180", "time above 180 mg/dL"),
    ):
        before, after = _mean(current, metric), _mean(proposed, metric)
        digits = 1 if max(before, after) < 10 else 0
        if abs(after - before) < SAME_POINTS[metric]:
            sentences.append(f"Expected {words} stays at {after:.{digits}f} %.")
        else:
            verb = "rises" if after > before else "falls"
            sentences.append(f"Expected {words} {verb} {change(before, after, '%', digits)}.")
    return sentences


def _odds(forecast: Forecast) -> str:
    low = LEVELS.very_low
    now = forecast.current.chance(low, "below")
    then = forecast.proposed.chance(low, "below") if forecast.proposed else 0.0
    worse = forecast.worse or 0.0
    return (
        f"Some glucose below {low:g} mg/dL: in {percent(now, 1)} of the twin's draws now, in "
        f"{percent(then, 1)} under the proposal, which is worse than the current regimen in "
        f"{percent(worse)} of draws."
    )


def _total(current: Course, proposed: Course) -> str:
    before, after = _mean(current, "insulin_u_per_day"), _mean(proposed, "insulin_u_per_day")
    share = after / before - 1.0
    tail = f" ({100 * share:+.0f} %)" if abs(share) >= SAME_DOSE else " (about the same)"
    bolus = [float(c.series["bolus_u"][1:].sum(axis=0).mean()) for c in (current, proposed)]
    if bolus[1] <= 0.0 < bolus[0]:
        tail += f"; the {bolus[0]:.0f} U now given as boluses are given as a varying basal rate"
    return f"Insulin a day goes {change(before, after, 'U')}{tail}."


def _periods(forecast: Forecast, current: Course, proposed: Course) -> list[str]:
    """Say what changes in each quarter of the day, the largest change first."""
    minutes = clock_minutes(forecast)
    found = []
    for first in range(0, 24, PERIOD_H):
        inside = (minutes // 60 >= first) & (minutes // 60 < first + PERIOD_H)
        if not inside.any():
            continue
        doses = [_insulin(course)[inside].sum(axis=0) for course in (current, proposed)]
        before, after = (float(np.median(d)) for d in doses)
        if max(before, after) <= 0.0 or abs(after - before) < SAME_DOSE * max(before, 0.1):
            continue
        sentence = (
            f"{first:02d}-{first + PERIOD_H:02d} h: insulin {change(before, after, 'U', 1)}; "
            f"median glucose {_glucose_words(current, inside)} mg/dL now, "
            f"{_glucose_words(proposed, inside)} mg/dL under the proposal."
        )
        found.append((abs(after - before), sentence))
    return [sentence for _, sentence in sorted(found, reverse=True)]


def _insulin(course: Course) -> Array:
    hours = course.step_min / 60.0
    total: Array = course.series["basal_u_per_h"][1:] * hours + course.series["bolus_u"][1:]
    return total


def _glucose_words(course: Course, inside: NDArray[np.bool_]) -> str:
    middle = course.band("glucose_mg_dl")[1][1:][inside]
    return f"{middle.min():.0f}-{middle.max():.0f}"


def clock_minutes(forecast: Forecast) -> Array:
    """Return the local minute of the day at the start of each step."""
    steps = len(forecast.current.series["glucose_mg_dl"]) - 1
    minutes: Array = np.mod(
        forecast.start_minute + forecast.current.step_min * np.arange(steps), 1440.0
    )
    return minutes


def watch_for(forecast: Forecast | None) -> tuple[str, ...]:
    """Return how long to observe and what to look at; nothing without a proposal."""
    if forecast is None or forecast.proposed is None:
        return ()
    proposed = forecast.proposed
    low, _, high = proposed.band("glucose_mg_dl")
    at = clock_minutes(forecast)
    lowest, highest = int(np.argmin(low[1:])), int(np.argmax(high[1:]))
    return (
        f"Observe for {OBSERVE_DAYS} before anything else is changed; return to the current "
        "regimen if control is worse.",
        f"Lowest expected around {clock(at[lowest])}: one draw in twenty is below "
        f"{low[1:][lowest]:.0f} mg/dL there.",
        f"Highest expected around {clock(at[highest])}: one draw in twenty is above "
        f"{high[1:][highest]:.0f} mg/dL there.",
        f"Stop and review after any reading below {LEVELS.very_low:g} mg/dL, or two lows below "
        f"{LEVELS.low:g} mg/dL in a day.",
        "Not in the forecast: exercise, illness, alcohol, a failed infusion set, meals other than "
        "the usual ones.",
    )


def limits_for(forecast: Forecast | None) -> tuple[str, ...]:
    """Return what the pump's limits and increments changed; nothing without a proposal."""
    if forecast is None or forecast.proposed is None:
        return ()
    course = forecast.proposed
    limited = course.series["limited"][1:]
    per_draw = limited.sum(axis=0)
    basal, bolus = course.series["basal_u_per_h"][1:], course.series["bolus_u"][1:]
    sentences = []
    if per_draw.max() == 0:
        sentences.append("No dose reached a limit of the pump in any draw.")
    else:
        where = np.unravel_index(int(np.argmax(course.asked_basal_u_per_h)), basal.shape)
        sentences.append(
            f"The pump's limits cut {percent(limited.mean(), 2)} of doses: a median of "
            f"{np.median(per_draw):.0f} and at most {per_draw.max():.0f} of {len(limited)} steps; "
            f"the largest rate asked for was {course.asked_basal_u_per_h[where]:.1f} U/h, "
            f"{basal[where]:.1f} U/h were delivered."
        )
    hours = course.step_min / 60.0
    rounding = (basal - course.asked_basal_u_per_h).sum(axis=0) * hours
    rounding = rounding + (bolus - course.asked_bolus_u).sum(axis=0)
    sentences.append(
        "Limits and rounding to the pump's increments changed the insulin asked for in the "
        f"{len(limited) * hours:.0f} h by {np.median(rounding):+.2f} U (median over draws)."
    )
    return tuple(sentences)


def caps_of(forecast: Forecast) -> dict[str, float | int]:
    """Return how often a limit was hit, in numbers."""
    course = forecast.proposed
    if course is None:
        return {}
    limited = course.series["limited"][1:]
    return {
        "cap_hit": int(limited.sum() > 0),
        "cap_hit_share_of_steps": float(limited.mean()),
        "cap_hit_median_per_day": float(np.median(limited.sum(axis=0))),
        "largest_asked_u_per_h": float(course.asked_basal_u_per_h.max()),
        "largest_delivered_u_per_h": float(course.series["basal_u_per_h"][1:].max()),
    }
