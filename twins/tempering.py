"""Sampling a posterior: tempered sequential Monte Carlo.

Particles start in a law that is easy to draw from (the prior, or a heavy-tailed normal about the
most probable point) and go to the posterior along the geometric path between both, in steps that
each keep half of the effective particles (Del Moral 2006; Neal 2001), with resampling and moves in
between. A move is a Crank-Nicolson step about the particles' own mean and covariance (Cotter 2013,
generalised by Rudolf 2018), so that it learns which directions the data have narrowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from .pareto import LARGEST_K, pareto_k
from .pressure_weights import effective_size, resample, weights_of

Array = NDArray[np.float64]
LogLikelihood = Callable[[Array], Array]

KEEP: Final = 0.5
MOVES: Final = 3
MOST_STAGES: Final = 40
FIRST_STEP: Final = 0.6
STEPS: Final = (0.1, 0.95)
WANTED_RATE: Final = 0.3
# Weight of the prior's covariance beside the particles' own, against chance correlations.
SHRINK: Final = 0.3


class Start(Protocol):
    """A law in which particles start."""

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return draws (n, d)."""

    def log_density(self, x: Array) -> Array:
        """Return logarithms (n,) of the density at x (n, d), up to a constant."""


@dataclass(frozen=True)
class Normal:
    """The standard normal in ``d`` dimensions."""

    d: int

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return draws (n, d)."""
        return rng.standard_normal((n, self.d))

    def log_density(self, x: Array) -> Array:
        """Return logarithms (n,) of the density, up to a constant."""
        return np.asarray(-0.5 * (x**2).sum(axis=1))


@dataclass(frozen=True)
class Student:
    """The multivariate Student-t of unit scale, in ``d`` dimensions with ``nu`` degrees."""

    d: int
    nu: float

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return draws (n, d)."""
        wide = np.sqrt(self.nu / rng.chisquare(self.nu, size=(n, 1)))
        return np.asarray(wide * rng.standard_normal((n, self.d)))

    def log_density(self, x: Array) -> Array:
        """Return logarithms (n,) of the density, relative to that of ``Normal``."""
        both = 0.5 * (self.nu + self.d)
        size = gammaln(both) - gammaln(0.5 * self.nu) - 0.5 * self.d * np.log(0.5 * self.nu)
        return np.asarray(size - both * np.log1p((x**2).sum(axis=1) / self.nu))


@dataclass(frozen=True)
class Effort:
    """How hard to move particles between two powers.

    Parameters
    ----------
    moves, most_moves : int
        Moves of each stage: at least, and at most.
    forgotten : float
        Moves end early once the correlation of particles with where they were before the stage
        is at most this in all directions together (root mean square).
    last : int
        The last stage, which leaves the particles where they are used, gets so many times more.
    """

    moves: int = MOVES
    most_moves: int = MOVES
    forgotten: float = 0.0
    last: int = 1


@dataclass(frozen=True)
class Tempered:
    """Equally likely particles.

    Parameters
    ----------
    z : array (n, d)
    log_likelihood : array (n,)
        Logarithms of the target over the start's density.
    stages : int
        Powers that were gone through.
    accepted : float
        Share of the moves of the last stage that were accepted.
    distinct : int
        Particles that differ from each other.
    largest_k : float
        Of the tails of the stages' weights; above 0.7 a stage was too long for its particles.
    remembered : float
        Correlation of particles with where they were before the last stage's moves.
    complete : bool
        Whether the power reached 1.
    """

    z: Array
    log_likelihood: Array
    stages: int
    accepted: float
    distinct: int
    largest_k: float = 0.0
    remembered: float = 0.0
    complete: bool = True


def temper(likelihood: LogLikelihood, n: int, d: int, rng: np.random.Generator) -> Tempered:
    """Return n particles of the posterior under a standard normal prior, from the prior on.

    Parameters
    ----------
    likelihood : callable
        (z (n, d)) -> log-likelihood (n,).
    n, d : int
        Particles and dimensions.
    rng : Generator
    """
    return bridge(Normal(d), likelihood, n, rng)


def bridge(
    start: Start, score: LogLikelihood, n: int, rng: np.random.Generator, effort: Effort = Effort()
) -> Tempered:
    """Return n particles of the law whose density is exp(score) times the start's.

    Parameters
    ----------
    start : Start
    score : callable
        (z (n, d)) -> logarithms (n,) of the target's density over the start's.
    n : int
    rng : Generator
    effort : Effort
    """
    z = start.draw(n, rng)
    known = score(z)
    power, step, rate, stages, left, worst = 0.0, FIRST_STEP, 1.0, 0, 1.0, -np.inf
    while power < 1.0 and stages < MOST_STAGES:
        rise = _rise(known, power)
        worst = max(worst, pareto_k(rise * known))
        rows = resample(weights_of(rise * known), n, rng)
        power, z, known = power + rise, z[rows], known[rows]
        before, times = z, effort.last if power >= 1.0 else 1
        for move in range(1, times * effort.most_moves + 1):
            z, known, rate = _move(start, score, z, known, power, step, rng)
            step = float(np.clip(step * np.exp(rate - WANTED_RATE), *STEPS))
            if move >= times * effort.moves:
                left = _remembered(before, z)
                if left <= effort.forgotten:
                    break
        stages += 1
    distinct = len(np.unique(known))
    return Tempered(z, known, stages, rate, distinct, worst, left, power >= 1.0)


def _remembered(before: Array, now: Array) -> float:
    """Return the root mean square correlation, over directions, of particles with earlier ones."""
    a, b = before - before.mean(axis=0), now - now.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return float(np.sqrt(np.mean(((a * b).sum(axis=0) / np.maximum(size, 1e-300)) ** 2)))


def _rise(known: Array, power: float) -> float:
    """Return by how much the power may rise so that half of the particles stay effective.

    The weights' tail must be thin enough too, where a smaller rise can make it so.
    """
    n, most = len(known), 1.0 - power

    def good(rise: float) -> bool:
        if effective_size(weights_of(rise * known)) < KEEP * n:
            return False
        return pareto_k(rise * known) <= LARGEST_K

    if good(most):
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = 0.5 * (low + high)
        if good(middle):
            low = middle
        else:
            high = middle
    return max(low, 1e-6)


def _move(
    start: Start, score: LogLikelihood, z: Array, known: Array, power: float, step: float,
    rng: np.random.Generator,
) -> tuple[Array, Array, float]:  # fmt: skip
    """Propose one step for every particle; return particles, likelihoods and the rate accepted.

    Each half moves about the mean and covariance of the other: its own would draw it together.
    """
    order = rng.permutation(len(z))
    halves = np.array_split(order, 2)
    tried, guides = np.empty_like(z), []
    for own, other in (halves, halves[::-1]):
        guide = _Guide.of(z[other])
        noise = rng.standard_normal((len(own), z.shape[1])) @ guide.root.T
        tried[own] = guide.mean + np.sqrt(1.0 - step**2) * (z[own] - guide.mean) + step * noise
        guides.append((own, guide))
    new = score(tried)
    gain = power * (new - known) + start.log_density(tried) - start.log_density(z)
    for own, guide in guides:
        gain[own] += guide.distance(tried[own]) - guide.distance(z[own])
    take = np.log(rng.random(len(z))) < gain
    moved = np.where(take[:, None], tried, z)
    return moved, np.where(take, new, known), float(take.mean())


@dataclass(frozen=True)
class _Guide:
    """The normal law that a step leaves in place."""

    mean: Array
    root: Array

    @classmethod
    def of(cls, z: Array) -> _Guide:
        # The more dimensions a particle must tell of, the less their correlations are believed.
        shrink = max(SHRINK, z.shape[1] / (z.shape[1] + len(z)))
        spread = (1.0 - shrink) * np.cov(z.T) + shrink * np.diag(z.var(axis=0))
        root = np.linalg.cholesky(spread + 1e-8 * np.eye(z.shape[1]))
        return cls(z.mean(axis=0), np.asarray(root, dtype=np.float64))

    def distance(self, z: Array) -> Array:
        """Return half the squared distances (n,) from the mean in units of the spread."""
        own = np.linalg.solve(self.root, (z - self.mean).T)
        return np.asarray(0.5 * (own**2).sum(axis=0))
