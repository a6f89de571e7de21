"""Fitting a population: nonlinear mixed effects by maximum marginal likelihood.

The integral over each person's etas is Laplace's, with the expected curvature and the dependence of
the error on the prediction kept: NONMEM's FOCE with interaction (Wang 2007,
doi:10.1007/s10928-007-9060-6). Its gradient is taken by central differences, all of them in one
batch, the modes starting from where they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.population_kinetics import LOGIT, PopulationKinetics
from ..records.events import EventTable
from .kinetics_design import Design, design_of
from .kinetics_mode import Modes, Populations, find_modes
from .kinetics_vector import Vector

Array = NDArray[np.float64]
Progress = Callable[[str], None]

GRADIENT_STEP: Final = 1e-3
HESSIAN_STEP: Final = 2e-2
MOST_ITERATIONS: Final = 200
# Rows times variants that one batch may hold.
BATCH: Final = 3_000_000
LOG_2PI: Final = float(np.log(2.0 * np.pi))


@dataclass(frozen=True)
class PopulationFit:
    """A fitted population.

    Parameters
    ----------
    model : PopulationKinetics
        With the estimates.
    names : tuple of str
    x : array (p,)
        Estimates on the scale of the fit: logarithms of typical values, factors of omega, errors.
    covariance : array (p, p)
        Of ``x``, from the observed information; NaN where that is not positive definite.
    minus2 : float
        -2 log-likelihood, all constants included.
    ofv : float
        The same without N log(2 pi), as NONMEM prints it.
    etas : array (B, d)
        Most probable etas.
    shrinkage : dict of str to float
        1 - sd(etas) / omega's standard deviation of each parameter; ``error`` for residuals.
    readings, people : int
    converged : bool
    at_bound : tuple of str
        Estimates that ended at the edge of what is tried.
    """

    model: PopulationKinetics
    names: tuple[str, ...]
    x: Array
    covariance: Array
    minus2: float
    ofv: float
    etas: Array
    shrinkage: dict[str, float]
    readings: int
    people: int
    converged: bool
    at_bound: tuple[str, ...]

    def table(self) -> list[dict[str, Any]]:
        """Return name, value and standard error of each estimate on its natural scale.

        Errors are those of the delta method; spreads are standard deviations of the etas.
        """
        model, rows = self.model, []
        se = np.sqrt(np.diag(self.covariance))
        vector = Vector(model)
        for k, name in enumerate(self.names):
            if name.startswith("root("):
                continue
            if name in vector.typical:
                value = float(model.typical[name])
                error = value * (1.0 - value) * se[k] if name in LOGIT else value * se[k]
            elif name.startswith("error."):
                value = float(np.exp(self.x[k]))
                error = value * se[k]
            else:
                value, error = float(self.x[k]), float(se[k])
            rows.append({"name": name, "value": value, "se": float(error)})
        return rows + self._spreads(vector)

    def _spreads(self, vector: Vector) -> list[dict[str, Any]]:
        """Return the standard deviations of the etas, with errors, and their correlations."""
        first = len(vector.typical) + len(vector.effects)
        count = len(list(vector.pairs()))
        block = self.covariance[first : first + count, first : first + count]

        def sds(x: Array) -> Array:
            root = vector.populations(x[None]).root[0]
            return np.asarray(np.sqrt(np.diag(root @ root.T)))

        slope = np.empty((len(self.model.spread), count))
        for k in range(count):
            move = np.zeros(len(self.x))
            move[first + k] = 1e-5
            slope[:, k] = (sds(self.x + move) - sds(self.x - move)) / 2e-5
        errors = np.sqrt(np.diag(slope @ block @ slope.T))
        sd = sds(self.x)
        rows: list[dict[str, Any]] = [
            {"name": f"{name}.log_sd", "value": float(sd[k]), "se": float(errors[k])}
            for k, name in enumerate(self.model.spread)
        ]
        if self.model.full:
            spread, corr = self.model.spread, self.model.omega / np.outer(sd, sd)
            rows += [
                {"name": f"corr({spread[i]},{spread[j]})", "value": float(corr[i, j]), "se": np.nan}
                for i in range(len(spread))
                for j in range(i)
            ]
        return rows


def fit_population(
    table: EventTable, model: PopulationKinetics, *, progress: Progress | None = None,
    errors: bool = True,
) -> PopulationFit:  # fmt: skip
    """Return the population under which a table is most probable.

    Parameters
    ----------
    table : EventTable
    model : PopulationKinetics
        Its numbers are where the search begins.
    progress : callable, optional
        Called with a line on what is being done.
    errors : bool
        Whether standard errors are computed.

    Raises
    ------
    InputError
        If people, covariates or doses do not suit the model, or there is too little to fit.
    """
    people = [p for p in table.people if len(p.samples)]
    design, vector = design_of(people, model), Vector(model)
    if len(design) < 2 or len(design.value) <= len(vector.names):
        raise InputError(
            f"events: {len(design.value)} measurements of {len(design)} people cannot tell "
            f"{len(vector.names)} numbers of a population; give more, or fit the person alone"
        )
    surface = _Surface(design, vector)
    x, converged = _descend(surface, progress or (lambda _: None))
    at = surface.at(x[None])
    low, high = vector.bounds().T
    edge = tuple(
        n for n, e in zip(vector.names, np.minimum(x - low, high - x) < 1e-6, strict=True) if e
    )
    p = len(x)
    covariance = _covariance(surface, x, edge) if errors else np.full((p, p), np.nan)
    fitted = vector.unpack(x)
    ofv = float(at.sum())
    seen = int((~design.censored).sum())
    return PopulationFit(
        fitted, vector.names, x, covariance, ofv + seen * LOG_2PI, ofv, surface.etas.copy(),
        _shrinkage(design, fitted, surface.modes), len(design.value), len(design), converged, edge,
    )  # fmt: skip


def marginal(modes: Modes, pops: Populations) -> Array:
    """Return Laplace's -2 log marginal likelihood (K, B), without N log(2 pi)."""
    spread = 2.0 * np.log(np.einsum("kii->ki", pops.root)).sum(axis=1)
    _, curvature = np.linalg.slogdet(modes.precision)
    return np.asarray(modes.minus2 + spread[:, None] + curvature)


class _Surface:
    """-2 log-likelihood over the vector; keeps the modes, from where the next search begins."""

    def __init__(self, design: Design, vector: Vector) -> None:
        self.design, self.vector = design, vector
        self.etas = np.zeros((len(design), len(vector.model.spread)))
        self.modes = self._modes(vector.pack()[None])
        self.etas = self.modes.etas[0]

    def _modes(self, x: Array) -> Modes:
        pops = self.vector.populations(x)
        return find_modes(self.design, self.vector.model, pops, self.etas)

    def at(self, x: Array) -> Array:
        """Return the contributions (1, B) at one vector (1, p), and begin from there next time."""
        self.modes = self._modes(x)
        self.etas = self.modes.etas[0]
        return marginal(self.modes, self.vector.populations(x))

    def many(self, x: Array) -> Array:
        """Return the sums (K,) at vectors (K, p)."""
        rows = len(self.design.schedule.time) * (2 * self.etas.shape[1] + 1)
        size = max(1, BATCH // rows)
        parts = [x[k : k + size] for k in range(0, len(x), size)]
        found = [
            marginal(self._modes(part), self.vector.populations(part)).sum(axis=1) for part in parts
        ]
        return np.concatenate(found)


def _descend(surface: _Surface, tell: Progress) -> tuple[Array, bool]:
    """Return the lowest point, by L-BFGS within bounds, and whether it settled."""
    from scipy.optimize import minimize

    bounds, start = surface.vector.bounds(), surface.vector.pack()
    p, count = len(start), 0

    def value(x: Array) -> tuple[float, Array]:
        nonlocal count
        count += 1
        here = float(surface.at(x[None]).sum())
        steps = GRADIENT_STEP * np.eye(p)
        both = surface.many(np.concatenate([x + steps, x - steps]))
        tell(f"population: step {count}, -2 log-likelihood {here:.2f}")
        if not np.isfinite(here):
            return 1e15, np.zeros(p)
        return here, (both[:p] - both[p:]) / (2.0 * GRADIENT_STEP)

    x, good, best = start, False, np.inf
    for _ in range(4):  # begun anew where a line search gives up too early
        found = minimize(
            value, x, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": MOST_ITERATIONS, "ftol": 1e-9, "gtol": 1e-3, "maxcor": 30},
        )  # fmt: skip
        x = np.asarray(found.x)
        good = bool(found.success)
        if best - float(found.fun) < 1e-2:
            break
        best = float(found.fun)
    return x, good


def _covariance(surface: _Surface, x: Array, edge: tuple[str, ...]) -> Array:
    """Return the inverse of the observed information; NaN for estimates at an edge."""
    p, names = len(x), surface.vector.names
    free = [k for k in range(p) if names[k] not in edge]
    h = HESSIAN_STEP * np.eye(p)[free]
    n = len(free)
    pairs = [(i, j) for i in range(n) for j in range(i)]
    points = [x[None], x + h, x - h]
    points += [np.array([x + h[i] + h[j] for i, j in pairs]).reshape(-1, p)]
    points += [np.array([x - h[i] - h[j] for i, j in pairs]).reshape(-1, p)]
    values = surface.many(np.concatenate(points))
    here, up, down = values[0], values[1 : n + 1], values[n + 1 : 2 * n + 1]
    plus = values[2 * n + 1 : 2 * n + 1 + len(pairs)]
    minus = values[2 * n + 1 + len(pairs) :]
    hess = np.diag(up - 2.0 * here + down)
    for (i, j), a, b in zip(pairs, plus, minus, strict=True):
        mixed = 0.5 * (a + b - up[i] - up[j] - down[i] - down[j] + 2.0 * here)
        hess[i, j] = hess[j, i] = mixed
    full = np.full((p, p), np.nan)
    information = 0.5 * hess / HESSIAN_STEP**2
    if np.isfinite(information).all() and np.linalg.eigvalsh(information)[0] > 0.0:
        full[np.ix_(free, free)] = np.linalg.inv(information)
    return full


def _shrinkage(design: Design, model: PopulationKinetics, modes: Modes) -> dict[str, float]:
    sd = modes.etas[0].std(axis=0, ddof=0)
    found = {name: float(1.0 - sd[k] / model.log_sd()[k]) for k, name in enumerate(model.spread)}
    pops = Populations.of(model)
    f = modes.expected[0]
    a, b = pops.additive[0][design.output], pops.proportional[0][design.output]
    weighted = (design.value - f) / np.sqrt(a**2 + (b * f) ** 2)
    found["error"] = float(1.0 - weighted[~design.censored].std())
    return found
