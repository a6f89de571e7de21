"""Draws the last 24 hours of an episode: glucose in its target band, meals, insulin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.protocols import LEVELS

WIDTH_IN, HEIGHT_IN, DPI = 8.0, 4.5, 100
HOURS = 24.0
BLUE, ORANGE, GREEN, RED, GREY = "#1f4e9c", "#E07B00", "#14B85C", "#A30014", "#666666"
GLUCOSE_AXIS_MG_DL = (20.0, 320.0)


def draw_day(task: Any, track: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an RGB image (450, 800, 3) of the last 24 hours of an episode's log rows (T, K)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = {name: i for i, name in enumerate(task.log_columns)}
    now = track[-1, names["time_min"]]
    begin = max(track[0, names["time_min"]], now - HOURS * 60.0)
    rows = track[track[:, names["time_min"]] >= begin]
    day = {name: rows[:, i] for name, i in names.items()}
    day["hour"] = day["time_min"] / 60.0
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.2))
    _glucose(top, day)
    _insulin(bottom, day)
    bottom.set_xlim(begin / 60.0, begin / 60.0 + HOURS)
    ticks = np.arange(np.ceil(begin / 180.0) * 3.0, begin / 60.0 + HOURS + 1e-9, 3.0)
    bottom.set_xticks(ticks, [f"{int(h) % 24:02d}:00" for h in ticks])
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _glucose(axes: Any, day: dict[str, Any]) -> None:
    axes.axhspan(LEVELS.low, LEVELS.high, color=GREEN, alpha=0.13, lw=0)
    for level in (LEVELS.very_low, LEVELS.very_high):
        axes.axhline(level, color=RED, lw=0.8, ls=":")
    axes.plot(day["hour"], day["cgm_mg_dl"], ".", ms=3, color=GREY, label="CGM")
    axes.plot(day["hour"], day["glucose_mg_dl"], color=BLUE, lw=1.6, label="true glucose")
    low, high = GLUCOSE_AXIS_MG_DL
    axes.set_ylim(low, max(high, float(max(day["glucose_mg_dl"].max(), day["cgm_mg_dl"].max()))))
    axes.set_yticks([LEVELS.very_low, LEVELS.low, LEVELS.high, LEVELS.very_high])
    axes.set_ylabel("glucose, mg/dL")
    hours, grams = meals(day["hour"], day["carbs_eaten_g"])
    axes.plot(hours, np.full(len(hours), low + 8.0), "^", color=ORANGE, label="meal, g")
    for hour, amount in zip(hours, grams, strict=True):
        axes.annotate(
            f"{amount:.0f}", (hour, low + 8.0), (6, -3), textcoords="offset points",
            fontsize=8, color=ORANGE, annotation_clip=True,
        )  # fmt: skip
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize=8, ncols=3, frameon=False)


def _insulin(axes: Any, day: dict[str, Any]) -> None:
    hour, basal = day["hour"], day["basal_u_per_h"]
    axes.fill_between(hour, basal, step="pre", color=BLUE, alpha=0.25, lw=0)
    axes.step(hour, basal, where="pre", color=BLUE, lw=1.0)
    axes.set_ylim(0.0, max(1.0, 1.15 * float(basal.max())))
    axes.set_ylabel("basal, U/h", color=BLUE)
    axes.set_xlabel("time of day")
    given = day["bolus_u"] > 0.0
    if given.any():
        twin = axes.twinx()
        twin.vlines(hour[given], 0.0, day["bolus_u"][given], color=RED, lw=2.0)
        twin.set_ylim(0.0, max(1.0, 1.15 * float(day["bolus_u"].max())))
        twin.set_ylabel("bolus, U", color=RED)


def meals(hour: NDArray[np.float64], eaten_g: NDArray[np.float64]) -> tuple[Any, Any]:
    """Return the hours at which eating began, and the grams eaten without a break, arrays (M,)."""
    eating = np.concatenate([[0.0], eaten_g, [0.0]]) > 0.0
    first = np.flatnonzero(eating[1:] & ~eating[:-1])
    last = np.flatnonzero(~eating[1:] & eating[:-1])
    total = np.concatenate([[0.0], np.cumsum(eaten_g)])
    return hour[np.maximum(first - 1, 0)], total[last] - total[first]
