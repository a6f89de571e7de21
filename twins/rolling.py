"""Forecasts made as a record grows, by the filter that follows it; several people at once.

Doses and meals between origin and horizon are told ahead, as in a what-if. Each forecast rests on
readings up to its origin alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.timeline import Timeline
from .conformal import HORIZONS_MIN, Conformal
from .ensemble import ensemble_of, stack
from .ensemble_kalman import STEP_MIN, forecast, update
from .settings import schedule
from .stream_grid import STEP_S, Steps, interval_of, steps_of
from .twin import Twin

Array = NDArray[np.float64]
SHORTEST_STEPS = 48


@dataclass(frozen=True)
class Rolled:
    """Forecasts of several people, and what came.

    Parameters
    ----------
    horizons_min : tuple of int
    origin : array (N,) of int
        Intervals after the twins' records ended.
    low, middle, high : array (N, R, H), mg/dL
        Band and median.
    reading : array (N, R, H), mg/dL
        NaN where none came.
    since_bolus_min : array (N, R)
        Since the last bolus; infinite before the first.
    """

    horizons_min: tuple[int, ...]
    origin: NDArray[np.int64]
    low: Array
    middle: Array
    high: Array
    reading: Array
    since_bolus_min: Array


def roll_ahead(
    twins: Sequence[Twin], records: Sequence[Timeline], rng: np.random.Generator, *,
    members: int = 128, every: int = 3, nominal: float = 0.8,
    horizons_min: tuple[int, ...] = HORIZONS_MIN,
) -> Rolled:  # fmt: skip
    """Follow records from the ends of their twins on, and forecast at every third reading.

    Parameters
    ----------
    twins : sequence of Twin
        Each fitted to the record before ``twin.end_s``; all of one model.
    records : sequence of Timeline
        Which go on afterwards, equally long.
    members : int
        Of the ensemble.
    every : int
        Intervals of five minutes between forecasts.
    nominal : float
        Share that a band holds.

    Raises
    ------
    InputError
        If a record does not go on for four hours.
    """
    steps = [_after(twin, record) for twin, record in zip(twins, records, strict=True)]
    total, ahead = min(len(s) for s in steps), np.array(horizons_min) // STEP_MIN
    people = stack([ensemble_of(twin, rng, members) for twin in twins])
    tail = 0.5 * (1.0 - nominal)
    bands, origins = [], []
    for k in range(total - int(ahead.max())):
        people, _ = update(people, interval_of(steps, k), rng)
        if k % every:
            continue
        moved, expected = people, []
        for j in range(int(ahead.max())):
            moved, readings = forecast(moved, interval_of(steps, k + 1 + j), rng)
            if j + 1 in ahead:
                expected.append(np.quantile(readings, [tail, 0.5, 1.0 - tail], axis=1))
        bands.append(np.stack(expected, axis=2))
        origins.append(k)
    origin = np.array(origins, dtype=np.int64)
    low, middle, high = np.moveaxis(np.array(bands), 1, 0)
    reading = np.stack([s.reading[origin[:, None] + ahead] for s in steps], axis=1)
    since = np.stack([_since(s)[origin] for s in steps], axis=1)
    return Rolled(horizons_min, origin, low, middle, high, reading, since)


def _after(twin: Twin, record: Timeline) -> Steps:
    start = float(np.ceil(twin.end_s / STEP_S) * STEP_S)
    count = int((record.glucose.time_s[-1] - start) // STEP_S) if len(record.glucose) else 0
    if count < SHORTEST_STEPS:
        raise InputError(
            f"the record goes on for {max(count, 0) * STEP_MIN / 60.0:.1f} h after the twin's own "
            f"ended; give at least {SHORTEST_STEPS * STEP_MIN / 60.0:g} h"
        )
    usual = schedule(twin.settings, "basal_u_per_h")
    return steps_of(record, start, count, 0.0 if usual is None else usual.mean())


def _since(steps: Steps) -> Array:
    dosed = np.where(steps.bolus_u > 0.0, np.arange(len(steps)), -np.inf)
    behind = np.arange(len(steps), dtype=np.float64) - np.maximum.accumulate(dosed)
    return np.asarray(STEP_MIN * behind, dtype=np.float64)


def calibrated(twin: Twin, earlier: Twin, record: Timeline, rng: np.random.Generator) -> Twin:
    """Return a twin with the calibration that an earlier twin of the person earned.

    Parameters
    ----------
    twin : Twin
    earlier : Twin
        Fitted to the beginning of the record only, so that the rest can tell how it forecasts.
    record : Timeline
        Which goes on after the earlier twin's end.
    """
    rolled = roll_ahead([earlier], [record], rng)
    return replace(twin, calibration=calibrate_along(rolled, 0)[0])


def calibrate_along(
    rolled: Rolled, person: int, start: Conformal | None = None,
    sensor_changes: Sequence[int] = (),
) -> tuple[Conformal, Array]:  # fmt: skip
    """Return the calibration at the end, and whether each given band (N, H) held: 1, 0 or NaN.

    Parameters
    ----------
    person : int
        Row.
    sensor_changes : sequence of int
        Intervals after the twin's record at which a new sensor was put on.
    """
    state = start or Conformal.fresh(rolled.horizons_min)
    ahead = np.array(rolled.horizons_min) // STEP_MIN
    held = np.full((len(rolled.origin), len(ahead)), np.nan)
    shown = np.empty((len(rolled.origin), 2, len(ahead)))
    waiting: list[tuple[int, int]] = []
    changes = sorted(sensor_changes)
    for i, now in enumerate(rolled.origin.tolist()):
        while changes and changes[0] <= now:
            state, waiting = state.reset(), []
            changes.pop(0)
        # What came since the last origin is learnt first; nothing from beyond the present is.
        due = [(j, h) for j, h in waiting if rolled.origin[j] + ahead[h] <= now]
        waiting = [pair for pair in waiting if pair not in due]
        for j, h in due:
            reading = rolled.reading[j, person, h]
            band = (shown[j, 0, h], shown[j, 1, h])
            own = (v[j, person, h] for v in (rolled.low, rolled.middle, rolled.high))
            low, middle, high = (float(v) for v in own)
            state = state.told(h, low, middle, high, float(reading), band)
        rows = (v[i, person] for v in (rolled.low, rolled.middle, rolled.high))
        shown[i] = np.stack(state.band(*rows))
        waiting += [(i, h) for h in range(len(ahead))]
        there = np.isfinite(rolled.reading[i, person])
        inside = (rolled.reading[i, person] >= shown[i, 0]) & (
            rolled.reading[i, person] <= shown[i, 1]
        )
        held[i] = np.where(there, inside, np.nan)
    return state, held
