"""The last moves on a long record, in which the noise and the spreads of days find their place.

How large the errors are and how much days differ is told by all local effects together, and these
by them: on a long record particles then move as a body, and slowly, from where a straight line or a
bridge puts the noise, which is too high (0 of 9 truths were held in 90 % intervals). Three things
make it quicker. Noise and spreads are drawn anew given each particle's glucose, which costs next
to nothing. The chart is laid anew about the particles' middle as that wanders. And fewer particles
are moved more often: draws are taken from them at several times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .centred import Centred
from .tempering import HOT_POWER, Effort, Reach, Walk, correlation, moved

Array = NDArray[np.float64]

PARTICLES: Final = 64
# Moves under a flattened target, the noise held; then under the target itself, fewer on a longer
# record, on which each costs more.
HOT: Final = 60
MOVE_DAYS: Final = 5600.0
FEWEST, MOST = 400, 1200
# The chart is laid anew every so many moves, in so much of them; how often noise and spreads are
# drawn, and in how many steps.
RECENTRE, RECENTRED, REFRESH, STEPS = 50, 0.65, 4, 6
# First step sizes of noise and of spreads, how uneven they are, how fast they are set.
FIRST_SIZES: Final = (0.05, 0.3)
UNEVEN, GAIN, WANTED = 0.7, 0.5, 0.3
# Draws are taken this share of all moves apart, so many times at most.
APART: Final = 0.1
MOST_TIMES: Final = 6


@dataclass(frozen=True)
class Settled:
    """Equally likely vectors of unknowns.

    Parameters
    ----------
    u : array (n, D)
        Draws at several times, the last ones last.
    accepted : float
        Of the last move.
    remembered : float
        Correlation of particles at the end with the same before the moves, chance set off.
    drift : float
        How far the noise's two unknowns went between the first and last draws, in their spread.
    """

    u: Array
    accepted: float
    remembered: float
    drift: float


def moves_for(days: float) -> int:
    """Return the moves that a record of some days settles in."""
    return int(np.clip(MOVE_DAYS / days, FEWEST, MOST))


def settle(start: Centred, x: Array, n: int, moves: int, rng: np.random.Generator) -> Settled:
    """Move particles x (m, D) that lie about the posterior until they are draws of it.

    Parameters
    ----------
    start : Centred
        Whose coordinates x are.
    n : int
        Draws to return, at most ``MOST_TIMES`` for each particle.
    moves : int
        Of which the last ones yield draws.
    rng : Generator
    """
    chart, x, known = start, *_spread_out(start, x, rng)
    walk, sizes, rate = Walk(Reach.of(Effort(blocks=True))), list(FIRST_SIZES), 0.0
    before, kept, times = chart(x)[0], list[Array](), -(-n // len(x))
    apart = max(1, round(APART * moves))
    for move in range(1, moves + 1):
        if move % RECENTRE == 1 and move <= RECENTRED * moves:
            chart, x = chart.about(x)
            known = chart.log_target(x)
        x, known, rate = _moved(chart, x, known, walk, rng)
        walk = walk.after(rate)
        if move % REFRESH == 0:
            x, known = refreshed(chart, x, sizes, rng)
        left = moves - move
        if left % apart == 0 and left < times * apart:
            kept.append(chart(x)[0])
    drift = _drift(kept[0][:, start.chart.at], kept[-1][:, start.chart.at])
    return Settled(np.concatenate(kept)[-n:], rate, correlation(before, kept[-1]), drift)


def _drift(first: Array, last: Array) -> float:
    """Return how far the middle of particles went, in their spread, root mean square."""
    away = (last.mean(axis=0) - first.mean(axis=0)) / np.concatenate([first, last]).std(axis=0)
    return float(np.sqrt(np.mean(away**2)))


def _spread_out(chart: Centred, x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return particles after hot moves that leave the noise alone, and the target there."""
    held = tuple(range(chart.chart.at.start, chart.chart.at.stop))
    known, walk = chart.log_target(x), Walk(Reach.of(Effort(blocks=True, held=held)))
    for _ in range(HOT):
        x, known, rate = _moved(chart, x, known, walk, rng, HOT_POWER)
        walk = walk.after(rate)
    return x, known


def _moved(
    chart: Centred, x: Array, known: Array, walk: Walk, rng: np.random.Generator, flat: float = 1.0
) -> tuple[Array, Array, float]:
    """Return particles after a move, the target there, and the rate accepted."""

    def densities(tried: Array) -> tuple[Array, Array]:
        return np.zeros(len(tried)), chart.log_target(tried)

    none = np.zeros(len(x))
    x, _, known, rate = moved(densities, x, none, known, 1.0, walk, rng, flat)
    return x, known, rate


def refreshed(
    chart: Centred, x: Array, sizes: list[float], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return particles (n, D) whose noise and spreads moved, all else kept, and the target there.

    Effects are held, so that glucose stays as it is.

    Parameters
    ----------
    sizes : list of float
        Step sizes of noise and of spreads; set anew by how many steps are accepted.
    """
    likelihood, unknowns = chart.chart.likelihood, chart.chart.likelihood.unknowns
    held, _ = chart.chart(x)
    u, more = chart.freed(held)
    glucose = likelihood.glucose(u)[likelihood.use.index]

    def fit(of: Array) -> Array:
        return likelihood.power * likelihood.of_glucose(glucose, likelihood.noise(of))

    fits = fit(u)
    value = fits - 0.5 * (u**2).sum(axis=1) + more
    for step in range(STEPS):
        which = step % len(sizes)
        at = (chart.chart.at, unknowns.spreads)[which]
        tried, size = held.copy(), sizes[which] * np.exp(UNEVEN * rng.standard_normal((len(x), 1)))
        tried[:, at] += size * rng.standard_normal((len(x), at.stop - at.start))
        near = chart.within(tried)
        tried = np.where(near[:, None], tried, held)
        u, more = chart.freed(tried)
        new = fits if which else fit(u)
        worth = new - 0.5 * (u**2).sum(axis=1) + more
        take = near & (np.log(rng.random(len(x))) < worth - value)
        held[take], value[take] = tried[take], worth[take]
        fits = np.where(take, new, fits)
        sizes[which] *= float(np.exp(GAIN * (take.mean() - WANTED)))
    x = chart.chart.back(held)
    return x, value + chart.chart(x)[1]
