"""Runs many candidate bodies through one record at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from .coordinates import Coordinates
from .observations import SAMPLE_MIN, Observations

Array = NDArray[np.float64]
SAMPLES_A_DAY = 24 * 60 // SAMPLE_MIN


def first_reading(seen: Observations) -> float:
    """Return the mean of the first readings, mg/dL, at which a run starts."""
    known = seen.glucose[np.isfinite(seen.glucose)]
    return float(np.clip(known[:3].mean(), 45.0, 400.0))


def with_sensitivity(where: Coordinates, params: Array, shift: Array) -> Array:
    """Return parameters (B, P) of bodies whose insulin acts exp(shift) times as strongly."""
    columns = [where.model.parameter_index[name] for name in ("Vmx", "kp3")]
    changed = params.copy()
    changed[:, columns] *= np.exp(np.asarray(shift))[:, None]
    return changed


def run(where: Coordinates, z: Array, seen: Observations, shift: Array | None = None) -> Array:
    """Return interstitial glucose (T / 5 + 1, B), mg/dL, of bodies at coordinates z (B, d).

    ``shift`` (B, D) is the logarithm of each day's insulin sensitivity over the body's own.
    """
    return run_to_end(where, z, seen, shift)[0]


def run_to_end(
    where: Coordinates, z: Array, seen: Observations, shift: Array | None = None
) -> tuple[Array, Array]:
    """Return glucose as ``run`` does, and the states (B, S) at the record's end."""
    model, params = where.model, where.params(z)
    engine = engine_for(model)
    volume = model.params(params).Vg
    start = first_reading(seen)
    x = where.initial(z, params, start)
    column = model.state_index["interstitial_glucose_mass"]
    samples = len(seen.glucose) - 1
    glucose = np.empty((samples + 1, len(z)))
    glucose[0] = start
    factor = where.carb_factor(z)
    u = np.empty((SAMPLE_MIN, 2, len(z)))
    today = params
    for k in range(samples):
        if shift is not None and k % SAMPLES_A_DAY == 0:
            today = with_sensitivity(where, params, shift[:, k // SAMPLES_A_DAY])
        now = slice(k * SAMPLE_MIN, (k + 1) * SAMPLE_MIN)
        np.multiply(seen.carbs[now, None], factor, out=u[:, 0])
        u[:, 1] = seen.insulin[now, None]
        engine.advance(x, today, u)
        np.divide(x[:, column], volume, out=glucose[k + 1])
    return glucose, x
