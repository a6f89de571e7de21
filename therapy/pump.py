"""Insulin pumps: what a device makes of a dose that was asked for.

A request is clipped to the pump's limits and rounded to the *nearest* increment. Nearest, not
down: rounding down would withhold half an increment on average at every command (with 0.05 U steps
and a bolus every 5 minutes, 7 U a day), while rounding to the nearest errs by at most half an
increment and by nothing on average. The rounded dose never exceeds the limit.

Limits are per hour for basal and per dose for a bolus. simglucose's table holds the same numbers,
but its code applies them per minute, and the increments to pmol (its issue 71), so that there the
rounding never acts and the basal limit is sixty times too wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .presets import amend, check, choose

Array = NDArray[np.float64]


def pump_deliver(
    basal: Any,
    bolus: Any,
    max_basal: float,
    inc_basal: float,
    max_bolus: float,
    inc_bolus: float,
) -> tuple[Any, Any]:
    """Return the basal rate (U/h) and bolus (U) delivered for those asked.

    Works on arrays and, compiled by Numba, on single numbers. An increment of 0 means no rounding.
    """
    rate = np.minimum(np.maximum(basal, 0.0), max_basal)
    dose = np.minimum(np.maximum(bolus, 0.0), max_bolus)
    # A hair is added to the limit's step count because 30 / 0.05 is not quite 600 in binary.
    if inc_basal > 0.0:
        steps = np.minimum(np.floor(rate / inc_basal + 0.5), np.floor(max_basal / inc_basal + 1e-9))
        rate = steps * inc_basal
    if inc_bolus > 0.0:
        steps = np.minimum(np.floor(dose / inc_bolus + 0.5), np.floor(max_bolus / inc_bolus + 1e-9))
        dose = steps * inc_bolus
    return rate, dose


@dataclass(frozen=True)
class Pump:
    """One pump's limits, increments and delivery error.

    Parameters
    ----------
    name, source : str
        The pump, and where its numbers come from.
    max_basal_u_per_h, basal_increment_u_per_h : float
        Largest basal rate and its step, U/h; a step of 0 means none.
    max_bolus_u, bolus_increment_u : float
        Largest bolus and its step, U; a step of 0 means none.
    basal_error_cv, bolus_error_cv : float
        Relative standard deviation of what flows against what was set; see :meth:`draw_errors`.
    """

    name: str
    max_basal_u_per_h: float
    basal_increment_u_per_h: float
    max_bolus_u: float
    bolus_increment_u: float
    source: str
    basal_error_cv: float = 0.0
    bolus_error_cv: float = 0.0

    def __post_init__(self) -> None:
        check("pump max_basal_u_per_h", self.max_basal_u_per_h, 0.0, 1000.0, "U/h")
        check("pump max_bolus_u", self.max_bolus_u, 0.0, 1000.0, "U")
        limit = self.max_basal_u_per_h
        check("pump basal_increment_u_per_h", self.basal_increment_u_per_h, 0.0, limit, "U/h")
        check("pump bolus_increment_u", self.bolus_increment_u, 0.0, self.max_bolus_u, "U")
        check("pump basal_error_cv", self.basal_error_cv, 0.0, 1.0)
        check("pump bolus_error_cv", self.bolus_error_cv, 0.0, 1.0)

    def deliver(self, basal_u_per_h: ArrayLike, bolus_u: ArrayLike) -> tuple[Array, Array]:
        """Return what the pump is set to for a request.

        Parameters
        ----------
        basal_u_per_h : array (B,), U/h
        bolus_u : array (B,), U

        Returns
        -------
        tuple of array (B,)
            Basal in U/h and bolus in U: clipped to [0, limit], rounded to the nearest increment.
        """
        rate, dose = pump_deliver(
            np.asarray(basal_u_per_h, dtype=np.float64),
            np.asarray(bolus_u, dtype=np.float64),
            self.max_basal_u_per_h,
            self.basal_increment_u_per_h,
            self.max_bolus_u,
            self.bolus_increment_u,
        )
        return rate, dose

    def draw_errors(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Return factors (n,) of basal and of bolus by which n commands are really delivered.

        Normal around 1 with the pump's relative standard deviations, never negative; 2 n draws.
        """
        z = rng.standard_normal((2, n))
        basal = np.maximum(1.0 + self.basal_error_cv * z[0], 0.0)
        bolus = np.maximum(1.0 + self.bolus_error_cv * z[1], 0.0)
        return basal, bolus


_LOOPINSIGHT: Final = (
    "limits, increments and relative errors as coded in LoopInsighT1 9a60920, its errors read as "
    "standard deviations in percent (original not seen)"
)

PUMPS: Final[Mapping[str, Pump]] = MappingProxyType(
    {
        pump.name: pump
        for pump in (
            Pump(
                "insulet",
                30.0,
                0.05,
                30.0,
                0.05,
                "Insulet in simglucose's table a6f6777, per hour as in the Omnipod 5 user manual "
                "(basal 0.05-30 U/h, bolus 0.05-30 U)",
            ),
            Pump(
                "cozmo",
                35.0,
                0.05,
                75.0,
                0.05,
                "Cozmo in simglucose's table a6f6777; increments as in the Deltec Cozmo manual",
            ),
            Pump("tslim", 15.0, 0.001, 25.0, 0.01, f"t:slim X2: {_LOOPINSIGHT}", 0.0295, 0.0094),
            Pump("minimed_670g", 35.0, 0.025, 75.0, 0.025, f"670G: {_LOOPINSIGHT}", 0.0374, 0.0248),
            Pump(
                "ideal",
                1000.0,
                0.0,
                1000.0,
                0.0,
                "project choice: delivers what is asked, within 1000 U/h and 1000 U",
            ),
        )
    }
)


def load_pump(name: str | Mapping[str, Any] = "insulet") -> Pump:
    """Return a pump by name, or one with some numbers changed.

    Parameters
    ----------
    name : str or mapping
        One of ``PUMPS``, or ``{"preset": name, field: value, ...}``.

    Raises
    ------
    InputError
        If the preset, a field or a value is not acceptable.
    """
    pump, changes = choose("pump", name, PUMPS, "insulet")
    return amend("pump", pump, changes)
