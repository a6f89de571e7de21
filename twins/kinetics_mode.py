"""The most probable etas of many people at once, and the curvature there.

Gauss-Newton steps with Levenberg's damping, each person with a damping of their own; K variants of
the population are carried along in one batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from ..physiology.population_kinetics import PopulationKinetics
from .kinetics_design import Design

Array = NDArray[np.float64]

STEP: Final = 5e-4
MOST_STEPS: Final = 60
TOLERANCE: Final = 1e-9
MOST_ETA: Final = 12.0
# Once at most this share of the people is unsettled, they go on alone.
FEW: Final = 0.6
_SMALL_VARIANCE: Final = 1e-12


@dataclass(frozen=True)
class Populations:
    """K variants of a population's numbers.

    Parameters
    ----------
    typical : dict of str to array (K,)
        On the scale where etas are added, of those that vary.
    values : array (K, E)
        Of the covariates' effects.
    root : array (K, d, d)
        Lower Cholesky factors of omega.
    additive, proportional : array (K, 2)
        Errors of concentration and response.
    """

    typical: dict[str, Array]
    values: Array
    root: Array
    additive: Array
    proportional: Array

    def __len__(self) -> int:
        return len(self.root)

    @classmethod
    def of(cls, model: PopulationKinetics) -> Populations:
        """Return the model's own numbers as the only variant."""
        errors = [model.errors.get(name) for name in ("concentration", "response")]
        return cls(
            {},
            np.array([[effect.value for effect in model.effects]]).reshape(1, -1),
            np.linalg.cholesky(model.omega)[None],
            np.array([[e.additive if e else 1.0 for e in errors]]),
            np.array([[e.proportional if e else 0.0 for e in errors]]),
        )

    def repeat(self, times: int) -> Populations:
        """Return every variant ``times`` times, next to each other."""
        return Populations(
            {name: np.repeat(value, times) for name, value in self.typical.items()},
            np.repeat(self.values, times, axis=0),
            np.repeat(self.root, times, axis=0),
            np.repeat(self.additive, times, axis=0),
            np.repeat(self.proportional, times, axis=0),
        )


@dataclass(frozen=True)
class Modes:
    """Most probable etas.

    Parameters
    ----------
    etas : array (K, B, d)
    minus2 : array (K, B)
        -2 log of the joint density of readings and etas there, constants of both left out.
    precision : array (K, B, d, d)
        Expected curvature of the negative log density: the inverse of Laplace's covariance.
    expected : array (K, N)
    converged : array (K, B) of bool
    """

    etas: Array
    minus2: Array
    precision: Array
    expected: Array
    converged: NDArray[np.bool_]


def readings(design: Design, f: Array, pops: Populations) -> tuple[Array, Array, Array]:
    """Return -2 log-likelihood of each reading, its slope and expected curvature in f, (K, N).

    A reading below its limit counts with the probability of being so (Beal 2001, method M3).
    """
    a, b = pops.additive[:, design.output], pops.proportional[:, design.output]
    r = a**2 + (b * f) ** 2 + _SMALL_VARIANCE
    dr = 2.0 * b**2 * f
    e = design.value - f
    minus2 = e**2 / r + np.log(r)
    slope = -2.0 * e / r + dr / r * (1.0 - e**2 / r)
    curve = 2.0 / r + (dr / r) ** 2
    if design.censored.any():
        at = design.censored
        s = np.sqrt(r[:, at])
        z = e[:, at] / s
        log_p = log_ndtr(z)
        hazard = np.exp(-0.5 * z**2 - 0.5 * np.log(2.0 * np.pi) - log_p)
        dz = -1.0 / s - 0.5 * z * dr[:, at] / r[:, at]
        minus2[:, at] = -2.0 * log_p
        slope[:, at] = -2.0 * hazard * dz
        curve[:, at] = 2.0 * np.maximum(hazard * (z + hazard), 0.0) * dz**2
    return minus2, slope, curve


def by_person(design: Design, values: Array) -> Array:
    """Return sums (..., B) of values (..., N) over each person's readings."""
    first = np.searchsorted(design.of, np.arange(len(design)))
    some = np.bincount(design.of, minlength=len(design)) > 0
    total = np.zeros((*values.shape[:-1], len(design)))
    if some.any():
        total[..., some] = np.add.reduceat(values, first[some], axis=-1)
    return total


def expect(design: Design, model: PopulationKinetics, etas: Array, pops: Populations) -> Array:
    """Return what readings (K, N) would be at etas (K, B, d)."""
    return design.expected(model, etas, typical=pops.typical, values=pops.values)


def slopes(
    design: Design, model: PopulationKinetics, etas: Array, pops: Populations
) -> tuple[Array, Array]:
    """Return expectations (K, N) and their slopes (K, d, N) by central differences in the etas."""
    k, b, d = etas.shape
    moves = np.zeros((2 * d + 1, d))
    for i in range(d):
        moves[2 * i + 1, i], moves[2 * i + 2, i] = STEP, -STEP
    many = (etas[:, None] + moves[None, :, None]).reshape(k * (2 * d + 1), b, d)
    f = expect(design, model, many, pops.repeat(2 * d + 1)).reshape(k, 2 * d + 1, -1)
    return f[:, 0], (f[:, 1::2] - f[:, 2::2]) / (2.0 * STEP)


def find_modes(
    design: Design, model: PopulationKinetics, pops: Populations, start: Array | None = None
) -> Modes:
    """Return the most probable etas of every person under every variant of the population.

    Parameters
    ----------
    design : Design
    model : PopulationKinetics
    pops : Populations
    start : array (K, B, d), optional
        Zeros otherwise.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _find_modes(design, model, pops, start)


def _find_modes(
    design: Design, model: PopulationKinetics, pops: Populations, start: Array | None
) -> Modes:
    d = len(model.spread)
    shape = (len(pops), len(design), d)
    etas = np.zeros(shape) if start is None else np.broadcast_to(start, shape).copy()
    inverse = _inverse(pops.root)
    f, jac = slopes(design, model, etas, pops)
    cost, grad, hess = _quadratic(design, etas, f, jac, pops, inverse)
    damping = np.full(shape[:2], 1e-6)
    done = np.zeros(shape[:2], dtype=bool)
    for count in range(MOST_STEPS):
        left = np.flatnonzero(~done.all(axis=0))
        if count and len(left) <= FEW * len(design):
            if not len(left):
                break
            few = _find_modes(design.take(left), model, pops, etas[:, left])
            return _merged(
                design, Modes(etas, cost, 0.5 * hess, f, done & (damping <= 1e8)), few, left
            )
        step = -np.linalg.solve(hess + damping[..., None, None] * _diagonal(hess), grad[..., None])[
            ..., 0
        ]
        tried = np.where(done[..., None], etas, np.clip(etas + step, -MOST_ETA, MOST_ETA))
        f2, jac2 = slopes(design, model, tried, pops)
        new, grad2, hess2 = _quadratic(design, tried, f2, jac2, pops, inverse)
        better = (new <= cost) & ~done
        gain = 0.5 * np.abs((grad * step).sum(-1))
        done |= (gain < TOLERANCE) | (damping > 1e8)
        take = better[:, design.of]
        etas = np.where(better[..., None], tried, etas)
        f, jac = np.where(take, f2, f), np.where(take[:, None], jac2, jac)
        grad = np.where(better[..., None], grad2, grad)
        hess = np.where(better[..., None, None], hess2, hess)
        cost = np.where(better, new, cost)
        damping = np.clip(np.where(better, damping * 0.1, damping * 10.0), 1e-9, 1e12)
    return Modes(etas, cost, 0.5 * hess, f, done & (damping <= 1e8))


def _merged(design: Design, all_: Modes, few: Modes, people: NDArray[np.int64]) -> Modes:
    """Return modes in which those of some people are replaced."""
    looks = np.concatenate([np.flatnonzero(design.of == p) for p in people] or [np.zeros(0, int)])
    parts = []
    for whole, part in zip(
        (all_.etas, all_.minus2, all_.precision, all_.converged),
        (few.etas, few.minus2, few.precision, few.converged),
        strict=True,
    ):
        copy = whole.copy()
        copy[:, people] = part
        parts.append(copy)
    expected = all_.expected.copy()
    expected[:, looks] = few.expected
    return Modes(parts[0], parts[1], parts[2], expected, parts[3])


def _quadratic(
    design: Design, etas: Array, f: Array, jac: Array, pops: Populations, inverse: Array
) -> tuple[Array, Array, Array]:
    """Return cost (K, B), gradient (K, B, d) and expected Hessian (K, B, d, d)."""
    minus2, slope, curve = readings(design, f, pops)
    k, d = len(f), etas.shape[-1]
    pull = np.einsum("kij,kbj->kbi", inverse, etas)
    cost = by_person(design, minus2) + (etas * pull).sum(-1)
    grad = np.moveaxis(by_person(design, jac * slope[:, None]), 1, 2) + 2.0 * pull
    pairs = by_person(design, jac[:, :, None] * jac[:, None] * curve[:, None, None])
    hess = np.moveaxis(pairs.reshape(k, d, d, -1), 3, 1) + 2.0 * inverse[:, None]
    lost = ~(np.isfinite(cost) & np.isfinite(grad).all(-1) & np.isfinite(hess).all((-1, -2)))
    grad = np.where(lost[..., None], 0.0, grad)
    hess = np.where(lost[..., None, None], np.eye(d), hess)
    return np.where(lost, np.inf, cost), grad, hess


def _inverse(root: Array) -> Array:
    eye = np.broadcast_to(np.eye(root.shape[-1]), root.shape)
    low = np.linalg.solve(root, eye)
    return np.asarray(np.swapaxes(low, -1, -2) @ low)


def _diagonal(hess: Array) -> Array:
    return hess * np.eye(hess.shape[-1])
