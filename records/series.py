"""The typed, read-only columns that a timeline is made of."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..physiology.errors import InputError

Floats = NDArray[np.float64]
Flags = NDArray[np.int8]
Bools = NDArray[np.bool_]

MINUTES_PER_DAY = 1440.0
INSULINS = ("", "regular", "nph", "ultralente")
"""Insulins whose action differs from a rapid- or long-acting analogue's; the place is the code."""


def frozen_column(values: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    """Copy `values` into a 1-D array that nobody can write to."""
    column = np.array(values, dtype=dtype).reshape(-1)
    column.setflags(write=False)
    return column


def freeze_columns(series: object, dtypes: dict[str, DTypeLike]) -> None:
    """Replace each named field of a frozen dataclass by a read-only column of equal length."""
    sizes = set()
    for name, dtype in dtypes.items():
        column = frozen_column(getattr(series, name), dtype)
        sizes.add(column.size)
        object.__setattr__(series, name, column)
    if len(sizes) > 1:
        raise InputError(
            f"{type(series).__name__}: columns of {sorted(sizes)} rows do not fit together; "
            "give arrays of one length"
        )


def require_sorted(time_s: Floats, what: str) -> None:
    """Raise InputError unless times are finite and ascend."""
    if not np.all(np.isfinite(time_s)) or np.any(np.diff(time_s) < 0):
        raise InputError(f"{what}: times are not finite and ascending; sort the rows by time")


@dataclass(frozen=True, eq=False)
class GlucoseSeries:
    """Sensor glucose.

    Parameters
    ----------
    time_s : array (n,), seconds since 1970 UTC
    mg_dl : array (n,), mg/dL
        A censored reading holds the bound of the sensor's range that it lies beyond.
    censored : array (n,) of int8
        -1 below the sensor's range ("Low"), +1 above it ("High"), 0 measured.
    """

    time_s: Floats
    mg_dl: Floats
    censored: Flags

    def __post_init__(self) -> None:
        freeze_columns(self, {"time_s": float, "mg_dl": float, "censored": np.int8})
        require_sorted(self.time_s, "glucose")

    def __len__(self) -> int:
        return int(self.time_s.size)

    def between(self, start_s: float, end_s: float) -> GlucoseSeries:
        """Return the readings with ``start_s <= time < end_s``."""
        low, high = np.searchsorted(self.time_s, [start_s, end_s])
        part = slice(low, max(low, high))
        return GlucoseSeries(self.time_s[part], self.mg_dl[part], self.censored[part])


@dataclass(frozen=True, eq=False)
class BasalIntervals:
    """Basal insulin delivered: the schedule overlaid by temporary rates and suspensions.

    Parameters
    ----------
    start_s, end_s : array (n,), seconds since 1970 UTC
        Intervals do not overlap; between them the delivery is unknown.
    u_per_h : array (n,), U/h
    assumed : array (n,) of bool
        True where no delivery log covers the interval and the scheduled rate stands in.
    """

    start_s: Floats
    end_s: Floats
    u_per_h: Floats
    assumed: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def __post_init__(self) -> None:
        if np.size(self.assumed) == 0:
            object.__setattr__(self, "assumed", np.zeros(np.size(self.start_s), dtype=bool))
        freeze_columns(self, {"start_s": float, "end_s": float, "u_per_h": float, "assumed": bool})
        require_sorted(self.start_s, "basal")
        if np.any(self.end_s <= self.start_s) or np.any(self.start_s[1:] < self.end_s[:-1]):
            raise InputError("basal: intervals are empty or overlap; cut each at its successor")

    def __len__(self) -> int:
        return int(self.start_s.size)

    def between(self, start_s: float, end_s: float) -> BasalIntervals:
        """Return the intervals cut to ``[start_s, end_s)``."""
        keep = (self.start_s < end_s) & (self.end_s > start_s)
        return BasalIntervals(
            np.maximum(self.start_s[keep], start_s),
            np.minimum(self.end_s[keep], end_s),
            self.u_per_h[keep],
            self.assumed[keep],
        )


@dataclass(frozen=True, eq=False)
class Boluses:
    """Insulin given at once.

    Parameters
    ----------
    time_s : array (n,), seconds since 1970 UTC
    units : array (n,), U
    insulin : array (n,) of int8
        Place of the insulin's name in `INSULINS`; 0 where the record does not name it.
    """

    time_s: Floats
    units: Floats
    insulin: Flags = field(default_factory=lambda: np.zeros(0, dtype=np.int8))

    def __post_init__(self) -> None:
        if np.size(self.insulin) == 0:
            object.__setattr__(self, "insulin", np.zeros(np.size(self.time_s), dtype=np.int8))
        freeze_columns(self, {"time_s": float, "units": float, "insulin": np.int8})
        require_sorted(self.time_s, "bolus")

    def __len__(self) -> int:
        return int(self.time_s.size)

    def between(self, start_s: float, end_s: float) -> Boluses:
        """Return the boluses with ``start_s <= time < end_s``."""
        low, high = np.searchsorted(self.time_s, [start_s, end_s])
        part = slice(low, max(low, high))
        return Boluses(self.time_s[part], self.units[part], self.insulin[part])


@dataclass(frozen=True, eq=False)
class Meals:
    """Carbohydrates eaten, as the person counted them.

    Parameters
    ----------
    time_s : array (n,), seconds since 1970 UTC
    carbs_g : array (n,), g
    """

    time_s: Floats
    carbs_g: Floats

    def __post_init__(self) -> None:
        freeze_columns(self, {"time_s": float, "carbs_g": float})
        require_sorted(self.time_s, "carbs")

    def __len__(self) -> int:
        return int(self.time_s.size)

    def between(self, start_s: float, end_s: float) -> Meals:
        """Return the meals with ``start_s <= time < end_s``."""
        low, high = np.searchsorted(self.time_s, [start_s, end_s])
        return Meals(self.time_s[low:high], self.carbs_g[low:high])


@dataclass(frozen=True, eq=False)
class DailySchedule:
    """A step function over the local day that repeats every midnight.

    Parameters
    ----------
    minute_of_day : array (k,), min
        Ascending, each in [0, 1440). Before the first step the last one still holds.
    value : array (k,)
        In the unit of the field that holds the schedule.
    """

    minute_of_day: Floats
    value: Floats

    def __post_init__(self) -> None:
        freeze_columns(self, {"minute_of_day": float, "value": float})
        minute = self.minute_of_day
        inside = bool(np.all((minute >= 0) & (minute < MINUTES_PER_DAY)))
        if minute.size == 0 or not inside or np.any(np.diff(minute) <= 0):
            raise InputError(
                f"schedule: minutes of the day {minute.tolist()[:6]} must ascend within 0 to 1440"
            )
        if not np.all(np.isfinite(self.value)):
            raise InputError("schedule: a value is not a finite number; give one for each step")

    def at(self, minute_of_day: ArrayLike) -> Floats:
        """Return the value in force at a local minute of the day.

        Parameters
        ----------
        minute_of_day : array (...), min
            Any minute; taken modulo one day.

        Returns
        -------
        array (...)
            In the schedule's unit.
        """
        minute = np.mod(np.asarray(minute_of_day, dtype=float), MINUTES_PER_DAY)
        step = np.searchsorted(self.minute_of_day, minute, side="right") - 1
        return np.asarray(self.value[step], dtype=float)

    def mean(self) -> float:
        """Return the time-weighted mean over one day."""
        ends = np.append(self.minute_of_day[1:], self.minute_of_day[0] + MINUTES_PER_DAY)
        return float(np.sum((ends - self.minute_of_day) * self.value) / MINUTES_PER_DAY)

    def scaled(self, factor: float) -> DailySchedule:
        """Return the schedule with every value multiplied by `factor`."""
        return DailySchedule(self.minute_of_day, self.value * factor)


def constant_schedule(value: float) -> DailySchedule:
    """Return a schedule that holds one value all day."""
    return DailySchedule(np.zeros(1), np.array([value]))


@dataclass(frozen=True, eq=False)
class TherapySettings:
    """What is programmed for this person; None where the record does not say.

    Parameters
    ----------
    basal_u_per_h : DailySchedule or None, U/h
    carb_ratio_g_per_u : DailySchedule or None, g/U
    correction_mg_dl_per_u : DailySchedule or None, mg/dL per U
    target_mg_dl : DailySchedule or None, mg/dL
        The middle of the target range.
    insulin_duration_h : float or None, h
    weight_kg : float or None, kg
    age_years : float or None, years
        Ages above 89 are kept as 90 (Safe Harbor, 45 CFR 164.514(b)(2)).
    """

    basal_u_per_h: DailySchedule | None = None
    carb_ratio_g_per_u: DailySchedule | None = None
    correction_mg_dl_per_u: DailySchedule | None = None
    target_mg_dl: DailySchedule | None = None
    insulin_duration_h: float | None = None
    weight_kg: float | None = None
    age_years: float | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and self.age_years > 89:
            object.__setattr__(self, "age_years", 90.0)

    def filled_from(self, other: TherapySettings) -> TherapySettings:
        """Return these settings with each missing one taken from `other`."""
        names = [item.name for item in fields(self)]
        mine = {name: getattr(self, name) for name in names}
        return TherapySettings(
            **{name: getattr(other, name) if mine[name] is None else mine[name] for name in names}
        )
