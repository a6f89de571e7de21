"""Nightscout profile documents: named programs of rates, ratios and factors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..physiology.errors import InputError
from ..physiology.units import mmol_l_to_mg_dl
from . import clock
from .limits import MEDIAN_SPLIT_MG_DL
from .quality import Ledger
from .series import MINUTES_PER_DAY, DailySchedule, TherapySettings, constant_schedule
from .values import number_of

STOCK = {"dia": 3.0, "carbratio": 30.0, "sens": 100.0, "basal": 0.1}
"""What Nightscout's profile editor holds before anybody edits it (cgm-remote-monitor)."""


class Program(NamedTuple):
    """One named program of a profile."""

    settings: TherapySettings
    zone_name: str | None


class ProfileDocument(NamedTuple):
    """All programs uploaded at once."""

    start_s: float
    default: str
    programs: Mapping[str, Program]

    def program(self, name: str | None = None) -> Program | None:
        """Return a program by name, else the default one, else the only one."""
        found = self.programs.get(name or self.default)
        if found is None and name is None and len(self.programs) == 1:
            found = next(iter(self.programs.values()))
        return found


def read_documents(rows: Iterable[object], ledger: Ledger) -> list[ProfileDocument]:
    """Read profile documents, earliest first; of two with one start the later made stands."""
    found: list[tuple[float, float, str, ProfileDocument]] = []
    for number, row in enumerate(rows, start=1):
        ledger.see("profile")
        document = _document(row, ledger) if isinstance(row, dict) else None
        if not isinstance(row, dict) or document is None:
            ledger.drop(
                "profile", "no program in it, or left at Nightscout's defaults", f"{number}"
            )
            continue
        made = time_of(row, ("created_at", "srvModified"))
        found.append((document.start_s, made or 0.0, json.dumps(row, sort_keys=True), document))
    return [item[3] for item in sorted(found, key=lambda item: item[:3])]


def time_of(row: Mapping[str, Any], keys: Sequence[str]) -> float | None:
    """Return the first readable time among `keys`: text, or epoch milliseconds or seconds."""
    for key in keys:
        value = row.get(key)
        number = number_of(value)
        if number is not None and number > 0:
            return number / 1000 if number > 1e11 else number
        if isinstance(value, str):
            parsed = clock.parse_time(value)
            if parsed is not None:
                return parsed[0]
    return None


def _document(row: Mapping[str, Any], ledger: Ledger) -> ProfileDocument | None:
    store = row.get("store")
    named = store if isinstance(store, dict) else {"default": row}
    programs = {
        str(name): program_of(item, ledger, row.get("units"))
        for name, item in named.items()
        if isinstance(item, dict) and not _is_stock(item)
    }
    programs = {name: item for name, item in programs.items() if _says_something(item)}
    if not programs:
        return None
    start = time_of(row, ("startDate", "mills", "created_at"))
    return ProfileDocument(
        start if start is not None else clock.EARLIEST_S, str(row.get("defaultProfile")), programs
    )


def _is_stock(program: Mapping[str, Any]) -> bool:
    """Tell whether a program is the one Nightscout starts with, which nobody programmed."""
    for key, stock in STOCK.items():
        schedule = schedule_of(program.get(key))
        if schedule is None or schedule.value.tolist() != [stock]:
            return False
    return True


def _says_something(program: Program) -> bool:
    settings = program.settings
    return settings.basal_u_per_h is not None or settings.carb_ratio_g_per_u is not None


def program_of(
    program: Mapping[str, Any], ledger: Ledger, document_units: object = None
) -> Program:
    """Read one program; correction factors and targets in mmol/L become mg/dL.

    Parameters
    ----------
    program : mapping
        With `basal`, `carbratio`, `sens`, `target_low`, `target_high`, `dia`, `timezone`, `units`.
    ledger : Ledger
        Schedules that cannot be read are written here.
    document_units : object
        The document's unit, for programs that name none.
    """

    def read(key: str) -> DailySchedule | None:
        schedule = schedule_of(program.get(key))
        if schedule is None and program.get(key):
            ledger.drop("settings", f"{key} is not a schedule of times and numbers", "profile")
        return schedule

    target = _middle(read("target_low"), read("target_high"))
    factor = read("sens")
    units = str(program.get("units") or document_units or "").lower()
    if units.startswith("mmol") or (not units and _looks_molar(target)):
        scale = float(mmol_l_to_mg_dl(1.0))
        target = None if target is None else target.scaled(scale)
        factor = None if factor is None else factor.scaled(scale)
    zone = program.get("timezone")
    return Program(
        TherapySettings(
            basal_u_per_h=read("basal"),
            carb_ratio_g_per_u=read("carbratio"),
            correction_mg_dl_per_u=factor,
            target_mg_dl=target,
            insulin_duration_h=number_of(program.get("dia")),
        ),
        _valid_zone(zone),
    )


def _valid_zone(name: object) -> str | None:
    if not isinstance(name, str) or not name.strip():
        return None
    try:
        return clock.canonical_zone(name)
    except InputError:
        return None


def _looks_molar(target: DailySchedule | None) -> bool:
    return target is not None and bool(0 < target.mean() < MEDIAN_SPLIT_MG_DL)


def schedule_of(items: object) -> DailySchedule | None:
    """Read ``[{"time": "06:00", "timeAsSeconds": 21600, "value": 1.5}, …]`` or a single number."""
    single = number_of(items)
    if single is not None:
        return constant_schedule(single)
    if not isinstance(items, list):
        return None
    steps: dict[float, float] = {}
    for item in items:
        if not isinstance(item, dict):
            return None
        minute, value = _minute_of(item), number_of(item.get("value"))
        if minute is None or value is None:
            return None
        steps[minute] = value
    if not steps:
        return None
    minutes = sorted(steps)
    return DailySchedule(np.array(minutes), np.array([steps[minute] for minute in minutes]))


def _minute_of(item: Mapping[str, Any]) -> float | None:
    seconds = number_of(item.get("timeAsSeconds"))
    if seconds is None:
        clock_text = str(item.get("time", "")).split(":")
        parts = [number_of(part) for part in clock_text[:2]]
        if len(parts) < 2 or parts[0] is None or parts[1] is None:
            return None
        seconds = parts[0] * 3600 + parts[1] * 60
    minute = seconds / 60
    return minute if 0 <= minute < MINUTES_PER_DAY else None


def _middle(low: DailySchedule | None, high: DailySchedule | None) -> DailySchedule | None:
    """Return the middle of a range that steps at the minutes of either side."""
    if low is None or high is None:
        return low if high is None else high
    minutes = np.union1d(low.minute_of_day, high.minute_of_day)
    return DailySchedule(minutes, (low.at(minutes) + high.at(minutes)) / 2)
