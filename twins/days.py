"""Days differ: how much a person's insulin sensitivity moves from day to day.

One effect per day, the logarithm of that day's sensitivity over the person's own, is estimated by
Gauss-Newton with an empirical-Bayes prior whose spread is found by expectation-maximisation. A new day
then draws its own effect, so that a forecast is as uncertain as days are different.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coordinates import Coordinates
from .forward import SAMPLES_A_DAY, run
from .noise import Noise, Whitening, errors, innovations, weights
from .observations import Observations

Array = NDArray[np.float64]

STEP = 1e-3
ROUNDS = 4
# Spread before any day was seen, and the bounds it is kept in (log units). Visentin 2015
# (doi:10.2337/db14-0192) models a day's multiplicative noise with a standard deviation of 0.2.
USUAL_SD, SMALLEST_SD, LARGEST_SD = 0.2, 0.1, 0.6
# How many days' worth of belief the usual spread carries.
PRIOR_DAYS = 3.0


@dataclass(frozen=True)
class DayEffects:
    """Each day's effect (D,), and the spread between days (log units)."""

    effect: Array
    sd: float


def days_in(seen: Observations) -> int:
    """Return the days, the last one perhaps not whole."""
    return -(-(len(seen.glucose) - 1) // SAMPLES_A_DAY)


def estimate_days(
    where: Coordinates, z: Array, seen: Observations, use: Whitening, noise: Noise
) -> DayEffects:
    """Estimate the effects of the days of a record for a body at coordinates z (d,)."""
    n = days_in(seen)
    effect, sd = np.zeros(n), USUAL_SD
    bodies = np.repeat(z[None], n + 1, axis=0)
    for _ in range(ROUNDS):
        shift = effect + np.concatenate([np.zeros((1, n)), STEP * np.eye(n)])
        error = errors(run(where, bodies, seen, shift), seen, use)
        slope = innovations((error[:, 1:] - error[:, :1]) / STEP, use, noise)
        standard = innovations(error[:, :1], use, noise)[:, 0]
        w = weights(standard)
        information = np.einsum("nd,n,ne->de", slope, w, slope)
        curvature = information + np.eye(n) / sd**2
        gradient = slope.T @ (w * standard) + effect / sd**2
        effect = np.clip(effect - np.linalg.solve(curvature, gradient), -1.5, 1.5)
        spread = effect**2 + np.diag(np.linalg.inv(curvature))
        total = spread.sum() + PRIOR_DAYS * USUAL_SD**2
        sd = float(np.clip(np.sqrt(total / (n + PRIOR_DAYS)), SMALLEST_SD, LARGEST_SD))
    return DayEffects(effect, sd)
