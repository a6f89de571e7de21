"""Draws an episode of blood-pressure treatment: pressure, target, doses, potassium."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.formulary import CLASSES
from ..therapy.pressure_protocols import LIMITS
from .render import BLUE, DPI, GREEN, GREY, HEIGHT_IN, ORANGE, RED, WIDTH_IN

LABELS = ("ACEi", "ARB", "CCB", "thiazide", "β-blocker", "MRA")


def draw_course(task: Any, track: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an RGB image (450, 800, 3) of an episode's log rows so far (T, K)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    course = {name: track[:, i] for i, name in enumerate(task.log_columns)}
    course["week"] = course["time_min"] / 10080.0
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1.5, 1))
    _pressure(top, course, task.target)
    _doses(middle, course)
    bottom.plot(course["week"], course["potassium_mmol_l"], color=BLUE, lw=1.4)
    for level in (LIMITS.potassium_low, LIMITS.potassium_high):
        bottom.axhline(level, color=RED, lw=0.8, ls=":")
    bottom.set_ylabel("K, mmol/L")
    bottom.set_ylim(3.0, 6.2)
    bottom.set_xlabel("weeks since the first visit")
    bottom.set_xlim(0.0, task.days / 7.0)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _pressure(axes: Any, course: dict[str, Any], target: tuple[float, float]) -> None:
    for level in target:
        axes.axhline(level, color=GREEN, lw=1.0)
    axes.axhline(LIMITS.sbp_low_mmhg, color=RED, lw=0.8, ls=":")
    for name, color in (("sbp", BLUE), ("dbp", ORANGE)):
        axes.plot(course["week"], course[f"{name}_mmhg"], color=color, lw=1.6)
        axes.plot(course["week"], course[f"measured_{name}_mmhg"], ".", ms=4, color=GREY)
    axes.set_ylim(50.0, 200.0)
    axes.set_ylabel("mmHg")
    axes.set_title(
        f"true pressure (lines), measured (dots), target below {target[0]:g}/{target[1]:g} mmHg",
        fontsize=9,
    )


def _doses(axes: Any, course: dict[str, Any]) -> None:
    for row, kind in enumerate(CLASSES):
        dose = course[f"dose_{kind}"]
        for t in range(1, len(dose)):
            if dose[t] > 0.0:
                week = course["week"]
                axes.fill_between(
                    week[t - 1 : t + 1], row - 0.1 * 2 ** min(dose[t], 2.0),
                    row + 0.1 * 2 ** min(dose[t], 2.0), color=BLUE, lw=0,
                )  # fmt: skip
    axes.set_yticks(range(len(CLASSES)), LABELS, fontsize=7)
    axes.set_ylim(len(CLASSES) - 0.5, -0.5)
