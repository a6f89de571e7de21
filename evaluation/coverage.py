"""Does a bound hold what it promises? Coverage by simulation on shapes that harm takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .bound import Side
from .cluster_bootstrap import bca
from .cvar import cvar_dkw, cvar_rockafellar_uryasev
from .declared import Support
from .mean_bounds import betting, empirical_bernstein, hoeffding, student_t
from .quantile_bounds import dkw_band, order_statistic_bound

Array = NDArray[np.float64]
# Points at which a tail's mean is summed; the distributions' jumps fall between them.
_POINTS = 20_000


@dataclass(frozen=True)
class Harm:
    """A distribution of harm over patients whose truth is known.

    Parameters
    ----------
    quantile : callable
        Smallest value whose distribution function reaches a level: array -> array.
    mean : float
        Closed form.
    support : tuple of float
        Known in advance.
    """

    quantile: Callable[[Array], Array]
    mean: float
    support: Support

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw independent patients."""
        return self.quantile(rng.random(shape))

    def tail_mean(self, alpha: float, side: Side = "upper") -> float:
        """Mean of the highest (upper) or lowest (lower) share ``alpha`` of patients."""
        return _tail_mean(self, alpha, side)


@cache
def _tail_mean(harm: Harm, alpha: float, side: Side) -> float:
    inside = (np.arange(_POINTS) + 0.5) / _POINTS * alpha
    return float(harm.quantile(1.0 - inside if side == "upper" else inside).mean())


def _clipped_lognormal_mean(sigma: float, cap: float) -> float:
    """Mean of min(exp(sigma Z), cap) for a standard normal Z."""
    z = np.log(cap) / sigma
    below = np.exp(sigma**2 / 2.0) * stats.norm.cdf(z - sigma)
    return float(below + cap * stats.norm.sf(z))


def _two_points(risk: float, low: float, high: float) -> Callable[[Array], Array]:
    return lambda levels: np.where(levels > 1.0 - risk, high, low)


HARMS: Final[dict[str, Harm]] = {
    # One patient in a hundred is harmed.
    "rare Bernoulli": Harm(_two_points(0.01, 0.0, 1.0), 0.01, (0.0, 1.0)),
    "Beta(0.6, 30)": Harm(lambda u: stats.beta.ppf(u, 0.6, 30.0), 0.6 / 30.6, (0.0, 1.0)),
    # Two in a hundred spend 30 % of their time too low, the others 0.2 %.
    "two-point mixture": Harm(
        _two_points(0.02, 0.002, 0.30), 0.02 * 0.30 + 0.98 * 0.002, (0.0, 1.0)
    ),
    "clipped lognormal": Harm(
        lambda u: np.minimum(np.exp(1.5 * stats.norm.ppf(u)), 100.0),
        _clipped_lognormal_mean(1.5, 100.0),
        (0.0, 100.0),
    ),
    "negative": Harm(lambda u: -1.0 + u, -0.5, (-1.0, 0.0)),
}


@dataclass(frozen=True)
class Promise:
    """One kind of bound beside the truth that it promises to hold.

    Parameters
    ----------
    bound : callable
        From a sample (n,), the declared support and the side to the 95 % bound.
    truth : callable
        From the distribution and the side to what is bounded.
    needs_support : bool
        Whether it refuses to run without a support declared in advance.
    """

    bound: Callable[[Array, Support | None, Side], float]
    truth: Callable[[Harm, Side], float]
    needs_support: bool = True


def _mean(harm: Harm, side: Side) -> float:
    return harm.mean


def _tail(alpha: float) -> Callable[[Harm, Side], float]:
    return lambda harm, side: harm.tail_mean(alpha, side)


def _quantile(harm: Harm, side: Side) -> float:
    return float(harm.quantile(np.array(_level(side))))


def _level(side: Side) -> float:
    return 0.9 if side == "upper" else 0.1


def _dkw_quantile(values: Array, support: Support | None, side: Side) -> float:
    return dkw_band(values).quantile(_level(side))[side == "upper"]


def _bca(values: Array, support: Support | None, side: Side) -> float:
    mean = bca(values, np.mean, np.random.default_rng(0), confidence=0.9, repetitions=400)
    return mean.high if side == "upper" else mean.low


# Every kind whose confidence holds at every n; a new one is tested by standing here.
FINITE_SAMPLE: Final[dict[str, Promise]] = {
    "betting": Promise(lambda x, s, d: betting(x, support=s, side=d).value, _mean),
    "hoeffding": Promise(lambda x, s, d: hoeffding(x, support=s, side=d).value, _mean),
    "empirical-bernstein": Promise(
        lambda x, s, d: empirical_bernstein(x, support=s, side=d).value, _mean
    ),
    "cvar rockafellar-uryasev": Promise(
        lambda x, s, d: cvar_rockafellar_uryasev(x, support=s, alpha=0.2, side=d).value, _tail(0.2)
    ),
    "cvar dkw": Promise(
        lambda x, s, d: cvar_dkw(x, support=s, alpha=0.2, side=d).value, _tail(0.2)
    ),
    "order statistic": Promise(
        lambda x, s, d: order_statistic_bound(x, level=_level(d), side=d).value, _quantile, False
    ),
    "dkw quantile": Promise(_dkw_quantile, _quantile, False),
}
# Kinds that come right only as n grows: for description, never for a verdict.
ASYMPTOTIC: Final[dict[str, Promise]] = {
    "student-t": Promise(lambda x, s, d: student_t(x, side=d).value, _mean, False),
    "bca bootstrap": Promise(_bca, _mean, False),
}


def times_covered(
    promise: Promise,
    harm: Harm,
    n: int,
    repetitions: int,
    rng: np.random.Generator,
    side: Side = "upper",
) -> int:
    """Return in how many of many simulated studies the bound lies on the right side of the truth.

    Parameters
    ----------
    promise, harm
        The bound and the distribution.
    n : int
        Patients of one study.
    repetitions : int
        Studies.
    rng : numpy.random.Generator
    side : {"lower", "upper"}
    """
    studies, truth = harm.sample(rng, (repetitions, n)), promise.truth(harm, side)
    slack = 1e-9 * (harm.support[1] - harm.support[0])
    bounds = np.array([promise.bound(study, harm.support, side) for study in studies])
    right = bounds >= truth - slack if side == "upper" else bounds <= truth + slack
    return int(right.sum())


def coverage_p_value(covered: int, repetitions: int, confidence: float = 0.95) -> float:
    """P-value of "it covers at least as often as it claims", exact; small where it does not."""
    return float(stats.binom.cdf(covered, repetitions, confidence))
