"""The most probable body together with its days, hours and meals, and how well all are known.

Gauss-Newton on all unknowns at once, with an exact line search; between steps the noise and the
spread of local effects follow by expectation-maximisation. The covariance of the body's coordinates
comes from the joint curvature, so that a coordinate is not called known when a run of unusual days
would explain the record as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coordinates import Coordinates
from .forward import Adds, run, run_windows, windows_in
from .local import local_slopes
from .noise import Noise, Whitening, errors, estimate, innovations, misfit_factor, weights
from .observations import Observations
from .search import LIMIT_SD, misfit, slopes
from .variation import Variation

Array = NDArray[np.float64]
ITERATIONS = 15
LARGEST_EFFECT = 1.5
FRACTIONS = np.array([1.0, 0.6, 0.35, 0.15, 0.05, 0.01, 0.001])
# Settled when no step is longer than this share of what is still unknown, and the objective rests.
SETTLED_SD, SETTLED_NOISE = 0.05, 0.02
SPREAD_ROUNDS = 5


@dataclass(frozen=True)
class Found:
    """What a fit found.

    Parameters
    ----------
    z : array (d,)
        Most probable coordinates of the body.
    effect : array (K,)
        Most probable local effects.
    covariance : array (d + K, d + K)
        Of both together.
    noise : Noise
    variation : Variation
    factor : float
        By how much misfit weakened the likelihood, at least 1.
    """

    z: Array
    effect: Array
    covariance: Array
    noise: Noise
    variation: Variation
    factor: float

    def draws(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return draws of coordinates (n, d) and local effects (n, K) within their limits."""
        d = len(self.z)
        normal = rng.standard_normal((n, len(self.covariance)))
        both = np.concatenate([self.z, self.effect]) + normal @ root_of(self.covariance).T
        z = np.clip(both[:, :d], -LIMIT_SD, LIMIT_SD)
        return z, np.clip(both[:, d:], -LARGEST_EFFECT, LARGEST_EFFECT)


def root_of(covariance: Array) -> Array:
    """Return a square root (K, K) of a covariance; never fails, unlike Cholesky's."""
    value, vector = np.linalg.eigh(0.5 * (covariance + covariance.T))
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0)))


def inverse(matrix: Array) -> Array:
    """Return the inverse (K, K) of a positive definite matrix, its eigenvalues kept positive."""
    value, vector = np.linalg.eigh(0.5 * (matrix + matrix.T))
    safe = np.maximum(value, 1e-9 * max(float(value[-1]), 1e-9))
    return np.asarray((vector / safe) @ vector.T)


@dataclass(frozen=True)
class _Problem:
    """One record, and where all unknowns (d + K,) lie in a vector."""

    where: Coordinates
    seen: Observations
    use: Whitening
    body: int
    windows: int
    meals: int
    body_known: bool
    extra: Adds | None

    def precision(self, variation: Variation) -> Array:
        """Return the inverse prior covariance of all unknowns."""
        size = self.body + self.windows + self.meals
        out = np.eye(size)
        out[self.body :, self.body :] = inverse(variation.prior(self.windows, self.meals))
        return out

    def slopes(self, theta: Array) -> tuple[Array, Array]:
        """Return errors (N,) and derivatives (N, d + K) of glucose by all unknowns."""
        z, shift = theta[: self.body], theta[self.body :]
        glucose, starts = run_windows(self.where, z[None], self.seen, shift[None], self.extra)
        local = local_slopes(
            self.where, z, self.seen, shift, glucose[:, 0], starts[: self.windows, 0], self.extra
        )
        if self.body_known:
            body = np.zeros((len(glucose), self.body))
        else:
            body = slopes(self.where, z[None], self.seen, shift, self.extra)[1][0]
        error = errors(glucose, self.seen, self.use)[:, 0]
        slope = np.concatenate([body, local], axis=1)[self.use.index]
        # A censored reading that the model agrees with pulls at nothing.
        return error, np.where(self.indifferent(glucose)[:, None], 0.0, slope)

    def indifferent(self, glucose: Array) -> NDArray[np.bool_]:
        """Return which readings (N,) are censored and agree with glucose (T, 1)."""
        agrees = errors(glucose, self.seen, self.use)[:, 0] == 0.0
        return np.asarray(agrees & (self.seen.censored[self.use.index] != 0))

    def values(self, theta: Array, precision: Array, noise: Noise) -> Array:
        """Return twice the negative log posterior (B,) of several vectors (B, d + K)."""
        body, effect = theta[:, : self.body], theta[:, self.body :]
        glucose = run(self.where, body, self.seen, effect, self.extra)
        standard = innovations(errors(glucose, self.seen, self.use), self.use, noise)
        return np.asarray(misfit(standard) + np.einsum("bi,ij,bj->b", theta, precision, theta))

    def clipped(self, theta: Array) -> Array:
        """Return vectors (B, d + K) within their limits."""
        most = np.full(theta.shape[1], LARGEST_EFFECT)
        most[: self.body] = LIMIT_SD
        return np.clip(theta, -most, most)


@dataclass(frozen=True)
class _Line:
    """The likelihood about ``theta`` as a straight line sees it: its curvature and its pull."""

    information: Array
    pull: Array
    theta: Array

    def likelier(self, problem: _Problem, variation: Variation) -> Variation:
        """Return the spreads of local effects that explain the record better."""
        body = slice(problem.body, None)
        for _ in range(SPREAD_ROUNDS):
            precision = problem.precision(variation)
            covariance = inverse(self.information + precision)
            at = self.theta - covariance @ (self.pull + precision @ self.theta)
            variation = variation.updated(at[body], covariance[body, body], problem.windows)
        return variation


def refine(
    where: Coordinates, z: Array, seen: Observations, use: Whitening, *,
    noise: Noise, variation: Variation, largest_rho: float, body_known: bool = False,
    extra: Adds | None = None,
) -> Found:  # fmt: skip
    """Find the most probable unknowns from a body z (d,) on.

    Parameters
    ----------
    noise, variation
        First guesses.
    largest_rho : float
        Bound on the correlation of errors over five minutes; 0 takes them for independent.
    body_known : bool
        Keep z, and find the local effects only.
    extra : Adds, optional
        What was done besides the record.
    """
    problem = _Problem(where, seen, use, len(z), windows_in(seen), seen.meals, body_known, extra)
    theta = np.concatenate([z, np.zeros(problem.windows + problem.meals)])
    for _ in range(ITERATIONS):
        error, slope = problem.slopes(theta)
        standard = innovations(error[:, None], use, noise)
        white = -innovations(slope, use, noise)
        w = weights(standard)
        line = _Line((white * w).T @ white, white.T @ (w * standard)[:, 0], theta)
        variation = line.likelier(problem, variation)
        precision = problem.precision(variation)
        covariance = inverse(line.information + precision)
        step = covariance @ (line.pull + precision @ theta)
        if body_known:
            step[: len(z)] = 0.0
        trials = problem.clipped(theta - FRACTIONS[:, None] * step)
        value = problem.values(np.concatenate([theta[None], trials]), precision, noise)
        best = int(np.argmin(value))
        moved = 0.0 if best == 0 else float(FRACTIONS[best - 1])
        theta = theta if best == 0 else trials[best - 1]
        before, left = noise, error + slope @ (moved * step)
        noise = estimate(left, use, slope, covariance, largest_rho)
        spread = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
        calm = abs(np.log(noise.sigma / before.sigma)) < SETTLED_NOISE
        if calm and np.abs(moved * step / spread).max() < SETTLED_SD:
            break
    return _known(problem, theta, noise, variation)


def _known(problem: _Problem, theta: Array, noise: Noise, variation: Variation) -> Found:
    """Return the Laplace posterior, the likelihood weakened by how badly the model misfits."""
    error, slope = problem.slopes(theta)
    standard = innovations(error[:, None], problem.use, noise)
    white = -innovations(slope, problem.use, noise)
    w = weights(standard)
    information = (white * w).T @ white
    d = problem.body
    factor = misfit_factor((white * w * standard)[:, :d], information[:d, :d], problem.use)
    covariance = inverse(information / factor + problem.precision(variation))
    return Found(theta[:d], theta[d:], covariance, noise, variation, factor)
