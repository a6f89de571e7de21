"""Several tops of one posterior, and a law in which particles start about all of them.

A bridge from one top alone reaches another only where a path leads there; a meal that may not have
been eaten has none. Begun about each, particles need not cross: the weights of the bridge's stages
tell how much of the posterior lies about which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from .centred import Centred
from .mode import Mode
from .tempering import Student

Array = NDArray[np.float64]

# Tops closer than this, in prior standard deviations, are one; of less evidence, in nats, none.
APART_SD: Final = 0.5
MARGIN: Final = 6.0


def distinct(modes: Sequence[Mode]) -> list[Mode]:
    """Return the modes that matter, the one of the largest evidence first."""
    kept: list[Mode] = []
    for mode in sorted(modes, key=lambda m: -m.evidence):
        far = all(np.abs(mode.u - other.u).max() > APART_SD for other in kept)
        if far and (not kept or mode.evidence > kept[0].evidence - MARGIN):
            kept.append(mode)
    return kept


@dataclass(frozen=True)
class Tops:
    """A mixture of heavy-tailed laws about several tops, in the first one's coordinates.

    Parameters
    ----------
    chart : Centred
        About the first top.
    middles : array (K - 1, D)
        The other tops, with local effects in the first one's units.
    flats : array (K - 1, D, D)
        From coordinates about each to such unknowns; its noise is taken to stay.
    backs : array (K - 1, D, D)
        The way back, so that a density costs no more than a product.
    log_units : array (K - 1,)
        Logarithms of the volume of a unit about the first top over one about each, but for what
        ``Chart`` tells of the first's.
    log_weight : array (K,)
        Logarithms of the shares of particles that start about each.
    law : Student
        In the coordinates of each.
    """

    chart: Centred
    middles: Array
    flats: Array
    backs: Array
    log_units: Array
    log_weight: Array
    law: Student

    @classmethod
    def of(cls, charts: Sequence[Centred], evidence: Sequence[float], nu: float) -> Self:
        """Return the start: shares go with the root of the evidence, which is but an estimate."""
        half, first = 0.5 * np.array(evidence), charts[0]
        d, own = len(first.chart.u), np.log(np.linalg.det(first.chart.noise_root))
        units = [(first.of_units(other), other.chart) for other in charts[1:]]
        flats = np.reshape([unit @ chart.flat() for unit, chart in units], (-1, d, d))
        middles = np.reshape([unit @ chart.u for unit, chart in units], (-1, d))
        backs = np.asarray(np.linalg.inv(flats), dtype=np.float64)
        return cls(
            first, middles, flats, backs, own - np.linalg.slogdet(flats)[1],
            half - np.asarray(logsumexp(half)), Student(d, nu),
        )  # fmt: skip

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return draws (n, D)."""
        x = self.law.draw(n, rng)
        share = np.cumsum(np.exp(self.log_weight[:-1]))
        which = np.searchsorted(share, (np.arange(n) + rng.random()) / n)
        for k, (middle, flat) in enumerate(zip(self.middles, self.flats, strict=True), start=1):
            own = which == k
            if own.any():
                x[own] = self.chart.chart.back(middle + x[own] @ flat.T)
        return x

    def densities(self, x: Array) -> tuple[Array, Array]:
        """Return logarithms (n,) of the start at x (n, D), and of the posterior over it."""
        held, volume = self.chart.chart(x)
        u, more = self.chart.freed(held)
        target = self.chart.chart.likelihood(u) - 0.5 * (u**2).sum(axis=1) + volume + more
        start = self._log_start(x, held, volume)
        return start, np.asarray(target - start)

    def _log_start(self, x: Array, held: Array, volume: Array) -> Array:
        """Return logarithms (n,) of the start at x, whose held unknowns are given."""
        terms = [self.log_weight[0] + self.law.log_density(x)]
        rows = zip(self.log_weight[1:], self.middles, self.backs, self.log_units, strict=True)
        for weight, middle, back, unit in rows:
            there = (held - middle) @ back.T
            terms.append(weight + self.law.log_density(there) + volume + unit)
        return np.asarray(logsumexp(terms, axis=0))
