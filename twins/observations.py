"""A record as a fit sees it: minutes of insulin and carbohydrate, five-minute glucose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.series import Boluses
from ..records.timeline import Timeline
from .diary_meals import USUAL_G, tells_meals, usual_meals
from .insulin_action import FLAT_MIN, spread

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
# A person who pricks a finger four times a day tells in four weeks what a sensor tells in hours.
LONGEST_DAYS_OF_FINGERS = 28
LONG_ACTING_MIN = FLAT_MIN
LONGEST_GAP_OF_FINGERS_H, ENOUGH_DAYS_OF_FINGERS = 72.0, 21.0  # project choice


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

    @cached_property
    def meal_begins(self) -> NDArray[np.int64]:
        """Minute (M,) at which each meal begins."""
        reached = np.maximum.accumulate(self.meal)
        return np.searchsorted(reached, np.arange(self.meals)).astype(np.int64)

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
    """Return the last (at most 14, of finger sticks 28) days of a record for fitting.

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
    by_finger = timeline.glucose_source == "finger"
    longest = LONGEST_DAYS_OF_FINGERS if by_finger else LONGEST_DAYS
    start = max(first, end - longest * 86400.0)
    samples = int((end - start) // (SAMPLE_MIN * 60))
    coarse = timeline.on_grid(start, samples + 1, SAMPLE_MIN)
    insulin, carbs, told = _inputs(timeline, start, samples * SAMPLE_MIN)
    within = timeline.long_acting.between(start - 86400.0, end)
    own_basal = timeline.basal is None and len(within) == 0
    if own_basal:
        told += ("no basal insulin is recorded; each body gets the basal insulin that it needs",)
    return Observations(
        start, insulin, carbs, np.array(coarse.glucose), np.array(coarse.censored), own_basal,
        float(timeline.local_minute_of_day(np.array([start]))[0]), (*notes, *told),
    )  # fmt: skip


def _stretch(timeline: Timeline) -> tuple[float, float, tuple[str, ...]]:
    """Return first and last second of the readings to use, and what is to be said about it."""
    time = timeline.glucose.time_s
    by_finger = timeline.glucose_source == "finger"
    longest_gap = LONGEST_GAP_OF_FINGERS_H if by_finger else LONGEST_GAP_H
    enough = ENOUGH_DAYS_OF_FINGERS if by_finger else ENOUGH_DAYS
    breaks = np.flatnonzero(np.diff(time) > longest_gap * 3600.0)
    starts = time[np.append(0, breaks + 1)] if len(time) else np.zeros(1)
    ends = time[np.append(breaks, len(time) - 1)] if len(time) else np.zeros(1)
    # The last reading of a stretch stands for its own interval.
    days = (ends - starts + (timeline.sampling_interval_s if len(time) else 0.0)) / 86400.0
    longest = len(days) - 1 - int(np.argmax(days[::-1]))
    which = len(days) - 1 if days[-1] >= enough else longest
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
        f"glucose pauses for more than {longest_gap:g} h {len(days) - 1} time(s); the twin is "
        f"fitted to one stretch of {days[which]:.1f} days that ends {ending}"
    )
    return first, last, (note,)


def _inputs(timeline: Timeline, start: float, minutes: int) -> tuple[Array, Array, tuple[str, ...]]:
    """Return insulin (T,) in U/min and carbohydrate (T,) in g/min, and what was assumed."""
    slow = timeline.boluses.insulin != 0
    at_once, regular = (_only(timeline.boluses, mask) for mask in (~slow, slow))
    fine = replace(timeline, boluses=at_once).on_grid(start, minutes, 1.0)
    insulin = np.array(fine.insulin_u_per_min) + spread(regular, start, minutes)
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
        insulin += spread(timeline.long_acting, start, minutes)
        notes += _of_long_acting(timeline.long_acting)
    grams = np.array(fine.carbs_g)
    if tells_meals(timeline):
        when, sizes = usual_meals(timeline, start, minutes // 1440 + 2)
        minute = np.floor((when - start) / 60.0).astype(np.int64)
        inside = (minute >= 0) & (minute < minutes)
        np.add.at(grams, minute[inside], sizes[inside])
        notes += (
            f"no grams are recorded; three meals of {USUAL_G:g} g a day are assumed, at the "
            "diary's marks where there are any, and the fit estimates how each differed",
        )
    return insulin, eat(grams), notes


def _only(doses: Boluses, mask: NDArray[np.bool_]) -> Boluses:
    return Boluses(doses.time_s[mask], doses.units[mask], doses.insulin[mask])


def _of_long_acting(injections: Boluses) -> tuple[str, ...]:
    """Say how injected insulin is taken to act."""
    if (injections.insulin == 0).any():
        return ("long-acting insulin is taken to act evenly over 24 h from its injection",)
    return ("NPH and UltraLente are taken to act as in Lepore 2000",)
