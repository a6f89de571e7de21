"""Draws from the normal approximation about the most probable body, led to the record's end."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from .coordinates import Coordinates
from .forward import run_to_end, windows_in
from .joint import Found
from .noise import errors, whitening
from .observations import Observations
from .posterior import Posterior, Present

Array = NDArray[np.float64]
DRAWS = 256


def laplace_posterior(
    where: Coordinates, found: Found, seen: Observations, rng: np.random.Generator, n: int = DRAWS
) -> Posterior:
    """Return n draws of a fit's normal approximation; noise and spreads are those of the fit."""
    z, effect = found.draws(n, rng)
    noise = np.tile([found.noise.sigma, found.noise.rho], (n, 1))
    spread = np.tile(astuple(found.variation), (n, 1))
    present = present_of(where, z, effect, noise[:, 1], seen)
    return Posterior(z, noise, spread, present, {"method": "laplace", "draws": n})


def present_of(
    where: Coordinates, z: Array, effect: Array, rho: Array, seen: Observations
) -> Present:
    """Return where bodies z (n, d) with local effects (n, K) are when the record ends."""
    use = whitening(seen)
    glucose, states = run_to_end(where, z, seen, effect)
    error = errors(glucose, seen, use)[-1] if len(use.index) else np.zeros(len(z))
    since = len(seen.glucose) - 1 - (int(use.index[-1]) if len(use.index) else 0)
    end_s = seen.start_s + len(seen.insulin) * 60.0
    return Present(end_s, states, effect[:, windows_in(seen) - 1].copy(), error * rho**since)
