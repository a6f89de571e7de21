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
from scipy import stats
from scipy.special import stdtr

from .joint import inverse
from .likelihood import LEAST, Likelihood, whitened
from .noise import STUDENT_NU
from .unknowns import NOISE

Array = NDArray[np.float64]
Places = NDArray[np.int64]

STEP: Final = 1e-3
NOISE_STEP: Final = 0.05
ITERATIONS: Final = 40
FRACTIONS: Final = np.array([1.0, 0.6, 0.3, 0.1, 0.03, 0.005])
SETTLED: Final = 0.02
FARTHEST_SD: Final = 4.5


@dataclass(frozen=True)
class Mode:
    """A normal law about the most probable vector.

    Parameters
    ----------
    u : array (D,)
    covariance : array (F, F)
        Of the unknowns asked for, all D if not said otherwise; the others are given.
    root : array (F, F)
        Lower Cholesky factor of the covariance.
    value : float
        Log posterior there, up to a constant.
    """

    u: Array
    covariance: Array
    root: Array
    value: float

    @property
    def evidence(self) -> float:
        """Logarithm of the posterior's mass about it (Laplace), up to the same constant."""
        return self.value + float(np.log(np.diag(self.root)).sum())


def log_posterior(likelihood: Likelihood, u: Array) -> Array:
    """Return log posteriors (n,), up to a constant."""
    return np.asarray(likelihood(u) - 0.5 * (u**2).sum(axis=1))


def most_probable_vector(likelihood: Likelihood, u: Array, among: Places | None = None) -> Mode:
    """Climb from u (D,) to the top and return the normal law about it.

    Spreads stay where they are: at the top of all unknowns together they are too wide, since wide
    ones cost their many effects least. The fit that the climb begins from has them right.

    Parameters
    ----------
    likelihood : Likelihood
    u : array (D,)
    among : array (F,), optional
        Places of the unknowns that may move; the normal law is of these, the others are given.
    """
    among = np.arange(len(u)) if among is None else among
    u = np.clip(u, -FARTHEST_SD, FARTHEST_SD)
    value = float(log_posterior(likelihood, u[None])[0])
    spreads = likelihood.unknowns.spreads
    free = np.flatnonzero((among < spreads.start) | (among >= spreads.stop))
    for _ in range(ITERATIONS):
        pull, curvature = slope_and_curvature(likelihood, u, among)
        step = np.zeros(len(u))
        step[among[free]] = inverse(curvature[np.ix_(free, free)]) @ pull[free]
        trials = np.clip(u + FRACTIONS[:, None] * step, -FARTHEST_SD, FARTHEST_SD)
        values = log_posterior(likelihood, trials)
        best = int(np.argmax(values))
        gain = float(values[best]) - value
        if gain <= 0.0:
            break
        u, value = trials[best], float(values[best])
        if gain < SETTLED:
            break
    covariance = inverse(slope_and_curvature(likelihood, u, among)[1])
    root = np.linalg.cholesky(covariance + 1e-10 * np.eye(len(among)))
    return Mode(u, covariance, np.asarray(root, dtype=np.float64), value)


@dataclass(frozen=True)
class Line:
    """A record as a straight line about some vector sees it.

    Parameters
    ----------
    glucose : array (N, 1), mg/dL
        At the readings.
    error : array (N,), mg/dL
        None where a censored reading agrees.
    slope : array (N, F)
        Derivatives of glucose by the unknowns asked for.
    felt : array (N, F)
        The same, 0 where a censored reading agrees.
    weight : array (N,)
        Student-t weights of the innovations.
    """

    glucose: Array
    error: Array
    slope: Array
    felt: Array
    weight: Array


def line_at(likelihood: Likelihood, u: Array, among: Places | None = None) -> Line:
    """Return the straight line about u (D,) in some unknowns (F,), or all."""
    size, use = len(u), likelihood.use
    moved = np.eye(size) if among is None else np.eye(size)[among]
    glucose = likelihood.glucose(u + np.concatenate([np.zeros((1, size)), STEP * moved]))
    glucose = glucose[use.index]
    slope = (glucose[:, 1:] - glucose[:, :1]) / STEP
    error = likelihood.seen.glucose[use.index] - glucose[:, 0]
    side = likelihood.seen.censored[use.index]
    agrees = ((side < 0) & (error > 0)) | ((side > 0) & (error < 0))
    error = np.where(agrees, 0.0, error)
    standard = whitened(error[:, None], likelihood.noise(u[None]), use.gap)[0][:, 0]
    weight = (STUDENT_NU + 1.0) / (STUDENT_NU + standard**2)
    return Line(glucose[:, :1], error, slope, np.where(agrees[:, None], 0.0, slope), weight)


def slope_and_curvature(
    likelihood: Likelihood, u: Array, among: Places | None = None
) -> tuple[Array, Array]:
    """Return gradient (F,) and expected negative curvature (F, F) of the log posterior.

    By some unknowns (F,), the noise's two among them, or by all.
    """
    among = np.arange(len(u)) if among is None else among
    line = line_at(likelihood, u, among)
    glucose = line.glucose + STEP * np.concatenate([np.zeros((len(line.slope), 1)), line.slope], 1)
    noise = np.repeat(likelihood.noise(u[None]), len(among) + 1, axis=0)
    standard = likelihood.innovations(glucose, noise)
    white = (standard[:, 1:] - standard[:, :1]) / STEP
    force, stiff = _of_innovations(standard[:, 0], likelihood.seen.censored[likelihood.use.index])
    pull = -likelihood.power * white.T @ force
    curvature = likelihood.power * (white.T * stiff) @ white
    first = int(np.searchsorted(among, likelihood.unknowns.body))
    at = slice(first, first + NOISE)
    pull[at], curvature[at, at] = _of_noise(likelihood, u, line.glucose)
    return pull - u[among], curvature + np.eye(len(among))


def _of_innovations(standard: Array, side: NDArray[np.int8]) -> tuple[Array, Array]:
    """Return slopes (N,) and curvatures (N,), at least 0, of minus the log-likelihood.

    By innovations (N,), whose curvature is its expectation; of censored readings by their bounds.
    """
    plain = (STUDENT_NU + 1.0) * standard / (STUDENT_NU + standard**2)
    hazard = stats.t.pdf(standard, STUDENT_NU) / np.maximum(stdtr(STUDENT_NU, -standard), LEAST)
    force = np.where(side == 0, plain, hazard)
    expected = (STUDENT_NU + 1.0) / (STUDENT_NU + 3.0)
    stiff = np.where(side == 0, expected, np.maximum(hazard * (hazard - plain), 0.0))
    return force, stiff


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
