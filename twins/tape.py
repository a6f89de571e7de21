"""Lets virtual people live the same days again with other doses: what really would have happened."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from ..physiology.model import Model

Array = NDArray[np.float64]


@dataclass
class Tape:
    """Everything that moved bodies as they lived: filled by ``virtual.live``.

    Parameters
    ----------
    model : Model
    start : array (n, S)
        States when the days began.
    params : list of array (n, P)
        Of each step, sensitivity then in force.
    inputs : list of array (5, 2, n)
        Carbohydrate (g/min) and insulin (U/min) of each step; a bolus lies in its first minute.
    """

    model: Model
    start: Array = field(default_factory=lambda: np.zeros((0, 0)))
    params: list[Array] = field(default_factory=list)
    inputs: list[Array] = field(default_factory=list)

    def add(self, x: Array, params: Array, inputs: Array) -> None:
        """Remember a step, before it is lived."""
        if not self.params:
            self.start = x.copy()
        self.params.append(params.copy())
        self.inputs.append(inputs.copy())

    def replay(
        self,
        basal: float = 1.0,
        bolus: float = 1.0,
        steps: slice = slice(None),
        more_u: Array | None = None,
    ) -> Array:
        """Return true interstitial glucose (T + 1, n), mg/dL, with doses multiplied.

        Parameters
        ----------
        basal, bolus : float
            Factors on doses.
        steps : slice
            In which of the steps they hold.
        more_u : array (T,), optional
            Units besides, in each step's first minute.
        """
        total, engine, x = len(self.inputs), engine_for(self.model), self.start.copy()
        changed = np.zeros(total, dtype=bool)
        changed[steps] = True
        column = self.model.output_index["interstitial_glucose"]
        glucose = np.empty((total + 1, len(x)))
        glucose[0] = engine.outputs(x, self.params[0], self.inputs[0][0])[:, column]
        for k in range(total):
            u = self.inputs[k].copy()
            if changed[k]:
                rate = u[-1, 1].copy()
                u[0, 1] = basal * rate + bolus * (u[0, 1] - rate)
                u[1:, 1] = basal * rate
            u[0, 1] += 0.0 if more_u is None else more_u[k]
            engine.advance(x, self.params[k], u)
            glucose[k + 1] = engine.outputs(x, self.params[k], u[-1])[:, column]
        return glucose
