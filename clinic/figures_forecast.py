"""The figures of the coming day: expected glucose and doses, current and proposed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import charts
from .charts import Frame
from .course import Course
from .figures import CARBS, NOW, PROPOSED, backdrop, both, glucose_frame
from .propose import Forecast
from .words import clock

Array = NDArray[np.float64]


def _forecast_axis(forecast: Forecast, width: float) -> tuple[Array, list[float], list[str]]:
    course = forecast.current
    steps = len(course.series["glucose_mg_dl"])
    at = forecast.start_minute + course.step_min * np.arange(steps, dtype=np.float64)
    every = (180 if width > 500 else 360) * max(1, round(forecast.hours / 24))
    first = int(np.ceil(at[0] / every))
    marks = [float(every * k) for k in range(first, int(at[-1] // every) + 1)]
    return at, marks, [clock(m) for m in marks]


def forecast_glucose(forecast: Forecast) -> str:
    """Return the glucose of the coming day under the current regimen and under the proposal."""

    def draw(width: float) -> str:
        at, marks, labels = _forecast_axis(forecast, width)
        courses = [(forecast.current, NOW, "6 4")]
        if forecast.proposed is not None:
            courses.append((forecast.proposed, PROPOSED, ""))
        highest = max(float(c.band("glucose_mg_dl")[2].max()) for c, _, _ in courses)
        frame = glucose_frame(
            width, 300 if width > 500 else 250, at[0], at[-1], max(270.0, highest)
        )
        parts = backdrop(frame)
        for course, colour, dash in courses:
            low, middle, high = course.band("glucose_mg_dl")
            parts += [
                charts.band(frame, at, low, high, colour, 0.18),
                charts.line(frame, at, middle, colour, 2.5, dash),
            ]
        parts += [*_meals(frame, forecast, at), charts.ticks(frame, marks, labels)]
        return charts.picture(frame, parts, "Expected glucose", _told(forecast))

    return both(draw)


def _meals(frame: Frame, forecast: Forecast, at: Array) -> list[str]:
    """Return a small triangle and the grams at each usual meal."""
    parts = []
    base = frame.height - frame.bottom
    for meal in forecast.habits.meals:
        for day in range(5):
            minute = meal.minute + 1440.0 * day
            if at[0] <= minute < at[-1]:
                x = float(frame.x(minute))
                parts.append(charts.triangle(x, base, CARBS))
                words = f"{meal.carbs_g:.0f} g"
                inside = min(max(x, frame.left + 16), frame.width - frame.right - 16)
                parts.append(
                    charts.text(inside, base - 13, words, anchor="middle", colour="#5f5222")
                )
    return parts


def _told(forecast: Forecast) -> str:
    words = [("current regimen", forecast.current)]
    if forecast.proposed is not None:
        words.append(("proposal", forecast.proposed))
    return "; ".join(
        f"{name}: median {c.band('glucose_mg_dl')[1].min():.0f} to "
        f"{c.band('glucose_mg_dl')[1].max():.0f} mg/dL"
        for name, c in words
    )


def forecast_doses(forecast: Forecast) -> str:
    """Return basal rates as steps and boluses as stems, current and proposed."""

    def draw(width: float) -> str:
        at, marks, labels = _forecast_axis(forecast, width)
        courses = [(forecast.current, NOW, "6 4")]
        if forecast.proposed is not None:
            courses.append((forecast.proposed, PROPOSED, ""))
        top, rules = charts.tidy_top(max(_top(c, "basal_u_per_h") for c, _, _ in courses), 3)
        bolus_top, bolus_rules = charts.tidy_top(
            max(max(_top(c, "bolus_u") for c, _, _ in courses), 1.0), 3
        )
        height = 330.0
        basal = Frame(width, height, 40, 12, 30, 150, at[0], at[-1], 0.0, top)
        bolus = Frame(width, height, 40, 12, 222, 26, at[0], at[-1], 0.0, bolus_top)
        parts = [
            charts.grid(basal, rules, "basal rate, U/h"),
            charts.grid(bolus, bolus_rules, "bolus, U"),
        ]
        for course, colour, dash in courses:
            parts += _dose_parts(course, colour, dash, basal, bolus, at)
        parts.append(charts.ticks(bolus, marks, labels))
        return charts.picture(basal, parts, "Insulin doses", "Current and proposed basal and bolus")

    return both(draw)


def _top(course: Course, name: str) -> float:
    return float(course.band(name)[2].max())


def _dose_parts(
    course: Course, colour: str, dash: str, basal: Frame, bolus: Frame, at: Array
) -> list[str]:
    low, middle, high = course.band("basal_u_per_h")[:, 1:]
    parts = [
        charts.step_band(basal, at, low, high, colour, 0.18),
        charts.steps(basal, at, middle, colour, 2.0, dash),
    ]
    proposal = course.name == "proposal"
    shift, side = (-3.0, "end") if proposal else (3.0, "start")
    units = course.band("bolus_u")[1][1:]
    floor = float(bolus.y(0.0))
    for i in np.flatnonzero(units > 0.0):
        x, y = float(bolus.x(at[i])) + shift, float(bolus.y(units[i]))
        parts.append(charts.box(x - 2.0, y, 4.0, floor - y, colour))
        beside = x + (1.0 if proposal else -1.0)
        parts.append(charts.text(beside, y - 4, f"{units[i]:.1f}", anchor=side, colour=colour))
    return parts
