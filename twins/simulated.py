"""Records whose every unknown is a draw of the prior: what calibration is tried on.

Unlike the people of ``virtual``, who live by a controller of their own, these are draws of the very
model that a fit believes in: the body, the start, days and meals, and the noise with its memory. A
fit's intervals must then cover as often as they say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coordinates import coordinates_for
from .forward import SAMPLES_A_DAY
from .likelihood import STUDENT_SD, Likelihood
from .noise import STUDENT_NU
from .observations import Observations, eat
from .unknowns import Unknowns
from .unlogged import every_hour
from .virtual import SENSOR_HIGH_MG_DL, SENSOR_LOW_MG_DL, START_S

Array = NDArray[np.float64]

# Minutes of the day at which people eat, give or take 45; grams; bolus error (project choices).
MEALS_MIN, JITTER_MIN, LEAST_G, MOST_G, BOLUS_SD = (450, 780, 1170), 45, 25.0, 90.0, 0.2
# Insulin of a day by body weight, U/kg, with the spread of its logarithm (project choice).
DAILY_U_PER_KG, DAILY_SD = 0.55, 0.25
# Grams that one unit covers, from the daily dose: the rule of 500 (Walsh 2011, JDST 5:1129-35).
RATIO_RULE = 500.0


@dataclass(frozen=True)
class Simulated:
    """One virtual patient.

    Parameters
    ----------
    truth : Unknowns
        Of the whole record.
    u : array (D,)
    seen : Observations
        The whole record, as its sensor shows it.
    glucose : array (T / 5 + 1,), mg/dL
        Interstitial, without the sensor's error.
    """

    truth: Unknowns
    u: Array
    seen: Observations
    glucose: Array


def simulated(
    rng: np.random.Generator, days: int = 2, group: str = "adult", unlogged: int = 0
) -> Simulated:
    """Draw one patient and their record of some days.

    Parameters
    ----------
    unlogged : int
        Meals of so many days, the first ones, may be missing from the log, as often as a fit
        believes.
    """
    weight = float(np.clip(75.0 * np.exp(0.15 * rng.standard_normal()), 45.0, 130.0))
    daily = DAILY_U_PER_KG * weight * np.exp(DAILY_SD * rng.standard_normal())
    basal = 0.5 * daily / 24.0
    where = coordinates_for(group, weight, basal)
    insulin, carbs = _doses(rng, days, basal, RATIO_RULE / daily)
    empty = np.full(len(insulin) // 5 + 1, np.nan)
    blind = Observations(START_S, insulin, carbs, empty, np.zeros(len(empty), dtype=np.int8))
    truth = Unknowns.of(where, blind, every_hour(unlogged))
    u = rng.standard_normal((1, truth.size))
    glucose = Likelihood.of(truth, blind).glucose(u)[:, 0]
    shown = glucose + sensor_errors(truth.noise(u)[0], len(glucose), rng)
    side = (shown > SENSOR_HIGH_MG_DL).astype(np.int8) - (shown < SENSOR_LOW_MG_DL).astype(np.int8)
    shown = np.clip(shown, SENSOR_LOW_MG_DL, SENSOR_HIGH_MG_DL)
    return Simulated(truth, u[0], Observations(START_S, insulin, carbs, shown, side), glucose)


def _doses(rng: np.random.Generator, days: int, basal: float, ratio: float) -> tuple[Array, Array]:
    """Return insulin, U/min, and carbohydrate, g/min, of each minute (T,)."""
    insulin, served = np.full(days * 1440, basal / 60.0), np.zeros(days * 1440)
    for day in range(days):
        for usual in MEALS_MIN:
            at = day * 1440 + usual + int(rng.integers(-JITTER_MIN, JITTER_MIN + 1))
            served[at] = grams = rng.uniform(LEAST_G, MOST_G)
            insulin[at] += grams / ratio * np.exp(BOLUS_SD * rng.standard_normal())
    return insulin, eat(served)


def sensor_errors(noise: Array, samples: int, rng: np.random.Generator) -> Array:
    """Return AR(1) errors (T,), mg/dL, with Student-t innovations, under noise (sigma, rho)."""
    sigma, rho = noise
    kick = sigma / STUDENT_SD * rng.standard_t(STUDENT_NU, size=samples)
    out = kick.copy()
    for k in range(1, samples):
        out[k] = rho * out[k - 1] + np.sqrt(1.0 - rho**2) * kick[k]
    return out


def first_days(seen: Observations, days: int) -> Observations:
    """Return the first days of a record."""
    return seen.until(days * SAMPLES_A_DAY)
