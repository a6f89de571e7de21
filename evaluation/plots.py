"""Pictures of an evaluation: the modal day by age group."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..therapy.protocols import LEVELS
from .rollout import Rollout
from .write import write_bytes

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MINUTES_A_DAY = 1440


def modal_day(runs: Sequence[Rollout], group: str) -> tuple[np.ndarray, np.ndarray]:
    """Return hours (n,) and glucose quantiles (5, n), mg/dL, of a group's days, overlaid."""
    step = int(runs[0].step_min)
    clocks, values = [], []
    for run in runs:
        lanes = [i for i, g in enumerate(run.groups) if g == group]
        glucose = run.series["glucose_mg_dl"][:, lanes]
        minutes = np.arange(len(glucose))[:, None] * step + run.start_min[lanes][None]
        clocks.append((minutes % MINUTES_A_DAY).astype(np.int64).ravel() // step)
        values.append(glucose.ravel())
    clock, glucose = np.concatenate(clocks), np.concatenate(values)
    bins = range(MINUTES_A_DAY // step)
    quantiles = np.array([np.quantile(glucose[clock == k], QUANTILES) for k in bins]).T
    return np.arange(MINUTES_A_DAY // step) * step / 60.0, quantiles


def modal_day_png(runs: Sequence[Rollout], path: str | Path, *, title: str) -> None:
    """Draw one panel per age group and write it as PNG, whole or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(g for run in runs for g in run.groups))
    figure = Figure(figsize=(4.2 * len(groups) + 0.6, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(1, len(groups), sharey=True))
    for axes, group in zip(panels, groups, strict=True):
        _panel(axes, *modal_day(runs, group), group)
    panels[0].set_ylabel("glucose, mg/dL")
    panels[0].legend(loc="upper left", fontsize=8)
    figure.suptitle(title)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_bytes(path, picture.getvalue())


def _panel(axes: Any, hours: np.ndarray, q: np.ndarray, group: str) -> None:
    axes.axhspan(LEVELS.low, LEVELS.high, color="#14B85C", alpha=0.12, lw=0)
    axes.fill_between(hours, q[0], q[4], color="#1f4e9c", alpha=0.15, lw=0, label="5-95 %")
    axes.fill_between(hours, q[1], q[3], color="#1f4e9c", alpha=0.3, lw=0, label="25-75 %")
    axes.plot(hours, q[2], color="#1f4e9c", label="median")
    axes.axhline(LEVELS.very_low, color="#A30014", lw=0.8, ls=":")
    axes.set(title=group, xlabel="hour of day", ylim=(20, 400))
    axes.set(xlim=(0, 24), xticks=range(0, 25, 6))
