"""CMA-ES within a box: ask for points, tell their values; chance only from a given generator."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Evolution:
    """Covariance matrix adaptation (Hansen 2016, arXiv:1604.00772) as the package ``cma`` has it.

    Starts at the origin with step 1 in every coordinate.

    Parameters
    ----------
    dimension : int
    size : int
        Points per generation.
    reach : float
        Every coordinate stays within plus and minus this.
    rng : numpy.random.Generator
    """

    def __init__(self, dimension: int, size: int, reach: float, rng: np.random.Generator) -> None:
        import cma

        options = {
            "popsize": size,
            "bounds": [-reach, reach],
            # NaN: the package seeds nothing; all its chance is the generator's.
            "seed": np.nan,
            "randn": lambda *shape: rng.standard_normal(shape),
            "verbose": -9,
        }
        self._search: Any = cma.CMAEvolutionStrategy(np.zeros(dimension), 1.0, options)

    def ask(self) -> Array:
        """Return the points (size, dimension) of the next generation."""
        return np.asarray(self._search.ask(), dtype=np.float64)

    def tell(self, points: Array, values: Array) -> None:
        """Learn the values (size,) of the points just asked for; the smaller the better."""
        self._search.tell(list(points), values.tolist())
