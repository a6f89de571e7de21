"""Which pressures count today: enough of one setting, recent, and taken under today's drugs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .chart import DAY_S
from .pressure_series import Pressures
from .series import Floats


@dataclass(frozen=True)
class PressureGate:
    """What the readings of one setting must hold.

    Parameters
    ----------
    setting : str
    readings : int
        Single measurements; a mean counts as those it was made of.
    days : int
        Different days on which they were taken.
    within_days : float
        Only readings this close to the newest count.
    newest_days : float
        How old the newest may be.
    source : str
    """

    setting: str
    readings: int
    days: int
    within_days: float
    newest_days: float
    source: str


GATES: Final = (
    PressureGate(
        "home",
        12,
        3,
        30.0,
        60.0,
        "ESH 2023 (doi:10.1097/HJH.0000000000003480): 7 days, at least 3 days with 12 readings; "
        "the windows of 30 and 60 days are ours",
    ),
    PressureGate(
        "office",
        2,
        2,
        90.0,
        60.0,
        "ACC/AHA 2017 (doi:10.1161/HYP.0000000000000065): mean of 2 readings or more on 2 "
        "occasions or more; the windows of 90 and 60 days are ours",
    ),
    PressureGate(
        "ambulatory",
        1,
        1,
        2.0,
        90.0,
        "ours: one mean of 24 h, or its single readings (20 by day, 7 by night in a full one)",
    ),
)
AMBULATORY_SINGLES: Final = 27
"""Single readings that make an ambulatory day: 20 by day and 7 by night (CHEP 2017)."""

SETTLED_DAYS: Final = 14.0
"""Ours: readings before the latest change of drugs, or within two weeks of it, tell little."""


def best_readings(
    readings: Pressures, when: float, changed: float | None
) -> tuple[str, Pressures, list[str]]:
    """Return the setting that suffices, its readings, and what is short where none does.

    Parameters
    ----------
    readings : Pressures
    when : float, seconds since 1970 UTC
        Later readings are not used.
    changed : float or None, seconds since 1970 UTC
        The latest change of drugs.

    Returns
    -------
    (setting, readings, reasons)
        An empty setting and one line for each setting tried, where none suffices.
    """
    past = readings.take(readings.time_s <= when)
    if len(past) == 0:
        return "", past, ["pressure: the record holds no reading; add readings"]
    since = -np.inf if changed is None else changed + SETTLED_DAYS * DAY_S
    short: list[str] = []
    for gate in GATES:
        chosen = _within(past, gate)
        if len(chosen) == 0:
            continue
        used = chosen.take(chosen.time_s >= since)
        reason = _gate_reason(gate, used, chosen, when)
        if not reason:
            return gate.setting, _without_first_day(used), []
        short.append(reason)
    return "", past.take(np.zeros(len(past), dtype=bool)), short


def _within(readings: Pressures, gate: PressureGate) -> Pressures:
    mine = readings.take(readings.setting == gate.setting)
    if len(mine) == 0:
        return mine
    return mine.take(mine.time_s >= mine.time_s[-1] - gate.within_days * DAY_S)


def _gate_reason(gate: PressureGate, used: Pressures, every: Pressures, when: float) -> str:
    """Return why the readings of one setting do not suffice, or an empty text."""
    age = (when - every.time_s[-1]) / DAY_S
    if age > gate.newest_days:
        return (
            f"pressure: the newest {gate.setting} reading is {age:.0f} days old, at most "
            f"{gate.newest_days:g} are allowed; measure again"
        )
    if len(used) == 0:
        return (
            f"pressure: no {gate.setting} reading was taken {SETTLED_DAYS:g} days or "
            "more after the latest change of drugs; measure again"
        )
    singles = float(np.nan_to_num(used.averaged, nan=float(gate.readings)).sum())
    needed = gate.readings
    if gate.setting == "ambulatory" and not (used.averaged != 1.0).any():
        needed = AMBULATORY_SINGLES
    days = np.unique(np.floor(used.time_s / DAY_S)).size
    if singles < needed or days < gate.days:
        return (
            f"pressure: {_many(singles, f'{gate.setting} reading')} on {_many(days, 'day')} within "
            f"{gate.within_days:g} days, {needed} on {gate.days} are needed; measure more"
        )
    return ""


def mean_of(values: Floats, readings: Pressures) -> float | None:
    """Return the mean over single measurements; a mean of several weighs as many."""
    if len(readings) == 0:
        return None
    return float(np.average(values, weights=np.nan_to_num(readings.averaged, nan=1.0)))


def _without_first_day(readings: Pressures) -> Pressures:
    """Leave out the first day of a home week, which runs high (ESH 2023), if 3 days remain."""
    day = np.floor(readings.time_s / DAY_S)
    if readings.setting[0] != "home" or np.unique(day).size < 4:
        return readings
    return readings.take(day > day[0])


def _many(count: float, thing: str) -> str:
    """Return a count with its noun in the right number."""
    return f"{count:.0f} {thing}{'' if count == 1 else 's'}"
