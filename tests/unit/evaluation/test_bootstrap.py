"""Bootstrap intervals: agreement with SciPy, strata, pairing, coverage, reproducibility."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from dosegym.evaluation.bootstrap import (
    bootstrap_interval,
    interquartile_mean,
    mean_intervals,
    paired_difference_interval,
    probability_of_improvement,
)
from dosegym.physiology.errors import InputError

SKEWED = np.random.default_rng(12).gamma(0.7, 2.0, 30)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("method", ["percentile", "bca"])
@pytest.mark.parametrize(
    ("statistic", "function"), [("mean", np.mean), ("median", np.median), ("iqm", None)]
)
def test_agrees_with_scipy(method: str, statistic: str, function: object) -> None:
    """Without strata the interval is SciPy's, up to the noise of 6,000 resamples."""
    reference = stats.bootstrap(
        (SKEWED,),
        function or (lambda x, axis=-1: stats.trim_mean(x, 0.25, axis=axis)),
        n_resamples=6000,
        method=method,
        rng=generator(1),
    )
    found = bootstrap_interval(
        SKEWED, rng=generator(2), statistic=statistic, repetitions=6000, method=method
    )
    tolerance = 5 * reference.standard_error / np.sqrt(6000) + 0.03 * reference.standard_error
    tolerance = max(tolerance, 0.12 * reference.standard_error)
    assert found.low == pytest.approx(reference.confidence_interval.low, abs=tolerance)
    assert found.high == pytest.approx(reference.confidence_interval.high, abs=tolerance)


@given(arrays(float, st.integers(1, 50), elements=st.floats(-1e3, 1e3)))
def test_interquartile_mean_is_the_trimmed_mean(values: np.ndarray) -> None:
    """The interquartile mean is SciPy's 25 % trimmed mean, rliable's definition."""
    assert interquartile_mean(values) == pytest.approx(stats.trim_mean(values, 0.25), abs=1e-9)


def test_strata_remove_the_spread_between_groups() -> None:
    """Groups that differ only between, not within, give an interval of no width."""
    values, groups = [70.0] * 10 + [95.0] * 10, ["child"] * 10 + ["adult"] * 10
    inside = bootstrap_interval(values, rng=generator(), strata=groups)
    pooled = bootstrap_interval(values, rng=generator())
    assert (inside.low, inside.high) == (82.5, 82.5)
    assert pooled.high - pooled.low > 5.0


def test_generator_alone_decides() -> None:
    """The same generator gives the same interval, another one another, global state none."""
    first = bootstrap_interval(SKEWED, rng=generator(3))
    np.random.seed(99)  # noqa: NPY002 (rliable 1.2.0 draws from this one, whatever it is passed)
    assert bootstrap_interval(SKEWED, rng=generator(3)) == first
    assert bootstrap_interval(SKEWED, rng=generator(4)) != first


def test_shared_resamples_give_the_same_interval() -> None:
    """Many metrics at once equal each metric alone under the same generator."""
    table = np.column_stack([SKEWED, SKEWED**2])
    groups = ["a"] * 12 + ["b"] * 18
    together = mean_intervals(table, rng=generator(5), strata=groups)
    for column, interval in zip(table.T, together, strict=True):
        alone = bootstrap_interval(column, rng=generator(5), strata=groups)
        assert (interval.low, interval.high) == pytest.approx((alone.low, alone.high), rel=1e-9)


@given(arrays(float, st.integers(2, 12), elements=st.floats(0, 100)))
@settings(deadline=None, max_examples=40)
def test_interval_lies_within_the_data(values: np.ndarray) -> None:
    """Both ends lie within the range of the data and in order, ties and constants included."""
    for method in ("percentile", "bca"):
        found = bootstrap_interval(values, rng=generator(), repetitions=200, method=method)
        assert values.min() - 1e-9 <= found.low <= found.high <= values.max() + 1e-9


def test_the_smallest_numbers_have_an_interval_too() -> None:
    """Values whose squared spread is a number but its power underflows divide by nothing."""
    found = bootstrap_interval([0.0, 1e-110, 3e-110], rng=generator(), method="bca")
    assert 0.0 <= found.low <= found.high <= 3e-110


def test_one_patient_has_no_interval() -> None:
    """A single patient gives the estimate and NaN ends, not an interval of no width."""
    found = bootstrap_interval([5.0], rng=generator())
    assert found.estimate == 5.0
    assert np.isnan([found.low, found.high]).all()


def test_pairing_is_by_patient() -> None:
    """The order of the patients in the two tables does not matter, only their names."""
    first = {f"p{i}": 50.0 + 3.0 * i for i in range(10)}
    second = {name: value - 2.0 for name, value in reversed(first.items())}
    found = paired_difference_interval(first, second, rng=generator())
    assert (found.low, found.estimate, found.high) == (2.0, 2.0, 2.0)
    with pytest.raises(InputError, match="patient p3 is in only one"):
        paired_difference_interval(
            first, {k: v for k, v in second.items() if k != "p3"}, rng=generator()
        )


def test_probability_of_improvement_counts_ties_half() -> None:
    """Two wins, one tie and one loss are 62.5 %, and 37.5 % where less is better."""
    first, second = {"a": 3, "b": 2, "c": 1, "d": 0}, {"a": 1, "b": 1, "c": 1, "d": 1}
    assert probability_of_improvement(first, second, rng=generator()).estimate == 0.625
    worse = probability_of_improvement(first, second, rng=generator(), higher_is_better=False)
    assert worse.estimate == 0.375
    assert 0.0 <= worse.low <= 0.375 <= worse.high <= 1.0


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_nearly_nominal_coverage_on_skewed_data(method: str) -> None:
    """A nominal 90 % interval of the mean of 50 skewed values covers over 82 % of the time."""
    rng = generator(8)
    hits = 0
    for _ in range(300):
        values = rng.gamma(0.7, 2.0, 50)
        found = bootstrap_interval(values, rng=rng, confidence=0.9, repetitions=300, method=method)
        hits += found.low <= 1.4 <= found.high
    assert 0.82 <= hits / 300 <= 0.97


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_interval([], rng=generator()), "at least 1"),
        (lambda: bootstrap_interval([1.0, np.nan], rng=generator()), "1 missing"),
        (lambda: bootstrap_interval([1.0, 2.0], rng=generator(), strata=["a"]), "1 labels"),
        (
            lambda: bootstrap_interval([1.0, 2.0], rng=generator(), confidence=95),
            "confidence is 95",
        ),
        (lambda: bootstrap_interval([1.0, 2.0], rng=generator(), statistic="mode"), "'mode'"),
    ],
)
def test_refusals_name_the_fault(call: object, message: str) -> None:
    """Missing data, unmatched strata and unknown statistics are refused by name."""
    with pytest.raises(InputError, match=message):
        call()
