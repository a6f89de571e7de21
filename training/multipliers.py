"""Lagrange multipliers under PID control, one for each constraint.

Stooke, Achiam and Abbeel 2020 (arXiv 2007.03964), with three changes that are project choices. The
error is relative to the limit, so that the same gains suit a limit of 1 % and one of 5 %, and
clipped, so that a start far from the limit does not wind the integral up; the integral is capped
with the multiplier; a small limit is measured against a floor. The error of a rare cost is skewed,
mostly -1 and seldom much above 0: a lower clip than 3 would let its mean settle above the limit.

    error      e = clip((cost - limit) / max(limit, floor), -1, 3)
    smoothed   s <- smooth s + (1 - smooth) e
    integral   I <- clip(I + ki e, 0, cap)
    multiplier   = clip(kp s + I + kd max(s - s before, 0), 0, cap)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]
LARGEST_ERROR = 3.0


@dataclass(frozen=True)
class Gains:
    """Of the controller that sets the multipliers.

    Parameters
    ----------
    kp, ki, kd : float
        Proportional, integral (per update) and derivative gain.
    smooth : float
        Share of the past in the error that ``kp`` and ``kd`` see, from 0 (none) to below 1.
    cap : float
        Largest multiplier.
    floor : float
        Least limit that an error is taken relative to, in the unit of the costs.
    start : float
        Multiplier at the beginning.
    wait : int
        Updates before the multipliers begin to move: a first policy that is bad in every way says
        nothing of what the limits will cost.
    """

    kp: float = 1.0
    ki: float = 0.02
    kd: float = 0.0
    smooth: float = 0.9
    cap: float = 10.0
    floor: float = 0.001
    start: float = 0.0
    wait: int = 0

    def __post_init__(self) -> None:
        for name in ("kp", "ki", "kd", "start", "wait"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"multiplier {name} is {value!r}; give a number of at least 0")
        for name in ("cap", "floor"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"multiplier {name} is {value!r}; give a number above 0")
        if not 0.0 <= self.smooth < 1.0:
            raise InputError(f"multiplier smooth is {self.smooth!r}; give a number in [0, 1)")


def check_limits(limits: Mapping[str, float]) -> dict[str, float]:
    """Return limits by name of cost as plain numbers.

    Raises
    ------
    InputError
        If there is none, or one is no number of at least 0.
    """
    if not isinstance(limits, Mapping) or not limits:
        raise InputError(
            f"limits is {limits!r}; give a mapping of costs to limits such as {{'below_54': 0.01}}"
        )
    for name, limit in limits.items():
        number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
        if not number or not math.isfinite(limit) or limit < 0.0:
            raise InputError(f"limit of {name} is {limit!r}; give a number of at least 0")
    return {str(name): float(limit) for name, limit in limits.items()}


class Multipliers:
    """The multipliers of a run and what their controller remembers.

    Parameters
    ----------
    limits : mapping of str to float
        Limit of each cost, in the unit in which the costs are measured.
    gains : Gains

    Raises
    ------
    InputError
        As :func:`check_limits`.
    """

    def __init__(self, limits: Mapping[str, float], gains: Gains | None = None) -> None:
        self.limits = check_limits(limits)
        self.gains = gains or Gains()
        self._limit = np.array(list(self.limits.values()))
        first = min(self.gains.start, self.gains.cap)
        self._integral = np.full(len(self._limit), first)
        self._smoothed = np.zeros(len(self._limit))
        self.values: Array = self._integral.copy()
        self._waited = 0

    def update(self, costs: Array, known: NDArray[np.bool_] | None = None) -> Array:
        """Move the multipliers by one measurement and return them.

        Parameters
        ----------
        costs : array (K,)
            Measured, in the order of the limits.
        known : array (K,) of bool, optional
            False where nothing new was measured; that multiplier stays.

        Returns
        -------
        array (K,)

        Raises
        ------
        InputError
            If a known cost is not finite.
        """
        here = np.ones(len(self._limit), np.bool_) if known is None else known
        if not np.isfinite(costs[here]).all():
            raise InputError(f"measured costs are {costs.tolist()}; every one must be finite")
        g = self.gains
        if self._waited < g.wait:
            self._waited += 1
            return self.values
        relative = (np.where(here, costs, 0.0) - self._limit) / np.maximum(self._limit, g.floor)
        error = np.clip(relative, -1.0, LARGEST_ERROR)
        smoothed = g.smooth * self._smoothed + (1.0 - g.smooth) * error
        integral = np.clip(self._integral + g.ki * error, 0.0, g.cap)
        rising = np.maximum(smoothed - self._smoothed, 0.0)
        value = np.clip(g.kp * smoothed + integral + g.kd * rising, 0.0, g.cap)
        self._smoothed = np.where(here, smoothed, self._smoothed)
        self._integral = np.where(here, integral, self._integral)
        self.values = np.where(here, value, self.values)
        return self.values

    def state(self) -> dict[str, Any]:
        """Return what ``restore`` takes, in plain numbers."""
        return {
            "values": self.values.tolist(),
            "integral": self._integral.tolist(),
            "smoothed": self._smoothed.tolist(),
            "waited": self._waited,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what ``state`` returned."""
        self.values = np.array(state["values"], np.float64)
        self._integral = np.array(state["integral"], np.float64)
        self._smoothed = np.array(state["smoothed"], np.float64)
        self._waited = int(state["waited"])
