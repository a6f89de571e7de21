"""A way to eat: the record of a scenario, and how days of meals are drawn from it.

Every draw takes the same number of random numbers whatever comes of it (inverse distribution
functions, no rejection), so that two policies, two patients or two settings of a scenario meet
the same days under the same seed; a longer episode begins with the shorter one's days.

simglucose's habits are kept in all scenarios: grams and minutes are rounded to whole numbers,
meals before the start hour of the first day never happen, and of two meals in one minute only
the earlier slot's is eaten.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ..physiology.errors import InputError
from .intake import COUNTING, counting_error_g, daily_carbs_g
from .meals import MealPlan, Slot, SlotTable, as_slot, tabulate
from .presets import check

Array = NDArray[np.float64]

SHAPES: Final = ("normal", "uniform", "lognormal")
DAILY: Final = ("none", "schofield", "harris_benedict")
DAY_MIN: Final = 1440.0
# One column each: eaten?, time, amount, told?, delay, carb-count error.
COLUMNS: Final = 6
TINY: Final = 2.0**-53


@dataclass(frozen=True)
class Scenario:
    """A way to eat; all fields are JSON-serialisable.

    Parameters
    ----------
    name, source : str
        The scenario, and where its numbers come from.
    slots : tuple of Slot
        The meals a day may have.
    amount_shape : str
        ``normal`` (mean, SD), ``uniform`` (middle, half-width) or ``lognormal`` (mean,
        coefficient of variation).
    daily_carbs : str
        ``none``: amounts are grams. ``schofield`` or ``harris_benedict``: amounts are shares of
        the grams a day that :mod:`dosegym.therapy.intake` derives from weight and age.
    carbs_scale : float
        Factor on every meal.
    announced : bool
        Whether the controller is told of meals at all.
    lead_min : float
        Minutes before the meal that it is told.
    missed_rate, snack_missed_rate : float
        Share of meals and of snacks never told.
    late_rate, late_low_min, late_high_min : float
        Share of the told ones that are told late, and the bounds of the uniform delay after the
        start, min.
    counting : str
        Mean carb-count error: ``none``, ``dtt2020_linear`` or ``dtt2020_quadratic``.
    counting_log_mean, counting_log_sd : float
        Mean and SD of the logarithm of the factor on what is told.
    rescue_g : float
        Carbohydrate taken against a low reading, g; 0 for a person who never treats one.
    rescue_below_mg_dl, rescue_alarm_mg_dl : float
        Readings below which it is taken awake (7 to 23 h), and asleep (an alarm must wake them).
    rescue_wait_min : float
        Least time between two treatments, min.
    rescue_awake, rescue_asleep : float
        Share of hours in which the person heeds a low, awake and asleep.
    """

    name: str
    source: str
    slots: tuple[Slot, ...] = ()
    amount_shape: str = "normal"
    daily_carbs: str = "none"
    carbs_scale: float = 1.0
    announced: bool = False
    lead_min: float = 0.0
    missed_rate: float = 0.0
    snack_missed_rate: float = 0.0
    late_rate: float = 0.0
    late_low_min: float = 0.0
    late_high_min: float = 0.0
    counting: str = "none"
    counting_log_mean: float = 0.0
    counting_log_sd: float = 0.0
    rescue_g: float = 0.0
    rescue_below_mg_dl: float = 70.0
    rescue_alarm_mg_dl: float = 55.0
    rescue_wait_min: float = 15.0
    rescue_awake: float = 0.9
    rescue_asleep: float = 0.6

    def __post_init__(self) -> None:
        object.__setattr__(self, "slots", tuple(as_slot(s) for s in self.slots))
        for field, choices in (
            ("amount_shape", SHAPES),
            ("daily_carbs", DAILY),
            ("counting", COUNTING),
        ):
            if getattr(self, field) not in choices:
                raise InputError(
                    f"scenario {field} is {getattr(self, field)!r}; "
                    f"choose one of {', '.join(choices)}"
                )
        check("scenario carbs_scale", self.carbs_scale, 0.0, 10.0)
        check("scenario lead_min", self.lead_min, 0.0, 180.0, "min")
        for field in ("missed_rate", "snack_missed_rate", "late_rate"):
            check(f"scenario {field}", getattr(self, field), 0.0, 1.0)
        check("scenario late_high_min", self.late_high_min, 0.0, 720.0, "min")
        check("scenario late_low_min", self.late_low_min, 0.0, 720.0, "min")
        if self.late_low_min > self.late_high_min:
            raise InputError(
                f"scenario late_low_min is {self.late_low_min:g} min; give at most late_high_min, "
                f"{self.late_high_min:g} min, or raise that"
            )
        check("scenario counting_log_mean", self.counting_log_mean, -2.0, 2.0)
        check("scenario counting_log_sd", self.counting_log_sd, 0.0, 2.0)
        check("scenario rescue_g", self.rescue_g, 0.0, 100.0, "g")
        for field in ("rescue_below_mg_dl", "rescue_alarm_mg_dl"):
            check(f"scenario {field}", getattr(self, field), 0.0, 120.0, "mg/dL")
        check("scenario rescue_wait_min", self.rescue_wait_min, 5.0, 120.0, "min")
        for field in ("rescue_awake", "rescue_asleep"):
            check(f"scenario {field}", getattr(self, field), 0.0, 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values; ``load_scenario`` takes them back."""
        plain = asdict(self)
        plain["slots"] = [dict(slot) for slot in plain["slots"]]
        return plain

    def max_meals(self, days: int) -> int:
        """Return the most meals an episode can have: the room that holds any plan."""
        return (int(days) + 1) * len(self.slots)

    @cached_property
    def _table(self) -> SlotTable:
        return tabulate(self.slots)

    def draw(
        self,
        rng: np.random.Generator,
        *,
        days: int,
        start_min: float,
        weight_kg: float,
        age_years: float,
        height_m: float | None = None,
        sex: str | None = None,
    ) -> MealPlan:
        """Draw the meals from ``start_min`` up to ``start_min + 1440 days``.

        Parameters
        ----------
        rng : numpy.random.Generator
            Advanced by 6 (days + 1) S draws, S the number of slots, whatever comes of them.
        days : int
            Length of the episode.
        start_min : float
            Its start, minutes since midnight of day 0, in [0, 1440).
        weight_kg, age_years : float
            The person.
        height_m : float, optional
        sex : {"male", "female"}, optional
            Where known; see :func:`dosegym.therapy.intake.harris_benedict_carbs_g`.

        Raises
        ------
        InputError
            If days, start or the person is not acceptable.
        """
        check("scenario days", days, 1, 3660)
        check("scenario start_min", start_min, 0.0, DAY_MIN - 1e-9, "min")
        slots = len(self.slots)
        # Off 0 and 1, where the inverse of the normal distribution is infinite.
        u = rng.random((int(days) + 1, COLUMNS, slots)) * (1.0 - 2.0 * TINY) + TINY
        u = u.swapaxes(0, 1)
        carbs = self._grams(u[2], weight_kg, age_years, height_m, sex)
        when, where = self._eaten(u, carbs, start_min, start_min + DAY_MIN * days)
        grams = carbs.ravel()[where]
        fate = u[3:].reshape(3, -1)[:, where]
        told_min, told_g = self._tell(fate, where % max(slots, 1), when, grams, weight_kg)
        return MealPlan(when, grams, np.maximum(told_min, start_min), told_g)

    def _eaten(
        self, u: Array, carbs: Array, start_min: float, end_min: float
    ) -> tuple[Array, NDArray[np.intp]]:
        """Return when meals are eaten (K,), ascending, and their positions in the flat draw."""
        table = self._table
        time = np.rint(table.mean + table.sd * ndtri(table.floor + u[1] * table.span))
        time += DAY_MIN * np.arange(len(time))[:, None]
        eaten = (u[0] < table.probability) & (carbs > 0.0) & (time >= start_min) & (time < end_min)
        where = np.flatnonzero(eaten)
        when = time.ravel()[where]
        order = np.argsort(when, kind="stable")
        when, where = when[order], where[order]
        alone = np.ones(when.size, dtype=bool)
        alone[1:] = when[1:] > when[:-1]
        return when[alone], where[alone]

    def _grams(
        self, u: Array, weight_kg: float, age_years: float, height_m: float | None, sex: str | None
    ) -> Array:
        """Return the grams of every slot, rounded as simglucose does, never negative."""
        table = self._table
        scale = self.carbs_scale
        if self.daily_carbs != "none":
            scale *= daily_carbs_g(self.daily_carbs, weight_kg, age_years, height_m, sex)
        if self.amount_shape == "lognormal":
            size = table.amount * np.exp(table.log_sd * ndtri(u) - 0.5 * table.log_sd**2)
        elif self.amount_shape == "uniform":
            size = table.amount + table.spread * (2.0 * u - 1.0)
        else:
            size = table.amount + table.spread * ndtri(u)
        grams: Array = np.maximum(np.rint(scale * size), 0.0)
        return grams

    def _tell(
        self, u: Array, slot: NDArray[np.intp], when: Array, grams: Array, weight_kg: float
    ) -> tuple[Array, Array]:
        """Return when and what the controller is told of the meals eaten."""
        if not self.announced:
            return np.full(when.shape, np.inf), np.zeros(when.shape)
        kind = self._table.kind[slot]
        missed = np.where(kind == "snack", self.snack_missed_rate, self.missed_rate)
        late = u[0] < missed + (1.0 - missed) * self.late_rate
        delay = self.late_low_min + (self.late_high_min - self.late_low_min) * u[1]
        told_min = when + np.where(late, delay, -self.lead_min)
        counted = grams
        if self.counting != "none":
            error = counting_error_g(self.counting, grams, kind, weight_kg)
            counted = np.maximum(grams + error, 0.0)
        if self.counting_log_mean or self.counting_log_sd:
            counted = counted * np.exp(self.counting_log_mean + self.counting_log_sd * ndtri(u[2]))
        never = u[0] < missed
        return np.where(never, np.inf, told_min), np.where(never, 0.0, counted)
