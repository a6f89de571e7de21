"""Draws of all unknowns of a record: heavy-tailed laws about its tops, bridged to the posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .centred import Centred
from .chart import Chart, chart_about
from .likelihood import Likelihood
from .mode import Mode, most_probable_vector
from .pareto import LARGEST_K
from .settle import MOST_TIMES, PARTICLES, moves_for, settle
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
# Moves of a stage, and of the last one; of these, under a flattened target. With so many,
# particles of one day lay as far apart as in longer chains (``bench_sampler.py``).
SHORT: Final = Effort(moves=6, last=300, hot=50, blocks=True)
# Longer records settle besides (``settle``): their bridge only has to reach the posterior's body.
SHORT_DAYS: Final = 1.5
LONG: Final = Effort(moves=3, last=3, blocks=True)
LONG_PARTICLES: Final = 128
LARGEST_REMEMBERED: Final = 0.35
LARGEST_DRIFT: Final = 0.7
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
        ``distinct``, ``largest_k``, ``remembered``, ``tries``; of long records: ``drift``.
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
    u, told = led(start_about(likelihood, modes), n, rng)
    return Sample(likelihood, mode, u, {"method": method, "draws": n, **told})


def start_about(likelihood: Likelihood, modes: Sequence[Mode]) -> Tops:
    """Return the law in which particles start about the modes, the first one's coordinates held."""
    charts = [replace(chart_about(likelihood, m.u), part=PART) for m in modes]
    if _long(likelihood):
        charts = [_quieter(chart, m) for chart, m in zip(charts, modes, strict=True)]
    return Tops.of([Centred.of(chart) for chart in charts], [m.evidence for m in modes], NU)


def _long(likelihood: Likelihood) -> bool:
    return likelihood.seen.days > SHORT_DAYS


def _quieter(chart: Chart, mode: Mode) -> Chart:
    """Return the chart with its noise half way to that of the most probable vector.

    With the effects of many days averaged over, a straight line leaves too much to the noise; the
    most probable vector, which bends to all of it, leaves too little.
    """
    u = chart.u.copy()
    u[chart.at] = 0.5 * (chart.u[chart.at] + mode.u[chart.at])
    return replace(chart, u=u)


def led(start: Tops, n: int, rng: np.random.Generator) -> tuple[Array, dict[str, Any]]:
    """Return draws u (n, D) led from a start, tried harder once where checks fail, and these."""
    way = _settled if _long(start.chart.chart.likelihood) else _bridged
    u, told = way(start, n, rng, 1)
    tries = 1
    if not told["good"]:
        (u, told), tries = way(start, n, rng, 2), 2
    return u, {**told, "tries": tries, "tops": len(start.log_weight)}


def _bridged(
    start: Tops, n: int, rng: np.random.Generator, times: int
) -> tuple[Array, dict[str, Any]]:
    """Return the bridge's draws and its checks, with so many times the usual moves."""
    a = SHORT
    effort = replace(a, moves=times * a.moves, last=times * a.last, hot=times * a.hot)
    found = bridge(start, start.densities, n, rng, effort)
    u = start.chart(found.z)[0]
    return u, checks(found, u, found.accepted, found.remembered)


def _settled(
    start: Tops, n: int, rng: np.random.Generator, times: int
) -> tuple[Array, dict[str, Any]]:
    """Return draws of particles that were bridged and then settled, and their checks."""
    at, days = start.chart.chart.at, start.chart.chart.likelihood.seen.days
    effort = replace(LONG, moves=times * LONG.moves, held=tuple(range(at.start, at.stop)))
    count = max(PARTICLES, -(-n // MOST_TIMES))
    found = bridge(start, start.densities, max(LONG_PARTICLES, count), rng, effort)
    some = rng.permutation(len(found.z))[:count]
    done = settle(start.chart, found.z[some], n, times * moves_for(days), rng)
    told = checks(found, done.u, done.accepted, done.remembered)
    good = bool(told["good"]) and done.drift <= LARGEST_DRIFT
    return done.u, {**told, "drift": done.drift, "good": good}


def checks(found: Tempered, u: Array, accepted: float, remembered: float) -> dict[str, Any]:
    """Return whether draws u (n, D) reached the posterior and forgot where they came from."""
    distinct = len(np.unique(u, axis=0))
    good = (
        found.complete
        and found.largest_k <= LARGEST_K
        and distinct >= FEWEST_DISTINCT * len(u)
        and remembered <= LARGEST_REMEMBERED
    )
    return {
        "good": good,
        "stages": found.stages,
        "accepted": accepted,
        "distinct": distinct,
        "largest_k": found.largest_k,
        "remembered": remembered,
    }
