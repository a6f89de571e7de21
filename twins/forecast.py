"""Forecasts the end of a record from a fit that did not see it, and scores the forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coordinates import Coordinates
from .forward import run, windows_in
from .joint import LARGEST_EFFECT, Found, root_of
from .noise import Noise
from .observations import Observations
from .variation import next_windows

Array = NDArray[np.float64]
BAND_DRAWS = 200


@dataclass(frozen=True)
class Outlook:
    """A forecast of the samples after ``first``, made open loop with the recorded doses and meals.

    Parameters
    ----------
    likely : array (T,), mg/dL
        Of the most probable body on a day as expected.
    draws : array (T, n), mg/dL
        Of posterior draws, each on days and with meals of its own, errors of reading included.
    """

    likely: Array
    draws: Array


def outlook(
    where: Coordinates, found: Found, known: Observations, seen: Observations,
    rng: np.random.Generator, n: int = BAND_DRAWS,
) -> Outlook:  # fmt: skip
    """Forecast what ``seen`` has beyond ``known``, to which ``found`` was fitted."""
    first = len(known.glucose)
    z, effect = found.draws(n, rng)
    bodies = np.concatenate([found.z[None], z])
    shift = _extended(found, np.concatenate([found.effect[None], effect]), known, seen, rng)
    glucose = run(where, bodies, seen, shift)[first:]
    noise = error_paths(found.noise, glucose[:, 1:].shape, rng)
    return Outlook(glucose[:, 0], glucose[:, 1:] + noise)


def _extended(
    found: Found, effect: Array, known: Observations, seen: Observations, rng: np.random.Generator
) -> Array:
    """Return local effects (B, K) of a longer record: the first row as expected, the rest drawn."""
    old, all_windows = windows_in(known), windows_in(seen)
    past, meals = effect[:, :old], effect[:, old:]
    new = all_windows - old
    coming, spread = next_windows(found.variation, past, new)
    coming[1:] += rng.standard_normal((len(effect) - 1, new)) @ root_of(spread).T
    dishes = np.zeros((len(effect), seen.meals - meals.shape[1]))
    dishes[1:] = found.variation.meal * rng.standard_normal(dishes[1:].shape)
    windows = np.clip(np.concatenate([past, coming], axis=1), -LARGEST_EFFECT, LARGEST_EFFECT)
    return np.concatenate([windows, meals, dishes], axis=1)


def error_paths(noise: Noise, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return autocorrelated errors of reading (T, n), mg/dL, five minutes apart."""
    kick = rng.standard_normal(shape) * noise.sigma
    out = np.empty(shape)
    now = kick[0]
    for t in range(shape[0]):
        now = kick[0] if t == 0 else noise.rho * now + np.sqrt(1.0 - noise.rho**2) * kick[t]
        out[t] = now
    return out


def score(
    where: Coordinates, found: Found, known: Observations, seen: Observations,
    rng: np.random.Generator,
) -> dict[str, float]:  # fmt: skip
    """Return how well the samples of ``seen`` after ``known`` are forecast, open loop."""
    view = outlook(where, found, known, seen, rng)
    first = len(known.glucose)
    reading, side = seen.glucose[first:], seen.censored[first:]
    there = np.isfinite(reading)
    if not there.any():
        return {}
    low, high = np.quantile(view.draws, [0.05, 0.95], axis=1)
    # A censored reading lies anywhere beyond its limit.
    inside = (((reading >= low) | (side > 0)) & ((reading <= high) | (side < 0)))[there]
    error = (reading - view.likely)[there]
    return {
        "rmse_mg_dl": float(np.sqrt(np.mean(error**2))),
        "bias_mg_dl": float(np.mean(error)),
        "mard_percent": float(100.0 * np.mean(np.abs(error) / reading[there])),
        "coverage_90": float(np.mean(inside)),
        "band_width_mg_dl": float(np.mean((high - low)[there])),
        "readings": int(there.sum()),
    }
