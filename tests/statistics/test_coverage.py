"""Coverage of every bound by simulation, and the published formulas that fail the same test."""

from __future__ import annotations

from zlib import crc32

import faulty_formulas as faulty
import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.bound import Side
from dosegym.evaluation.coverage import (
    ASYMPTOTIC,
    FINITE_SAMPLE,
    HARMS,
    Promise,
    coverage_p_value,
    times_covered,
)
from dosegym.evaluation.learn_then_test import hoeffding_bentkus_p_value
from dosegym.evaluation.statistics import (
    clopper_pearson,
    clopper_pearson_interval,
    hoeffding,
    paired_difference,
)
from dosegym.physiology.errors import InputError

CONFIDENCE = 0.95
# A bound fails the battery if coverage this low had a chance below this, were it as claimed.
SIGNIFICANCE = 1e-3


def p_value(promise: Promise, name: str, harm: str, n: int, repetitions: int, side: Side) -> float:
    """P-value of "it covers as claimed" in studies of its own for each cell of the battery."""
    rng = np.random.default_rng(crc32(f"{name} {harm} {n} {side}".encode()))
    covered = times_covered(promise, HARMS[harm], n, repetitions, rng, side)
    return coverage_p_value(covered, repetitions, CONFIDENCE)


def least(repetitions: int) -> float:
    """Nominal coverage less three standard errors of a simulated share."""
    return CONFIDENCE - 3 * np.sqrt(CONFIDENCE * (1 - CONFIDENCE) / repetitions)


@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", FINITE_SAMPLE)
def test_finite_sample_bounds_cover(name: str, harm: str, n: int) -> None:
    """Every bound that claims to hold at every n covers as claimed, on both sides."""
    for side in ("upper", "lower"):
        assert p_value(FINITE_SAMPLE[name], name, harm, n, 150, side) >= SIGNIFICANCE


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", FINITE_SAMPLE)
def test_finite_sample_bounds_cover_in_full(name: str, harm: str) -> None:
    """The same with 800 studies of 100 patients, which finds a coverage of 92 %."""
    for side in ("upper", "lower"):
        assert p_value(FINITE_SAMPLE[name], name, harm, 100, 800, side) >= SIGNIFICANCE


@pytest.mark.parametrize("name", FINITE_SAMPLE)
def test_no_finite_sample_bound_without_a_declared_range(name: str) -> None:
    """What needs a range refuses to run without one; what needs none gives a number."""
    values = np.linspace(0.1, 0.9, 200)
    promise = FINITE_SAMPLE[name]
    for side in ("upper", "lower"):
        if promise.needs_support:
            with pytest.raises(InputError, match="range known before seeing data"):
                promise.bound(values, None, side)
        else:
            assert np.isfinite(promise.bound(values, None, side))


@pytest.mark.parametrize("harm", HARMS)
def test_the_truths_are_true(harm: str) -> None:
    """Closed-form mean, whole tail and support agree with the distribution's own quantiles."""
    known = HARMS[harm]
    low, high = known.support
    assert known.tail_mean(1.0) == pytest.approx(known.mean, rel=2e-3)
    assert known.tail_mean(0.2) >= known.mean >= known.tail_mean(0.2, "lower")
    sample = known.sample(np.random.default_rng(1), (200_000,))
    assert low <= sample.min() <= sample.max() <= high
    assert abs(sample.mean() - known.mean) <= 5 * sample.std() / np.sqrt(sample.size)
    worst = np.sort(sample)[-10_000:].mean()
    assert known.tail_mean(0.05) == pytest.approx(worst, rel=0.06)


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


FAULTY: dict[str, tuple[Promise, str, int]] = {
    # The only bound of Seldonian Engine 0.8.3, on harm that most samples do not show.
    "student-t": (ASYMPTOTIC["student-t"], "two-point mixture", 30),
    "student-t of 300": (ASYMPTOTIC["student-t"], "two-point mixture", 300),
    "bca bootstrap": (ASYMPTOTIC["bca bootstrap"], "two-point mixture", 30),
    "sample maximum": (
        Promise(lambda x, s, d: faulty.sample_maximum_hoeffding_upper(x), lambda h, d: h.mean),
        "two-point mixture",
        30,
    ),
    "scope-rl hoeffding": (
        Promise(
            lambda x, s, d: float(x.mean()) + faulty.scope_rl_hoeffding_half_width(x),
            lambda h, d: h.mean,
        ),
        "negative",
        50,
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_formulas_fail_the_battery(name: str) -> None:
    """Published formulas fail where the bounds of the house pass: the battery can fail."""
    promise, harm, n = FAULTY[name]
    assert p_value(promise, name, harm, n, 150, "upper") < SIGNIFICANCE
    assert p_value(FINITE_SAMPLE["betting"], "betting", harm, n, 150, "upper") >= SIGNIFICANCE


def test_student_t_misses_every_sample_without_the_harmed() -> None:
    """Nominal 95 % covers 45 % at n = 30: the 0.98^30 of samples that show no harm all miss."""
    harm, rng = HARMS["two-point mixture"], np.random.default_rng(2)
    covered = times_covered(ASYMPTOTIC["student-t"], harm, 30, 2000, rng) / 2000
    assert covered == pytest.approx(1 - 0.98**30, abs=0.035)


def test_scope_rl_hoeffding_widens_with_data_and_turns_over() -> None:
    """The published half-width grows with n, and is negative on losses: coverage 0."""
    rng = np.random.default_rng(4)
    widths = [faulty.scope_rl_hoeffding_half_width(rng.random(n)) for n in (100, 100_000)]
    assert widths == pytest.approx([13.54, 429.5], rel=0.02)
    right = [
        hoeffding(x, support=(0, 1), confidence=0.975).value - x.mean()
        for x in (rng.random(100), rng.random(100_000))
    ]
    assert right == pytest.approx([0.1358, 0.0043], abs=1e-4)
    losses = -rng.random((2000, 50))
    half = np.array([faulty.scope_rl_hoeffding_half_width(row) for row in losses])
    lower, upper = losses.mean(axis=1) - half, losses.mean(axis=1) + half
    assert (lower > upper).all()
    assert not ((lower <= -0.5) & (upper >= -0.5)).any()


def test_scope_rl_t_interval_covers_ninety() -> None:
    """Its 95 % two-sided t interval of normal data covers 90 %; the right quantile covers 95 %."""
    data = np.random.default_rng(6).standard_normal((20_000, 30))
    half = np.array([faulty.scope_rl_t_half_width(row) for row in data])
    covered = int((abs(data.mean(axis=1)) <= half).sum())
    assert covered / 20_000 == pytest.approx(0.9, abs=0.007)
    assert coverage_p_value(covered, 20_000) < SIGNIFICANCE
    wider = half * stats.t.ppf(0.975, 29) / stats.t.ppf(0.95, 29)
    assert coverage_p_value(int((abs(data.mean(axis=1)) <= wider).sum()), 20_000) >= SIGNIFICANCE


@pytest.mark.parametrize("limit", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("n", [30, 300])
def test_hoeffding_bentkus_keeps_its_level(n: int, limit: float) -> None:
    """Summed over all outcomes at the limit, P(p <= delta) <= delta; with max for min it is not."""
    counts = np.arange(n + 1)
    weight = stats.binom.pmf(counts, n, limit)
    right = np.array([hoeffding_bentkus_p_value(k / n, n, limit) for k in counts])
    exact = np.array([hoeffding_bentkus_p_value(k / n, n, limit, binary=True) for k in counts])
    swapped = np.array([faulty.swapped_hoeffding_p_value(k / n, n, limit) for k in counts])
    for delta in (0.001, 0.01, 0.05, 0.2):
        assert weight[right <= delta].sum() <= delta + 1e-12
        assert weight[exact <= delta].sum() <= delta + 1e-12
    assert (swapped[counts < n * limit] == 1.0).all()
    assert swapped[-1] < 1e-6 < right[-1] == 1.0
