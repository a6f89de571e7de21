"""Draws the day so far: glucose with its target band, insulin and meals below."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.protocols import LEVELS

WIDTH_IN, HEIGHT_IN, DPI = 8.0, 4.5, 100


def draw_day(task: Any, track: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an RGB image (450, 800, 3) of the last 24 hours of an episode's log rows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    column = {name: i for i, name in enumerate(task.log_columns)}
    rows = track[track[:, column["time_min"]] >= track[-1, column["time_min"]] - 1440.0]
    hours = rows[:, column["time_min"]] / 60.0
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _glucose(top, hours, rows, column)
    _doses(bottom, hours, rows, column, task.step_min)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _glucose(axes: Any, hours: Any, rows: Any, column: dict[str, int]) -> None:
    axes.axhspan(LEVELS.low, LEVELS.high, color="#14B85C", alpha=0.15, lw=0)
    axes.axhline(LEVELS.very_low, color="#A30014", lw=0.8, ls=":")
    axes.axhline(LEVELS.very_high, color="#FF6900", lw=0.8, ls=":")
    axes.plot(hours, rows[:, column["cgm_mg_dl"]], ".", ms=3, color="#555", label="CGM")
    axes.plot(hours, rows[:, column["glucose_mg_dl"]], color="#1f4e9c", lw=1.5, label="true")
    axes.set_ylabel("glucose, mg/dL")
    axes.set_ylim(20, max(300.0, float(rows[:, column["glucose_mg_dl"]].max()) + 20))
    axes.legend(loc="upper right", fontsize=8, ncols=2)


def _doses(axes: Any, hours: Any, rows: Any, column: dict[str, int], step_min: int) -> None:
    axes.step(hours, rows[:, column["basal_u_per_h"]], where="pre", color="#1f4e9c", lw=1)
    axes.set_ylabel("basal, U/h", color="#1f4e9c")
    axes.set_xlabel("time, h")
    twin = axes.twinx()
    given = rows[:, column["bolus_u"]] > 0
    twin.vlines(hours[given], 0, rows[given, column["bolus_u"]], color="#1f4e9c", lw=2)
    eaten = rows[:, column["carbs_eaten_g"]]
    twin.bar(hours, eaten, width=step_min / 60.0, color="#FFA600", alpha=0.8)
    twin.set_ylabel("carbs g / bolus U", fontsize=8)
