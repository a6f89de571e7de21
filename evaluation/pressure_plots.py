"""Pictures of a blood-pressure evaluation: the course of true pressure by group."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.pressure_protocols import TARGETS
from .trajectory import Rollout
from .write import write_bytes

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MINUTES_A_WEEK = 10_080.0
INKS = {"sbp_mmhg": ("systolic", "#1f4e9c"), "dbp_mmhg": ("diastolic", "#9c4a1f")}


def pressure_course(
    runs: Sequence[Rollout], group: str, column: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weeks since entry (T+1,) and quantiles (5, T+1) of a group's pressure, mmHg.

    Visits are counted, not dated: with intervals of the policy's choice a week is the median date.
    """
    weeks, values = [], []
    for run in runs:
        lanes = [i for i, g in enumerate(run.groups) if g == group]
        minutes = run.series["time_min"][:, lanes].astype(np.float64)
        weeks.append((minutes - minutes[:1]) / MINUTES_A_WEEK)
        values.append(run.series[column][:, lanes].astype(np.float64))
    return (
        np.median(np.concatenate(weeks, axis=1), axis=1),
        np.quantile(np.concatenate(values, axis=1), QUANTILES, axis=1),
    )


def pressure_course_png(runs: Sequence[Rollout], path: str | Path, *, title: str) -> None:
    """Draw one panel per group and write it as PNG, whole or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    groups = list(dict.fromkeys(g for run in runs for g in run.groups))
    figure = Figure(figsize=(4.2 * len(groups) + 0.6, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(1, len(groups), sharey=True))
    for axes, group in zip(panels, groups, strict=True):
        _panel(axes, runs, group)
    panels[0].set_ylabel("true pressure, mmHg")
    panels[0].legend(loc="upper right", fontsize=8)
    figure.suptitle(title)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    write_bytes(path, picture.getvalue())


def _panel(axes: Any, runs: Sequence[Rollout], group: str) -> None:
    target = TARGETS["acc_aha_2025"]
    for column, (name, ink) in INKS.items():
        weeks, q = pressure_course(runs, group, column)
        axes.fill_between(weeks, q[0], q[4], color=ink, alpha=0.15, lw=0)
        axes.fill_between(weeks, q[1], q[3], color=ink, alpha=0.3, lw=0)
        axes.plot(weeks, q[2], color=ink, label=f"{name}: median, 25-75 %, 5-95 %")
    for limit in (target.sbp_mmhg, target.dbp_mmhg):
        axes.axhline(limit, color="#2b7a3d", lw=0.8, ls=":")
    axes.set(title=group, xlabel="weeks since entry", ylim=(40, 200))
