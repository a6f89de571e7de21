"""One step of the ensemble Kalman filter over states, body and sensitivity, batched over people.

Forecast: members move on five minutes through the engine; the body's coordinates walk by Liu and
West's kernel (Sequential Monte Carlo Methods in Practice, 2001, ch. 10), and the past is forgotten
at the rate at which the nightly fit tempers it. Analysis: the serial square-root update of Whitaker
and Hamill (Mon Weather Rev 2002;130:1913-24). The sensor's AR(1) error is a state of each member,
so that errors that resemble their neighbours are not taken for news. A correlation that an ensemble
of this size shows by chance moves nothing (after Anderson, Tellus A 2007;59:210-24).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from .ensemble import LATELY, Ensemble, action, bounded
from .prior import FITTED

Array = NDArray[np.float64]

STEP_MIN = 5
STEPS_A_DAY = 1440 // STEP_MIN
# What is known of a body counts 0.9 as much a day later, as in the nightly fit (project choice).
KEPT_A_DAY = 0.9
# Liu and West's a over a day, in small portions (project choice).
SHRINK_A_DAY = 0.95
SMALLEST_SD = 0.1  # of a coordinate, in prior standard deviations (project choice)
# A level that wanders by 0.3 within ninety days of half-life moves 0.037 a day (project choice).
LEVEL_SD_A_DAY = 0.037
# Effects that last a day and a window of the batch fit fade as their autocorrelations do, on
# average: uniform onset makes these triangles of 24 and 8 h, whose areas are half as long.
DAY_HOURS, EFFECT_HOURS = 12.0, 4.0
READING_SD = 1.0  # mg/dL: rounding, and what the AR(1) error leaves out
OUTLIER_SD = 3.0  # innovations beyond count less and less (Huber)
SURPRISE_HOURS, MOST_INFLATION = 12.0, 2.0
# The sensor's errors are learnt besides, as fast as this (project choice).
NOISE_HOURS, SMALLEST_NOISE, LARGEST_NOISE = 24.0, 2.0, 60.0
# Of the running means of insulin action: the usual one, and three of lately (project choices).
LATELY_HOURS = (10 * 24.0, 6.0, 12.0, 24.0)
CHANCE = 2.0  # squared correlations below this many times 1/(N-1) are chance


@dataclass(frozen=True, eq=False)
class Interval:
    """Five minutes of several people's records.

    Parameters
    ----------
    insulin : array (R, 5), U/min
    carbs : array (R, 5), g/min
        As counted, eaten at most 5 g/min.
    first_bite : array (R,) of bool
        A meal begins: members draw how wrongly it was counted.
    own_basal : array (R,) of bool
        The record tells no basal insulin: each member gets its own need besides.
    reading : array (R,), mg/dL
        Mean of the readings within, NaN where there is none.
    when : array (R, 5)
        Share of each minute in that mean; rows sum to 1.
    censored : array (R,) of int8
        -1 below, +1 above the sensor's range.
    minute_of_day : array (R,), min
        Local, at the end.
    """

    insulin: Array
    carbs: Array
    first_bite: NDArray[np.bool_]
    own_basal: NDArray[np.bool_]
    reading: Array
    when: Array
    censored: NDArray[np.int8]
    minute_of_day: Array

    def repeated(self, times: int) -> Interval:
        """Return each row several times, one after the other."""
        return Interval(*(np.repeat(value, times, axis=0) for value in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Acting:
    """What a hypothesis does to members (R, N) within an interval; see ``neutral``."""

    delivered: Array
    """Share of the logged insulin that reaches the body."""
    grams: Array
    """Carbohydrate eaten besides, g."""
    sensitivity: Array
    """Added to log sensitivity."""


@dataclass(frozen=True, eq=False)
class Innovation:
    """How a reading differed from what was expected, each array (R,).

    Parameters
    ----------
    error : array, mg/dL
        Reading minus expected reading; NaN without a reading, 0 where a censored one agrees.
    sd : array, mg/dL
        Standard deviation that the filter expected of it.
    """

    error: Array
    sd: Array

    @property
    def standard(self) -> Array:
        """Normalised innovation."""
        return np.asarray(self.error / self.sd)


def neutral(ensemble: Ensemble) -> Acting:
    """Return the hypothesis that nothing is wrong."""
    shape = ensemble.values.shape[:2]
    return Acting(np.ones(shape), np.zeros(shape), np.zeros(shape))


def update(
    ensemble: Ensemble, interval: Interval, rng: np.random.Generator, acting: Acting | None = None
) -> tuple[Ensemble, Innovation]:
    """Return the ensemble five minutes later, what its reading taught included, and the innovation.

    Parameters
    ----------
    ensemble : Ensemble
    interval : Interval
        The next five minutes, rows as the ensemble's.
    rng : numpy.random.Generator
    acting : Acting, optional
        What a hypothesis does in this interval.
    """
    moved, expected = forecast(ensemble, interval, rng, acting)
    return analyse(moved, expected, interval)


def forecast(
    ensemble: Ensemble, interval: Interval, rng: np.random.Generator, acting: Acting | None = None
) -> tuple[Ensemble, Array]:
    """Return members five minutes later, and the readings (R, N) that they expect, mg/dL."""
    doing = neutral(ensemble) if acting is None else acting
    values = ensemble.values.copy()
    now = replace(ensemble, values=values)
    inflation = np.sqrt(np.clip(ensemble.surprise, 1.0, MOST_INFLATION))[:, None]
    _walk(now, interval, rng, inflation)
    params = now.params()
    minutes = _advance(now, params, interval, doing)
    _remember(now, params, doing)
    return now, minutes + (now["error"] + now["offset"])


def _walk(now: Ensemble, interval: Interval, rng: np.random.Generator, inflation: Array) -> None:
    """Let everything that changes by itself change, in place."""
    shape = now.values.shape[:2]
    kick = rng.standard_normal((5, *shape))
    variations = [p.variation for p in now.people]
    for name, hours, sd, fresh in (
        ("day", DAY_HOURS, [v.day for v in variations], kick[0]),
        ("effect", EFFECT_HOURS, [v.window for v in variations], kick[4]),
    ):
        fade = float(np.exp(-STEP_MIN / (60.0 * hours)))
        spread = inflation * np.sqrt(1.0 - fade**2) * np.array(sd)[:, None]
        now[name][:] = fade * now[name] + spread * fresh
    now["level"][:] += inflation * LEVEL_SD_A_DAY / np.sqrt(STEPS_A_DAY) * kick[1]
    sigma, rho = now.noise[:, :, 0], now.noise[:, :, 1]
    now["error"][:] = rho * now["error"] + inflation * sigma * np.sqrt(1.0 - rho**2) * kick[2]
    if interval.first_bite.any():
        portion = np.array([p.variation.meal for p in now.people])[:, None] * kick[3]
        now["portion"][:] = np.where(interval.first_bite[:, None], portion, now["portion"])
    _walk_body(now, rng)


def _walk_body(now: Ensemble, rng: np.random.Generator) -> None:
    """Forget a little of the body, shrink it to its mean and spread it again, in place."""
    body = now.z[:, :, : len(FITTED) + 1]
    mean = body.mean(axis=1, keepdims=True)
    away = body - mean
    covariance = np.einsum("rni,rnj->rij", away, away) / (now.members - 1)
    variance = np.einsum("rii->ri", covariance)
    aim = np.clip(variance * KEPT_A_DAY ** (-1.0 / STEPS_A_DAY), SMALLEST_SD**2, 1.0)
    # What is wider than the prior (a person unlike it) is left as it is.
    grow = np.sqrt(np.maximum(aim, variance) / np.maximum(variance, 1e-12))
    grow = np.minimum(grow, 1.5)
    shrink = SHRINK_A_DAY ** (1.0 / STEPS_A_DAY)
    ridge = 1e-9 * np.eye(body.shape[2])
    root = np.linalg.cholesky(covariance + ridge)
    fresh = np.sqrt(1.0 - shrink**2) * np.einsum(
        "rij,rnj->rni", root, rng.standard_normal(body.shape)
    )
    lost = variance < SMALLEST_SD**2
    fresh += np.where(lost, SMALLEST_SD * 0.05, 0.0)[:, None] * rng.standard_normal(body.shape)
    body[:] = mean + grow[:, None] * (shrink * away + fresh)


def _advance(now: Ensemble, params: Array, interval: Interval, doing: Acting) -> Array:
    """Move states on in place; return glucose (R, N), mg/dL, at the minutes of the reading."""
    model, shape = now.model, now.values.shape[:2]
    u = _inputs(now, params, interval, doing)
    usual = [p.usual(m) for p, m in zip(now.people, interval.minute_of_day.tolist(), strict=True)]
    shift = now.shift() + doing.sensitivity + np.array(usual)[:, None]
    strong = params.copy()
    columns = [model.parameter_index[name] for name in ("Vmx", "kp3")]
    strong[:, columns] *= np.exp(shift).reshape(-1, 1)
    x = np.ascontiguousarray(now.states).reshape(-1, len(model.state_index))
    kept = np.empty((STEP_MIN, x.shape[1], len(x)))
    engine_for(model).advance(x, strong, u, record=kept)
    now.states[:] = x.reshape(*shape, -1)
    at = model.state_index["interstitial_glucose_mass"]
    volume = params[:, model.parameter_index["Vg"]]
    glucose = np.maximum(kept[:, at] / volume, 0.0).reshape(STEP_MIN, *shape)
    return np.asarray(np.einsum("trn,rt->rn", glucose, interval.when))


def _remember(now: Ensemble, params: Array, doing: Acting) -> None:
    """Move each member's running means of insulin action on, in place.

    A reading then corrects them by their covariance with it, as it does everything else: they are
    what is known of the last hours now, and not what was thought of them then.
    """
    acts = action(now, params) + doing.sensitivity
    for name, hours in zip(LATELY, LATELY_HOURS, strict=True):
        now[name][:] += (1.0 - np.exp(-STEP_MIN / (60.0 * hours))) * (acts - now[name])


def _inputs(now: Ensemble, params: Array, interval: Interval, doing: Acting) -> Array:
    """Return the inputs (5, 2, R * N) of members."""
    shape = now.values.shape[:2]
    counted = now.carb_factor() * np.exp(now["portion"])
    eaten = counted[:, :, None] * interval.carbs[:, None, :] + doing.grams[:, :, None] / STEP_MIN
    given = interval.insulin[:, None, :]
    if interval.own_basal.any():
        own = now.people[0].where.own_basal(params).reshape(shape)
        given = given + np.where(interval.own_basal[:, None], own, 0.0)[..., None]
    given = given * doing.delivered[:, :, None]
    return np.stack([a.transpose(2, 0, 1).reshape(STEP_MIN, -1) for a in (eaten, given)], axis=1)


def analyse(ensemble: Ensemble, expected: Array, interval: Interval) -> tuple[Ensemble, Innovation]:
    """Return the ensemble that a reading corrects, and the innovation.

    Parameters
    ----------
    ensemble : Ensemble
    expected : array (R, N), mg/dL
        The reading that each member expects.
    interval : Interval
    """
    mean = expected.mean(axis=1)
    away = expected - mean[:, None]
    variance = (away**2).sum(axis=1) / (ensemble.members - 1)
    error = interval.reading - mean
    agrees = ((interval.censored < 0) & (error > 0)) | ((interval.censored > 0) & (error < 0))
    error = np.where(agrees, 0.0, error)
    seen = np.isfinite(error) & ~agrees
    total = variance + READING_SD**2
    innovation = Innovation(error, np.sqrt(total))
    used = np.maximum(total, (np.nan_to_num(error) / OUTLIER_SD) ** 2)
    noise = used - variance
    keep = 1.0 / (1.0 + np.sqrt(noise / used))
    gain = _gain(ensemble, away, variance) / used[:, None]
    move = np.where(seen[:, None], np.nan_to_num(error)[:, None] - keep[:, None] * away, 0.0)
    values = ensemble.values + gain[:, None, :] * move[:, :, None]
    squared = np.where(seen, np.minimum(innovation.standard**2, OUTLIER_SD**2), np.nan)
    better = replace(
        ensemble,
        values=values,
        surprise=_surprise(ensemble.surprise, squared),
        noise=_noise(ensemble.noise, squared),
    )
    return _physical(better), innovation


def _gain(ensemble: Ensemble, away: Array, variance: Array) -> Array:
    """Return the covariance (R, K) of every column with the expected reading, chance taken off.

    The meal's bookkeeping (memory) is not corrected.
    """
    values, free = ensemble.values, ensemble.members - 1
    about = values - values.mean(axis=1, keepdims=True)
    covariance = np.einsum("rnk,rn->rk", about, away) / free
    own = np.einsum("rnk,rnk->rk", about, about) / free
    scale = np.maximum(own * variance[:, None], 1e-30)
    squared = np.minimum(covariance**2 / scale, 1.0)
    sure = np.maximum(1.0 - CHANCE * (1.0 - squared) / (free * np.maximum(squared, 1e-12)), 0.0)
    model = ensemble.model
    sure[:, len(model.states) : len(model.state_index)] = 0.0
    return np.asarray(sure * covariance)


def _surprise(before: Array, squared: Array) -> Array:
    """Return the running mean of the normalised innovation squared (R,)."""
    share = 1.0 - np.exp(-STEP_MIN / (60.0 * SURPRISE_HOURS))
    return before + share * np.where(np.isnan(squared), 0.0, squared - before)


def _noise(noise: Array, squared: Array) -> Array:
    """Return noise (R, N, 2), its standard deviation moved towards what readings show."""
    more = np.where(np.isnan(squared), 0.0, squared - 1.0) * STEP_MIN / (120.0 * NOISE_HOURS)
    sigma = noise[:, :, :1] * np.exp(more)[:, None, None]
    sigma = np.clip(sigma, SMALLEST_NOISE, LARGEST_NOISE)
    return np.concatenate([sigma, noise[:, :, 1:]], axis=2)


def _physical(ensemble: Ensemble) -> Ensemble:
    """Return the ensemble within its bounds; insulin cannot act less than none at all."""
    inside = bounded(ensemble)
    model = inside.model
    least = -inside.basal_insulin()
    remote = inside.states[:, :, model.state_index["remote_insulin"]]
    np.maximum(remote, least, out=remote)
    return inside
