"""What the glucose record shows: the modal day, metrics with goals, single days, doses a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..evaluation.metrics import cgm_metrics, display_percentages
from ..records.clock import utc_offset_s, zone_of
from ..records.timeline import Timeline
from ..therapy.protocols import Goal, glucose_preset

Array = NDArray[np.float64]

LONGEST_DAYS: Final = 14
QUANTILES: Final = (0.05, 0.25, 0.50, 0.75, 0.95)
BIN_MIN: Final = 15
# Readings within half an hour either side enter each point of the modal day (project choice).
REACH_MIN: Final = 30
FEWEST_IN_BIN: Final = 5
RANGES: Final = (
    ("time_above_250", "Very high", "above 250"),
    ("time_181_250", "High", "181-250"),
    ("time_in_range", "In range", "70-180"),
    ("time_54_69", "Low", "54-69"),
    ("time_below_54", "Very low", "below 54"),
)


@dataclass(frozen=True)
class ModalDay:
    """Quantiles of glucose over the day: ``minute`` (96,), ``glucose`` (5, 96) in mg/dL."""

    minute: Array
    glucose: Array


@dataclass(frozen=True)
class Day:
    """One local calendar day.

    Parameters
    ----------
    label : str
        Weekday and date.
    minute, glucose : array (n,)
        Local minutes of the day and readings, mg/dL; NaN stands in gaps.
    basal_u, bolus_u, long_acting_u, carbs_g : float
        Given and eaten on this day.
    basal_hours : float
        Hours for which a basal rate is known.
    """

    label: str
    minute: Array
    glucose: Array
    basal_u: float
    bolus_u: float
    long_acting_u: float
    carbs_g: float
    basal_hours: float


def recent(record: Timeline) -> Timeline:
    """Return the last 14 days of a record, counted back from its last reading."""
    end = float(record.glucose.time_s[-1]) + 1.0
    return record.window(end - LONGEST_DAYS * 86400.0, end)


def modal_day(record: Timeline) -> ModalDay:
    """Return the quantiles of all readings by time of day, the day taken as a circle."""
    minute = record.local_minute_of_day(record.glucose.time_s)
    centres: Array = np.arange(0.0, 1440.0, BIN_MIN)
    values = np.full((len(QUANTILES), len(centres)), np.nan)
    for i, centre in enumerate(centres):
        away = np.abs(np.mod(minute - centre + 720.0, 1440.0) - 720.0)
        near = record.glucose.mg_dl[away <= REACH_MIN]
        if near.size >= FEWEST_IN_BIN:
            values[:, i] = np.quantile(near, QUANTILES)
    return ModalDay(centres, values)


def metrics_of(record: Timeline) -> dict[str, float]:
    """Return the consensus metrics of a record, weighted by time."""
    glucose = record.glucose
    minutes = (glucose.time_s - glucose.time_s[0]) / 60.0
    return cgm_metrics(glucose.mg_dl, minutes=minutes)


def ranges_of(metrics: dict[str, float]) -> dict[str, float]:
    """Return the five times in ranges in whole per cent that sum to 100, highest first."""
    return display_percentages({key: metrics[key] for key, _, _ in RANGES})


def goals() -> dict[str, Goal]:
    """Return the goals of the standard preset by metric."""
    return {goal.metric: goal for goal in glucose_preset("standard").goals}


def days_of(record: Timeline) -> list[Day]:
    """Return the local days of a record, the earliest first."""
    zone = zone_of(record.timezone)
    time = record.glucose.time_s
    local = time + utc_offset_s(time, zone)
    first, last = int(local[0] // 86400), int(local[-1] // 86400)
    starts = np.arange(first, last + 2) * 86400.0
    # An offset at noon is never in the hour that a clock change repeats.
    noon = utc_offset_s(starts + 43200.0 - utc_offset_s(starts, zone), zone)
    bounds = starts - noon
    return [
        _day(record, float(a), float(b), float(s))
        for a, b, s in zip(bounds[:-1], bounds[1:], starts[:-1], strict=True)
    ]


def _day(record: Timeline, start: float, end: float, local: float) -> Day:
    part = record.window(start, end)
    minute, glucose = _with_gaps(record, part)
    basal = part.basal
    hours = 0.0 if basal is None else float((basal.end_s - basal.start_s).sum() / 3600.0)
    units = 0.0
    if basal is not None:
        units = float((basal.u_per_h * (basal.end_s - basal.start_s)).sum() / 3600.0)
    label = np.datetime64(int(local), "s").item().strftime("%a %d %b")
    return Day(
        label,
        minute,
        glucose,
        units,
        float(part.boluses.units.sum()),
        float(part.long_acting.units.sum()),
        float(part.meals.carbs_g.sum()),
        hours,
    )


def _with_gaps(record: Timeline, part: Timeline) -> tuple[Array, Array]:
    """Return local minutes and readings with a NaN wherever readings lie over 20 min apart."""
    time, glucose = part.glucose.time_s, np.array(part.glucose.mg_dl)
    minute = record.local_minute_of_day(time)
    order = np.argsort(minute, kind="stable")
    minute, glucose = minute[order], glucose[order]
    far = np.flatnonzero(np.diff(minute) > 20.0) + 1
    return np.insert(minute, far, np.nan), np.insert(glucose, far, np.nan)


def longest_gap_h(record: Timeline) -> float:
    """Return the longest time between two readings, h."""
    gaps = np.diff(record.glucose.time_s)
    return float(gaps.max() / 3600.0) if gaps.size else 0.0
