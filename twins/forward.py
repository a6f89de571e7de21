"""Runs many candidate bodies through one record at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from .coordinates import Coordinates
from .observations import SAMPLE_MIN, Observations

Array = NDArray[np.float64]


def first_reading(seen: Observations) -> float:
    """Return the mean of the first readings, mg/dL, at which a run starts."""
    known = seen.glucose[np.isfinite(seen.glucose)]
    return float(np.clip(known[:3].mean(), 45.0, 400.0))


def run(where: Coordinates, z: Array, seen: Observations) -> Array:
    """Return interstitial glucose (T / 5 + 1, B), mg/dL, of bodies at coordinates z (B, d)."""
    model, params = where.model, where.params(z)
    engine = engine_for(model)
    p = model.params(params)
    start = first_reading(seen)
    x = where.initial(z, params, start)
    column = model.state_index["interstitial_glucose_mass"]
    samples = len(seen.glucose) - 1
    glucose = np.empty((samples + 1, len(z)))
    glucose[0] = start
    factor = where.carb_factor(z)
    u = np.empty((SAMPLE_MIN, 2, len(z)))
    for k in range(samples):
        now = slice(k * SAMPLE_MIN, (k + 1) * SAMPLE_MIN)
        np.multiply(seen.carbs[now, None], factor, out=u[:, 0])
        u[:, 1] = seen.insulin[now, None]
        engine.advance(x, params, u)
        np.divide(x[:, column], p.Vg, out=glucose[k + 1])
    return glucose
