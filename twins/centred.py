"""Coordinates that hold local effects themselves, whatever their spread.

A chart about the most probable vector measures windows and meals in units of their spread. Where
readings tell an effect well, a larger spread must then come with a smaller number in those units: a
funnel, in which the ridge between insulin action and the windows turns with every spread. Measured
in units of the spread at the chart's middle, effects stay where the readings put them, and a spread
is felt only by their prior (Papaspiliopoulos 2007, Stat Sci 22:59-73: centred where data are many).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from .chart import Chart, chart_at
from .triangles import solved
from .unknowns import NOISE, window_covariance

Array = NDArray[np.float64]

# Of the noise's unknowns among particles about which a chart is laid: after a bridge that held the
# noise, few values may be left.
LEAST_NOISE_VARIANCE: Final = 0.05**2
# Noise and spreads farther out than this, in prior standard deviations, are not looked at.
FARTHEST: Final = 10.0


@dataclass(frozen=True)
class Centred:
    """A chart whose windows and meals are in units of the spread at its middle.

    Parameters
    ----------
    chart : Chart
    root : array (W, W)
        Cholesky factor of the windows' covariance at the middle.
    meal_sd : float
        Spread of meals there.
    """

    chart: Chart
    root: Array
    meal_sd: float

    @classmethod
    def of(cls, chart: Chart) -> Self:
        """Return the same coordinates with local effects held."""
        unknowns = chart.likelihood.unknowns
        spread = unknowns.spread(chart.u[None])
        root = np.linalg.cholesky(window_covariance(spread, unknowns.windows))[0]
        return cls(chart, np.asarray(root, dtype=np.float64), float(spread[0, 3]))

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Return unknowns (n, D) and the logarithm (n,) of the volume of a unit of x there."""
        held, log_volume = self.chart(x)
        u, more = self.freed(held)
        return u, log_volume + more

    def freed(self, held: Array) -> tuple[Array, Array]:
        """Return unknowns (n, D) of ones with effects in the middle's units, and log volumes."""
        a, u = self.chart.likelihood.unknowns, held.copy()
        spread = a.spread(u)
        root = np.asarray(np.linalg.cholesky(window_covariance(spread, a.windows)), dtype=float)
        effect = u[:, a.windows_at] @ self.root.T
        u[:, a.windows_at] = solved(root, effect)
        ratio = self.meal_sd / spread[:, 3]
        u[:, a.meals_at] *= ratio[:, None]
        own = np.log(np.einsum("nii->ni", root)).sum(axis=1)
        log_volume = np.log(np.diag(self.root)).sum() + a.meals * np.log(ratio) - own
        return u, np.asarray(log_volume)

    def about(self, x: Array) -> tuple[Centred, Array]:
        """Return the chart about the middle of particles x (n, D), and these in its coordinates."""
        held, _ = self.chart(x)
        middle = self.freed(held.mean(axis=0)[None])[0][0]
        spread = np.cov(held[:, self.chart.at].T) + LEAST_NOISE_VARIANCE * np.eye(NOISE)
        root = np.asarray(np.linalg.cholesky(spread), dtype=np.float64)
        found = Centred.of(chart_at(self.chart.likelihood, middle, root))
        return found, found.chart.back(held @ found.of_units(self).T)

    def log_target(self, x: Array) -> Array:
        """Return the posterior's logarithm (n,) in these coordinates, up to a constant.

        Minus infinity where noise or spreads are farther out than any posterior reaches, and where
        their numbers would not be numbers any more.
        """
        at = self.chart.at
        noise = self.chart.u[at] + x[:, at] @ self.chart.noise_root.T
        near = np.asarray(np.abs(noise).max(axis=1) < FARTHEST)
        held, log_volume = self.chart(np.where(near[:, None], x, 0.0))
        near &= self.within(held)
        u, more = self.freed(np.where(near[:, None], held, self.chart.u))
        target = self.chart.likelihood(u) - 0.5 * (u**2).sum(axis=1) + log_volume + more
        return np.where(near, target, -np.inf)

    def within(self, held: Array) -> NDArray[np.bool_]:
        """Return which held unknowns (n, D) have noise and spreads that may be looked at."""
        spreads = self.chart.likelihood.unknowns.spreads
        far = np.abs(held[:, self.chart.at]).max(axis=1), np.abs(held[:, spreads]).max(axis=1)
        return np.asarray(np.maximum(*far) < FARTHEST)

    def of_units(self, other: Centred) -> Array:
        """Return the matrix (D, D) that turns another's held unknowns into this one's."""
        a = self.chart.likelihood.unknowns
        out = np.eye(a.size)
        out[a.windows_at, a.windows_at] = np.linalg.solve(self.root, other.root)
        out[a.meals_at, a.meals_at] *= other.meal_sd / self.meal_sd
        return out
