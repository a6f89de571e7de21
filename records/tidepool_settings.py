"""Tidepool's pump settings into therapy settings: schedules in milliseconds of the local day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..physiology.units import mmol_l_to_mg_dl
from .series import MINUTES_PER_DAY, DailySchedule, TherapySettings
from .values import number_of

MS_PER_MIN = 60_000.0
ABSURD = 1e6  # far outside any setting's limit, and safe to multiply


def settings_of(row: Mapping[str, Any]) -> TherapySettings:
    """Read one `pumpSettings` datum; what it does not say stays None.

    Parameters
    ----------
    row : JSON object
        Schedules stand under the name of the active one, or plain on older pumps.

    Returns
    -------
    TherapySettings
    """
    units = row.get("units")
    units = units if isinstance(units, dict) else {}
    molar = not str(units.get("bg") or "mmol/L").lower().startswith("mg")
    scale = float(mmol_l_to_mg_dl(1.0)) if molar else 1.0
    in_grams = str(units.get("carb") or units.get("carbs") or "grams").lower() == "grams"
    ratio = _schedule(_active(row, "carbRatio"), _amount)
    factor = _schedule(_active(row, "insulinSensitivity"), _amount)
    target = _schedule(_active(row, "bgTarget"), _middle)
    return TherapySettings(
        basal_u_per_h=_schedule(_active(row, "basalSchedule"), _rate),
        carb_ratio_g_per_u=ratio if in_grams else None,
        correction_mg_dl_per_u=None if factor is None else factor.scaled(scale),
        target_mg_dl=None if target is None else target.scaled(scale),
    )


def _active(row: Mapping[str, Any], name: str) -> object:
    """Return the active schedule: ``carbRatios[active]``, or the one ``carbRatio`` of old pumps."""
    plural = {"insulinSensitivity": "insulinSensitivities"}.get(name, f"{name}s")
    schedules = row.get(plural)
    if isinstance(schedules, dict):
        return schedules.get(str(row.get("activeSchedule")))
    return row.get(name)


def _rate(step: Mapping[str, Any]) -> float | None:
    return number_of(step.get("rate"))


def _amount(step: Mapping[str, Any]) -> float | None:
    return number_of(step.get("amount"))


def _middle(step: Mapping[str, Any]) -> float | None:
    """Return the target, or the middle of its bounds: makers write low and high, or target."""
    target = number_of(step.get("target"))
    low, high = number_of(step.get("low")), number_of(step.get("high"))
    if target is not None:
        return target
    return high if low is None else low if high is None else (low + high) / 2


def _schedule(
    steps: object, value_of: Callable[[Mapping[str, Any]], float | None]
) -> DailySchedule | None:
    """Read steps of one day; a schedule with a broken step is not used at all."""
    if not isinstance(steps, list) or not steps:
        return None
    found: dict[float, float] = {}
    for step in steps:
        start = number_of(step.get("start")) if isinstance(step, dict) else None
        value = value_of(step) if isinstance(step, dict) else None
        minute = -1.0 if start is None else start / MS_PER_MIN
        if value is None or abs(value) > ABSURD or not 0 <= minute < MINUTES_PER_DAY:
            return None
        found[minute] = value
    minutes = sorted(found)
    return DailySchedule(np.array(minutes), np.array([found[minute] for minute in minutes]))
