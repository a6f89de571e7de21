"""Coordinates in which a posterior is nearly a standard normal, whatever its noise.

The larger the noise, the wider everything else: drawn as it is, a posterior is a funnel, from whose
wide end no sampler returns in time. In the chart's coordinates x, two stand for the noise; the
others are measured from the most probable vector under that noise, in units of its spread, both of
which the linearised record gives in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import side_by_side
from .joint import inverse
from .likelihood import STUDENT_SD, Likelihood
from .mode import Line, line_at
from .noise import STUDENT_NU
from .triangles import solved
from .unknowns import NOISE

Array = NDArray[np.float64]

NOISE_STEP: Final = 0.15
ROUNDS: Final = 4
LARGEST_STEP: Final = 0.7
EXPECTED: Final = (STUDENT_NU + 1.0) / (STUDENT_NU + 3.0)


@dataclass(frozen=True)
class Chart:
    """The map from coordinates x (n, D) to unknowns u (n, D).

    Parameters
    ----------
    likelihood : Likelihood
    u : array (D,)
        Its middle; the noise's two unknowns are those most probable after all others are averaged
        over.
    noise_root : array (2, 2)
        Cholesky factor of the noise's covariance.
    matrices : array (4, D - 2, D - 2)
        What readings tell of the other unknowns: products of derivatives of glucose at readings,
        at readings and those before, at those before, and at readings that follow a pause.
    pulls : array (4, D - 2)
        The same products with the errors.
    part : float
        Share of the readings' information that the others' spread and middle are taken from. Below
        1 a unit of x is wider, most so where readings tell most.
    """

    likelihood: Likelihood
    u: Array
    noise_root: Array
    matrices: Array
    pulls: Array
    part: float = 1.0

    @property
    def rest(self) -> NDArray[np.int64]:
        """Where the unknowns other than the noise lie."""
        at = self.likelihood.unknowns.body
        return np.delete(np.arange(len(self.u)), [at, at + 1])

    @property
    def at(self) -> slice:
        """Where the noise lies."""
        first = self.likelihood.unknowns.body
        return slice(first, first + NOISE)

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Return unknowns (n, D) and the logarithm (n,) of the volume of a unit of x there."""
        u, log_volume = np.empty_like(x), np.empty(len(x))
        u[:, self.at] = self.u[self.at] + x[:, self.at] @ self.noise_root.T
        noise = self.likelihood.noise(u)

        def part(first: int, last: int) -> None:
            rows = slice(first, last)
            root, middle = self._under(noise[rows])
            away = solved(root, middle + x[rows][:, self.rest], transposed=True)
            u[rows, self.rest] = self.u[self.rest] + away
            log_volume[rows] = -np.log(np.einsum("nii->ni", root)).sum(axis=1)

        side_by_side(part, len(x), self.likelihood.threads)
        return u, log_volume

    def back(self, u: Array) -> Array:
        """Return coordinates (n, D) of unknowns u (n, D)."""
        x = np.empty_like(u)
        x[:, self.at] = np.linalg.solve(self.noise_root, (u[:, self.at] - self.u[self.at]).T).T
        root, middle = self._under(self.likelihood.noise(u))
        x[:, self.rest] = (
            np.einsum("nji,nj->ni", root, u[:, self.rest] - self.u[self.rest]) - middle
        )
        return x

    def _under(self, noise: Array) -> tuple[Array, Array]:
        """Return Cholesky factors L (n, D - 2, D - 2) of the precision, and middles (n, D - 2).

        A middle m is in units of its law: it lies L^-T m from the vector that the chart is about.
        """
        sigma, rho = noise.T
        near = (STUDENT_SD / sigma) ** 2 / (1.0 - rho**2)
        factors = np.stack([near, -rho * near, rho**2 * near, (STUDENT_SD / sigma) ** 2], axis=1)
        factors *= self.part * self.likelihood.power
        size = self.matrices.shape[1]
        precision = (factors @ self.matrices.reshape(4, -1)).reshape(-1, size, size)
        precision[:, range(size), range(size)] += 1.0
        pull = factors @ self.pulls - self.u[self.rest]
        root = np.asarray(np.linalg.cholesky(precision), dtype=np.float64)
        return root, solved(root, pull)

    def flat(self) -> Array:
        """Return the matrix (D, D) from x to u where the noise stays at the middle."""
        out = np.zeros((len(self.u), len(self.u)))
        out[self.at, self.at] = self.noise_root
        root, _ = self._under(self.likelihood.noise(self.u[None]))
        out[np.ix_(self.rest, self.rest)] = np.linalg.inv(root[0]).T
        return out

    def log_target(self, x: Array) -> Array:
        """Return the posterior's logarithm (n,) in these coordinates, up to a constant."""
        u, log_volume = self(x)
        return np.asarray(self.likelihood(u) - 0.5 * (u**2).sum(axis=1) + log_volume)


def chart_at(likelihood: Likelihood, u: Array, noise_root: Array) -> Chart:
    """Return the chart about a vector u (D,) with the noise where it is there."""
    matrices, pulls = _products(likelihood, line_at(likelihood, u))
    return Chart(likelihood, u, noise_root, matrices, pulls)


def chart_about(likelihood: Likelihood, u: Array) -> Chart:
    """Return the chart about the most probable vector u (D,)."""
    chart = chart_at(likelihood, u, 0.3 * np.eye(NOISE))
    for _ in range(ROUNDS):
        pull, curvature = _marginal(chart)
        covariance = inverse(curvature)
        step = covariance @ pull
        step *= min(1.0, LARGEST_STEP / max(float(np.abs(step).max()), 1e-9))
        root = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
        chart = _moved(chart, step, root)
        if np.abs(step).max() < 0.1:
            break
    return chart


def _moved(chart: Chart, step: Array, root: Array) -> Chart:
    """Return the chart with its noise moved; its middle stays the linearised record's."""
    u = chart.u.copy()
    u[chart.at] += step
    return replace(chart, u=u, noise_root=root)


def _products(likelihood: Likelihood, line: Line) -> tuple[Array, Array]:
    """Return what readings tell (4, D - 2, D - 2), and their pulls (4, D - 2)."""
    use, at = likelihood.use, likelihood.unknowns.body
    slope = np.delete(line.felt, [at, at + 1], axis=1)
    near = np.flatnonzero(use.gap == 1)
    far = np.flatnonzero(use.gap != 1)
    here, before = slope[near], slope[near - 1]
    now, then, weight = line.error[near], line.error[near - 1], line.weight[near]
    matrices = np.stack(
        [
            here.T @ here,
            here.T @ before + before.T @ here,
            before.T @ before,
            slope[far].T @ slope[far],
        ]
    )
    pulls = np.stack(
        [
            here.T @ (weight * now),
            here.T @ (weight * then) + before.T @ (weight * now),
            before.T @ (weight * then),
            slope[far].T @ (line.weight[far] * line.error[far]),
        ]
    )
    return EXPECTED * matrices, pulls


def _marginal(chart: Chart) -> tuple[Array, Array]:
    """Return gradient (2,) and negative curvature (2, 2) of the noise, the rest averaged over."""
    h = NOISE_STEP
    steps = h * np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)], dtype=np.float64)
    plain = replace(chart, noise_root=np.eye(NOISE))
    x = np.zeros((len(steps), len(chart.u)))
    x[:, chart.at] = steps
    v = plain.log_target(x).reshape(3, 3)
    pull = np.array([v[2, 1] - v[0, 1], v[1, 2] - v[1, 0]]) / (2.0 * h)
    across = (v[2, 2] - v[2, 0] - v[0, 2] + v[0, 0]) / (4.0 * h**2)
    own = np.array([v[2, 1] + v[0, 1], v[1, 2] + v[1, 0]]) - 2.0 * v[1, 1]
    # The prior alone has a curvature of 1.
    down = np.maximum(-own / h**2, 0.5)
    most = 0.9 * float(np.sqrt(down[0] * down[1]))
    across = float(np.clip(-across, -most, most))
    return pull, np.array([[down[0], across], [across, down[1]]])
