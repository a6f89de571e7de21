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
# Lags to begin from, relative to the one given, and how far each is followed.
LAGS: Final = (0.6, 1.0, 1.6)
FIRST_ITERATIONS: Final = 12
# Settled when the next step promises less than this of -2 log-likelihood.
SETTLED: Final = 1e-4
LONGEST_STEP: Final = 0.7
MOST_HALVINGS: Final = 12
LEAST_CURVATURE: Final = 1.0
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
    tell = progress or (lambda _: None)
    y, converged = _descend(surface, _begin(surface, tell), tell, MOST_ITERATIONS)
    at = surface.at(y[None])
    x = y * surface.scale
    low, high = vector.bounds().T
    near = np.minimum(x - low, high - x) < 1e-6
    edge = tuple(name for name, at_edge in zip(vector.names, near, strict=True) if at_edge)
    p = len(x)
    covariance = _covariance(surface, y, edge) if errors else np.full((p, p), np.nan)
    covariance = covariance * np.outer(surface.scale, surface.scale)
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
    """-2 log-likelihood over the vector, each entry in units of its own scale.

    It keeps the modes, from where the next search for them begins.
    """

    def __init__(self, design: Design, vector: Vector) -> None:
        self.design, self.vector = design, vector
        self.scale = vector.scales(design.chart)
        self.etas = np.zeros((len(design), len(vector.model.spread)))
        self.modes = self._modes(vector.pack()[None] / self.scale)
        self.etas = self.modes.etas[0]

    def _modes(self, x: Array) -> Modes:
        pops = self.populations(x)
        return find_modes(self.design, self.vector.model, pops, self.etas)

    def populations(self, x: Array) -> Populations:
        """Return the variants (K) of scaled vectors (K, p)."""
        return self.vector.populations(x * self.scale)

    def at(self, x: Array) -> Array:
        """Return the contributions (1, B) at one vector (1, p), and begin from there next time."""
        self.modes = self._modes(x)
        if np.isfinite(self.modes.etas).all():
            self.etas = self.modes.etas[0]
        return marginal(self.modes, self.populations(x))

    def slope(self, x: Array) -> tuple[float, Array, Array]:
        """Return value, gradient (p,) and the inverse (p, p) of the diagonal curvature."""
        p = len(x)
        here = float(self.at(x[None]).sum())
        steps = GRADIENT_STEP * np.eye(p)
        both = self.many(np.concatenate([x + steps, x - steps]))
        up, down = both[:p], both[p:]
        grad = np.nan_to_num((up - down) / (2.0 * GRADIENT_STEP), posinf=0.0, neginf=0.0)
        curve = np.nan_to_num((up + down - 2.0 * here) / GRADIENT_STEP**2, posinf=0.0, neginf=0.0)
        return here, grad, np.diag(1.0 / np.maximum(curve, LEAST_CURVATURE))

    def many(self, x: Array) -> Array:
        """Return the sums (K,) at vectors (K, p)."""
        rows = len(self.design.schedule.time) * (2 * self.etas.shape[1] + 1)
        size = max(1, BATCH // rows)
        parts = [x[k : k + size] for k in range(0, len(x), size)]
        found = [marginal(self._modes(part), self.populations(part)).sum(axis=1) for part in parts]
        return np.concatenate(found)


def _begin(surface: _Surface, tell: Progress) -> Array:
    """Return where the descent begins: of several lags, if there is one, the most promising.

    The likelihood has a hollow of its own between any two sampling times that a lag may lie in.
    """
    vector = surface.vector
    start = vector.pack() / surface.scale
    if "lag" not in vector.typical:
        return start
    tried = []
    for factor in LAGS:
        x = start.copy()
        x[vector.typical.index("lag")] += np.log(factor)
        surface.etas = np.zeros_like(surface.etas)
        y, _ = _descend(surface, x, tell, FIRST_ITERATIONS)
        tried.append((float(surface.many(y[None])[0]), tuple(y), surface.etas))
    _, best, surface.etas = min(tried, key=lambda row: row[0])
    return np.array(best)


def _descend(surface: _Surface, x: Array, tell: Progress, most: int) -> tuple[Array, bool]:
    """Return the lowest point, by BFGS within bounds with steps of limited length.

    The central differences that give the gradient give its diagonal curvature as well, from which
    the inverse Hessian begins.
    """
    low, high = surface.vector.bounds().T / surface.scale
    x = np.clip(x, low, high)
    here, grad, inverse = surface.slope(x)
    fresh, rests = True, 0
    for count in range(1, most + 1):
        tell(f"population: step {count}, -2 log-likelihood {here:.2f}")
        free = ~(((x <= low) & (grad > 0.0)) | ((x >= high) & (grad < 0.0)))
        step = -inverse @ np.where(free, grad, 0.0) * free
        if grad @ step >= 0.0:
            step = -np.diag(inverse) * np.where(free, grad, 0.0)
        expected = -0.5 * float(grad @ step)
        found = _search(surface, x, here, grad, step, (low, high))
        if found is None or expected < SETTLED:
            rests += 1
            if fresh or rests > 2:
                return x, expected < 100.0 * SETTLED
            _, grad, inverse = surface.slope(x)
            fresh = True
            continue
        new, _ = found
        value, slope, curvature = surface.slope(new)
        inverse = _updated(inverse, new - x, slope - grad)
        rests = rests + 1 if here - value < SETTLED else 0
        fresh = False
        x, here, grad = new, value, slope
        if rests > 2:
            inverse, fresh, rests = curvature, True, 1
    return x, False


def _search(
    surface: _Surface, x: Array, here: float, grad: Array, step: Array,
    bounds: tuple[Array, Array],
) -> tuple[Array, float] | None:  # fmt: skip
    """Return a lower point along a step and its value, or None where there is none."""
    step = step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
    for _ in range(MOST_HALVINGS):
        new = np.clip(x + step, *bounds)
        there = float(surface.many(new[None])[0])
        if np.isfinite(there) and there <= here + 1e-4 * float(grad @ (new - x)):
            return new, there
        step = 0.4 * step
    return None


def _updated(inverse: Array, move: Array, turn: Array) -> Array:
    """Return BFGS's new inverse Hessian; the old one where the curvature is not positive."""
    product = float(move @ turn)
    if product <= 1e-10 * float(np.linalg.norm(move) * np.linalg.norm(turn)):
        return inverse
    left = np.eye(len(move)) - np.outer(move, turn) / product
    return np.asarray(left @ inverse @ left.T + np.outer(move, move) / product)


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
