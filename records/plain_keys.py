"""The ``# key: value`` lines of the plain CSV: who, where and which settings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

import numpy as np

from ..physiology.errors import InputError
from ..physiology.units import mmol_l_to_mg_dl
from .series import DailySchedule, TherapySettings
from .values import number_of

NUMBER_KEYS = ("weight_kg", "age_years", "insulin_duration_h")
SCHEDULE_KEYS = ("basal_u_per_h", "carb_ratio_g_per_u", "correction_mg_dl_per_u", "target_mg_dl")
MOLAR_KEYS = {
    "correction_mmol_l_per_u": "correction_mg_dl_per_u",
    "target_mmol_l": "target_mg_dl",
}
KEYS = ("subject", "timezone", *NUMBER_KEYS, *SCHEDULE_KEYS, *MOLAR_KEYS)

_KEY_LINE = re.compile(r"#\s*([A-Za-z_]+)\s*:\s*(.*)", re.ASCII)


def take_key(line: str, keys: dict[str, str]) -> None:
    """Read one settings line; an unknown key close to a known one is a slip, else a comment."""
    match = _KEY_LINE.fullmatch(line)
    if match is None:
        return
    key = match[1].lower()
    if key in KEYS:
        keys[key] = match[2].strip().strip('"')
        return
    close = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.75)
    if close:
        raise InputError(f"plain CSV: the key '{key}' is unknown; did you mean '{close[0]}'?")


def read_settings(keys: Mapping[str, str]) -> TherapySettings:
    """Read the settings lines.

    Raises
    ------
    InputError
        When a value is neither a number nor a schedule.
    """
    schedules = {key: parse_schedule(key, keys[key]) for key in SCHEDULE_KEYS if keys.get(key)}
    for molar, name in MOLAR_KEYS.items():
        if keys.get(molar):
            schedules[name] = parse_schedule(molar, keys[molar]).scaled(mmol_l_to_mg_dl(1.0))
    numbers: dict[str, float] = {}
    for key in NUMBER_KEYS:
        if keys.get(key):
            value = number_of(keys[key])
            if value is None:
                raise InputError(f"plain CSV: {key} is {keys[key][:30]!r}; write one number")
            numbers[key] = value
    return TherapySettings(**schedules, **numbers)  # type: ignore[arg-type]


def parse_schedule(name: str, text: str) -> DailySchedule:
    """Read ``0.8`` or ``00:00=0.8, 06:00=1.1``.

    Raises
    ------
    InputError
        When a part is not a clock time and a number.
    """
    steps: dict[float, float] = {}
    for part in re.split(r"[,;]\s*", text.strip()):
        at, sign, value = part.rpartition("=")
        match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", at.strip()) if sign else None
        number = number_of(value)
        if number is None or (sign and match is None):
            raise InputError(
                f"plain CSV: {name} is {text[:40]!r}; write '0.8' or '00:00=0.8, 06:00=1.1'"
            )
        hour, minute, second = (int(match[i] or 0) for i in (1, 2, 3)) if match else (0, 0, 0)
        steps[hour * 60 + minute + second / 60] = number
    minutes = sorted(steps)
    return DailySchedule(np.array(minutes), np.array([steps[at] for at in minutes]))
