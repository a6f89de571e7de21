"""How a person usually eats: the meals of a usual day, found in their record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..records.timeline import Timeline
from ..therapy.protocols import LEVELS
from ..therapy.scenario import RESCUE_G

Array = NDArray[np.float64]

# All project choices. The day is cut at 4 h, when few people eat.
DAY_STARTS_MIN: Final = 240.0
SAME_MEAL_MIN: Final = 45.0
SAME_SLOT_MIN: Final = 120.0
SMALLEST_G: Final = 5.0
USUAL_SHARE: Final = 0.5
FEWEST_DAYS: Final = 2
LARGEST_SPREAD: Final = 0.5
RESCUE_MOST_G: Final = 20.0
RESCUE_WITHIN_S: Final = 1200.0
BOLUS_BEFORE_S, BOLUS_AFTER_S = 1800.0, 3600.0


@dataclass(frozen=True)
class UsualMeal:
    """One meal of a usual day.

    Parameters
    ----------
    minute : int
        Median local minute of the day.
    carbs_g : float
        Median grams, as the person counts them.
    spread : float
        Coefficient of variation of the grams, at most 0.5.
    share : float
        Share of days on which it is eaten.
    """

    minute: int
    carbs_g: float
    spread: float
    share: float


@dataclass(frozen=True)
class Habits:
    """How a person eats and boluses.

    Parameters
    ----------
    meals : tuple of UsualMeal
        Those eaten on at least half of the days, in order of time; empty where none recurs.
    meals_a_day : float
        Meals logged per day, treatments of lows not counted.
    unbolused : float
        Share of meals without a bolus from 30 min before to 60 min after.
    rescues : int
        Entries taken for the treatment of a low: up to 20 g, no bolus, a reading under 70 mg/dL
        within 20 min before.
    """

    meals: tuple[UsualMeal, ...]
    meals_a_day: float
    unbolused: float
    rescues: int

    def to_dict(self) -> dict[str, Any]:
        """Return the habits in JSON."""
        return {
            "meals": [vars(meal) for meal in self.meals],
            "meals_a_day": self.meals_a_day,
            "unbolused": self.unbolused,
            "rescues": self.rescues,
        }


def habits_of(record: Timeline) -> Habits:
    """Return the habits that a record shows over its days of glucose."""
    time, grams = record.meals.time_s, record.meals.carbs_g
    bolused = _bolused(record, time)
    rescue = ~bolused & (grams <= RESCUE_MOST_G) & _low_before(record, time)
    kept = ~rescue & (grams >= SMALLEST_G)
    time, grams, bolused = _merged(time[kept], grams[kept], bolused[kept])
    days = max(round(record.span_days, 2), 1.0)
    return Habits(
        meals=_usual(record, time, grams, days),
        meals_a_day=len(time) / days,
        unbolused=float(1.0 - bolused.mean()) if len(time) else 0.0,
        rescues=int(rescue.sum()),
    )


def scenario_of(
    habits: Habits, base: dict[str, Any], counting_sd: float = 0.0
) -> dict[str, Any] | None:
    """Return the keywords of a scenario in which a person lives their usual day.

    Parameters
    ----------
    habits : Habits
    base : dict
        Fields of the certified scenario kept as they are: how lows are treated.
    counting_sd : float
        Standard deviation of the logarithm of counted over eaten grams from meal to meal.

    Returns
    -------
    dict or None
        For ``load_scenario``; None where no meal recurs.
    """
    if not habits.meals:
        return None
    slots = [
        {
            "kind": _kind(meal),
            "probability": 1.0,
            "time_mean_min": float(meal.minute),
            "time_sd_min": 0.0,
            "time_low_min": float(meal.minute),
            "time_high_min": float(meal.minute),
            "amount": meal.carbs_g,
            "spread": meal.spread,
        }
        for meal in habits.meals
    ]
    kept = {key: value for key, value in base.items() if key.startswith("rescue_")}
    return {
        "preset": "fasting",
        "name": "usual day",
        "source": "median meal times and grams of the person's record",
        "slots": slots,
        "amount_shape": "lognormal",
        "counting_log_sd": counting_sd,
        "rescue_g": RESCUE_G,
        **kept,
    }


def _kind(meal: UsualMeal) -> str:
    if meal.carbs_g < 20.0:
        return "snack"
    return "breakfast" if meal.minute < 630 else "lunch" if meal.minute < 960 else "dinner"


def _bolused(record: Timeline, time: Array) -> NDArray[np.bool_]:
    bolus = record.boluses.time_s
    first = np.searchsorted(bolus, time - BOLUS_BEFORE_S)
    last = np.searchsorted(bolus, time + BOLUS_AFTER_S, side="right")
    found: NDArray[np.bool_] = last > first
    return found


def _low_before(record: Timeline, time: Array) -> NDArray[np.bool_]:
    low = record.glucose.time_s[record.glucose.mg_dl < LEVELS.low]
    first = np.searchsorted(low, time - RESCUE_WITHIN_S)
    last = np.searchsorted(low, time, side="right")
    found: NDArray[np.bool_] = last > first
    return found


def _merged(
    time: Array, grams: Array, bolused: NDArray[np.bool_]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Join entries that follow within 45 min of a meal's first one."""
    starts: list[int] = []
    for i, when in enumerate(time.tolist()):
        if not starts or when - time[starts[-1]] > SAME_MEAL_MIN * 60.0:
            starts.append(i)
    if not starts:
        return time, grams, bolused
    return (
        time[starts],
        np.add.reduceat(grams, starts),
        np.logical_or.reduceat(bolused, starts),
    )


def _usual(record: Timeline, time: Array, grams: Array, days: float) -> tuple[UsualMeal, ...]:
    """Group meals by time of day and keep the groups that recur."""
    if len(time) < 2:
        return ()
    from scipy.cluster.hierarchy import fcluster, linkage

    minute = record.local_minute_of_day(time)
    since = np.mod(minute - DAY_STARTS_MIN, 1440.0)
    day = np.round((time - since * 60.0) / 86400.0)
    group = fcluster(linkage(since[:, None], "average"), SAME_SLOT_MIN, "distance")
    meals = []
    for label in np.unique(group):
        inside = group == label
        eaten_on = len(np.unique(day[inside]))
        if eaten_on < max(FEWEST_DAYS, USUAL_SHARE * days):
            continue
        carbs = grams[inside]
        when = round(float(np.median(since[inside])) + DAY_STARTS_MIN) % 1440
        spread = float(np.std(carbs) / np.mean(carbs))
        meals.append(
            UsualMeal(
                when,
                float(np.median(carbs)),
                min(spread, LARGEST_SPREAD),
                min(eaten_on / days, 1.0),
            )
        )
    return tuple(sorted(meals, key=lambda meal: meal.minute))
