"""A population's numbers as one unbounded vector that a fit can move, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.population_kinetics import (
    LOGIT,
    OUTPUTS,
    Error,
    PopulationKinetics,
    from_scale,
    to_scale,
)
from .kinetics_mode import Populations

Array = NDArray[np.float64]

# Spreads between people from 0.1 % to e^3; typical values within e^6 of where they start.
_LOG_SD: Final = (np.log(1e-3), np.log(3.0))
_TYPICAL: Final = 6.0
_ERROR: Final = 7.0


@dataclass(frozen=True)
class Vector:
    """The vector of one model.

    Parameters
    ----------
    model : PopulationKinetics
    """

    model: PopulationKinetics

    @property
    def typical(self) -> tuple[str, ...]:
        """Parameters whose typical value is estimated."""
        m = self.model
        whole = {n for n in LOGIT if m.typical.get(n) == 1.0}  # all of it: nothing to estimate
        return tuple(n for n in m.structure.parameters if n not in m.fixed | whole)

    @property
    def effects(self) -> tuple[int, ...]:
        """Positions of the effects that are estimated."""
        return tuple(k for k, effect in enumerate(self.model.effects) if not effect.fixed)

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """Output and kind of each error that is estimated."""
        return tuple(
            (name, kind)
            for name in OUTPUTS
            if name in self.model.errors
            for kind in ("additive", "proportional")
            if getattr(self.model.errors[name], kind) > 0.0
        )

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield row and column of each entry of omega's Cholesky factor that is estimated."""
        for i in range(len(self.model.spread)):
            for j in range(i if self.model.full else 0):
                yield i, j
            yield i, i

    @property
    def names(self) -> tuple[str, ...]:
        """What each entry is."""
        m, spread = self.model, self.model.spread
        return (
            *self.typical,
            *(f"{m.effects[k].parameter}.{m.effects[k].covariate}" for k in self.effects),
            *(f"root({spread[i]},{spread[j]})" for i, j in self.pairs()),
            *(f"error.{name}.{kind}" for name, kind in self.errors),
        )

    def pack(self) -> Array:
        """Return the model's own numbers."""
        m = self.model
        root = np.linalg.cholesky(m.omega)
        return np.array(
            [
                *(float(to_scale(n, m.typical[n])) for n in self.typical),
                *(m.effects[k].value for k in self.effects),
                *(np.log(root[i, j]) if i == j else root[i, j] for i, j in self.pairs()),
                *(np.log(getattr(m.errors[name], kind)) for name, kind in self.errors),
            ]
        )

    def scales(self, chart: Mapping[str, Array]) -> Array:
        """Return by how much each entry (p,) changes what a person's parameters are by about 1.

        Parameters
        ----------
        chart : mapping of covariate to array
            Of the people who are fitted: effects count by how far their covariates spread.
        """
        scale = np.ones(len(self.names))
        for k, position in enumerate(self.effects):
            effect = self.model.effects[position]
            if effect.kind in ("linear", "exponential"):
                away = np.abs(np.asarray(chart[effect.covariate]) - effect.reference)
                scale[len(self.typical) + k] = 1.0 / max(float(np.median(away)), 1e-9)
        return scale

    def bounds(self) -> Array:
        """Return the lowest and highest values (p, 2)."""
        x, rows = self.pack(), []
        for k, name in enumerate(self.names):
            if k < len(self.typical):
                rows.append((x[k] - _TYPICAL, x[k] + _TYPICAL))
            elif name.startswith("error."):
                rows.append((x[k] - _ERROR, x[k] + _ERROR))
            elif name.startswith("root("):
                i, j = list(self.pairs())[k - len(self.typical) - len(self.effects)]
                rows.append(_LOG_SD if i == j else (-3.0, 3.0))
            else:
                rows.append((-20.0, 20.0))
        return np.array(rows)

    def populations(self, x: Array) -> Populations:
        """Return the variants of vectors (K, p)."""
        m, k = self.model, len(x)
        column = iter(x.T)
        typical = {name: next(column) for name in self.typical}
        values = np.array([[effect.value for effect in m.effects]] * k).reshape(k, -1)
        for position in self.effects:
            values[:, position] = next(column)
        root = np.zeros((k, len(m.spread), len(m.spread)))
        for i, j in self.pairs():
            entry = next(column)
            root[:, i, j] = np.exp(entry) if i == j else entry
        own = Populations.of(m)
        error = {
            "additive": np.repeat(own.additive, k, axis=0),
            "proportional": np.repeat(own.proportional, k, axis=0),
        }
        for name, kind in self.errors:
            error[kind][:, OUTPUTS.index(name)] = np.exp(next(column))
        return Populations(typical, values, root, error["additive"], error["proportional"])

    def unpack(self, x: Array) -> PopulationKinetics:
        """Return the model with the numbers of a vector (p,)."""
        m, pops = self.model, self.populations(x[None])
        typical = {
            **m.typical,
            **{n: float(from_scale(n, pops.typical[n][0])) for n in self.typical},
        }
        effects = tuple(
            replace(effect, value=float(value))
            for effect, value in zip(m.effects, pops.values[0], strict=True)
        )
        errors = {
            name: Error(
                float(pops.additive[0, k]) if m.errors[name].additive else 0.0,
                float(pops.proportional[0, k]) if m.errors[name].proportional else 0.0,
            )
            for k, name in enumerate(OUTPUTS)
            if name in m.errors
        }
        omega = pops.root[0] @ pops.root[0].T
        return replace(
            m, typical=typical, effects=effects, errors=errors, omega=0.5 * (omega + omega.T)
        )
