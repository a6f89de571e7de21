"""Draws of all that a record leaves unknown: climb, look for meals that nobody logged, sample."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .coordinates import Coordinates
from .joint import Found, refine
from .likelihood import Likelihood
from .mode import most_probable_vector
from .noise import LARGEST_RHO, whitening
from .observations import Observations
from .probable import likely
from .sample import DRAWS, Sample, sample
from .unknowns import Unknowns
from .unlogged import Suspected, look

Array = NDArray[np.float64]

# Each look sees what the meals found before it had hidden.
LOOKS: Final = 3
# An hour is worth two unknowns of the sampler if a meal is at least so probable by the evidence of
# tops with and without it. A normal law about one top cannot weigh them: it must be surer.
WORTH: Final = 0.2
SURE: Final = 0.8
# Tops climbed with but one of the suspected meals left out, those of the doubtful first.
MOST_PARTS: Final = 3


# Matrices are small and batches are shared out between threads here already; where a library of
# linear algebra starts threads of its own besides, all wait for each other.
@threadpool_limits.wrap(limits=1, user_api="blas")
def draws_of(
    where: Coordinates, seen: Observations, starts: Array, rng: np.random.Generator, *,
    method: str = "smc", n: int = DRAWS, threads: int = 1, independent: bool = False,
    meals: bool = True,
) -> tuple[Sample, Found]:  # fmt: skip
    """Return draws of a record's unknowns, and the fit from which the sampling began.

    Parameters
    ----------
    where : Coordinates
    seen : Observations
    starts : array (S, d)
        Where climbs begin.
    rng : Generator
    method : {"smc", "laplace"}
    n, threads : int
    independent : bool
        Errors are taken to forget each other at once; only to show what that costs.
    meals : bool
        Whether meals outside of the log are looked for.

    Raises
    ------
    InputError
        If there are too few readings, or there is no such method.
    """
    largest_rho = 0.0 if independent else LARGEST_RHO
    fits = likely(where, seen, starts, largest_rho=largest_rho)
    found, suspected = fits[0], Suspected()
    for _ in range(LOOKS if meals else 0):
        likelihood = _likelihood(where, seen, found, suspected, threads, independent)
        more = look(likelihood, _vector(likelihood, found, suspected), suspected)
        if not more.slots:
            break
        suspected += more
        found = refine(
            where, found.z, seen, whitening(seen), noise=found.noise, variation=found.variation,
            largest_rho=largest_rho, extra=suspected.extra,
        )  # fmt: skip
    if suspected.slots:
        likelihood = _likelihood(where, seen, found, suspected, threads, independent)
        suspected = _worth(likelihood, found, suspected, WORTH if method == "smc" else SURE)
    likelihood = _likelihood(where, seen, found, suspected, threads, independent)
    first = [_vector(likelihood, fit, suspected.none) for fit in fits]
    if suspected.slots:
        first += [_vector(likelihood, found, some) for some in suspected.parts(MOST_PARTS)]
    return sample(likelihood, np.stack(first), rng, method=method, n=n), found


def _worth(likelihood: Likelihood, found: Found, suspected: Suspected, least: float) -> Suspected:
    """Return the suspected hours whose meal is probable enough by the evidence (Laplace)."""

    def evidence(some: Suspected) -> float:
        return most_probable_vector(likelihood, _vector(likelihood, found, some)).evidence

    whole, bar = evidence(suspected), np.log(least / (1.0 - least))
    hours = range(len(suspected.slots))
    return suspected.only([i for i in hours if whole - evidence(suspected.but([i])) > bar])


def _likelihood(
    where: Coordinates, seen: Observations, found: Found, suspected: Suspected, threads: int,
    independent: bool,
) -> Likelihood:  # fmt: skip
    """Return the likelihood about a fit."""
    return Likelihood.of(
        Unknowns.of(where, seen, suspected.slots), seen, power=1.0 / found.factor, threads=threads,
        independent=independent,
    )  # fmt: skip


def _vector(likelihood: Likelihood, found: Found, suspected: Suspected) -> Array:
    """Return the vector (D,) of a fit in which suspected meals were eaten."""
    return likelihood.unknowns.standardised(
        found.z, found.noise, found.variation, found.effect, suspected.grams
    )
