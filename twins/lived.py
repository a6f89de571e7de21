"""The days of a record as a twin's bodies lived them: local effects, and what stays unexplained.

The readings of a day differ from a body's glucose by the sensor's error, which forgets within half
an hour, and by what the model does not know of that day, which is slower. The second is kept when
the same day is lived again with other doses (as in the replay of Patek et al. 2016 and Hughes et
al. 2021, doi:10.1177/1932296820973193 [DOI unverified]): it is estimated from the readings by
Gaussian-process regression, the sensor's error being the other of two components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .forward import Adds, Together, run
from .joint import Found, inverse, refine, root_of
from .noise import LARGEST_RHO, Noise, Whitening, errors, whitening
from .observations import SAMPLE_MIN, Observations
from .twin import Twin
from .unlogged import besides

Array = NDArray[np.float64]

# Of a sensor: G6 traces err by about 8 mg/dL with a memory of about 20 min (project choice, within
# what Vettoretti 2019, doi:10.3390/s19235320 [unverified], and Breton 2008 report).
SENSOR_SD_MG_DL, SENSOR_MEMORY_MIN = 8.0, 22.0
SMALLEST_SD_MG_DL: Final = 2.0
# How long what is not explained lasts (project choice; a dish or a walk).
UNEXPLAINED_MIN: Final = 90.0
# Readings are smoothed a day at a time, with some hours of neighbours.
BLOCK, MARGIN = 288, 72
LARGEST_EFFECT: Final = 1.5
# How far a body's answer to a change lies from the twin's for want of the right equations, of its
# logarithm: root of the mean squared error less the draws' own variance, in 20 virtual people of
# two other bodies (bench_whatif.py --people 10 --seed 101, as "log_effect_error").
STRUCTURE_SD: Final = 0.26
LIMIT_SD: Final = 4.0


@dataclass(frozen=True)
class Lived:
    """A record as draws of its twin lived it.

    Parameters
    ----------
    seen : Observations
    z : array (n, d)
        Coordinates of each draw.
    effect : array (n, K)
        Its local effects on these days.
    glucose : array (T, n), mg/dL
        Of the bodies, every five minutes.
    unexplained : array (T, n), mg/dL
        What is added to it: smoothed readings less the body's glucose.
    besides : Adds or None
        Meals that nobody logged, as the twin believes them.
    """

    seen: Observations
    z: Array
    effect: Array
    glucose: Array
    unexplained: Array
    besides: Adds | None = None

    @property
    def true(self) -> Array:
        """Glucose of the days as lived (T, n), mg/dL."""
        return np.asarray(np.maximum(self.glucose + self.unexplained, 1.0))

    def again(self, twin: Twin, extra: Adds, keep: bool = True) -> Array:
        """Return glucose (T, n), mg/dL, of the same days with changed inputs.

        Parameters
        ----------
        keep : bool
            Whether what was unexplained then is taken to have happened all the same.
        """
        both = extra if self.besides is None else Together((self.besides, extra))
        glucose = run(twin.where, self.z, self.seen, self.effect, both)
        return np.asarray(np.maximum(glucose + (self.unexplained if keep else 0.0), 1.0))

    def spread(self, again: Array, rng: np.random.Generator) -> Array:
        """Return changed glucose (T, n), mg/dL, that also owns up to the equations' own error.

        Draws tell bodies apart as far as the equations go. That people of other equations answer a
        change more or less is one more factor on each draw's effect, taken in the logarithm, so
        that no sign turns and glucose stays above zero.

        Parameters
        ----------
        again : array (T, n), mg/dL
            What ``again`` returned.
        """
        factor = np.exp(STRUCTURE_SD * rng.standard_normal(again.shape[1]))
        return np.asarray(np.maximum(self.true * (again / self.true) ** factor, 1.0))


def relive(twin: Twin, seen: Observations, n: int, rng: np.random.Generator) -> Lived:
    """Let draws of a twin live a record of the same person.

    Parameters
    ----------
    seen : Observations
        The record that it was fitted to, or a part of it.
    n : int
        Draws.
    """
    use, ate = whitening(seen), besides(twin.quality.get("unlogged_meals", ()), seen)
    found = refine(
        twin.where, twin.z, seen, use,
        noise=twin.noise, variation=twin.variation, largest_rho=LARGEST_RHO, extra=ate,
    )  # fmt: skip
    z, effect = draws_given(twin, found, n, rng)
    glucose = run(twin.where, z, seen, effect, ate)
    left = unexplained(errors(glucose, seen, use), use, len(glucose), found.noise, rng)
    return Lived(seen, z, effect, glucose, left, ate)


def draws_given(twin: Twin, found: Found, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return draws of bodies (n, d) from a twin and of the days' effects (n, K) given each body."""
    if twin.posterior is None:
        return found.draws(n, rng)
    d, whole = len(found.z), found.covariance
    z = twin.posterior.z[twin.posterior.rows(n, rng)]
    gain = whole[d:, :d] @ inverse(whole[:d, :d])
    left = whole[d:, d:] - gain @ whole[:d, d:]
    effect = found.effect + (z - found.z) @ gain.T
    effect = effect + rng.standard_normal(effect.shape) @ root_of(left).T
    return z, np.clip(effect, -LARGEST_EFFECT, LARGEST_EFFECT)


def unexplained(
    error: Array, use: Whitening, samples: int, noise: Noise, rng: np.random.Generator
) -> Array:
    """Return draws (T, n), mg/dL, of what the model does not know of the days.

    Parameters
    ----------
    error : array (N, n), mg/dL
        Reading less glucose of each draw.
    use : Whitening
        At which samples the readings are.
    samples : int
    noise : Noise
        Of the fit: its variance is shared between sensor and model.
    """
    out = np.zeros((samples, error.shape[1]))
    sensor = min(SENSOR_SD_MG_DL, noise.sigma)
    slow = max(noise.sigma**2 - sensor**2, SMALLEST_SD_MG_DL**2)
    for first in range(0, samples, BLOCK):
        here = np.arange(first, min(first + BLOCK, samples))
        near = (use.index >= first - MARGIN) & (use.index < first + BLOCK + MARGIN)
        if near.any():
            mean, root = _regression(here, use.index[near], slow, sensor**2)
            kick = rng.standard_normal((len(here), error.shape[1]))
            out[here] = mean @ error[near] + root @ kick
    return out


def _regression(
    at: NDArray[np.int64], known: NDArray[np.int64], slow: float, fast: float
) -> tuple[Array, Array]:
    """Return weights (T, N) of readings, and a root (T, T) of what stays unknown."""

    def lasting(a: NDArray[np.int64], b: NDArray[np.int64]) -> Array:
        gap = np.sqrt(3.0) * SAMPLE_MIN * np.abs(a[:, None] - b[None]) / UNEXPLAINED_MIN
        return np.asarray(slow * (1.0 + gap) * np.exp(-gap))

    gap = SAMPLE_MIN * np.abs(known[:, None] - known[None])
    sensor = fast * np.exp(-gap / SENSOR_MEMORY_MIN) + 1.0 * np.eye(len(known))
    cross = lasting(at, known)
    weights = np.linalg.solve(lasting(known, known) + sensor, cross.T).T
    return np.asarray(weights, dtype=np.float64), root_of(lasting(at, at) - weights @ cross.T)
