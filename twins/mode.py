"""The most probable vector of unknowns, and the normal law about it (Laplace).

Gauss-Newton with an exact line search. Derivatives of glucose by all unknowns come from one batch,
a changed body for each. The curvature of Student-t innovations is its expectation; that of the
noise's two parameters is found by differences, glucose held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .joint import inverse
from .likelihood import STUDENT_SD, Likelihood, memory
from .noise import STUDENT_NU
from .unknowns import NOISE

Array = NDArray[np.float64]

STEP: Final = 1e-3
NOISE_STEP: Final = 0.05
ITERATIONS: Final = 8
FRACTIONS: Final = np.array([1.0, 0.6, 0.3, 0.1, 0.03, 0.005])
SETTLED: Final = 0.1
FARTHEST_SD: Final = 4.5


@dataclass(frozen=True)
class Mode:
    """A normal law about the most probable vector.

    Parameters
    ----------
    u : array (D,)
    covariance : array (D, D)
    root : array (D, D)
        Lower Cholesky factor of the covariance.
    value : float
        Log posterior there, up to a constant.
    """

    u: Array
    covariance: Array
    root: Array
    value: float


def log_posterior(likelihood: Likelihood, u: Array) -> Array:
    """Return log posteriors (n,), up to a constant."""
    return np.asarray(likelihood(u) - 0.5 * (u**2).sum(axis=1))


def most_probable_vector(likelihood: Likelihood, u: Array) -> Mode:
    """Climb from u (D,) to the top and return the normal law about it.

    Spreads stay where they are: at the top of all unknowns together they are too wide, since wide
    ones cost their many effects least. The fit that the climb begins from has them right.
    """
    u = np.clip(u, -FARTHEST_SD, FARTHEST_SD)
    value = float(log_posterior(likelihood, u[None])[0])
    free = np.delete(np.arange(len(u)), likelihood.unknowns.spreads)
    for _ in range(ITERATIONS):
        pull, curvature = _curvature(likelihood, u)
        step = np.zeros(len(u))
        step[free] = inverse(curvature[np.ix_(free, free)]) @ pull[free]
        trials = np.clip(u + FRACTIONS[:, None] * step, -FARTHEST_SD, FARTHEST_SD)
        values = log_posterior(likelihood, trials)
        best = int(np.argmax(values))
        gain = float(values[best]) - value
        if gain <= 0.0:
            break
        u, value = trials[best], float(values[best])
        if gain < SETTLED:
            break
    covariance = inverse(_curvature(likelihood, u)[1])
    root = np.linalg.cholesky(covariance + 1e-10 * np.eye(len(u)))
    return Mode(u, covariance, np.asarray(root, dtype=np.float64), value)


def _curvature(likelihood: Likelihood, u: Array) -> tuple[Array, Array]:
    """Return gradient (D,) and expected negative curvature (D, D) of the log posterior."""
    size, use = len(u), likelihood.use
    glucose = likelihood.glucose(u + np.concatenate([np.zeros((1, size)), STEP * np.eye(size)]))
    glucose = glucose[use.index]
    slope = (glucose[:, 1:] - glucose[:, :1]) / STEP
    error, side = likelihood.seen.glucose[use.index] - glucose[:, 0], likelihood.seen.censored
    side = side[use.index]
    agrees = ((side < 0) & (error > 0)) | ((side > 0) & (error < 0))
    error, slope = np.where(agrees, 0.0, error), np.where(agrees[:, None], 0.0, slope)
    sigma, rho = likelihood.noise(u[None])[0]
    keep = memory(np.array([rho]), use.gap)
    scale = sigma / STUDENT_SD * np.sqrt(1.0 - keep**2)
    both = np.concatenate([error[:, None], slope], axis=1)
    both[1:] -= keep[1:] * both[:-1]
    both /= scale
    standard, white = both[:, 0], both[:, 1:]
    weight = (STUDENT_NU + 1.0) / (STUDENT_NU + standard**2)
    expected = (STUDENT_NU + 1.0) / (STUDENT_NU + 3.0)
    pull = likelihood.power * white.T @ (weight * standard)
    curvature = likelihood.power * expected * white.T @ white
    at = slice(likelihood.unknowns.body, likelihood.unknowns.body + NOISE)
    pull[at], curvature[at, at] = _of_noise(likelihood, u, glucose[:, :1])
    return pull - u, curvature + np.eye(size)


def _of_noise(likelihood: Likelihood, u: Array, glucose: Array) -> tuple[Array, Array]:
    """Return gradient (2,) and negative curvature (2, 2) by the noise's unknowns."""
    steps = NOISE_STEP * np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])
    batch = np.repeat(u[None], len(steps), axis=0)
    at = slice(likelihood.unknowns.body, likelihood.unknowns.body + NOISE)
    batch[:, at] += steps
    noise = likelihood.noise(batch)
    value = likelihood.power * likelihood.of_glucose(np.repeat(glucose, len(steps), axis=1), noise)
    v, h = value.reshape(3, 3), NOISE_STEP
    pull = np.array([v[2, 1] - v[0, 1], v[1, 2] - v[1, 0]]) / (2.0 * h)
    across = (v[2, 2] - v[2, 0] - v[0, 2] + v[0, 0]) / (4.0 * h**2)
    own = np.array([v[2, 1] + v[0, 1], v[1, 2] + v[1, 0]]) - 2.0 * v[1, 1]
    down = np.maximum(-own / h**2, 0.0)
    # Together they must stay a curvature downwards.
    most = 0.9 * np.sqrt(down[0] * down[1])
    across = float(np.clip(-across, -most, most))
    return pull, np.array([[down[0], across], [across, down[1]]])
