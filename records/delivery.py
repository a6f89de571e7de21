"""Delivered basal insulin: a schedule overlaid by temporary orders.

Suspensions are orders of 0 U/h, extended boluses flow on top; a temporary rate ends at its own
end or where the next one starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from . import clock
from .series import BasalIntervals, Floats, TherapySettings

RESOLUTION_S = 1800.0  # clock changes fall on half hours of UTC, so no scheduled step is missed


class Epoch(NamedTuple):
    """Settings in force from `start_s` on, read on a clock of `zone`."""

    start_s: float
    settings: TherapySettings
    zone: tzinfo


class TempRate(NamedTuple):
    """A temporary basal order; `percent` is of the scheduled rate (100 leaves it unchanged)."""

    start_s: float
    end_s: float
    u_per_h: float | None
    percent: float = 100.0


class ExtraRate(NamedTuple):
    """Insulin on top of the basal rate, such as the extended part of a bolus."""

    start_s: float
    end_s: float
    u_per_h: float


@dataclass(frozen=True)
class Delivery:
    """What a pump was told to do.

    Parameters
    ----------
    epochs : sequence of Epoch
        Schedules over time; the earliest also holds before its start.
    temps : sequence of TempRate
    extras : sequence of ExtraRate
    logged : sequence of (start_s, end_s)
        Where a delivery log speaks; outside of it the schedule is an assumption.
    """

    epochs: Sequence[Epoch] = ()
    temps: Sequence[TempRate] = ()
    extras: Sequence[ExtraRate] = ()
    logged: Sequence[tuple[float, float]] = ()

    def joined(self, other: Delivery) -> Delivery:
        """Return the orders of two exports of one pump together."""
        return Delivery(
            epochs=(*self.epochs, *other.epochs),
            temps=(*self.temps, *other.temps),
            extras=(*self.extras, *other.extras),
            logged=(*self.logged, *other.logged),
        )


def delivered_basal(delivery: Delivery, start_s: float, end_s: float) -> BasalIntervals | None:
    """Work out what flowed between two times.

    Parameters
    ----------
    delivery : Delivery
    start_s, end_s : float, seconds since 1970 UTC

    Returns
    -------
    BasalIntervals or None
        Neighbouring intervals of one rate are joined; None where nothing is known at all.
    """
    temps = _cut_at_successor(delivery.temps)
    extras = sorted(set(delivery.extras))
    knots = _knots(delivery, temps, extras, start_s, end_s)
    if knots.size < 2:
        return None
    middle = (knots[:-1] + knots[1:]) / 2
    rate = _scheduled(delivery.epochs, middle)
    for temp in temps:
        inside = _within(middle, temp.start_s, temp.end_s)
        given = temp.u_per_h
        rate[inside] = rate[inside] * temp.percent / 100 if given is None else given
    for extra in extras:
        inside = _within(middle, extra.start_s, extra.end_s)
        rate[inside] = np.nan_to_num(rate[inside]) + extra.u_per_h
    assumed = np.ones(middle.size, dtype=bool)
    for low, high in delivery.logged:
        assumed[_within(middle, low, high)] = False
    known = np.isfinite(rate)
    if not known.any():
        return None
    return _joined(knots[:-1][known], knots[1:][known], rate[known], assumed[known])


def _within(middle: Floats, low: float, high: float) -> slice:
    """Return the run of elementary intervals whose middles lie between two times."""
    first, last = np.searchsorted(middle, [low, high])
    return slice(int(first), int(last))


def _cut_at_successor(temps: Sequence[TempRate]) -> list[TempRate]:
    """End each temporary rate where the next one starts; a rate that ends at once cancels.

    Of several orders at one moment the longest, then the highest percentage or rate, stands:
    a fixed choice, so that the order of rows never matters.
    """
    chosen: dict[float, TempRate] = {}
    for temp in sorted(set(temps), key=_rank):
        chosen[temp.start_s] = temp
    ordered = [chosen[start] for start in sorted(chosen)]
    ends = [*(temp.start_s for temp in ordered[1:]), np.inf][: len(ordered)]
    cut = [
        temp._replace(end_s=min(temp.end_s, end)) for temp, end in zip(ordered, ends, strict=True)
    ]
    return [temp for temp in cut if temp.end_s > temp.start_s]


def _rank(temp: TempRate) -> tuple[float, float, float, float]:
    rate = -1.0 if temp.u_per_h is None else temp.u_per_h
    return (temp.start_s, temp.end_s, temp.percent, rate)


def _knots(
    delivery: Delivery,
    temps: Sequence[TempRate],
    extras: Sequence[ExtraRate],
    start_s: float,
    end_s: float,
) -> Floats:
    """Return every time at which the rate or its standing may change, within the span."""
    knots = [start_s, end_s]
    for temp in temps:
        knots += [temp.start_s, temp.end_s]
    for extra in extras:
        knots += [extra.start_s, extra.end_s]
    for low, high in delivery.logged:
        knots += [low, high]
    knots += [epoch.start_s for epoch in delivery.epochs]
    if delivery.epochs:
        first = np.floor(start_s / RESOLUTION_S) * RESOLUTION_S
        knots += list(np.arange(first, end_s, RESOLUTION_S))
        for epoch, (low, high) in _reigns(delivery.epochs):
            knots += _steps_within(epoch, max(low, start_s), min(high, end_s))
    inside = np.unique(np.asarray(knots, dtype=float))
    return inside[(inside >= start_s) & (inside <= end_s)]


def _steps_within(epoch: Epoch, start_s: float, end_s: float) -> list[float]:
    """Return the moments at which an epoch's basal schedule steps, within the span."""
    schedule = epoch.settings.basal_u_per_h
    if schedule is None or start_s >= end_s:
        return []
    midnights = np.arange(np.floor(start_s / 86400) - 1, np.ceil(end_s / 86400) + 2) * 86400
    local = (midnights[:, None] + schedule.minute_of_day[None, :] * 60).reshape(-1)
    return list(clock.local_to_utc(local, epoch.zone))


def _scheduled(epochs: Sequence[Epoch], time_s: Floats) -> Floats:
    """Return the scheduled rate at each time, NaN where none is known."""
    rate = np.full(time_s.size, np.nan)
    for epoch, (low, high) in _reigns(epochs):
        part = _within(time_s, low, high)
        schedule = epoch.settings.basal_u_per_h
        if schedule is not None and part.start < part.stop:
            rate[part] = schedule.at(clock.local_minute(time_s[part], epoch.zone))
    return rate


def _reigns(epochs: Sequence[Epoch]) -> list[tuple[Epoch, tuple[float, float]]]:
    """Return each epoch with the time in which it holds; of several with one start the last."""
    latest = {epoch.start_s: epoch for epoch in epochs}
    ordered = [latest[start] for start in sorted(latest)]
    if not ordered:
        return []
    bounds = [-np.inf, *(epoch.start_s for epoch in ordered[1:]), np.inf]
    return list(zip(ordered, pairwise(bounds), strict=True))


def _joined(start: Floats, end: Floats, rate: Floats, assumed: np.ndarray) -> BasalIntervals:
    """Join neighbours that touch and share rate and standing."""
    new = np.ones(start.size, dtype=bool)
    new[1:] = (start[1:] != end[:-1]) | (rate[1:] != rate[:-1]) | (assumed[1:] != assumed[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], start.size) - 1
    return BasalIntervals(start[first], end[last], rate[first], assumed[first])
