"""What is known at one moment of a record: readings, doses and meals up to then, nothing later.

The grid lies so that nothing leaks: a reading belongs to the five minutes that end at its grid
time, a dose or meal to the minute that ends there. A forecaster sees a ``History`` only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.series import BasalIntervals, Boluses
from ..records.timeline import Timeline

Array = NDArray[np.float64]
SAMPLE_MIN = 5
# Readings that come some seconds late still belong to their own five minutes.
JITTER_S = 60.0
# What is assumed of basal insulin to come: the mean rate of these hours (project choice).
BASAL_MEMORY_MIN = 120
LONG_ACTING_MIN = 1440


@dataclass(frozen=True, eq=False)
class History:
    """A record up to sample ``now`` of its grid.

    Parameters
    ----------
    timeline : Timeline
        Cut at the present: nothing later is in it.
    start_s : float, seconds since 1970 UTC
        Of the grid; sample k lies at ``start_s + 300 k``.
    glucose : array (now + 1,), mg/dL
        Last reading of the five minutes before each sample, NaN where there is none.
    censored : array (now + 1,) of int8
        -1 below, +1 above the sensor's range.
    basal : array (5 now,), U/min
    bolus : array (5 now + 1,), U
        Given in the minute that ends at each grid minute; the last one is the present.
    grams : array (5 now + 1,), g
        Counted carbohydrate, likewise.
    ahead : Ahead or None
        Doses and meals to come, where they are announced; else nothing is known of them.
    """

    timeline: Timeline
    start_s: float
    glucose: Array
    censored: NDArray[np.int8]
    basal: Array
    bolus: Array
    grams: Array
    ahead: Ahead | None = None

    @property
    def now(self) -> int:
        """Number of the present sample."""
        return len(self.glucose) - 1

    @property
    def now_s(self) -> float:
        """Time of the present sample, seconds since 1970 UTC."""
        return self.start_s + self.now * SAMPLE_MIN * 60.0

    def filled(self) -> Array:
        """Return glucose (now + 1,), each gap holding the reading before it."""
        known = np.isfinite(self.glucose)
        last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
        first = self.glucose[int(np.argmax(known))] if known.any() else np.nan
        return np.where(last >= 0, self.glucose[np.maximum(last, 0)], first)

    def usual_basal(self) -> float:
        """Return the basal rate that is assumed to go on, U/min."""
        return float(self.basal[-BASAL_MEMORY_MIN:].mean()) if len(self.basal) else 0.0

    def coming(self, minutes: int) -> tuple[Array, Array]:
        """Return insulin (minutes,), U/min, and counted carbohydrate (minutes,), g, to come.

        What was given in the present minute acts in the first one. Unless doses and meals are
        announced, basal goes on as in the last two hours and nobody eats or boluses.
        """
        insulin, grams = np.full(minutes, self.usual_basal()), np.zeros(minutes)
        if self.ahead is not None:
            n = min(minutes, len(self.ahead.basal))
            insulin[:n] = self.ahead.basal[:n] + self.ahead.bolus[:n]
            grams[:n] = self.ahead.grams[:n]
        insulin[0] += self.bolus[-1]
        grams[0] += self.grams[-1]
        return insulin, grams

    def past(self) -> tuple[Array, Array]:
        """Return insulin (5 now,), U/min, and counted carbohydrate (5 now,), g, so far."""
        return self.basal + self.bolus[:-1], self.grams[:-1]


@dataclass(frozen=True, eq=False)
class Ahead:
    """Doses and meals after the present, minute by minute; the present minute is not in them."""

    basal: Array
    bolus: Array
    grams: Array


@dataclass(frozen=True, eq=False)
class Journal:
    """A whole record on the grid, from which histories are cut.

    Parameters
    ----------
    whole : History
        At the last sample.
    """

    whole: History

    def __len__(self) -> int:
        return len(self.whole.glucose)

    @cached_property
    def origins(self) -> NDArray[np.int64]:
        """Samples at which there is a reading."""
        return np.flatnonzero(np.isfinite(self.whole.glucose))

    def until(self, now: int, announced_min: int = 0) -> History:
        """Return what is known at a sample; ``announced_min`` minutes of inputs are told ahead."""
        w, m = self.whole, now * SAMPLE_MIN
        end = w.start_s + m * 60.0
        ahead = None
        if announced_min:
            later = slice(m + 1, m + 1 + announced_min)
            # A dose of the minute that ends at m + 1 acts from minute m + 1 on.
            empty = np.zeros(1)
            ahead = Ahead(
                w.basal[m : m + announced_min],
                np.concatenate([empty, w.bolus[later]])[:announced_min],
                np.concatenate([empty, w.grams[later]])[:announced_min],
            )
        return History(
            _cut(w.timeline, end), w.start_s, w.glucose[: now + 1], w.censored[: now + 1],
            w.basal[:m], w.bolus[: m + 1], w.grams[: m + 1], ahead,
        )  # fmt: skip


def _cut(timeline: Timeline, end_s: float) -> Timeline:
    """Return the record up to and with ``end_s``."""
    after = np.nextafter(end_s, np.inf)
    first = float(timeline.glucose.time_s[0]) - 7.0 * 86400.0
    return replace(timeline.window(first, after), notes=timeline.notes)


def journal_of(timeline: Timeline) -> Journal:
    """Lay a record on the grid.

    Raises
    ------
    InputError
        If it holds fewer than two readings.
    """
    time = timeline.glucose.time_s
    if len(time) < 2:
        raise InputError(f"the record holds {len(time)} readings; a forecast needs at least 2")
    start = float(time[0]) + JITTER_S
    samples = int(np.ceil((float(time[-1]) - start) / (SAMPLE_MIN * 60.0) - 1e-9))
    samples = max(samples, 1)
    glucose, censored = np.full(samples + 1, np.nan), np.zeros(samples + 1, dtype=np.int8)
    at = np.ceil((time - start) / (SAMPLE_MIN * 60.0) - 1e-9).astype(np.int64)
    at = np.maximum(at, 0)
    # Of several readings in one interval the last stands, as assignment leaves it.
    glucose[at], censored[at] = timeline.glucose.mg_dl, timeline.glucose.censored
    minutes = samples * SAMPLE_MIN
    basal = _basal(timeline.basal, start, minutes) + _spread(timeline.long_acting, start, minutes)
    bolus = _by_minute(timeline.boluses.time_s, timeline.boluses.units, start, minutes)
    grams = _by_minute(timeline.meals.time_s, timeline.meals.carbs_g, start, minutes)
    return Journal(History(timeline, start, glucose, censored, basal, bolus, grams))


def _by_minute(time_s: Array, amount: Array, start_s: float, minutes: int) -> Array:
    """Return amounts (minutes + 1,) by the minute that ends at each grid minute."""
    at = np.ceil((time_s - start_s) / 60.0 - 1e-9).astype(np.int64)
    # The grid begins a minute after the first reading; what was given with it still counts.
    at = np.where(at == -1, 0, at)
    inside = (at >= 0) & (at <= minutes)
    return np.bincount(at[inside], weights=amount[inside], minlength=minutes + 1).astype(float)


def _basal(basal: BasalIntervals | None, start_s: float, minutes: int) -> Array:
    """Return the basal rate (minutes,), U/min; where the log has a gap, the rate before it."""
    out = np.zeros(minutes)
    if basal is None or len(basal) == 0:
        return out
    middle = start_s + 60.0 * np.arange(minutes) + 30.0
    which = np.searchsorted(basal.start_s, middle, side="right") - 1
    return np.asarray(np.where(which >= 0, basal.u_per_h[np.maximum(which, 0)] / 60.0, out))


def _spread(injections: Boluses, start_s: float, minutes: int) -> Array:
    """Return long-acting insulin (minutes,), U/min, each injection laid on the day after it."""
    out = np.zeros(minutes)
    first = np.ceil((injections.time_s - start_s) / 60.0).astype(np.int64)
    for at, units in zip(first.tolist(), injections.units.tolist(), strict=True):
        out[max(at, 0) : max(at + LONG_ACTING_MIN, 0)] += units / LONG_ACTING_MIN
    return out
