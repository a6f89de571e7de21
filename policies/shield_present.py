"""Where possible bodies are now, from what a controller observes.

Insulin kinetics are linear, so the insulin states of a body follow from the view's exponential
means of past insulin through one matrix a body; those of carbohydrate follow, nearly, from the
same kind of means of what was announced. Both matrices are found by least squares on a simulated
week. Glucose is the reading; how it moves beyond what insulin and carbohydrate explain is carried
by the gut where it rises and by insulin action where it falls, and fades with them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from ..therapy.onboard import FILTERS_MIN, PEAK_MIN
from ..therapy.view import INSULIN_VIEW
from .shield_members import Ensemble

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

CARB_FILTERS_MIN: Final = (15.0, 30.0, 60.0, 120.0, 240.0)
GUT: Final = ("stomach_solid", "stomach_liquid", "gut")
INSULIN: Final = (
    "plasma_insulin_mass", "remote_insulin", "delayed_insulin_1", "delayed_insulin_2",
    "liver_insulin", "subcutaneous_insulin_1", "subcutaneous_insulin_2",
)  # fmt: skip
# The simulated week: project choices of size and spacing, and its seed.
_DAYS, _EVERY_MIN, _SEED = 6, 5, 7
# The reading's slope over 20 min: weights of the changes over 5, 10, 15 and 20 min, per min.
SLOPE_LAGS: Final = (5, 10, 15, 20)
# Project choices: how much of an unexplained slope is believed, how far glucose in plasma may be
# from that at the sensor (mg/dL), how much a gut may be given (g) and insulin action gain (pmol/L).
BELIEVED, FARTHEST_MG_DL, MOST_G, MOST_ACTION = 0.7, 40.0, 40.0, 300.0


class Maps(NamedTuple):
    """Matrices of each body: insulin (K, 7, 6), gut (K, 3, 5) per g announced."""

    insulin: Array
    gut: Array


class Seen(NamedTuple):
    """What is known of B lanes: cgm mg/dL, slope mg/dL/min, insulin means (B, 6), carbs (B, 5)."""

    cgm: Array
    slope: Array
    insulin: Array
    carbs: Array


def slope_of(observation: NDArray[np.float32]) -> Array:
    """Return the slope (B,), mg/dL/min, of the readings of the last 20 minutes."""
    times = -np.array([0.0, *SLOPE_LAGS])
    weights = (times - times.mean()) / ((times - times.mean()) ** 2).sum()
    slope = np.zeros(len(observation))
    for weight, lag in zip(weights[1:], SLOPE_LAGS, strict=True):
        slope -= weight * INSULIN_VIEW.read(observation, f"cgm_change_{lag}")
    return slope


def insulin_means(observation: NDArray[np.float32], basal: Array, iob_u: Array) -> Array:
    """Return the means (B, 6) of past insulin less the basal, in basal rates; on board in hours."""
    parts = [np.expm1(INSULIN_VIEW.read(observation, f"dose_{m:g}")) - 1.0 for m in FILTERS_MIN]
    return np.stack([*parts, iob_u / basal], axis=1)


def fade_carbs(carbs: Array, told_g: Array, step_min: float) -> Array:
    """Return the means (B, 5) of announced carbohydrate after ``told_g`` (B,) came in."""
    return carbs * np.exp(-step_min / np.array(CARB_FILTERS_MIN)) + told_g[:, None]


def fit_maps(bodies: Ensemble) -> Maps:
    """Return the matrices of all bodies, by least squares on one simulated week."""
    rng = np.random.default_rng(_SEED)
    steps = _DAYS * 1440 // _EVERY_MIN
    ratio, means = _insulin_week(rng, steps)
    told, carbs = _carb_week(rng, steps)
    n = len(bodies)
    u = np.zeros((steps * _EVERY_MIN, 2, n))
    u[:, 1] = np.repeat(ratio, _EVERY_MIN)[:, None] * (bodies.basal_need / 60.0)[None]
    for k in np.flatnonzero(told).tolist():
        # At once, for the forecast has to find on the plate what was only just announced.
        u[k * _EVERY_MIN, 0] = told[k]
    x, index = bodies.rest.copy(), bodies.model.state_index
    states = np.empty((steps, len(INSULIN) + len(GUT), n))
    columns = [index[name] for name in (*INSULIN, *GUT)]
    engine = engine_for(bodies.model)
    for k in range(steps):
        engine.advance(x, bodies.params, u[k * _EVERY_MIN : (k + 1) * _EVERY_MIN])
        states[k] = x[:, columns].T
    seven = len(INSULIN)
    away = states[:, :seven] - bodies.rest[:, columns[:seven]].T[None]
    return Maps(_solve(means, away), _solve(carbs, states[:, seven:]))


def _solve(features: Array, states: Array) -> Array:
    """Return W (K, s, f) with states (T, s, K) near features (T, f) W."""
    t, s, n = states.shape
    found, *_ = np.linalg.lstsq(features, states.reshape(t, s * n), rcond=1e-8)
    maps = found.T.reshape(s, n, -1).transpose(1, 0, 2)
    return np.ascontiguousarray(maps, dtype=np.float64)


def _insulin_week(rng: np.random.Generator, steps: int) -> tuple[Array, Array]:
    """Return a random course of insulin in basal rates (T,), and its means (T, 6) less one."""
    ratio = np.repeat(rng.uniform(0.0, 2.0, steps // 24 + 1), 24)[:steps]
    ratio[rng.random(steps) < 0.02] = rng.uniform(5.0, 80.0)
    keep = np.exp(-_EVERY_MIN / np.array([*FILTERS_MIN, PEAK_MIN]))
    means, filters, first, second = np.empty((steps, 6)), np.zeros(5), 0.0, 0.0
    for k, value in enumerate(ratio):
        filters = keep[:5] * filters + (1.0 - keep[:5]) * (value - 1.0)
        first += (value - 1.0) * _EVERY_MIN / 60.0
        second = keep[5] * (second - np.log(keep[5]) * first)
        first *= keep[5]
        means[k, :5], means[k, 5] = filters, first + second
    return ratio, means


def _carb_week(rng: np.random.Generator, steps: int) -> tuple[Array, Array]:
    """Return grams announced by step (T,), and their means (T, 5)."""
    told = np.zeros(steps)
    hours = np.arange(12, steps - 72, 60)
    told[hours + rng.integers(0, 24, len(hours))] = rng.choice([20.0, 40.0, 60.0, 80.0], len(hours))
    means, carbs = np.empty((steps, 5)), np.zeros((1, 5))
    for k in range(steps):
        # Announced as the interval begins, looked at when it ends.
        carbs = (carbs + told[k]) * np.exp(-_EVERY_MIN / np.array(CARB_FILTERS_MIN))
        means[k] = carbs[0]
    return told, means


def place(
    bodies: Ensemble, maps: Maps, who: Ints, seen: Seen, insulin: Array, carbs: Array
) -> Array:
    """Return states (N, S) of bodies ``who`` (N,) behind N observations.

    Parameters
    ----------
    insulin, carbs : array (N,)
        Units and grams of the body for one of the lane, insulin in basal rates of both.
    """
    index, p = bodies.model.state_index, bodies.model.params(bodies.params[who])
    x = bodies.rest[who].copy()
    from_insulin = np.einsum("nsf,nf->ns", maps.insulin[who], seen.insulin * insulin[:, None])
    for k, name in enumerate(INSULIN):
        x[:, index[name]] += from_insulin[:, k]
        if name != "remote_insulin":
            np.maximum(x[:, index[name]], 0.0, out=x[:, index[name]])
    told = seen.carbs * carbs[:, None]
    gut = np.maximum(np.einsum("nsf,nf->ns", maps.gut[who], told), 0.0)
    x[:, :3] = gut
    # A meal's size rules how fast the stomach empties.
    x[:, index["meal_residual"]] = np.maximum(1000.0 * told[:, 3], gut[:, 0] + gut[:, 1])
    _put_glucose(x, p, seen, index)
    return x


def _put_glucose(x: Array, p: Any, seen: Seen, index: Any) -> None:
    """Place glucose at the reading, and what moves it where the reading's slope says."""
    plasma = seen.cgm + np.clip(seen.slope / p.ksc, -FARTHEST_MG_DL, FARTHEST_MG_DL)
    Gp = np.maximum(plasma, 20.0) * p.Vg
    X, Id, gut = (x[:, index[name]] for name in ("remote_insulin", "delayed_insulin_2", "gut"))
    # Tissue glucose in balance with plasma under the insulin that acts now.
    most = np.maximum(p.Vm0 + p.Vmx * X, 0.0)
    b = p.k2 * p.Km0 + most - p.k1 * Gp
    # The positive root, without the difference that cancels where b is large.
    half = 0.5 * (np.abs(b) + np.sqrt(b**2 + 4.0 * p.k2 * p.k1 * Gp * p.Km0))
    Gt = np.where(b > 0.0, p.k1 * Gp * p.Km0 / half, half / p.k2)
    uptake = most * Gt / (p.Km0 + Gt)
    production = np.maximum(p.kp1 - p.kp2 * Gp - p.kp3 * Id, 0.0)
    excretion = p.ke1 * np.maximum(Gp - p.ke2, 0.0)
    appearing = p.f * p.kabs * gut / p.BW
    expected = production + appearing - p.Fsnc - excretion - uptake
    tissue_share = p.k1 / (p.k2 + most * p.Km0 / (p.Km0 + Gt) ** 2)
    observed = seen.slope * p.Vg * (1.0 + tissue_share)
    missing = BELIEVED * (observed - expected)
    grams = missing * p.BW / (p.f * p.kabs)
    x[:, index["gut"]] = np.clip(gut + np.minimum(grams, 1000.0 * MOST_G), 0.0, None)
    left = np.minimum(missing + appearing, 0.0)
    more = np.minimum(-left * (p.Km0 + Gt) / (p.Vmx * Gt), MOST_ACTION)
    x[:, index["remote_insulin"]] = X + np.where(missing < 0.0, more, 0.0)
    x[:, index["plasma_glucose_mass"]], x[:, index["tissue_glucose_mass"]] = Gp, Gt
    x[:, index["interstitial_glucose_mass"]] = np.maximum(seen.cgm, 20.0) * p.Vg
