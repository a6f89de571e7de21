"""Sampling a posterior: tempered sequential Monte Carlo.

Particles start in a law that is easy to draw from (the prior, or a heavy-tailed normal about the
most probable point) and go to the posterior along the geometric path between both, in steps that
each keep half of the effective particles (Del Moral 2006; Neal 2001), with resampling and moves in
between. A move is a Crank-Nicolson step about the particles' own mean and covariance (Cotter 2013,
generalised by Rudolf 2018), so that it learns which directions the data have narrowed.

In many dimensions each resampling keeps the particles nearest to the middle, and a few moves do not
spread them out again: they end too close together, and return but slowly. From too far out they
return soon. The last stage may therefore begin with moves under a flattened target, which spread
the particles more widely than it says, before those under the target itself (``Effort.hot``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import gammaln

from .pareto import LARGEST_K, pareto_k
from .pressure_weights import effective_size, resample, weights_of

Array = NDArray[np.float64]
LogLikelihood = Callable[[Array], Array]
# z (n, d) -> logarithms (n,) of the start's density, and of the target's over it.
Densities = Callable[[Array], tuple[Array, Array]]

KEEP: Final = 0.5
MOVES: Final = 3
MOST_STAGES: Final = 40
FIRST_STEP: Final = 0.6
STEPS: Final = (0.1, 0.95)
WANTED_RATE: Final = 0.3
BLOCK_STEP: Final = 0.95
FIRST_SHARE: Final = 0.3
SHARES: Final = (0.02, 0.7)
BLOCK_RATE: Final = 0.3
# The power of the target under which hot moves go: a normal law is wider by its root, 1.4 times.
HOT_POWER: Final = 0.5
GUIDE_NU: Final = 5.0
# Of moves along differences: first and possible lengths, their spread, how fast they are set.
FIRST_LENGTH: Final = 0.5
LENGTHS: Final = (0.02, 3.0)
UNEVEN: Final = 0.5
LENGTH_GAIN: Final = 0.2
JITTER: Final = 1e-4
# Weight of the prior's covariance beside the particles' own, against chance correlations.
SHRINK: Final = 0.3


class Start(Protocol):
    """A law in which particles start."""

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return draws (n, d)."""
        ...


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
    moves : int
        Moves of each stage.
    last : int
        So many in the last stage, which leaves the particles where they are used.
    hot : int
        So many of these, the first ones, under a flattened target.
    blocks : bool
        Long steps in some coordinates at a time, in place of shorter ones in all.
    held : tuple of int
        Coordinates that moves leave alone.
    """

    moves: int = MOVES
    last: int = MOVES
    hot: int = 0
    blocks: bool = False
    held: tuple[int, ...] = ()

    def powers(self, final: bool) -> Iterator[float]:
        """Yield, for each move of a stage, the power of its target under which it goes."""
        hot, moves = (self.hot, self.last) if final else (0, self.moves)
        for move in range(moves):
            yield HOT_POWER if move < hot else 1.0


@dataclass(frozen=True)
class Reach:
    """How far a move goes: its length, and the share of coordinates that it changes.

    In many dimensions a few bent ones forbid long steps in all of them; long steps in some
    coordinates at a time are then forgotten sooner than short steps in all.
    """

    step: float
    share: float
    blocks: bool
    shrink: float
    held: tuple[int, ...] = ()

    @classmethod
    def of(cls, effort: Effort) -> Reach:
        """Return the reach of a first move."""
        step, share = (BLOCK_STEP, FIRST_SHARE) if effort.blocks else (FIRST_STEP, 1.0)
        return cls(step, share, effort.blocks, 0.0 if effort.blocks else SHRINK, effort.held)

    def after(self, rate: float) -> Reach:
        """Return the reach of the next move, shorter where too few were accepted."""
        change = np.exp(rate - (BLOCK_RATE if self.blocks else WANTED_RATE))
        if self.blocks:
            return replace(self, share=float(np.clip(self.share * change, *SHARES)))
        return replace(self, step=float(np.clip(self.step * change, *STEPS)))


@dataclass(frozen=True)
class Walk:
    """The next move's kind and reach.

    Where steps go by blocks, every other one follows the difference of two other particles (ter
    Braak 2006, Stat Comput 16:239-49): it is not drawn to the middle, and so comes into the tails.

    Parameters
    ----------
    reach : Reach
    length : float
        Of differences, over the best one in a normal law.
    turn : bool
        Whether the next move follows a difference.
    """

    reach: Reach
    length: float = FIRST_LENGTH
    turn: bool = False

    def step(self, old: Array, other: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return where particles (n, d) may go by others' places, and logarithms (n,) to add."""
        if self.reach.held:
            tried, free = old.copy(), np.delete(np.arange(old.shape[1]), self.reach.held)
            loose = replace(self, reach=replace(self.reach, held=()))
            tried[:, free], gain = loose.step(old[:, free], other[:, free], rng)
            return tried, gain
        if self.turn:
            return _along(old, other, self.length, rng), np.zeros(len(old))
        guide = _Guide.of(other, self.reach)
        tried = guide.step(old, self.reach, rng)
        return tried, guide.distance(tried) - guide.distance(old)

    def after(self, rate: float) -> Walk:
        """Return the move that follows one of which a share was accepted."""
        turn = self.reach.blocks and not self.turn
        if not self.turn:
            return replace(self, reach=self.reach.after(rate), turn=turn)
        length = self.length * float(np.exp(LENGTH_GAIN * (rate - BLOCK_RATE)))
        return replace(self, length=float(np.clip(length, *LENGTHS)), turn=turn)


def _along(old: Array, other: Array, length: float, rng: np.random.Generator) -> Array:
    """Return particles (n, d) moved along differences of others (m, d), of uneven lengths."""
    n, d = old.shape
    first = rng.integers(len(other), size=n)
    second = (first + 1 + rng.integers(len(other) - 1, size=n)) % len(other)
    uneven = np.exp(UNEVEN * rng.standard_normal((n, 1)))
    away = (1.68 * length / np.sqrt(d)) * uneven * (other[first] - other[second])
    return np.asarray(old + away + JITTER * rng.standard_normal(old.shape))


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
        Correlation of particles with where they were before the last stage's moves, chance set off.
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
    start = Normal(d)
    return bridge(start, lambda z: (start.log_density(z), likelihood(z)), n, rng)


def bridge(
    start: Start, densities: Densities, n: int, rng: np.random.Generator, effort: Effort = Effort()
) -> Tempered:
    """Return n particles of the target, led to it from the start.

    Parameters
    ----------
    start : Start
    densities : callable
        (z (n, d)) -> logarithms (n,) of the start's density, and of the target's over it, each up
        to a constant.
    n : int
    rng : Generator
    effort : Effort
    """
    z = start.draw(n, rng)
    law, known = densities(z)
    power, walk, rate, stages, left, worst = 0.0, Walk(Reach.of(effort)), 1.0, 0, 1.0, -np.inf
    while power < 1.0 and stages < MOST_STAGES:
        rise = _rise(known, power)
        worst = max(worst, pareto_k(rise * known))
        rows = resample(weights_of(rise * known), n, rng)
        power, z, law, known = power + rise, z[rows], law[rows], known[rows]
        before = z
        for flat in effort.powers(power >= 1.0):
            z, law, known, rate = moved(densities, z, law, known, power, walk, rng, flat)
            walk = walk.after(rate)
        left = correlation(before, z)
        stages += 1
    distinct = len(np.unique(known))
    return Tempered(z, known, stages, rate, distinct, worst, left, power >= 1.0)


def correlation(before: Array, now: Array) -> float:
    """Return the root mean square correlation, over directions, of particles with earlier ones."""
    a, b = before - before.mean(axis=0), now - now.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    square = np.mean(((a * b).sum(axis=0) / np.maximum(size, 1e-300)) ** 2)
    # Particles without any memory would still correlate by chance, 1 / n in the mean square.
    return float(np.sqrt(max(float(square) - 1.0 / len(now), 0.0)))


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


def moved(
    densities: Densities, z: Array, law: Array, known: Array, power: float, walk: Walk,
    rng: np.random.Generator, flat: float = 1.0,
) -> tuple[Array, Array, Array, float]:  # fmt: skip
    """Propose one step for every particle; return them, both densities and the rate accepted.

    The target is the start's density times a power of its ratio, both to the power ``flat``.

    One half moves by what the other tells, then the other by it: a law made of the particles
    themselves, or of where the others were before, would draw all together.
    """
    z, law, known, taken = z.copy(), law.copy(), known.copy(), 0
    halves = np.array_split(rng.permutation(len(z)), 2)
    for own, other in (halves, halves[::-1]):
        old = z[own]
        tried, gain = walk.step(old, z[other], rng)
        begun, new = densities(tried)
        gain = gain + flat * (power * (new - known[own]) + begun - law[own])
        take = np.log(rng.random(len(own))) < gain
        z[own[take]], law[own[take]], known[own[take]] = tried[take], begun[take], new[take]
        taken += int(take.sum())
    return z, law, known, taken / len(z)


@dataclass(frozen=True)
class _Guide:
    """The law that a step leaves in place: normal, or Student-t with ``nu`` degrees."""

    mean: Array
    root: Array
    nu: float = np.inf

    @classmethod
    def of(cls, z: Array, reach: Reach) -> _Guide:
        # The more dimensions a particle must tell of, the less their correlations are believed.
        shrink = max(reach.shrink, z.shape[1] / (z.shape[1] + len(z)))
        spread = (1.0 - shrink) * np.cov(z.T) + shrink * np.diag(z.var(axis=0))
        root = np.linalg.cholesky(spread + 1e-8 * np.eye(z.shape[1]))
        nu = GUIDE_NU if reach.blocks else np.inf
        return cls(z.mean(axis=0), np.asarray(root, dtype=np.float64), nu)

    def step(self, z: Array, reach: Reach, rng: np.random.Generator) -> Array:
        """Return where particles (n, d) may go; some of their own coordinates, where so asked."""
        own = self.white(z)
        fresh = rng.standard_normal(z.shape)
        if np.isfinite(self.nu):
            # The scale that the particle's own distance makes likely (Kamatani 2018): a particle
            # far out steps as far as it lies.
            rate = 0.5 * (self.nu + (own**2).sum(axis=1))
            fresh /= np.sqrt(rng.gamma(0.5 * (self.nu + z.shape[1]), 1.0 / rate))[:, None]
        moved = np.sqrt(1.0 - reach.step**2) * own + reach.step * fresh
        if reach.share < 1.0:
            chosen = rng.random(z.shape) < reach.share
            chosen[np.arange(len(z)), rng.integers(z.shape[1], size=len(z))] = True
            moved = np.where(chosen, moved, own)
        return np.asarray(self.mean + moved @ self.root.T)

    def white(self, z: Array) -> Array:
        """Return particles (n, d) from the mean in units of the spread."""
        return np.asarray(solve_triangular(self.root, (z - self.mean).T, lower=True).T)

    def distance(self, z: Array) -> Array:
        """Return minus the logarithm (n,) of the law's density, up to a constant."""
        square = (self.white(z) ** 2).sum(axis=1)
        if np.isfinite(self.nu):
            return np.asarray(0.5 * (self.nu + z.shape[1]) * np.log1p(square / self.nu))
        return np.asarray(0.5 * square)
