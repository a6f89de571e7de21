"""The reliability table a twin carries: how well its kind of fit foretold a day not shown to it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..physiology.errors import InputError
from ..records.timeline import Timeline
from ..twins.twin import Twin
from .forecast_baselines import Linear, Persistence
from .forecast_scores import cells, scores
from .forecast_twin import MEMBERS, Fits, TwinForecaster
from .forecasts import HORIZONS_MIN, roll
from .history import SAMPLE_MIN, journal_of

SAMPLES_A_DAY = 1440 // SAMPLE_MIN
SHORTEST_DAYS = 2.0
KEPT = ("n", "rmse", "mae", "bias", "crps", "coverage_50", "coverage_80", "coverage_90", "width_90")


def reliability_table_of(
    record: Timeline, *, weight_kg: float | None = None, every: int = 1, members: int = MEMBERS
) -> dict[str, Any]:
    """Forecast the last day of a record by twins fitted to what lies before it.

    Parameters
    ----------
    record : Timeline
    weight_kg : float, optional
        Where the record does not state it.
    every : int
        Each how many readings a forecast is made.
    members : int
        Draws of the twins.

    Returns
    -------
    dict
        ``days`` learnt from, and ``minutes``: by horizon (text, so that JSON keeps it) and
        forecaster the scores of ``forecast_scores.scores``.

    Raises
    ------
    InputError
        If the record is shorter than two days.
    """
    if record.span_days < SHORTEST_DAYS:
        raise InputError(
            f"the record holds {record.span_days:.1f} days; a reliability table needs "
            f"{SHORTEST_DAYS:g}: one to learn from and one to forecast"
        )
    journal, fits = journal_of(record), Fits(weight_kg)
    first = len(journal) - SAMPLES_A_DAY
    twins = [TwinForecaster(fits, assimilate=a, members=members) for a in (False, True)]
    made = roll(journal, [Persistence(), Linear(), *twins], first=first, every=every)
    minutes: dict[str, dict[str, dict[str, float]]] = {}
    for horizon in HORIZONS_MIN:
        found = {name: scores(cells(f, horizon)) for name, f in made.items()}
        minutes[str(horizon)] = {
            name: {key: round(row[key], 3) for key in KEPT} for name, row in found.items()
        }
    return {"days": first / SAMPLES_A_DAY, "minutes": minutes}


def with_reliability(twin: Twin, record: Timeline, *, every: int = 1) -> Twin:
    """Return a twin that carries the reliability table of its record.

    The clinic's gates then ask, besides the held-out day, that an hour ahead the filtered twin
    beats the last reading and covers what it says.

    Raises
    ------
    InputError
        If the record is not the twin's, or too short.
    """
    if twin.record_sha256 != record.source_sha256:
        raise InputError("the record is not the one that the twin was fitted to; give that one")
    weight = None if record.settings.weight_kg else _weight(twin)
    table = reliability_table_of(record, weight_kg=weight, every=every)
    return replace(twin, quality={**twin.quality, "reliability": table})


def _weight(twin: Twin) -> float:
    return math.exp(twin.where.centre["BW"])
