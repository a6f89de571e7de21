"""Writes forecasts as one CSV with truth beside them, in the shape of MetaboNet-Bench's files.

Columns ``id, time, glucose``, then ``pred_30, truth_30`` and so on, mg/dL; one row a forecast. The
column names of the predictions follow that benchmark; its exact file was not seen [unverified].
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ..physiology.errors import InputError
from .forecasts import Forecasts
from .write import write_text

METABONET_MIN = (30, 60, 90, 120)


def export_forecasts(
    made: Sequence[Forecasts], path: str | Path, horizons_min: Sequence[int] = METABONET_MIN
) -> Path:
    """Write one forecaster's forecasts of one or more people.

    Times are in UTC, as the record has them; share no file whose dates were not shifted.

    Raises
    ------
    InputError
        If there are none, they are of several forecasters, or a horizon was not forecast.
    """
    names = {one.forecaster for one in made}
    if len(names) != 1:
        raise InputError(f"forecasts are of {sorted(names)}; give those of one forecaster")
    missing = sorted({h for one in made for h in horizons_min if h not in one.horizons_min})
    if missing:
        raise InputError(f"horizons {missing} min were not forecast; forecast them, or leave out")
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    head = [f"{kind}_{h}" for h in horizons_min for kind in ("pred", "truth")]
    out.writerow(["id", "time", "glucose", *head])
    for one in made:
        at = [one.horizons_min.index(h) for h in horizons_min]
        both = np.stack([one.point[:, at], one.truth[:, at]], axis=2).reshape(len(one.origin), -1)
        for time, last, row in zip(one.time_s, one.last, both, strict=True):
            stamp = datetime.fromtimestamp(float(time), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            cells = ["" if np.isnan(v) else f"{v:.1f}" for v in row]
            out.writerow([one.person, stamp, f"{last:.1f}", *cells])
    return write_text(path, text.getvalue())
