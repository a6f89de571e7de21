"""Draws of all unknowns of a record: the normal law about the mode, bridged to the posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .likelihood import Likelihood
from .mode import Mode, log_posterior, most_probable_vector
from .pareto import LARGEST_K, pareto_k
from .pressure_weights import effective_size, weights_of
from .tempering import Effort, Student, Tempered, bridge

Array = NDArray[np.float64]

METHODS: Final = ("smc", "laplace")
DRAWS: Final = 512
# Heavy tails let the start reach where the normal law is too narrow; in many dimensions fewer do,
# since the radius of all draws varies together (project choice).
NU: Final = 10.0
EFFORTS: Final = (Effort(3, 8, 0.3, 2), Effort(8, 20, 0.2, 2))
LARGEST_REMEMBERED: Final = 0.5
FEWEST_DISTINCT: Final = 0.5


@dataclass(frozen=True)
class Sample:
    """Equally likely vectors of unknowns.

    Parameters
    ----------
    likelihood : Likelihood
        Of the record they belong to.
    mode : Mode
        The most probable one.
    u : array (n, D)
    diagnostics : mapping
        ``method``, ``draws``, ``laplace_k`` and effective size (share) of the normal law as a
        proposal, ``good``; of the bridge besides: ``stages``, ``accepted``, ``distinct``,
        ``largest_k``, ``remembered``, ``tries``.
    """

    likelihood: Likelihood
    mode: Mode
    u: Array
    diagnostics: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether the draws may be relied on."""
        return bool(self.diagnostics["good"])


def sample(
    likelihood: Likelihood,
    first: Array,
    rng: np.random.Generator,
    *,
    method: str = "smc",
    n: int = DRAWS,
) -> Sample:
    """Return n draws of the posterior of all unknowns.

    Parameters
    ----------
    likelihood : Likelihood
    first : array (D,)
        Where the climb to the most probable vector begins.
    rng : Generator
    method : {"smc", "laplace"}
        Tempered sequential Monte Carlo from a heavy-tailed normal law about the mode, or that
        normal law itself.
    n : int

    Raises
    ------
    InputError
        If there is no such method.
    """
    if method not in METHODS:
        raise InputError(f"posterior is {method!r}; choose one of {', '.join(METHODS)}")
    mode = most_probable_vector(likelihood, first)
    if method == "laplace":
        u = mode.u + rng.standard_normal((n, len(mode.u))) @ mode.root.T
        return Sample(likelihood, mode, u, {"method": method, "draws": n, "good": True})
    return _bridged(likelihood, mode, rng, n)


def _bridged(likelihood: Likelihood, mode: Mode, rng: np.random.Generator, n: int) -> Sample:
    """Return the bridge's draws, tried harder once where its checks fail."""
    start = Student(len(mode.u), NU)

    def score(x: Array) -> Array:
        return log_posterior(likelihood, mode.u + x @ mode.root.T) - start.log_density(x)

    for tries, effort in enumerate(EFFORTS, start=1):
        found = bridge(start, score, n, rng, effort)
        good = passes(found)
        if good:
            break
    told = {
        "method": "smc",
        "draws": n,
        "good": good,
        "tries": tries,
        "stages": found.stages,
        "accepted": found.accepted,
        "distinct": found.distinct,
        "largest_k": found.largest_k,
        "remembered": found.remembered,
    }
    return Sample(likelihood, mode, mode.u + found.z @ mode.root.T, told)


def passes(found: Tempered) -> bool:
    """Return whether particles reached the posterior and forgot where they came from."""
    return (
        found.complete
        and found.largest_k <= LARGEST_K
        and found.distinct >= FEWEST_DISTINCT * len(found.z)
        and found.remembered <= LARGEST_REMEMBERED
    )


def laplace_check(likelihood: Likelihood, mode: Mode, u: Array, x: Array) -> tuple[float, float]:
    """Return Pareto k and effective share of draws u (n, D) = mode + root x of the normal law."""
    weight = log_posterior(likelihood, u) + 0.5 * (x**2).sum(axis=1)
    return pareto_k(weight), effective_size(weights_of(weight)) / len(u)
