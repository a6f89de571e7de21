"""Meals: what is eaten and told, and the tables of a day's meals that scenarios draw from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ..physiology.errors import InputError
from .presets import check, known_fields, verify

Array = NDArray[np.float64]

KINDS: Final = ("breakfast", "lunch", "dinner", "snack")


@dataclass(frozen=True)
class MealPlan:
    """The meals of one episode.

    Parameters
    ----------
    time_min : array (K,), min
        When each meal begins, minutes since midnight of day 0, ascending, no two alike.
    carbs_g : array (K,), g
        Carbohydrate eaten.
    told_min : array (K,), min
        When the controller is told: before the meal, at it or after; +inf means never.
    told_g : array (K,), g
        What it is told; 0 where it is never told.
    """

    time_min: Array
    carbs_g: Array
    told_min: Array
    told_g: Array

    def __len__(self) -> int:
        return len(self.time_min)


@dataclass(frozen=True)
class Slot:
    """One meal that a day may have.

    The time is a normal distribution truncated to [low, high]; amount and spread are in grams or
    in shares of the day's carbohydrate, and mean what the scenario's ``amount_shape`` says.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.
    probability : float
        Chance that the meal is eaten on a day.
    time_mean_min, time_sd_min, time_low_min, time_high_min : float
        Minutes since midnight.
    amount, spread : float
        Size and its variation.
    """

    kind: str
    probability: float
    time_mean_min: float
    time_sd_min: float
    time_low_min: float
    time_high_min: float
    amount: float
    spread: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"slot kind is {self.kind!r}; choose one of {', '.join(KINDS)}")
        check("slot probability", self.probability, 0.0, 1.0)
        check("slot time_low_min", self.time_low_min, 0.0, 1439.0, "min")
        check("slot time_high_min", self.time_high_min, self.time_low_min, 1439.0, "min")
        low, high = self.time_low_min, self.time_high_min
        check("slot time_mean_min", self.time_mean_min, low, high, "min")
        check("slot time_sd_min", self.time_sd_min, 0.0, 720.0, "min")
        check("slot amount", self.amount, 0.0, 1000.0)
        check("slot spread", self.spread, 0.0, 1000.0)


@dataclass(frozen=True)
class SlotTable:
    """The slots of a day as arrays (S,), ready to draw from.

    ``floor`` and ``span`` are where the truncated time lies in its normal distribution function:
    time = mean + sd x inverse normal(floor + u span) for u uniform in (0, 1).
    """

    kind: NDArray[np.str_]
    probability: Array
    mean: Array
    sd: Array
    floor: Array
    span: Array
    amount: Array
    spread: Array
    log_sd: Array


def tabulate(slots: tuple[Slot, ...]) -> SlotTable:
    """Return the slots of a day as arrays."""

    def column(field: str) -> Array:
        return np.array([getattr(s, field) for s in slots], dtype=np.float64)

    mean, sd, spread = column("time_mean_min"), column("time_sd_min"), column("spread")
    unit = np.where(sd > 0.0, sd, 1.0)
    floor, ceiling = (
        np.where(sd > 0.0, ndtr((column(edge) - mean) / unit), 0.5)
        for edge in ("time_low_min", "time_high_min")
    )
    return SlotTable(
        kind=np.array([s.kind for s in slots], dtype=np.str_),
        probability=column("probability"),
        mean=mean,
        sd=sd,
        floor=floor,
        span=ceiling - floor,
        amount=column("amount"),
        spread=spread,
        log_sd=np.sqrt(np.log1p(spread**2)),
    )


def _six(
    probability: tuple[float, float],
    time_sd_min: tuple[float, float],
    amounts: tuple[float, ...],
    spreads: tuple[float, ...],
) -> tuple[Slot, ...]:
    """Return simglucose's three meals and three snacks; pairs are (meals, snacks)."""
    hours = ((5, 7, 9), (9, 9.5, 10), (10, 12, 14), (14, 15, 16), (16, 18, 20), (20, 21.5, 23))
    kinds = ("breakfast", "snack", "lunch", "snack", "dinner", "snack")
    return tuple(
        Slot(
            kind,
            probability[k % 2],
            60.0 * mean,
            time_sd_min[k % 2],
            60.0 * low,
            60.0 * high,
            amounts[k],
            spreads[k],
        )
        for k, (kind, (low, mean, high)) in enumerate(zip(kinds, hours, strict=True))
    )


# simglucose a6f6777, RandomScenario: grams, normal.
SIMGLUCOSE_DAY: Final = _six(
    (0.95, 0.3), (60.0, 30.0), (45.0, 10.0, 70.0, 10.0, 80.0, 10.0), (10.0, 5.0) * 3
)

# offline-glucose e8f2b09, schedule of its notebook: grams, normal.
EMERSON_DAY: Final = _six(
    (0.95, 0.1), (30.0, 15.0), (50.0, 15.0, 70.0, 15.0, 90.0, 30.0), (10.0, 5.0) * 3
)

# RL4BG c9e2189, create_scenario_harrison_benedict(): shares of the day's grams, normal, SD 15 %.
_FOX_SHARES = tuple(part / 4.4 for part in (1.1, 0.15, 1.3, 0.15, 1.55, 0.15))
FOX_DAY: Final = _six(
    (0.95, 0.3), (60.0, 30.0), _FOX_SHARES, tuple(0.15 * share for share in _FOX_SHARES)
)

# RL4T1D ea9e172, configs/env/env.yaml, validation: grams, fixed.
RL4T1D_DAY: Final = (
    Slot("breakfast", 1.0, 480.0, 0.0, 480.0, 480.0, 40.0, 0.0),
    Slot("lunch", 1.0, 780.0, 0.0, 780.0, 780.0, 80.0, 0.0),
    Slot("dinner", 1.0, 1200.0, 0.0, 1200.0, 1200.0, 60.0, 0.0),
)

# The same file, training: grams, uniform within three times its "variance"; snacks are off.
RL4T1D_TRAINING_DAY: Final = (
    Slot("breakfast", 0.95, 480.0, 60.0, 420.0, 540.0, 45.0, 15.0),
    Slot("lunch", 0.95, 780.0, 60.0, 720.0, 840.0, 85.0, 15.0),
    Slot("dinner", 0.95, 1200.0, 60.0, 1140.0, 1260.0, 80.0, 30.0),
)

# Ours: shares of the day's grams, lognormal with this coefficient of variation; the expected day
# is 1. Each number's source or reason: docs/reference/devices-and-days.md.
WEIGHT_SCALED_DAY: Final = (
    Slot("breakfast", 0.95, 450.0, 45.0, 330.0, 570.0, 0.287, 0.3),
    Slot("snack", 0.35, 615.0, 30.0, 571.0, 660.0, 0.1255, 0.5),
    Slot("lunch", 0.95, 750.0, 45.0, 661.0, 870.0, 0.3153, 0.3),
    Slot("snack", 0.35, 945.0, 30.0, 871.0, 1020.0, 0.1255, 0.5),
    Slot("dinner", 0.95, 1125.0, 45.0, 1021.0, 1230.0, 0.3117, 0.3),
    Slot("snack", 0.35, 1275.0, 30.0, 1231.0, 1350.0, 0.1255, 0.5),
    Slot("snack", 0.0, 960.0, 240.0, 540.0, 1425.0, 0.1255, 0.5),
)

# The same, with the last slot, a snack at any hour, eaten every other day (project choice). Only
# its chance differs, so that a seed gives both days the same other meals.
MESSY_DAY: Final = (*WEIGHT_SCALED_DAY[:-1], replace(WEIGHT_SCALED_DAY[-1], probability=0.5))


def as_slot(value: Any) -> Slot:
    """Return a slot from itself or from a mapping of its fields.

    Raises
    ------
    InputError
        If a field is missing, unknown or not acceptable.
    """
    if isinstance(value, Slot):
        return value
    example = SIMGLUCOSE_DAY[0]
    if not isinstance(value, Mapping):
        raise InputError(f"scenario slot is {value!r}; give a mapping of {known_fields(example)}")
    verify("slot", example, value)
    missing = [key for key in known_fields(example) if key not in value]
    if missing:
        raise InputError(
            f"scenario slot lacks {missing[0]!r}; it needs all of {known_fields(example)}"
        )
    return Slot(**value)
