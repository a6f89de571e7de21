"""Draws of all that a record leaves unknown: climb, look for meals that nobody logged, sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .coordinates import Coordinates
from .joint import Found, refine
from .likelihood import Likelihood
from .mode import Mode, Places, most_probable_vector
from .noise import LARGEST_RHO, whitening
from .observations import Observations
from .probable import likely
from .sample import DRAWS, Sample, sample
from .unknowns import Unknowns
from .unlogged import Suspected, look

Array = NDArray[np.float64]

# Each look sees what the meals found before it had hidden.
LOOKS: Final = 3
MOST_A_DAY: Final = 2
# An hour is worth two unknowns of the sampler if a meal is at least so probable by the evidence of
# tops with and without it. A normal law about one top cannot weigh them: it must be surer.
WORTH: Final = 0.2
SURE: Final = 0.8
# What happened so long before or after is kept as it is while a meal is weighed.
NEAR_MIN: Final = 1440.0
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
    record = _Record(where, seen, threads, independent)
    fits = likely(where, seen, starts, largest_rho=record.largest_rho)
    found, eaten = fits[0], Suspected()
    if meals:
        found, eaten = _eaten(record, found, WORTH if method == "smc" else SURE)
    likelihood = record.likelihood(found, eaten)
    first = [record.vector(fit, eaten.none) for fit in fits]
    if eaten.slots:
        first += [record.vector(found, some) for some in eaten.parts(MOST_PARTS)]
    return sample(likelihood, np.stack(first), rng, method=method, n=n), found


@dataclass(frozen=True)
class _Record:
    """What is fitted, whichever meals are found in it."""

    where: Coordinates
    seen: Observations
    threads: int
    independent: bool

    @property
    def largest_rho(self) -> float:
        return 0.0 if self.independent else LARGEST_RHO

    def unknowns(self, eaten: Suspected) -> Unknowns:
        """Return all unknowns, the hours of suspected meals among them."""
        return Unknowns.of(self.where, self.seen, eaten.slots)

    def likelihood(self, found: Found, eaten: Suspected) -> Likelihood:
        """Return the likelihood of these about a fit."""
        return Likelihood.of(
            self.unknowns(eaten), self.seen, power=1.0 / found.factor, threads=self.threads,
            independent=self.independent,
        )  # fmt: skip

    def vector(self, found: Found, eaten: Suspected) -> Array:
        """Return the vector (D,) of a fit in which suspected meals were eaten."""
        return self.unknowns(eaten).standardised(
            found.z, found.noise, found.variation, found.effect, eaten.grams
        )

    def near(self, eaten: Suspected, minute: float) -> Places:
        """Return where the unknowns lie that bear on readings about a minute."""
        return self.unknowns(eaten).near(minute, self.seen.meal_begins, NEAR_MIN)

    def top(self, found: Found, eaten: Suspected, among: Places) -> Mode:
        """Return the most probable vector about a fit, some unknowns free to move."""
        first = self.vector(found, eaten)
        return most_probable_vector(self.likelihood(found, eaten), first, among)

    def refined(self, found: Found, eaten: Suspected) -> Found:
        """Return the fit once suspected meals were eaten."""
        return refine(
            self.where, found.z, self.seen, whitening(self.seen), noise=found.noise,
            variation=found.variation, largest_rho=self.largest_rho, extra=eaten.extra,
        )  # fmt: skip


def _eaten(record: _Record, found: Found, least: float) -> tuple[Found, Suspected]:
    """Return meals outside of the log that are probable enough, and the fit that counts them in."""
    eaten, most = Suspected(), max(1, round(MOST_A_DAY * record.seen.days))
    for _ in range(LOOKS):
        room = most - len(eaten.slots)
        if room == 0:
            break
        more = look(record.likelihood(found, eaten), record.vector(found, eaten), eaten)
        more = _weighed(record, found, eaten, more).above(least, room)
        if not more.slots:
            break
        eaten += more
        found = record.refined(found, eaten)
    return found, eaten


def _weighed(record: _Record, found: Found, eaten: Suspected, more: Suspected) -> Suspected:
    """Return more hours with grams and log odds by the tops with and without each (Laplace)."""
    without, grams, log_odds = dict[bytes, float](), list[float](), list[float]()
    for i, slot in enumerate(more.slots):
        with_it, near = eaten + more.only([i]), record.near(eaten, slot.minute)
        if near.tobytes() not in without:
            without[near.tobytes()] = record.top(found, eaten, near).evidence
        top = record.top(found, with_it, record.near(with_it, slot.minute))
        extra = record.unknowns(with_it).extra(top.u[None])
        grams.append(0.0 if extra is None else float(extra.grams[0, -1]))
        # A climb that ends where nothing was eaten has found no such top.
        odds = top.evidence - without[near.tobytes()]
        log_odds.append(odds if grams[-1] > 0.0 else -np.inf)
    return Suspected(more.slots, tuple(grams), tuple(log_odds))
