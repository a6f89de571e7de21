"""How an agent's action in [-1, 1] becomes insulin, and back, for environments and policies.

Every function works on arrays and, compiled, on single numbers.

===================  =========================================================================
mode                 meaning of the action
===================  =========================================================================
``basal_rate``       one number a: rate = basal x 40 x (exp(3 (a + 1)) - 1) / (exp(6) - 1) U/h
``basal_and_bolus``  the same, and a second number b: bolus = TDD / 2 x (the same curve of b) U
``meal_bolus``       one number a: at announced carbohydrate, bolus = carbs / ratio x (1 + a) U;
                     basal stays as prescribed
===================  =========================================================================

-1 is zero insulin; the curve gives fine control near the prescribed basal (a = -0.2) and reaches a
meal's worth of insulin at +1. The span of 40 and the curve are project choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]

MODES = ("basal_rate", "basal_and_bolus", "meal_bolus")
BASAL_SPAN = 40.0
BOLUS_SHARE = 0.5
CURVE = 3.0
CURVE_TOP = float(np.exp(2.0 * CURVE) - 1.0)


def rise(a: Array) -> Array:
    """Return the share in [0, 1] of the largest dose that action ``a`` in [-1, 1] asks for."""
    return (np.exp(CURVE * (a + 1.0)) - 1.0) / CURVE_TOP


def rise_inverse(share: Array) -> Array:
    """Return the action that asks for a share of the largest dose."""
    return np.log(1.0 + share * CURVE_TOP) / CURVE - 1.0


@dataclass(frozen=True)
class DosingMap:
    """The mapping of one mode; ``decode`` and ``encode`` are inverse within the limits.

    Parameters
    ----------
    mode : str
        One of ``MODES``.
    """

    mode: str = "basal_rate"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"action is {self.mode!r}; choose one of {', '.join(MODES)}")

    @property
    def size(self) -> int:
        """Length of the action vector."""
        return 2 if self.mode == "basal_and_bolus" else 1

    @property
    def code(self) -> int:
        """Position in ``MODES``, for compiled code."""
        return MODES.index(self.mode)

    def encode(
        self,
        basal_u_per_h: ArrayLike,
        bolus_u: ArrayLike,
        *,
        scheduled_u_per_h: ArrayLike,
        daily_dose_u: ArrayLike,
        told_g: ArrayLike = 0.0,
        carb_ratio: ArrayLike = 1.0,
        step_min: float = 5.0,
    ) -> NDArray[np.float32]:
        """Return the actions (B, size) that ask for these doses, as nearly as the mode can.

        In ``basal_rate`` a bolus is asked for as a rate over the step; in ``meal_bolus`` the basal
        is the prescribed one whatever is asked.
        """
        basal, bolus, usual, daily, told, ratio = (
            np.atleast_1d(np.asarray(v, dtype=np.float64))
            for v in (basal_u_per_h, bolus_u, scheduled_u_per_h, daily_dose_u, told_g, carb_ratio)
        )
        if self.mode == "basal_rate":
            rate = basal + bolus * 60.0 / step_min
            parts = [rise_inverse(np.clip(rate / (BASAL_SPAN * usual), 0.0, 1.0))]
        elif self.mode == "basal_and_bolus":
            share = np.clip(bolus / (BOLUS_SHARE * daily), 0.0, 1.0)
            rate = np.clip(basal / (BASAL_SPAN * usual), 0.0, 1.0)
            parts = [rise_inverse(rate), rise_inverse(share)]
        else:
            standard = np.where(told > 0.0, told / ratio, 1.0)
            parts = [np.clip(bolus / standard - 1.0, -1.0, 1.0)]
        return np.stack(np.broadcast_arrays(*parts), axis=-1).astype(np.float32)

    def decode(
        self,
        action: ArrayLike,
        *,
        scheduled_u_per_h: ArrayLike,
        daily_dose_u: ArrayLike,
        told_g: ArrayLike = 0.0,
        carb_ratio: ArrayLike = 1.0,
    ) -> tuple[Array, Array]:
        """Return the basal (U/h) and bolus (U) that actions (B, size) ask for, arrays (B,)."""
        asked = np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0)
        usual = np.broadcast_to(np.asarray(scheduled_u_per_h, np.float64), asked.shape[:1])
        none = np.zeros(len(asked))
        if self.mode == "meal_bolus":
            standard = np.asarray(told_g, np.float64) / np.asarray(carb_ratio, np.float64)
            return usual.copy(), none + standard * (1.0 + asked[:, 0])
        basal = BASAL_SPAN * usual * rise(asked[:, 0])
        if self.mode == "basal_rate":
            return basal, none
        return basal, none + BOLUS_SHARE * np.asarray(daily_dose_u) * rise(asked[:, 1])
