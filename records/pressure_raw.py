"""What a reader of pressures gathers, and how it becomes sorted columns without copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from . import clock
from .chart import LAB_UNITS
from .pressure_series import Labs, Pressures
from .quality import Ledger
from .series import frozen_column


class Reading(NamedTuple):
    """One blood pressure; NaN where its heart rate or number is not told."""

    time_s: float
    sbp: float
    dbp: float
    heart_rate: float
    setting: str
    averaged: float


@dataclass
class Gathered:
    """What was read so far; `told` counts the readings whose place the file tells."""

    readings: list[Reading] = field(default_factory=list)
    labs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    smoking: list[tuple[float, bool]] = field(default_factory=list)
    pregnancy: list[tuple[float, bool]] = field(default_factory=list)
    halves: dict[tuple[float, str, str], dict[str, float]] = field(default_factory=dict)
    placed: int = 0
    drugs_told: bool = False


def unpaired(gathered: Gathered, ledger: Ledger) -> None:
    """Drop the halves whose other half never came."""
    for (time, _, _), values in gathered.halves.items():
        if len(values) == 1:
            ledger.drop("pressure", "systolic or diastolic is missing", clock.utc_text(time))


def pressures_of(readings: list[Reading], ledger: Ledger) -> Pressures:
    """Return readings as sorted columns; exact copies are dropped."""
    unique = sorted(set(readings), key=lambda item: (item.time_s, item.sbp, item.dbp))
    kept: dict[tuple[float, float, float, str], Reading] = {}
    for item in unique:
        kept.setdefault((item.time_s, item.sbp, item.dbp, item.setting), item)
    if len(kept) < len(readings):
        first = clock.utc_text(readings[0].time_s)
        ledger.drop("pressure", "a copy of another", first, len(readings) - len(kept))
    rows = list(kept.values())
    return Pressures(
        time_s=np.array([item.time_s for item in rows], dtype=float),
        sbp=np.array([item.sbp for item in rows], dtype=float),
        dbp=np.array([item.dbp for item in rows], dtype=float),
        heart_rate=np.array([item.heart_rate for item in rows], dtype=float),
        setting=frozen_column([item.setting for item in rows], np.str_),
        averaged=np.array([item.averaged for item in rows], dtype=float),
    )


def labs_of(found: dict[str, list[tuple[float, float]]], ledger: Ledger) -> dict[str, Labs]:
    """Return the values of each quantity in the order of time; exact copies are dropped."""
    labs = {}
    for name in (name for name in LAB_UNITS if name in found):
        rows = sorted(set(found[name]))
        lost = len(found[name]) - len(rows)
        ledger.drop(name, "a copy of another", clock.utc_text(rows[0][0]), lost)
        labs[name] = Labs(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    return labs
