"""Meals of a diary that names no grams: three a day, at its marks, sizes left to the fit.

Finger-stick diaries say "before breakfast" and rarely more. That nobody ate would be the worst
assumption of all, so each day gets breakfast, lunch and supper of a usual size; how much each one
differed is among what the fit estimates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..records.timeline import Timeline

Array = NDArray[np.float64]

# First and last local minute of each meal, and the minute where nothing tells it: the data set
# AIM-94's own slots for paper records are 08:00, 12:00 and 18:00; the bounds are a project choice.
MEALS = {
    "before breakfast": (300.0, 630.0, 480.0),
    "before lunch": (630.0, 900.0, 720.0),
    "before supper": (900.0, 1260.0, 1080.0),
}
# Regular insulin is injected, and glucose measured, about half an hour before eating (Humulin R
# U-100 label: approximately 30 minutes before meals).
EATEN_AFTER_S = 1800.0
USUAL_G = 60.0  # project choice: within the 45 to 60 g a meal of common teaching plans
# What the words "large" and "small" near a meal are taken to mean (project choice).
SIZES = {"large meal": 1.5, "small meal": 0.5}
NEAR_S = 5400.0


def tells_meals(timeline: Timeline) -> bool:
    """Tell whether a record without grams marks when meals were due."""
    return len(timeline.meals) == 0 and len(timeline.diary.times_of(*MEALS)) > 0


def usual_meals(timeline: Timeline, start_s: float, days: int) -> tuple[Array, Array]:
    """Return times (n,), seconds since 1970 UTC, and grams (n,) of three meals a day.

    Parameters
    ----------
    timeline : Timeline
    start_s : float, seconds since 1970 UTC
        In the first day.
    days : int
    """
    midnight = start_s - 60.0 * float(timeline.local_minute_of_day(np.array([start_s]))[0])
    times: list[float] = []
    for name, (first, last, usual) in MEALS.items():
        marks = _within(timeline, timeline.diary.times_of(name), first, last)
        doses = _within(timeline, timeline.boluses.time_s, first, last)
        known = marks if len(marks) else doses
        minute = float(np.median(timeline.local_minute_of_day(known))) if len(known) else usual
        for day in range(days):
            begin = midnight + 86400.0 * day
            told = [one[(one >= begin) & (one < begin + 86400.0)] for one in (marks, doses)]
            at = next((float(one[0]) for one in told if len(one)), begin + 60.0 * minute)
            times.append(at + EATEN_AFTER_S)
    when = np.sort(np.array(times))
    grams = np.full(len(when), USUAL_G)
    for words, factor in SIZES.items():
        said = timeline.diary.times_of(words)
        if len(said):
            nearest = np.argmin(np.abs(when[:, None] - said[None, :]), axis=0)
            near = np.abs(when[nearest] - said) <= NEAR_S
            grams[nearest[near]] = USUAL_G * factor
    return when, grams


def _within(timeline: Timeline, times: Array, first: float, last: float) -> Array:
    """Return the times whose local minute lies between two."""
    minute = timeline.local_minute_of_day(times)
    return np.asarray(times[(minute >= first) & (minute < last)], dtype=float)
