"""What a person's pump is programmed to, as a twin keeps it in its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ..records.series import DailySchedule, constant_schedule
from ..records.timeline import Timeline
from .observations import Observations

SCHEDULES: Final = (
    "basal_u_per_h",
    "carb_ratio_g_per_u",
    "correction_mg_dl_per_u",
    "target_mg_dl",
)


def settings_of(timeline: Timeline, seen: Observations) -> dict[str, Any]:
    """Return the schedules that a record states, and when in the person's day it ends.

    Where it states no basal schedule, the mean of the rates delivered stands for it; long-acting
    insulin counts as a rate.
    """
    end_s = seen.start_s + 60.0 * len(seen.insulin)
    end = float(timeline.local_minute_of_day(np.array([end_s]))[0])
    told: dict[str, Any] = {"end_minute": end}
    for name in SCHEDULES:
        stated = getattr(timeline.settings, name)
        if stated is not None:
            told[name] = _pairs(stated)
    if "basal_u_per_h" not in told:
        rate = _delivered(timeline, seen)
        if rate is not None:
            told["basal_u_per_h"] = _pairs(constant_schedule(rate))
    return told


def _pairs(schedule: DailySchedule) -> list[list[float]]:
    pairs = zip(schedule.minute_of_day.tolist(), schedule.value.tolist(), strict=True)
    return [[float(minute), float(value)] for minute, value in pairs]


def _delivered(timeline: Timeline, seen: Observations) -> float | None:
    """Return the mean basal rate delivered, U/h."""
    basal, days = timeline.basal, max(seen.days, 1e-9)
    if basal is not None and len(basal):
        return float(np.average(basal.u_per_h, weights=basal.end_s - basal.start_s))
    if len(timeline.long_acting):
        end = seen.start_s + 86400.0 * seen.days
        return float(timeline.long_acting.between(seen.start_s, end).units.sum() / days / 24.0)
    return None


def schedule(settings: Mapping[str, Any], name: str) -> DailySchedule | None:
    """Return a schedule of a twin's settings, or None where the record stated none."""
    pairs = settings.get(name)
    if not pairs:
        return None
    minute, value = np.array(pairs, dtype=np.float64).T
    return DailySchedule(minute, value)
