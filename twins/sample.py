"""Draws of all unknowns of a record: heavy-tailed laws about its tops, bridged to the posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .centred import Centred
from .chart import chart_about
from .likelihood import Likelihood
from .mode import Mode, most_probable_vector
from .observations import Observations
from .pareto import LARGEST_K
from .tempering import Effort, Tempered, bridge
from .tops import Tops, distinct

Array = NDArray[np.float64]

METHODS: Final = ("smc", "laplace")
DRAWS: Final = 256
# Heavy tails let the start reach where the normal law is too narrow; in many dimensions fewer do,
# since the radius of all draws varies together (project choice).
NU: Final = 10.0
# The normal law about the mode is often too narrow where the equations bend, and particles are
# drawn together at once but spread out slowly: they start from a tenth of the information.
PART: Final = 0.1
# Moves of a stage; the last stage's, by the length of a record, which each costs in proportion.
MOVES: Final = 6
LAST_MOVE_DAYS: Final = 1100
FEWEST_LAST, MOST_LAST = 80, 300
# Of these, under a flattened target. With so many, particles of 1, 7 and 14 days lay as far apart
# as in longer chains (0, +7 and 0 %, three people each); without, those of 14 days 21 % too close
# (``bench_sampler.py``).
HOT: Final = 50
LARGEST_REMEMBERED: Final = 0.35
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
        ``method``, ``draws``, ``good``; of the bridge besides: ``tops``, ``stages``, ``accepted``,
        ``distinct``, ``largest_k``, ``remembered``, ``tries``.
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
    first : array (K, D)
        Where climbs to tops begin.
    rng : Generator
    method : {"smc", "laplace"}
        Tempered sequential Monte Carlo from heavy-tailed normal laws about the tops, or the normal
        law about the top of the largest evidence.
    n : int

    Raises
    ------
    InputError
        If there is no such method.
    """
    if method not in METHODS:
        raise InputError(f"posterior is {method!r}; choose one of {', '.join(METHODS)}")
    modes = distinct([most_probable_vector(likelihood, u) for u in first])
    mode = modes[0]
    if method == "laplace":
        u = chart_about(likelihood, mode.u)(rng.standard_normal((n, len(mode.u))))[0]
        return Sample(likelihood, mode, u, {"method": method, "draws": n, "good": True})
    return _bridged(start_about(likelihood, modes), mode, rng, n)


def start_about(likelihood: Likelihood, modes: Sequence[Mode]) -> Tops:
    """Return the law in which particles start about the modes, the first one's coordinates held."""
    charts = [Centred.of(replace(chart_about(likelihood, m.u), part=PART)) for m in modes]
    return Tops.of(charts, [m.evidence for m in modes], NU)


def _bridged(start: Tops, mode: Mode, rng: np.random.Generator, n: int) -> Sample:
    """Return the bridge's draws, tried harder once where its checks fail."""
    likelihood = start.chart.chart.likelihood
    effort = effort_for(likelihood.seen)
    found, tries = bridge(start, start.densities, n, rng, effort), 1
    if not passes(found):
        harder = replace(effort, moves=2 * effort.moves, last=2 * effort.last, hot=2 * effort.hot)
        found, tries = bridge(start, start.densities, n, rng, harder), 2
    told = {
        "method": "smc",
        "draws": n,
        "good": passes(found),
        "tries": tries,
        "tops": len(start.log_weight),
        "stages": found.stages,
        "accepted": found.accepted,
        "distinct": found.distinct,
        "largest_k": found.largest_k,
        "remembered": found.remembered,
    }
    return Sample(likelihood, mode, start.chart(found.z)[0], told)


def effort_for(seen: Observations) -> Effort:
    """Return how hard to move particles: a long record allows fewer moves at the same cost."""
    last = int(np.clip(LAST_MOVE_DAYS / seen.days, FEWEST_LAST, MOST_LAST))
    return Effort(MOVES, last, HOT, blocks=True)


def passes(found: Tempered) -> bool:
    """Return whether particles reached the posterior and forgot where they came from."""
    return (
        found.complete
        and found.largest_k <= LARGEST_K
        and found.distinct >= FEWEST_DISTINCT * len(found.z)
        and found.remembered <= LARGEST_REMEMBERED
    )
