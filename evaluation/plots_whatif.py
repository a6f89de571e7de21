"""The picture of a what-if: glucose as it was, and as it would have been."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..records.clock import zone_of
from ..therapy.protocols import LEVELS
from ..twins.whatif import QUANTILES, RESEARCH, WhatIf
from .write import write_bytes

LIVED, CHANGED, READING = "#5b6770", "#0b6e8a", "#222222"


def whatif_picture(answer: WhatIf, path: str | Path, timezone: str = "UTC") -> None:
    """Draw both days with their 90 % bands and write them as PNG or SVG, whole or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import DateFormatter
    from matplotlib.figure import Figure

    zone = zone_of(timezone)
    time = [datetime.fromtimestamp(t, UTC).astimezone(zone) for t in answer.time_s.tolist()]
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.axhspan(LEVELS.low, LEVELS.high, color="#e3f4ea", lw=0, zorder=0)
    for level in (LEVELS.very_low, LEVELS.low, LEVELS.high, LEVELS.very_high):
        axes.axhline(level, color="#b9c2c7", lw=0.6, zorder=1)
    # A datetime axis, whose numbers matplotlib takes without a type.
    moments = np.array(time, dtype=object)
    for values, colour, words in (
        (answer.lived, LIVED, "as lived"), (answer.changed, CHANGED, answer.change.words()),
    ):  # fmt: skip
        low, middle, high = np.quantile(values, QUANTILES, axis=1)
        axes.fill_between(moments, low, high, color=colour, alpha=0.2, lw=0, zorder=2)
        axes.plot(moments, middle, color=colour, lw=1.8, label=words, zorder=3)
    axes.plot(moments, answer.reading, ".", ms=2.5, color=READING, label="readings", zorder=4)
    top = max(300.0, float(np.nanmax([np.quantile(answer.changed, 0.95), *answer.reading])) + 20.0)
    axes.set(ylim=(40.0, min(top, 500.0)), xlim=(time[0], time[-1]), ylabel="glucose, mg/dL")
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M\n%d %b", tz=zone))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.14), ncols=3, frameon=False)
    axes.set_xlabel(f"median and 90 % of possible bodies. {RESEARCH}", fontsize=8, color="#5b6770")
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(path).suffix.lstrip("."), dpi=130)
    write_bytes(path, picture.getvalue())
