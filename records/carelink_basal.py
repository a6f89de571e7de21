"""A CareLink pump's basal rows into delivery: programmed rates, temporary ones, suspensions.

CareLink writes the programmed rate at each of its steps. On a day on which the pump doses by itself
that rate is not what was given: where only the day's total is exported the rate counts as assumed,
and where each micro-bolus is, the rate is left out so that no insulin counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from . import clock, limits
from .delivery import Delivery, Epoch, ExtraRate, TempRate
from .quality import Ledger
from .series import TherapySettings, constant_schedule

DAY_S = 86400.0
HELD_AT_MOST_S = DAY_S  # a programmed rate is logged again at least once a day
RESUMED = ("normal", "resume", "restart")  # NORMAL_PUMPING, AUTO_RESUME_…, USER_RESTART_BASAL


class State(NamedTuple):
    """The pump's word on whether it delivers, at a time."""

    time_s: float
    suspended: bool
    where: str


@dataclass
class BasalRows:
    """What the rows say of basal insulin; times are seconds since 1970 UTC.

    `totals` and `micro` hold the starts of the local days on which the pump dosed by itself and
    the export tells the day's total, or each micro-bolus.
    """

    rates: list[tuple[float, float]] = field(default_factory=list)
    temps: list[TempRate] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    extras: list[ExtraRate] = field(default_factory=list)
    totals: set[float] = field(default_factory=set)
    micro: set[float] = field(default_factory=set)


def add_rate(rows: BasalRows, time_s: float, u_per_h: float, where: str, ledger: Ledger) -> None:
    """Add a programmed rate, unless no pump could deliver it."""
    if limits.BASAL.holds(u_per_h):
        rows.rates.append((time_s, u_per_h))
    else:
        ledger.drop("basal", f"outside {limits.BASAL}", where)


def add_state(rows: BasalRows, time_s: float, word: str, where: str, ledger: Ledger) -> None:
    """Add a suspension's start or end by the pump's word for it."""
    text = word.lower()
    resumed = any(mark in text for mark in RESUMED)
    if resumed or "suspend" in text:
        rows.states.append(State(time_s, not resumed, where))
    else:
        ledger.drop("suspension", "a state of the pump that is not known", where)


def delivery_of(rows: BasalRows, ledger: Ledger) -> Delivery:
    """Work out the orders that the rows tell.

    Parameters
    ----------
    rows : BasalRows
    ledger : Ledger
        Suspensions without an end are named here.

    Returns
    -------
    Delivery
    """
    temps = [*rows.temps, *_suspensions(rows.states, ledger)]
    blank = [(day, day + DAY_S) for day in sorted(rows.micro)]
    assumed = [*blank, *((day, day + DAY_S) for day in sorted(rows.totals))]
    held = _held(rows.rates)
    logged = [
        piece
        for window in (*held, *((item.start_s, item.end_s) for item in temps))
        for piece in _without(window, assumed)
    ]
    return Delivery(epochs=_epochs(rows, blank), temps=temps, extras=rows.extras, logged=logged)


def _held(rates: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return from when to when each programmed rate is known to hold."""
    starts = sorted({start for start, _ in rates})
    ends = [*starts[1:], np.inf][: len(starts)]
    return [
        (start, min(end, start + HELD_AT_MOST_S)) for start, end in zip(starts, ends, strict=True)
    ]


def _epochs(rows: BasalRows, blank: Sequence[tuple[float, float]]) -> list[Epoch]:
    """Return the programmed rates as settings in force, none on the days left blank."""
    known = {start: rate for start, rate in sorted(rows.rates)}
    changes: dict[float, float | None] = dict(known)
    for low, high in blank:
        before = [start for start in known if start <= high]
        changes = {start: rate for start, rate in changes.items() if not low <= start < high}
        changes[low] = None
        if high not in changes and before:
            changes[high] = known[max(before)]
    for low, _ in blank:
        changes[low] = None
    return [
        Epoch(
            start,
            TherapySettings()
            if (rate := changes[start]) is None
            else TherapySettings(basal_u_per_h=constant_schedule(rate)),
            UTC,
        )
        for start in sorted(changes)
    ]


def _suspensions(states: Sequence[State], ledger: Ledger) -> list[TempRate]:
    """Return each suspension up to the pump's next word; one without an end within a day goes."""
    ordered = sorted(set(states), key=lambda item: (item.time_s, not item.suspended))
    found: list[TempRate] = []
    for now, then in pairwise([*ordered, None]):
        if now is None or not now.suspended:
            continue
        if then is None or then.time_s - now.time_s > DAY_S:
            ledger.drop("suspension", "no end within a day", now.where)
        elif then.time_s > now.time_s:
            found.append(TempRate(now.time_s, then.time_s, 0.0))
    return found


def _without(
    window: tuple[float, float], cuts: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return what is left of a span of time when others are cut out of it."""
    pieces = [window]
    for low, high in cuts:
        pieces = [
            part
            for start, end in pieces
            for part in ((start, min(end, low)), (max(start, high), end))
            if part[1] > part[0]
        ]
    return pieces


def local_day_start(time_s: float, zone_name: str) -> float:
    """Return the start of the local day that holds a time (seconds since 1970 UTC)."""
    zone = clock.zone_of(zone_name)
    local = time_s + float(clock.utc_offset_s([time_s], zone)[0])
    return float(clock.local_to_utc([np.floor(local / DAY_S) * DAY_S], zone)[0])
