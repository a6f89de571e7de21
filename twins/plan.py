"""What is planned after a record's end: basal, dated boluses, dated meals, and factors on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.series import DailySchedule
from .change import MOST_FACTOR, MOST_GRAMS, MOST_UNITS

Array = NDArray[np.float64]
MOST_BASAL_U_PER_H = 35.0  # more than pumps give (t:slim X2: 15 U/h)


@dataclass(frozen=True)
class Plan:
    """A regimen ahead.

    Parameters
    ----------
    basal : DailySchedule, float or None
        U/h over the local day; None is the person's own: as recorded, else what the body needs.
    boluses : tuple of (float, float)
        Seconds since 1970 UTC, and units.
    meals : tuple of (float, float)
        Seconds since 1970 UTC, and grams as the person would count them.
    usual_boluses : bool
        Each meal gets a bolus by the person's carb ratio, with a correction where the reading is
        above the target; settings that the record does not state are titrated by simulation.
    basal_factor, bolus_factor : float
        On everything above.

    Raises
    ------
    InputError
        If a number is not finite or out of bounds.
    """

    basal: DailySchedule | float | None = None
    boluses: tuple[tuple[float, float], ...] = ()
    meals: tuple[tuple[float, float], ...] = ()
    usual_boluses: bool = False
    basal_factor: float = 1.0
    bolus_factor: float = 1.0

    def __post_init__(self) -> None:
        for name in ("basal_factor", "bolus_factor"):
            value = getattr(self, name)
            if not 0.0 <= value <= MOST_FACTOR:
                raise InputError(f"{name} is {value}; give a factor from 0 to {MOST_FACTOR:g}")
        rates = self.basal.value if isinstance(self.basal, DailySchedule) else [self.basal or 0.0]
        if not all(0.0 <= rate <= MOST_BASAL_U_PER_H for rate in rates):
            raise InputError(f"basal is {list(rates)} U/h; give 0 to {MOST_BASAL_U_PER_H:g} U/h")
        _check("bolus", self.boluses, MOST_UNITS, "U")
        _check("meal", self.meals, MOST_GRAMS, "g")

    def times(self, **factors: float) -> Plan:
        """Return the plan with other factors, e.g. ``plan.times(basal_factor=0.9)``."""
        return replace(self, **factors)

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON."""
        basal: Any = self.basal
        if isinstance(basal, DailySchedule):
            basal = np.stack([basal.minute_of_day, basal.value], axis=1).tolist()
        return {
            "basal_u_per_h": basal,
            "boluses": [list(pair) for pair in self.boluses],
            "meals": [list(pair) for pair in self.meals],
            "usual_boluses": self.usual_boluses,
            "basal_factor": self.basal_factor,
            "bolus_factor": self.bolus_factor,
        }

    def at_steps(self, pairs: Sequence[tuple[float, float]], start_s: float, steps: int) -> Array:
        """Return amounts (steps,) at the five-minute step in which each falls.

        Raises
        ------
        InputError
            If one lies outside of the time looked at.
        """
        out = np.zeros(steps)
        for time, amount in pairs:
            step = int((time - start_s) // 300.0)
            if not 0 <= step < steps:
                raise InputError(
                    f"a dose or meal at {time:.0f} s lies outside of {start_s:.0f} to "
                    f"{start_s + 300.0 * steps:.0f} s, the time looked at"
                )
            out[step] += amount
        return out


def _check(what: str, pairs: Sequence[tuple[float, float]], most: float, unit: str) -> None:
    for time, amount in pairs:
        if not (np.isfinite(time) and 0.0 <= amount <= most):
            raise InputError(f"{what} is {amount} {unit} at {time}; give 0 to {most:g} {unit}")
