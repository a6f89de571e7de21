"""The figures of the report; each exists for wide and for narrow screens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.protocols import LEVELS
from . import charts
from .charts import Frame
from .profile import Day, ModalDay
from .words import clock

Array = NDArray[np.float64]

WIDE: Final = 880.0
NARROW: Final = 350.0
TARGET_FILL: Final = "#e3f4ea"
NOW: Final = "#6b4a9b"
PROPOSED: Final = "#0b6e8a"
BASAL: Final = "#3f7fb5"
BOLUS: Final = "#b8562b"
CARBS: Final = "#7a6a2f"
RANGE_COLOURS: Final = {
    "time_above_250": "#d9652b",
    "time_181_250": "#f2b544",
    "time_in_range": "#3aa573",
    "time_54_69": "#c93a3a",
    "time_below_54": "#8f1224",
}
# The rule at 54 has no room for its label beside 70 in the lower charts.
LEVEL_RULES: Final = (54.0, 70.0, 180.0, 250.0, 350.0)
ROOM_FOR_54_PX: Final = 300.0
WIDEST_BAR_PX: Final = 56.0


def both(draw: Callable[[float], str]) -> str:
    """Return a figure drawn for wide and for narrow screens; the style sheet shows one of them."""
    return f'<div class="wide">{draw(WIDE)}</div><div class="narrow">{draw(NARROW)}</div>'


def glucose_frame(width: float, height: float, x0: float, x1: float, top: float) -> Frame:
    """Return the frame of a glucose chart, from 40 mg/dL up."""
    return Frame(width, height, 40, 12, 30, 26, x0, x1, 40.0, top)


def backdrop(frame: Frame) -> list[str]:
    """Return the target range and the rules at the levels that matter."""
    first = 0 if frame.height >= ROOM_FOR_54_PX else 1
    rules = [v for v in LEVEL_RULES[first:] if frame.y0 <= v <= frame.y1]
    return [
        charts.area(frame, LEVELS.low, LEVELS.high, TARGET_FILL),
        charts.grid(frame, rules, "mg/dL", (LEVELS.low, LEVELS.high)),
    ]


def _hours(width: float) -> tuple[list[float], list[str]]:
    every = 3 if width > 500 else 6
    at = [60.0 * h for h in range(0, 25, every)]
    return at, [f"{int(m // 60):02d}" if m < 1440 else "24 h" for m in at]


def modal_day(profile: ModalDay) -> str:
    """Return the modal day: 5-95 % and 25-75 % bands and the median."""

    def draw(width: float) -> str:
        frame = glucose_frame(width, 300 if width > 500 else 240, 0.0, 1440.0, 350.0)
        minute = np.append(profile.minute, 1440.0)
        low, lower, middle, upper, high = np.concatenate(
            [profile.glucose, profile.glucose[:, :1]], axis=1
        )
        parts = [
            *backdrop(frame),
            charts.band(frame, minute, low, high, "#7fa8c9", 0.45),
            charts.band(frame, minute, lower, upper, "#3f7fb5", 0.55),
            charts.line(frame, minute, middle, "#123a5a", 2.5),
            charts.ticks(frame, *_hours(width)),
        ]
        told = f"Median between {np.nanmin(middle):.0f} and {np.nanmax(middle):.0f} mg/dL"
        return charts.picture(frame, parts, "Modal day", told)

    return both(draw)


def ranges_bar(percent: dict[str, float]) -> str:
    """Return the times in ranges as one bar, very low on the left."""
    frame = Frame(420, 38, 0, 0, 0, 0, 0.0, 100.0, 0.0, 1.0)
    parts, at = [], 0.0
    for key in reversed(RANGE_COLOURS):
        x0, x1 = float(frame.x(at)), float(frame.x(at + percent[key]))
        parts.append(charts.box(x0, 0, x1 - x0, 38, RANGE_COLOURS[key]))
        if x1 - x0 > 44:
            dark = key not in ("time_54_69", "time_below_54")
            ink = charts.INK if dark else "#ffffff"
            words = f"{percent[key]:.0f} %"
            parts.append(
                charts.text((x0 + x1) / 2, 23, words, anchor="middle", colour=ink, bold=True)
            )
        at += percent[key]
    told = ", ".join(f"{key.replace('_', ' ')} {value:.0f} %" for key, value in percent.items())
    return charts.picture(frame, parts, "Time in ranges", told)


def thumbnail(day: Day) -> str:
    """Return one day's glucose as a small picture."""
    frame = Frame(128, 64, 2, 2, 3, 3, 0.0, 1440.0, 40.0, 350.0)
    low = np.where(day.glucose < LEVELS.low, day.glucose, np.nan)
    parts = [
        charts.box(2, 3, 124, 58, "#ffffff"),
        charts.area(frame, LEVELS.low, LEVELS.high, TARGET_FILL),
        charts.line(frame, day.minute, day.glucose, "#123a5a", 1.4),
        charts.dots(frame, day.minute, low, "#c01f33", 1.3),
    ]
    known = day.glucose[np.isfinite(day.glucose)]
    told = f"{known.min():.0f} to {known.max():.0f} mg/dL" if known.size else "no reading"
    return charts.picture(frame, parts, day.label, told)


def doses_by_day(days: Sequence[Day]) -> str:
    """Return insulin (basal below, bolus above) and carbohydrate of each day as bars."""

    def draw(width: float) -> str:
        total = [day.basal_u + day.long_acting_u + day.bolus_u for day in days]
        top, rules = charts.tidy_top(max(*total, 1.0), 3)
        carbs_top, carbs_rules = charts.tidy_top(max(*(d.carbs_g for d in days), 1.0), 2)
        height, n = 290.0, len(days)
        insulin = Frame(width, height, 40, 12, 28, 142, 0.0, n, 0.0, top)
        carbs = Frame(width, height, 40, 12, 176, 24, 0.0, n, 0.0, carbs_top)
        parts = [
            charts.grid(insulin, rules, "insulin, U"),
            charts.grid(carbs, carbs_rules, "carbohydrate, g"),
        ]
        half = min(0.32 * (width - 52) / n, WIDEST_BAR_PX / 2)
        for i, day in enumerate(days):
            x = float(insulin.x(i + 0.5))
            basal = day.basal_u + day.long_acting_u
            y0, y1, y2 = (float(insulin.y(v)) for v in (0.0, basal, basal + day.bolus_u))
            parts.append(charts.box(x - half, y1, 2 * half, y0 - y1, BASAL))
            parts.append(charts.box(x - half, y2, 2 * half, y1 - y2, BOLUS))
            c0, c1 = float(carbs.y(0.0)), float(carbs.y(day.carbs_g))
            parts.append(charts.box(x - half, c1, 2 * half, c0 - c1, CARBS))
        every = 1 if width > 500 else 3
        shown = range(0, n, every)
        parts.append(
            charts.ticks(carbs, [i + 0.5 for i in shown], [days[i].label[4:] for i in shown])
        )
        told = f"Insulin between {min(total):.0f} and {max(total):.0f} U a day over {n} days"
        return charts.picture(insulin, parts, "Insulin and carbohydrate by day", told)

    return both(draw)


def twin_fit(minutes: Array, readings: Array, low: Array, high: Array, likely: Array) -> str:
    """Return the last days: readings as dots, the twin's most probable course and its band."""

    def draw(width: float) -> str:
        keep = slice(None) if width > 500 else slice(-289, None)
        at = minutes[keep]
        frame = glucose_frame(width, 250, float(at[0]), float(at[-1]), 350.0)
        begin = int(np.ceil(at[0] / 720.0))
        marks = [720.0 * k for k in range(begin, int(at[-1] // 720.0) + 1)]
        parts = [
            *backdrop(frame),
            charts.band(frame, at, low[keep], high[keep], PROPOSED, 0.22),
            charts.line(frame, at, likely[keep], PROPOSED, 2.0),
            charts.dots(frame, at, readings[keep], charts.INK, 1.5),
            charts.ticks(frame, marks, [clock(m) for m in marks]),
        ]
        return charts.picture(frame, parts, "Twin beside the readings", "Dots are readings")

    return both(draw)


def limit_bar(share: float, passed: bool) -> str:
    """Return how much of a limit a bound uses up; the limit is the mark at two thirds."""
    frame = Frame(150, 16, 1, 1, 1, 1, 0.0, 1.5, 0.0, 1.0)
    x0, x1 = float(frame.x(0.0)), float(frame.x(max(share, 0.0)))
    mark = float(frame.x(1.0))
    colour = "#2f8f63" if passed else "#b3261e"
    parts = [
        charts.box(x0, 4, float(frame.x(1.5)) - x0, 8, "#e6ebef"),
        charts.box(x0, 4, x1 - x0, 8, colour),
        f'<path d="M{charts.number(mark)},1V15" stroke="{charts.INK}" stroke-width="2"/>',
    ]
    return charts.picture(frame, parts, "Bound against limit", f"{share:.0%} of the limit")


def known_bar(ratio: float) -> str:
    """Return how much of the prior's spread is left: a short bar is well known."""
    frame = Frame(150, 16, 1, 1, 1, 1, 0.0, 1.0, 0.0, 1.0)
    parts = [
        charts.box(1, 4, 148, 8, "#e6ebef"),
        charts.box(1, 4, float(frame.x(ratio)) - 1, 8, "#3f7fb5"),
    ]
    return charts.picture(frame, parts, "Spread left", f"{ratio:.0%} of the prior's")
