"""What each stretch of hours and each meal of a record did to a body that is known already."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coordinates import Coordinates
from .joint import refine
from .noise import LARGEST_RHO, Noise, Whitening
from .observations import Observations
from .variation import USUAL, Variation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DayEffects:
    """The local effects (K,) of a record as ``forward.run`` takes them, and their spreads."""

    effect: Array
    variation: Variation


def estimate_days(
    where: Coordinates,
    z: Array,
    seen: Observations,
    use: Whitening,
    noise: Noise,
    variation: Variation = USUAL,
) -> DayEffects:
    """Estimate the local effects of a record for a body at coordinates z (d,).

    Returns
    -------
    DayEffects
        Log sensitivity of each window of eight hours, then log carbohydrate factor of each meal.
    """
    found = refine(
        where, z, seen, use,
        noise=noise, variation=variation, largest_rho=LARGEST_RHO, body_known=True,
    )  # fmt: skip
    return DayEffects(found.effect, found.variation)
