"""The most probable body of a record, by several climbs whose tops are compared by evidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .coordinates import Coordinates
from .forward import SAMPLES_A_DAY
from .joint import Found, refine
from .likelihood import Likelihood
from .mode import most_probable_vector
from .noise import LARGEST_RHO, Noise, whitening
from .observations import Observations
from .search import FIRST_NOISE, begun_at, from_many_starts
from .tops import MARGIN
from .unknowns import Unknowns
from .variation import USUAL

Array = NDArray[np.float64]

BEST_SAMPLES = 60
# Finger sticks over a week or more: few, but each stands for hours (project choice).
FEWEST_SPREAD, SPREAD_DAYS = 30, 7.0
# The last days are enough to find the neighbourhood of the best body.
SEARCH_SAMPLES = 4 * SAMPLES_A_DAY
# Tops that are told apart by more than this, in prior standard deviations, and the most to climb.
APART_SD, MOST_TOPS = 0.5, 3


def most_probable(
    where: Coordinates,
    seen: Observations,
    starts: Array,
    *,
    largest_rho: float = LARGEST_RHO,
) -> Found:
    """Find the most probable body of a record: the first of those that ``likely`` finds."""
    return likely(where, seen, starts, largest_rho=largest_rho)[0]


def likely(
    where: Coordinates, seen: Observations, starts: Array, *, largest_rho: float = LARGEST_RHO
) -> list[Found]:
    """Find the likely bodies of a record from several starts (S, d), the likeliest first.

    Parameters
    ----------
    largest_rho : float
        Bound on the correlation of errors over five minutes; 0 takes errors for independent, as
        many published fits do, and understates what is unknown.

    Raises
    ------
    InputError
        If there are too few readings.
    """
    use = whitening(seen)
    if len(use.index) < fewest_readings(seen):
        raise InputError(
            f"the record holds {len(use.index)} usable readings; "
            f"a twin needs at least {fewest_readings(seen)}"
        )
    recent = seen.since(max(0, len(seen.glucose) - 1 - SEARCH_SAMPLES))
    some = whitening(recent)
    if len(some.index) < BEST_SAMPLES:
        recent, some = seen, use
    noise = Noise(FIRST_NOISE.sigma, min(FIRST_NOISE.rho, largest_rho))
    ends = tops(*from_many_starts(where, begun_at(starts, recent), recent, some, noise))
    found = [
        refine(where, at, recent, some, noise=noise, variation=USUAL, largest_rho=largest_rho)
        for at in ends
    ]
    independent = largest_rho == 0.0
    best = likeliest(where, recent, found, independent=independent)
    if recent is seen:
        return best
    # What was on board when the search began says nothing of when the record began.
    whole = [
        refine(
            where, begun_at(fit.z[None], seen)[0], seen, use, noise=fit.noise,
            variation=fit.variation, largest_rho=largest_rho,
        )
        for fit in best
    ]  # fmt: skip
    return likeliest(where, seen, whole, independent=independent)


def tops(z: Array, value: Array) -> list[Array]:
    """Return the distinct ones (d,) of where searches ended (S, d), best first, a few at most."""
    kept: list[Array] = []
    for at in z[np.argsort(value)]:
        if len(kept) < MOST_TOPS and all(np.abs(at - other).max() > APART_SD for other in kept):
            kept.append(at)
    return kept


def likeliest(
    where: Coordinates, seen: Observations, found: list[Found], *, independent: bool = False
) -> list[Found]:
    """Return the fits that matter by their evidence, which is height times volume (Laplace).

    The height alone would favour a narrow top that little of the posterior lies in.
    """
    if len(found) == 1:
        return found
    unknowns = Unknowns.of(where, seen)
    likelihood = Likelihood.of(unknowns, seen, independent=independent)

    def evidence(fit: Found) -> float:
        first = unknowns.standardised(fit.z, fit.noise, fit.variation, fit.effect)
        return most_probable_vector(likelihood, first).evidence

    each = np.array([evidence(fit) for fit in found])
    order = np.argsort(-each)
    return [found[i] for i in order.tolist() if each[i] > each[order[0]] - MARGIN]


def fewest_readings(seen: Observations) -> int:
    """Return how many readings a fit needs."""
    return FEWEST_SPREAD if seen.days >= SPREAD_DAYS else BEST_SAMPLES
