"""Draws an episode of blood-pressure treatment: pressure, target, doses in mg, potassium."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.formulary import CLASSES, DRUGS
from ..therapy.pressure_protocols import LIMITS
from .render import BLUE, DPI, GREEN, GREY, HEIGHT_IN, ORANGE, RED, WIDTH_IN

TICKS = 14
SMALL = 7


def draw_course(task: Any, track: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an RGB image (450, 800, 3) of an episode's log rows so far (T, K)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    course = {name: track[:, i] for i, name in enumerate(task.log_columns)}
    course["week"] = course["time_min"] / 10080.0
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2.1, 1))
    _pressure(top, course, task.target)
    _doses(middle, course, task.cohort.formulary.drugs)
    _potassium(bottom, course)
    weeks = task.days / 7.0
    every = 4.0 * np.ceil(weeks / 4.0 / TICKS)
    bottom.set_xticks(np.arange(0.0, weeks + 1e-9, every))
    bottom.set_xlabel("weeks since the first visit")
    # Room beside the frame, so that the first and the last visit show.
    bottom.set_xlim(-0.015 * weeks, 1.015 * weeks)
    figure.align_ylabels()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _pressure(axes: Any, course: dict[str, Any], target: tuple[float, float]) -> None:
    came = course["attended"] > 0.0
    for name, color, below in (("sbp", BLUE, target[0]), ("dbp", ORANGE, target[1])):
        kind = "systolic" if name == "sbp" else "diastolic"
        axes.axhline(below, color=color, lw=0.9, ls="--", alpha=0.7)
        axes.plot(course["week"], course[f"{name}_mmhg"], color=color, lw=1.6, label=f"true {kind}")
        measured = course[f"measured_{name}_mmhg"][came]
        axes.plot(
            course["week"][came], measured, "o", ms=3.5, mfc="white", mec=color, label="measured"
        )
    axes.axhline(LIMITS.sbp_low_mmhg, color=RED, lw=0.8, ls=":")
    seen = np.concatenate([course["sbp_mmhg"], course["measured_sbp_mmhg"]])
    axes.set_ylim(50.0, max(200.0, float(seen.max()) + 10.0))
    axes.set_ylabel("mmHg", fontsize=8)
    axes.legend(loc="upper right", ncols=4, fontsize=SMALL, frameon=False)
    goal = f"target below {target[0]:g}/{target[1]:g} mmHg (dashed)"
    axes.set_title(f"{goal}; limit of {LIMITS.sbp_low_mmhg:g} mmHg systolic (dotted)", fontsize=9)


def _doses(axes: Any, course: dict[str, Any], drugs: tuple[str, ...]) -> None:
    """Draw one bar for each stretch of one dose, named by its mg; darker for higher doses."""
    week = course["week"]
    # A row of the log names the regimen of the interval that ends there.
    for row, (kind, drug) in enumerate(zip(CLASSES, drugs, strict=True)):
        dose = course[f"dose_{kind}"][1:]
        edges = np.flatnonzero(np.diff(dose, prepend=np.nan, append=np.nan))
        for first, last in pairwise(edges.tolist()):
            if dose[first] == 0.0:
                continue
            start, stop = week[first], week[last]
            shade = 0.25 + 0.55 * min(float(dose[first]), 2.0) / 2.0
            axes.barh(row, stop - start, left=start, height=0.78, color=BLUE, alpha=shade, lw=0)
            axes.text(
                start + 0.2, row, f"{dose[first] * DRUGS[drug].standard_mg:g}", fontsize=SMALL,
                va="center", color="white" if shade > 0.6 else "black", clip_on=True,
            )  # fmt: skip
    axes.set_yticks(range(len(CLASSES)), drugs, fontsize=SMALL)
    axes.set_ylim(len(CLASSES) - 0.5, -0.5)
    axes.set_ylabel("mg a day", fontsize=8)
    axes.grid(axis="x", color=GREY, alpha=0.15, lw=0.6)


def _potassium(axes: Any, course: dict[str, Any]) -> None:
    axes.axhspan(LIMITS.potassium_low, LIMITS.potassium_high, color=GREEN, alpha=0.12, lw=0)
    axes.plot(course["week"], course["potassium_mmol_l"], color=BLUE, lw=1.4)
    axes.set_yticks([LIMITS.potassium_low, LIMITS.potassium_high])
    axes.tick_params(axis="y", labelsize=SMALL)
    axes.set_ylim(2.8, 6.4)
    axes.set_ylabel("K, mmol/L", fontsize=8)
