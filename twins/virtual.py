"""Records of virtual people whose bodies are known: what a fit is tried on.

People live with a pump that is programmed roughly right, count their meals with error, correct at
meals and treat their lows; a sensor with autocorrelated errors watches them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from ..physiology.model import Model
from ..physiology.population import Patients
from ..records.series import BasalIntervals, Boluses, GlucoseSeries, Meals, TherapySettings
from ..records.timeline import Timeline
from ..therapy.prescription import Prescription, prescribe
from .tape import Tape

Array = NDArray[np.float64]

STEP_MIN = 5
WINDOW_MIN = 480
START_S = 1_772_409_600.0  # 2026-03-02 00:00 UTC, a Monday
EATING_G_PER_MIN = 5.0
SENSOR_LOW_MG_DL, SENSOR_HIGH_MG_DL = 40.0, 400.0  # as Dexcom G6 and G7 show
RESCUE_BELOW_MG_DL, RESCUE_G, RESCUE_PAUSE_MIN = 65.0, 15.0, 30
CORRECT_ABOVE_MG_DL = 180.0
# The parameters that insulin's strength multiplies.
INSULIN_ACTION = {
    "uva_padova_2008": ("Vmx", "kp3"),
    "uva_padova_gains": ("Vmx", "kp3"),
    "hovorka_2004": ("SIT", "SID", "SIE"),
}
# Minute of the day, and its usual grams per kg of body weight.
USUAL_MEALS = ((450, 0.7), (780, 1.0), (1170, 1.1))


@dataclass(frozen=True)
class Life:
    """How virtual people live; project choices, each a knob of a test.

    Parameters
    ----------
    days : float
    counting_sd : float
        Of the logarithm of eaten over counted carbohydrate, meal by meal.
    swing : float
        Amplitude of the daily rhythm of insulin sensitivity, at an hour of the person's own.
    day_sd, window_sd : float
        Of log sensitivity between days, and between windows of eight hours within a day.
    sensor_sd, sensor_rho : float
        Standard deviation, mg/dL, and correlation over five minutes of the sensor's errors.
    missing : float
        Share of readings that are lost.
    meals : bool
        Whether people eat at all.
    """

    days: float = 3.0
    counting_sd: float = 0.0
    swing: float = 0.0
    day_sd: float = 0.0
    window_sd: float = 0.0
    sensor_sd: float = 8.0
    sensor_rho: float = 0.8
    missing: float = 0.0
    meals: bool = True


@dataclass(frozen=True)
class Mishaps:
    """What goes wrong at each step of people's lives; arrays (T, n), the sensor's (T + 1, n).

    Parameters
    ----------
    delivered : array
        Share of the logged insulin that reaches the body.
    no_bolus, not_logged : array of bool
        Whoever eats now takes no bolus, or does not log the carbohydrate.
    sensitivity : array
        Added to log insulin sensitivity.
    sensor_mg_dl : array, mg/dL
        Added to readings.
    """

    delivered: Array
    no_bolus: NDArray[np.bool_]
    not_logged: NDArray[np.bool_]
    sensitivity: Array
    sensor_mg_dl: Array


def no_mishaps(steps: int, n: int) -> Mishaps:
    """Return lives in which nothing goes wrong."""
    never, nothing = np.zeros((steps, n), dtype=bool), np.zeros((steps, n))
    return Mishaps(np.ones((steps, n)), never, never.copy(), nothing, np.zeros((steps + 1, n)))


def live(
    model: Model,
    patients: Patients,
    life: Life,
    rng: np.random.Generator,
    carb_factor: Array | None = None,
    altered: Callable[[int, Array], Array] | None = None,
    mishaps: Mishaps | None = None,
    tape: Tape | None = None,
) -> tuple[Timeline, ...]:
    """Let people live and return their records.

    Parameters
    ----------
    patients : Patients
        With covariates ``weight_kg`` and ``age_years``; all begin at rest.
    carb_factor : array (n,), optional
        Each person's usual eaten over counted carbohydrate, by which bites are larger; 1 where
        left out.
    altered : callable, optional
        ``altered(k, params) -> params`` (n, P): what else changes the bodies in step k, such as
        exercise.
    mishaps : Mishaps, optional
        What goes wrong.
    tape : Tape, optional
        Remembers everything, so that the same days can be lived again with other doses.

    Returns
    -------
    tuple of Timeline
        One per person, starting at midnight; times in UTC.
    """
    n, steps = len(patients), round(life.days * 1440 / STEP_MIN)
    chart = prescribe(model, patients)
    basal = chart.basal_u_per_h * np.exp(0.1 * rng.standard_normal(n))
    served, counted = _served(patients, life, steps, rng)
    level = _sensitivity(life, steps, n, rng)
    error = _sensor_errors(life, steps + 1, n, rng)
    wrong = mishaps or no_mishaps(steps, n)
    level, error = level + wrong.sensitivity, error + wrong.sensor_mg_dl
    engine, x = engine_for(model), model.initial(patients.params).copy()
    quiet, column = np.zeros((len(model.inputs), n)), model.output_index["interstitial_glucose"]
    shown, bolus = np.empty((steps + 1, n)), np.zeros((steps, n))
    plate, rescued = np.zeros(n), np.full(n, -RESCUE_PAUSE_MIN)
    strength = [model.parameter_index[name] for name in INSULIN_ACTION[model.name]]
    for k in range(steps):
        shown[k] = engine.outputs(x, patients.params, quiet)[:, column] + error[k]
        low = (shown[k] < RESCUE_BELOW_MG_DL) & (k * STEP_MIN - rescued >= RESCUE_PAUSE_MIN)
        rescued = np.where(low, k * STEP_MIN, rescued)
        served[k] += RESCUE_G * low
        bolus[k] = np.where(wrong.no_bolus[k], 0.0, _bolus(counted[k], shown[k], chart))
        counted[k] = np.where(wrong.not_logged[k], 0.0, counted[k])
        counted[k] += RESCUE_G * low
        plate += served[k]
        now = patients.params.copy()
        now[:, strength] *= np.exp(level[k])[:, None]
        now = now if altered is None else altered(k, now)
        u, plate = _inputs(plate, basal, bolus[k])
        u[:, 0] *= 1.0 if carb_factor is None else carb_factor
        u[:, 1] *= wrong.delivered[k]
        if tape is not None:
            tape.add(x, now, u)
        engine.advance(x, now, u)
    shown[steps] = engine.outputs(x, patients.params, quiet)[:, column] + error[steps]
    lost = rng.random(shown.shape) < life.missing
    return tuple(
        _record(patients, i, basal[i], shown[:, i], lost[:, i], bolus[:, i], counted[:, i], chart)
        for i in range(n)
    )


def _served(
    patients: Patients, life: Life, steps: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return grams eaten and counted (T, n) at the start of each step."""
    n, weight = len(patients), np.asarray(patients.covariates["weight_kg"])
    eaten, counted = np.zeros((steps, n)), np.zeros((steps, n))
    for day in range(-(-steps * STEP_MIN // 1440)):
        for usual, per_kg in USUAL_MEALS:
            minute = day * 1440 + usual + rng.integers(-45, 46, size=n)
            counts = np.maximum(per_kg * weight * np.exp(0.3 * rng.standard_normal(n)), 5.0)
            factor = np.exp(life.counting_sd * rng.standard_normal(n))
            step, who = minute // STEP_MIN, np.arange(n)
            inside = (step < steps) & life.meals
            eaten[step[inside], who[inside]] += (counts * factor)[inside]
            counted[step[inside], who[inside]] += counts[inside]
    return eaten, counted


def _sensitivity(life: Life, steps: int, n: int, rng: np.random.Generator) -> Array:
    """Return the logarithm of insulin sensitivity over the person's own (T, n)."""
    minute = np.arange(steps) * STEP_MIN
    day, window = minute // 1440, minute // WINDOW_MIN
    peak = rng.uniform(0.0, 24.0, size=n)
    swing = np.log1p(life.swing * np.cos(2.0 * np.pi * (minute[:, None] / 60.0 - peak) / 24.0))
    of_day = life.day_sd * rng.standard_normal((int(day[-1]) + 1, n))
    of_window = life.window_sd * rng.standard_normal((int(window[-1]) + 1, n))
    return np.asarray(swing + of_day[day] + of_window[window])


def _sensor_errors(life: Life, samples: int, n: int, rng: np.random.Generator) -> Array:
    """Return AR(1) errors (T, n), mg/dL."""
    kick = life.sensor_sd * rng.standard_normal((samples, n))
    out = kick.copy()
    for k in range(1, samples):
        out[k] = life.sensor_rho * out[k - 1] + np.sqrt(1.0 - life.sensor_rho**2) * kick[k]
    return out


def _bolus(counted: Array, shown: Array, chart: Prescription) -> Array:
    """Return units (n,) for a meal, with a correction where glucose is high."""
    high = np.where(shown > CORRECT_ABOVE_MG_DL, shown - chart.target_mg_dl, 0.0)
    units = counted / chart.carb_ratio_g_per_u + high / chart.correction_mg_dl_per_u
    return np.where(counted > 0.0, np.round(units, 2), 0.0)


def _inputs(plate: Array, basal: Array, bolus: Array) -> tuple[Array, Array]:
    """Return the inputs (5, 2, n) of a step, and what is left on the plate (n,)."""
    u = np.empty((STEP_MIN, 2, len(plate)))
    for minute in range(STEP_MIN):
        u[minute, 0] = np.minimum(plate, EATING_G_PER_MIN)
        plate = plate - u[minute, 0]
    u[:, 1] = basal / 60.0
    u[0, 1] += bolus
    return u, plate


def _record(
    patients: Patients, i: int, basal: float, shown: Array, lost: NDArray[np.bool_], bolus: Array,
    counted: Array, chart: Prescription,
) -> Timeline:  # fmt: skip
    """Return one person's record."""
    time = START_S + STEP_MIN * 60.0 * np.arange(len(shown), dtype=np.float64)
    read = ~lost
    side = (shown > SENSOR_HIGH_MG_DL).astype(np.int8) - (shown < SENSOR_LOW_MG_DL).astype(np.int8)
    value = np.asarray(
        np.clip(np.round(shown), SENSOR_LOW_MG_DL, SENSOR_HIGH_MG_DL), dtype=np.float64
    )
    dosed, ate = np.flatnonzero(bolus > 0.0), np.flatnonzero(counted > 0.0)
    weight, age = (float(patients.covariates[k][i]) for k in ("weight_kg", "age_years"))
    columns = (value[read], bolus, counted)
    return Timeline(
        subject=patients.names[i],
        source_format="virtual",
        source_sha256=hashlib.sha256(b"".join(c.tobytes() for c in columns)).hexdigest(),
        timezone="UTC",
        glucose=GlucoseSeries(time[read], value[read], side[read]),
        basal=BasalIntervals(time[:1], time[-1:], np.array([basal])),
        boluses=Boluses(time[dosed], bolus[dosed]),
        meals=Meals(time[ate], counted[ate]),
        settings=TherapySettings(weight_kg=weight, age_years=age),
    )
