"""A record as a fit sees it: minutes of insulin and carbohydrate, five-minute glucose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.series import Boluses
from ..records.timeline import Timeline

Array = NDArray[np.float64]
SAMPLE_MIN = 5
EATING_G_PER_MIN = 5.0
LONGEST_DAYS = 14
SHORTEST_HOURS = 12
# A pause in the readings after which the body's state is anybody's guess (project choice).
LONGEST_GAP_H = 24.0
# The last stretch of a broken record is preferred if it can also test a forecast: three days.
ENOUGH_DAYS = 3.0
# Carbohydrate closer together than this is one meal (project choice).
MEAL_GAP_MIN = 30
# Glargine acts about evenly for about a day: Lepore 2000 (doi:10.2337/diabetes.49.12.2142).
LONG_ACTING_MIN = 1440


@dataclass(frozen=True)
class Observations:
    """Inputs each minute and glucose every five, from ``start_s`` on.

    Parameters
    ----------
    start_s : float, seconds since 1970 UTC
    insulin : array (T,), U/min
    carbs : array (T,), g/min
        Eaten, at most 5 g/min, as the record's grams say.
    glucose : array (T / 5 + 1,), mg/dL
        NaN where there is no reading.
    censored : array of int8
        -1 below, +1 above the sensor's range.
    own_basal : bool
        The record tells no basal insulin at all: each body gets its own basal need.
    start_minute : float, min
        Local minute of the day at ``start_s``.
    notes : tuple of str
        What was assumed or left out.
    """

    start_s: float
    insulin: Array
    carbs: Array
    glucose: Array
    censored: NDArray[np.int8]
    own_basal: bool = False
    start_minute: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def days(self) -> float:
        """Length in days."""
        return len(self.insulin) / 1440.0

    @cached_property
    def meal(self) -> NDArray[np.int64]:
        """Number of the meal of each minute (T,), -1 between meals."""
        return meals_in(self.carbs)

    @property
    def meals(self) -> int:
        """Number of meals."""
        return int(self.meal.max(initial=-1)) + 1

    def until(self, samples: int) -> Observations:
        """Return the first ``samples`` five-minute intervals."""
        minutes = samples * SAMPLE_MIN
        return replace(
            self,
            insulin=self.insulin[:minutes],
            carbs=self.carbs[:minutes],
            glucose=self.glucose[: samples + 1],
            censored=self.censored[: samples + 1],
        )

    def since(self, samples: int) -> Observations:
        """Return what follows the first ``samples`` five-minute intervals."""
        minutes = samples * SAMPLE_MIN
        return replace(
            self,
            start_s=self.start_s + minutes * 60.0,
            insulin=self.insulin[minutes:],
            carbs=self.carbs[minutes:],
            glucose=self.glucose[samples:],
            censored=self.censored[samples:],
            start_minute=(self.start_minute + minutes) % 1440.0,
        )


def eat(grams: Array) -> Array:
    """Return grams eaten each minute when meals wait on a plate and go down at 5 g/min."""
    out, plate = np.zeros(len(grams)), 0.0
    for t, served in enumerate(grams.tolist()):
        plate += served
        out[t] = min(plate, EATING_G_PER_MIN)
        plate -= out[t]
    return out


def meals_in(carbs: Array) -> NDArray[np.int64]:
    """Return the number of the meal to which each minute's carbohydrate belongs, -1 between meals.

    Parameters
    ----------
    carbs : array (T,), g/min

    Returns
    -------
    array (T,) of int
        Carbohydrate after half an hour without any begins the next meal.
    """
    number = np.full(len(carbs), -1, dtype=np.int64)
    at = np.flatnonzero(carbs > 0.0)
    number[at] = np.cumsum(np.diff(at, prepend=-MEAL_GAP_MIN) >= MEAL_GAP_MIN) - 1
    return number


def observe(timeline: Timeline) -> Observations:
    """Return the last (at most 14) days of a record for fitting.

    Where readings pause for more than a day, the last stretch is taken if it lasts three days, else
    the longest.

    Raises
    ------
    InputError
        If there is no insulin, or less than half a day of glucose.
    """
    has_long = len(timeline.long_acting) > 0
    if timeline.basal is None and len(timeline.boluses) == 0 and not has_long:
        raise InputError(
            "the record holds no insulin (neither basal nor bolus); a twin cannot be fitted "
            "without doses: add the pump's export"
        )
    first, end, notes = _stretch(timeline)
    start = max(first, end - LONGEST_DAYS * 86400.0)
    samples = int((end - start) // (SAMPLE_MIN * 60))
    coarse = timeline.on_grid(start, samples + 1, SAMPLE_MIN)
    insulin, carbs, told = _inputs(timeline, start, samples * SAMPLE_MIN)
    own_basal = timeline.basal is None and not has_long
    if own_basal:
        told += ("no basal insulin is recorded; each body gets the basal insulin that it needs",)
    return Observations(
        start, insulin, carbs, np.array(coarse.glucose), np.array(coarse.censored), own_basal,
        float(timeline.local_minute_of_day(np.array([start]))[0]), (*notes, *told),
    )  # fmt: skip


def _stretch(timeline: Timeline) -> tuple[float, float, tuple[str, ...]]:
    """Return first and last second of the readings to use, and what is to be said about it."""
    time = timeline.glucose.time_s
    breaks = np.flatnonzero(np.diff(time) > LONGEST_GAP_H * 3600.0)
    starts = time[np.append(0, breaks + 1)] if len(time) else np.zeros(1)
    ends = time[np.append(breaks, len(time) - 1)] if len(time) else np.zeros(1)
    # The last reading of a stretch stands for its own interval.
    days = (ends - starts + (timeline.sampling_interval_s if len(time) else 0.0)) / 86400.0
    longest = len(days) - 1 - int(np.argmax(days[::-1]))
    which = len(days) - 1 if days[-1] >= ENOUGH_DAYS else longest
    if days[which] * 24.0 < SHORTEST_HOURS:
        whole = " without a pause of a day" if len(days) > 1 else ""
        raise InputError(
            f"the record holds {days[which] * 24.0:.1f} h of glucose{whole}; a twin needs at least "
            f"{SHORTEST_HOURS} h (give a longer export)"
        )
    first, last = float(starts[which]), float(ends[which])
    if len(days) == 1:
        return first, last, ()
    after = float(time[-1] - last) / 86400.0
    ending = "at the last reading" if after <= 0.0 else f"{after:.1f} days before the last reading"
    note = (
        f"glucose pauses for more than {LONGEST_GAP_H:g} h {len(days) - 1} time(s); the twin is "
        f"fitted to one stretch of {days[which]:.1f} days that ends {ending}"
    )
    return first, last, (note,)


def _inputs(timeline: Timeline, start: float, minutes: int) -> tuple[Array, Array, tuple[str, ...]]:
    """Return insulin (T,) in U/min and carbohydrate (T,) in g/min, and what was assumed."""
    fine = timeline.on_grid(start, minutes, 1.0)
    insulin = np.array(fine.insulin_u_per_min)
    notes: tuple[str, ...] = ()
    known = np.array(fine.basal_known)
    if known.any() and not known.all():
        # Where the pump's log has a gap, the person most likely had the usual basal.
        basal = timeline.basal
        assert basal is not None
        usual = float(np.average(basal.u_per_h, weights=basal.end_s - basal.start_s)) / 60.0
        insulin[~known] += usual
        notes = (
            f"basal insulin is unknown for {(~known).sum() / 60.0:.1f} h; the usual "
            f"{usual * 60.0:.2f} U/h is assumed there",
        )
    if len(timeline.long_acting):
        insulin += _spread(timeline.long_acting, start, minutes)
        notes += ("long-acting insulin is taken to act evenly over 24 h from its injection",)
    return insulin, eat(np.array(fine.carbs_g)), notes


def _spread(injections: Boluses, start: float, minutes: int) -> Array:
    """Return long-acting insulin (T,), U/min, each injection laid evenly on the day after it."""
    out = np.zeros(minutes)
    first = np.floor((injections.time_s - start) / 60.0).astype(np.int64)
    for at, units in zip(first.tolist(), injections.units.tolist(), strict=True):
        out[max(at, 0) : max(at + LONG_ACTING_MIN, 0)] += units / LONG_ACTING_MIN
    return out
