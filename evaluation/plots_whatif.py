"""The picture of a what-if: glucose as it was, and as it would have been."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..records.clock import zone_of
from ..therapy.protocols import LEVELS
from ..twins.whatif import QUANTILES, RESEARCH, WhatIf
from .write import write_bytes

LIVED, CHANGED, READING = "#5b6770", "#0b6e8a", "#222222"


def whatif_picture(answer: WhatIf, path: str | Path, timezone: str = "UTC") -> None:
    """Draw both days and their difference with 90 % bands; write PNG or SVG, whole or not at all.

    Parameters
    ----------
    answer : WhatIf
    path : str or Path
        Ends in .png or .svg.
    timezone : str
        Of the clock below the picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A datetime axis, whose numbers matplotlib takes without a type.
    moments = np.array(_local(answer.time_s, timezone), dtype=object)
    figure = Figure(figsize=(9.0, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    _days(upper, answer, moments)
    _difference(lower, answer, moments)
    _doses(upper, answer, timezone)
    _clock(lower, moments)
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    lower.set_xlabel(f"median and 90 % of possible bodies. {RESEARCH}", fontsize=8, color=LIVED)
    figure.align_ylabels()
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(path).suffix.lstrip("."), dpi=130)
    write_bytes(path, picture.getvalue())


def _local(time_s: Iterable[float], timezone: str) -> list[datetime]:
    zone = zone_of(timezone)
    return [datetime.fromtimestamp(float(t), UTC).astimezone(zone) for t in time_s]


def _days(axes: Any, answer: WhatIf, moments: Any) -> None:
    axes.axhspan(LEVELS.low, LEVELS.high, color="#e3f4ea", lw=0, zorder=0)
    for level in (LEVELS.very_low, LEVELS.low, LEVELS.high, LEVELS.very_high):
        axes.axhline(level, color="#b9c2c7", lw=0.6, zorder=1)
    # Dashes tell the two apart where colours do not.
    for values, colour, dashes, words in (
        (answer.lived, LIVED, "--", "as lived"),
        (answer.changed, CHANGED, "-", answer.change.words()),
    ):
        low, middle, high = np.quantile(values, QUANTILES, axis=1)
        axes.fill_between(moments, low, high, color=colour, alpha=0.2, lw=0, zorder=2)
        axes.plot(moments, middle, dashes, color=colour, lw=1.8, label=words, zorder=3)
    axes.plot(moments, answer.reading, ".", ms=2.5, color=READING, label="readings", zorder=4)
    highest = [np.quantile(v, QUANTILES[-1], axis=1) for v in (answer.lived, answer.changed)]
    top = max(280.0, float(np.nanmax([*highest, answer.reading]))) + 20.0
    axes.set(ylim=(40.0, min(top, 500.0)), xlim=(moments[0], moments[-1]), ylabel="glucose, mg/dL")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)


def _difference(axes: Any, answer: WhatIf, moments: Any) -> None:
    low, middle, high = np.quantile(answer.changed - answer.lived, QUANTILES, axis=1)
    axes.axhline(0.0, color="#b9c2c7", lw=0.8)
    axes.fill_between(moments, low, high, color=CHANGED, alpha=0.2, lw=0)
    axes.plot(moments, middle, color=CHANGED, lw=1.8)
    axes.set(ylabel="difference")
    # A difference of a few mg/dL must not look like a large one.
    reach = max(20.0, float(np.abs([low, high]).max()))
    axes.set(ylim=(-1.1 * reach if low.min() < -1.0 else -0.15 * reach,
                   1.1 * reach if high.max() > 1.0 else 0.15 * reach))  # fmt: skip


def _doses(axes: Any, answer: WhatIf, timezone: str) -> None:
    """Mark when amounts were added."""
    change = answer.change
    added = [(t, f"{v:+g} U") for t, v in change.boluses]
    added += [(t, f"{v:+g} g") for t, v in change.meals]
    for moment, (_, words) in zip(_local([t for t, _ in added], timezone), added, strict=True):
        axes.axvline(moment, color=CHANGED, lw=0.9, ls=":", zorder=1)
        axes.annotate(
            words, (moment, 1.0), xycoords=("data", "axes fraction"), xytext=(3, -10),
            textcoords="offset points", fontsize=8, color=CHANGED,
        )  # fmt: skip


def _clock(axes: Any, moments: Any) -> None:
    """Write hours, and the date once a day."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    zone = moments[0].tzinfo
    # Matplotlib's dates are untyped.
    locators: Any = AutoDateLocator
    formats: Any = ConciseDateFormatter
    locator = locators(tz=zone, minticks=4, maxticks=9)
    hours = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"]
    first = ["", "%Y", "%b", "%d %b", "%H:%M", "%H:%M"]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        formats(locator, tz=zone, formats=hours, zero_formats=first, show_offset=False)
    )
