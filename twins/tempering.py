"""Sampling a posterior whose prior is standard normal: tempered sequential Monte Carlo.

Particles start in the prior; the likelihood's power rises to 1 in steps that each keep half of the
effective particles (Del Moral 2006; Neal 2001), with resampling and moves in between. A move is a
Crank-Nicolson step about the particles' own mean and covariance (Cotter 2013, generalised by Rudolf
2018), so that it learns which directions the data have narrowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Tempered:
    """Equally likely particles.

    Parameters
    ----------
    z : array (n, d)
    log_likelihood : array (n,)
    stages : int
        Powers that were gone through.
    accepted : float
        Share of the moves of the last stage that were accepted.
    distinct : int
        Particles that differ from each other.
    """

    z: Array
    log_likelihood: Array
    stages: int
    accepted: float
    distinct: int


def temper(likelihood: LogLikelihood, n: int, d: int, rng: np.random.Generator) -> Tempered:
    """Return n particles of the posterior.

    Parameters
    ----------
    likelihood : callable
        (z (n, d)) -> log-likelihood (n,).
    n, d : int
        Particles and dimensions.
    rng : Generator
    """
    z = rng.standard_normal((n, d))
    known = likelihood(z)
    power, step, rate, stages = 0.0, FIRST_STEP, 1.0, 0
    while power < 1.0 and stages < MOST_STAGES:
        rise = _rise(known, power)
        rows = resample(weights_of(rise * known), n, rng)
        power, z, known = power + rise, z[rows], known[rows]
        for _ in range(MOVES):
            z, known, rate = _move(likelihood, z, known, power, step, rng)
            step = float(np.clip(step * np.exp(rate - WANTED_RATE), *STEPS))
        stages += 1
    return Tempered(z, known, stages, rate, len(np.unique(known)))


def _rise(known: Array, power: float) -> float:
    """Return by how much the power may rise so that half of the particles stay effective."""
    n, most = len(known), 1.0 - power
    if effective_size(weights_of(most * known)) >= KEEP * n:
        return most
    low, high = 0.0, most
    for _ in range(40):
        middle = 0.5 * (low + high)
        if effective_size(weights_of(middle * known)) >= KEEP * n:
            low = middle
        else:
            high = middle
    return max(low, 1e-6)


def _move(
    likelihood: LogLikelihood, z: Array, known: Array, power: float, step: float,
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
    new = likelihood(tried)
    gain = power * (new - known) - 0.5 * ((tried**2).sum(axis=1) - (z**2).sum(axis=1))
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
        spread = (1.0 - SHRINK) * np.cov(z.T) + SHRINK * np.diag(z.var(axis=0))
        root = np.linalg.cholesky(spread + 1e-8 * np.eye(z.shape[1]))
        return cls(z.mean(axis=0), np.asarray(root, dtype=np.float64))

    def distance(self, z: Array) -> Array:
        """Return half the squared distances (n,) from the mean in units of the spread."""
        own = np.linalg.solve(self.root, (z - self.mean).T)
        return np.asarray(0.5 * (own**2).sum(axis=0))
