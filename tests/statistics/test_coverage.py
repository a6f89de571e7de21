"""Coverage of every bound by simulation, and the published formulas that fail the same test."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.betting import betting_lower_unit
from dosegym.evaluation.statistics import (
    clopper_pearson,
    clopper_pearson_interval,
    empirical_bernstein,
    hoeffding,
    paired_difference,
    student_t,
)

CONFIDENCE = 0.95
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def clipped_lognormal_mean(sigma: float, cap: float) -> float:
    """Mean of min(exp(sigma Z), cap) for a standard normal Z."""
    z = np.log(cap) / sigma
    return float(np.exp(sigma**2 / 2) * stats.norm.cdf(z - sigma) + cap * stats.norm.sf(z))


# name: (draw, true mean, support)
DISTRIBUTIONS: dict[str, tuple[Draw, float, tuple[float, float]]] = {
    "rare Bernoulli": (lambda rng, shape: (rng.random(shape) < 0.01) * 1.0, 0.01, (0, 1)),
    "Beta(0.6, 30)": (lambda rng, shape: rng.beta(0.6, 30, shape), 0.6 / 30.6, (0, 1)),
    # 2 % of patients spend 30 % of time below 54 mg/dL, the others 0.2 %.
    "rare harm": (
        lambda rng, shape: np.where(rng.random(shape) < 0.02, 30.0, 0.2),
        0.02 * 30.0 + 0.98 * 0.2,
        (0, 100),
    ),
    "clipped lognormal": (
        lambda rng, shape: np.minimum(np.exp(1.5 * rng.standard_normal(shape)), 100.0),
        clipped_lognormal_mean(1.5, 100.0),
        (0, 100),
    ),
    "negative": (lambda rng, shape: -rng.random(shape), -0.5, (-1, 0)),
}


def covers(method: str, name: str, n: int, repetitions: int, side: str) -> float:
    """Share of repetitions in which the bound lies on the right side of the true mean."""
    draw, mean, (low, high) = DISTRIBUTIONS[name]
    rng = np.random.default_rng(crc32(f"{method} {name} {n} {side}".encode()))
    data = draw(rng, (n, repetitions))
    if method == "betting":
        unit = (data - low) / (high - low)
        if side == "upper":
            bounds = high - (high - low) * betting_lower_unit(1 - unit, 1 - CONFIDENCE)
        else:
            bounds = low + (high - low) * betting_lower_unit(unit, 1 - CONFIDENCE)
    else:
        bound = {"hoeffding": hoeffding, "bernstein": empirical_bernstein}[method]
        bounds = np.array(
            [bound(data[:, i], support=(low, high), side=side).value for i in range(repetitions)]
        )
    right = bounds >= mean if side == "upper" else bounds <= mean
    return float(right.mean())


def least(repetitions: int) -> float:
    """Nominal coverage less three standard errors of a simulated share."""
    return CONFIDENCE - 3 * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / repetitions)


@pytest.mark.parametrize("side", ["upper", "lower"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("method", ["betting", "hoeffding", "bernstein"])
def test_finite_sample_bounds_cover(method: str, name: str, side: str) -> None:
    """At n = 40 every finite-sample bound covers at least nominally on every distribution."""
    assert covers(method, name, 40, 400, side) >= least(400)


@pytest.mark.slow
@pytest.mark.parametrize("n", [30, 300, 1000])
@pytest.mark.parametrize("side", ["upper", "lower"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("method", ["betting", "hoeffding", "bernstein"])
def test_finite_sample_bounds_cover_in_full(method: str, name: str, side: str, n: int) -> None:
    """The same with 2,000 repetitions at three sizes."""
    assert covers(method, name, n, 2000, side) >= least(2000)


@pytest.mark.parametrize("n", [1, 5, 30, 299])
def test_clopper_pearson_covers_exactly(n: int) -> None:
    """Summed over all outcomes, both sides and the interval cover at every risk on a grid."""
    outcomes = range(n + 1)
    upper = np.array([clopper_pearson(k, n).value for k in outcomes])
    lower = np.array([clopper_pearson(k, n, side="lower").value for k in outcomes])
    both = np.array([[b.value for b in clopper_pearson_interval(k, n)] for k in outcomes])
    for risk in [0.001, 0.01, 0.02, 0.1, 0.37, 0.5, 0.9, 0.999]:
        weight = stats.binom.pmf(outcomes, n, risk)
        assert weight[upper >= risk].sum() >= CONFIDENCE - 1e-9
        assert weight[lower <= risk].sum() >= CONFIDENCE - 1e-9
        assert weight[(both[:, 0] <= risk) & (risk <= both[:, 1])].sum() >= CONFIDENCE - 1e-9


def false_non_inferiority(repetitions: int, n: int) -> float:
    """Share of trials that call a candidate non-inferior that harms by exactly the margin."""
    rng = np.random.default_rng(11)
    margin, passed = 0.5, 0
    for _ in range(repetitions):
        comparator = rng.gamma(0.5, 1.0, n).clip(0, 50)
        # One patient in fifty bears all of the harm.
        candidate = comparator + np.where(rng.random(n) < 0.02, margin / 0.02, 0.0)
        bound = paired_difference(candidate, comparator, support=(0, 100), confidence=CONFIDENCE)
        passed += bound.value <= margin
    return passed / repetitions


def test_non_inferiority_error_is_kept() -> None:
    """A policy that harms by exactly the margin passes at most 5 % of the time (200 trials)."""
    assert false_non_inferiority(200, 200) <= 1 - least(200)


@pytest.mark.slow
def test_non_inferiority_error_is_kept_in_full() -> None:
    """The same with 2,000 trials of 500 patients."""
    assert false_non_inferiority(2000, 500) <= 1 - least(2000)


def test_student_t_fails_on_rare_harm() -> None:
    """Nominal 95 % Student-t covers rare harm about 45 % of the time at n = 30.

    A sample without a harmed patient (0.98^30 = 54.5 % of them) has next to no variance, so its
    bound misses the mean; this is the only bound of Seldonian Engine 0.8.3.
    """
    draw, mean, support = DISTRIBUTIONS["rare harm"]
    data = draw(np.random.default_rng(2), (30, 1000))
    student = np.mean([student_t(data[:, i]).value >= mean for i in range(1000)])
    safe = (support[1] - 100 * betting_lower_unit(1 - data / 100, 0.05) >= mean).mean()
    assert student == pytest.approx(1 - 0.98**30, abs=0.05)
    assert safe >= least(1000)


def scope_rl_half_width(samples: np.ndarray, delta: float) -> float:
    """Half-width of SCOPE-RL 0.2.1's Hoeffding interval: times n, and of the sample's maximum."""
    return float(samples.max() * np.sqrt(np.log(2 / delta) / 2 * samples.size))


def test_scope_rl_hoeffding_fails() -> None:
    """The published formula widens with more data and never covers a negative mean."""
    rng = np.random.default_rng(4)
    widths = [scope_rl_half_width(rng.random(n), 0.05) for n in (100, 100_000)]
    assert widths[0] == pytest.approx(13.5, abs=0.3)
    assert widths[1] > 30 * widths[0]
    right = hoeffding(rng.random(100), support=(0, 1), confidence=0.975)
    assert right.value < 1.0
    losses = -rng.random((2000, 50))
    covered = [
        row.mean() - half <= -0.5 <= row.mean() + half
        for row in losses
        for half in [scope_rl_half_width(row, 0.05)]
    ]
    assert not any(covered)
    correct = [hoeffding(row, support=(-1, 0)).value >= -0.5 for row in losses]
    assert np.mean(correct) >= CONFIDENCE
