"""Looks for the most probable body from several starts: batched Levenberg-Marquardt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .coordinates import AT_START, GLUCOSE_AT_START, NAMES, Coordinates, start_coordinate
from .forward import Adds, first_reading, run
from .noise import STUDENT_NU, Noise, Whitening, errors, innovations, weights
from .observations import Observations

Array = NDArray[np.float64]
STEP = 1e-3
ITERATIONS = 12
LIMIT_SD = 3.5
# Before anything is known, errors are large and of long memory (mg/dL; over five minutes).
FIRST_NOISE = Noise(20.0, 0.9)


def starting_points(n: int, rng: np.random.Generator) -> Array:
    """Return starts (n, d), the first at the prior's mean."""
    z = 0.7 * rng.standard_normal((n, len(NAMES)))
    z[0] = 0.0
    return z


def begun_at(z: Array, seen: Observations) -> Array:
    """Return starts (n, d) with glucose at the record's first readings, nothing else on board."""
    out = z.copy()
    out[:, [NAMES.index(name) for name in AT_START]] = 0.0
    out[:, NAMES.index(GLUCOSE_AT_START)] = start_coordinate(first_reading(seen))
    return out


def slopes(
    where: Coordinates, z: Array, seen: Observations, shift: Array | None = None,
    extra: Adds | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Return glucose (T, S) of bodies z (S, d) and its derivatives (S, T, d), in one batch.

    ``shift`` (K,) are local effects that all bodies have, ``extra`` what all do besides.
    """
    s, d = z.shape
    steps = np.concatenate([np.zeros((1, d)), STEP * np.eye(d)])
    batch = (z[:, None, :] + steps[None]).reshape(-1, d)
    same = None if shift is None else np.repeat(shift[None], len(batch), axis=0)
    glucose = run(where, batch, seen, same, extra).reshape(-1, s, d + 1)
    slope = (glucose[:, :, 1:] - glucose[:, :, :1]) / STEP
    return glucose[:, :, 0], np.asarray(np.moveaxis(slope, 1, 0))


def misfit(standard: Array) -> Array:
    """Return twice the negative log likelihood (B,) of standardised innovations (N, B)."""
    return np.asarray((STUDENT_NU + 1.0) * np.log1p(standard**2 / STUDENT_NU).sum(axis=0))


def from_many_starts(
    where: Coordinates, z: Array, seen: Observations, use: Whitening, noise: Noise
) -> tuple[Array, Array]:
    """Minimise the negative log posterior from all starts at once, local effects left out.

    Returns
    -------
    z : array (S, d)
    value : array (S,)
        Twice the negative log posterior, up to a constant.
    """
    identity, damping = np.eye(z.shape[1]), np.full(len(z), 1.0)
    glucose, slope = slopes(where, z, seen)
    value = _value(glucose, z, seen, use, noise)
    for _ in range(ITERATIONS):
        standard = innovations(errors(glucose, seen, use), use, noise)
        w = weights(standard)
        white = np.stack([-innovations(s[use.index], use, noise) for s in slope])
        gradient = np.einsum("snd,ns->sd", white, w * standard) + z
        curvature = np.einsum("snd,ns,sne->sde", white, w, white) + identity
        scale = np.einsum("sdd->sd", curvature)[:, :, None] * identity
        damped = curvature + damping[:, None, None] * scale
        step = np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
        trial = np.clip(z - step, -LIMIT_SD, LIMIT_SD)
        new_glucose, new_slope = slopes(where, trial, seen)
        new_value = _value(new_glucose, trial, seen, use, noise)
        better = new_value < value
        settled = better & (value - new_value < 0.1)
        z, value = np.where(better[:, None], trial, z), np.where(better, new_value, value)
        glucose = np.where(better[None], new_glucose, glucose)
        slope = np.where(better[:, None, None], new_slope, slope)
        damping = np.clip(np.where(better, damping / 5.0, damping * 8.0), 1e-4, 1e8)
        if (settled | (damping > 1e4)).all():
            break
    return z, value


def _value(glucose: Array, z: Array, seen: Observations, use: Whitening, noise: Noise) -> Array:
    standard = innovations(errors(glucose, seen, use), use, noise)
    return np.asarray(misfit(standard) + (z**2).sum(axis=1))
