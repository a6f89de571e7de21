"""A record laid on five-minute intervals, as the filter takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..records.series import GlucoseSeries
from ..records.timeline import Timeline
from .ensemble_kalman import STEP_MIN, STEPS_A_DAY, Interval
from .observations import LONG_ACTING_MIN, MEAL_GAP_MIN, eat

Array = NDArray[np.float64]
STEP_S = 60.0 * STEP_MIN


@dataclass(frozen=True, eq=False)
class Steps:
    """Consecutive intervals of one record; interval k ends at ``start_s + 300 (k + 1)``.

    Parameters
    ----------
    start_s : float, seconds since 1970 UTC
        A multiple of 300.
    insulin, carbs : array (T, 5), U/min and g/min
    first_bite : array (T,) of bool
    reading : array (T,), mg/dL
        Mean of the readings within, NaN where there is none.
    when : array (T, 5)
        Share of each minute in it.
    censored : array (T,) of int8
    minute_of_day : array (T,), min
        Local, at the end.
    bolus_u, counted_g : array (T,), U and g
        As logged, for whoever judges events rather than rates.
    own_basal : bool
        The record tells no basal insulin at all.
    """

    start_s: float
    insulin: Array
    carbs: Array
    first_bite: NDArray[np.bool_]
    reading: Array
    when: Array
    censored: NDArray[np.int8]
    minute_of_day: Array
    bolus_u: Array
    counted_g: Array
    own_basal: bool

    def __len__(self) -> int:
        return len(self.insulin)

    def end_s(self, k: int) -> float:
        """Return when interval k ends."""
        return self.start_s + STEP_S * (k + 1)

    def columns(self) -> list[Array]:
        """Return every column (T, ...)."""
        return [getattr(self, f.name) for f in fields(self) if f.name not in _SCALARS]

    def since(self, k: int) -> Steps:
        """Return the intervals from number k on."""
        parts = {f.name: getattr(self, f.name)[k:] for f in fields(self) if f.name not in _SCALARS}
        return Steps(start_s=self.start_s + STEP_S * k, own_basal=self.own_basal, **parts)


def number_of(time_s: float) -> int:
    """Return which interval since 1970 begins at or before a time, s."""
    return round(time_s // STEP_S)


def day_of(number: int) -> int:
    """Return the day (UTC, since 1970) of an interval."""
    return number // STEPS_A_DAY


_SCALARS = ("start_s", "own_basal")


def interval_of(steps: Sequence[Steps], k: int) -> Interval:
    """Return interval k of several records, one row each."""
    return Interval(
        np.stack([s.insulin[k] for s in steps]),
        np.stack([s.carbs[k] for s in steps]),
        np.array([s.first_bite[k] for s in steps]),
        np.array([s.own_basal for s in steps]),
        np.array([s.reading[k] for s in steps]),
        np.stack([s.when[k] for s in steps]),
        np.array([s.censored[k] for s in steps], dtype=np.int8),
        np.array([s.minute_of_day[k] for s in steps]),
    )


def steps_of(timeline: Timeline, start_s: float, n: int, usual_u_per_h: float) -> Steps:
    """Lay a record on n intervals from ``start_s`` (a multiple of 300) on.

    Parameters
    ----------
    usual_u_per_h : float, U/h
        Basal rate where the pump's log has a gap; fixed, so that what comes later changes nothing
        that went before.
    """
    minutes = n * STEP_MIN
    fine = timeline.on_grid(start_s, minutes, 1.0)
    insulin = np.array(fine.insulin_u_per_min)
    if timeline.basal is not None:
        insulin[~np.asarray(fine.basal_known)] += usual_u_per_h / 60.0
    insulin += _long_acting(timeline, start_s, minutes)
    # Sums over records of different length round differently; what is the same must look the same.
    insulin = np.round(insulin, 9)
    counted = np.array(fine.carbs_g)
    carbs = eat(counted)
    reading, when, censored = _readings(timeline.glucose, start_s, n)
    ends = start_s + STEP_S * np.arange(1, n + 1)
    return Steps(
        start_s,
        insulin.reshape(n, STEP_MIN),
        carbs.reshape(n, STEP_MIN),
        np.asarray(_first_bites(carbs).reshape(n, STEP_MIN).any(axis=1)),
        reading,
        when,
        censored,
        np.asarray(timeline.local_minute_of_day(ends)),
        _sums(timeline.boluses.time_s, timeline.boluses.units, start_s, n),
        counted.reshape(n, STEP_MIN).sum(axis=1),
        timeline.basal is None and len(timeline.long_acting) == 0,
    )


def _first_bites(carbs: Array) -> NDArray[np.bool_]:
    """Return the minutes (M,) in which a meal begins, half an hour after any other."""
    out = np.zeros(len(carbs), dtype=bool)
    at = np.flatnonzero(carbs > 0.0)
    out[at[np.diff(at, prepend=-MEAL_GAP_MIN - 1) >= MEAL_GAP_MIN]] = True
    return out


def _long_acting(timeline: Timeline, start_s: float, minutes: int) -> Array:
    """Return long-acting insulin (M,), U/min, each injection even over the day after it."""
    change = np.zeros(minutes + 1)
    first = np.floor((timeline.long_acting.time_s - start_s) / 60.0).astype(np.int64)
    for at, units in zip(first.tolist(), timeline.long_acting.units.tolist(), strict=True):
        begin, end = (int(np.clip(m, 0, minutes)) for m in (at, at + LONG_ACTING_MIN))
        change[begin] += units / LONG_ACTING_MIN
        change[end] -= units / LONG_ACTING_MIN
    return np.asarray(np.maximum(np.cumsum(change[:-1]), 0.0))


def _readings(
    glucose: GlucoseSeries, start_s: float, n: int
) -> tuple[Array, Array, NDArray[np.int8]]:
    """Return mean reading (T,), the minutes' shares in it (T, 5) and its censoring (T,).

    A reading at the very end of an interval belongs to it; of an interval with censored readings
    the last of these stands.
    """
    minute = np.ceil((glucose.time_s - start_s) / 60.0 - 1e-9).astype(np.int64) - 1
    inside = (minute >= 0) & (minute < n * STEP_MIN)
    at, value, side = minute[inside], glucose.mg_dl[inside], glucose.censored[inside]
    step = at // STEP_MIN
    limit = np.zeros(n, dtype=np.int8)
    bound = np.full(n, np.nan)
    limit[step[side != 0]], bound[step[side != 0]] = side[side != 0], value[side != 0]
    use = (side == limit[step]) & ((side == 0) | (value == bound[step]))
    when = np.zeros((n, STEP_MIN))
    np.add.at(when, (step[use], at[use] % STEP_MIN), 1.0)
    count = when.sum(axis=1)
    total = np.bincount(step[use], weights=value[use], minlength=n)
    there = count > 0
    reading = np.where(there, total / np.maximum(count, 1.0), np.nan)
    when = np.where(there[:, None], when / np.maximum(count, 1.0)[:, None], 0.0)
    when[~there, -1] = 1.0
    return reading, when, limit


def _sums(time_s: Array, amount: Array, start_s: float, n: int) -> Array:
    step = np.floor((time_s - start_s) / STEP_S).astype(np.int64)
    inside = (step >= 0) & (step < n)
    return np.bincount(step[inside], weights=amount[inside], minlength=n).astype(float)
