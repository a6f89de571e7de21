"""BCa of any statistic and the patient-level bootstrap: SciPy's numbers, clusters, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.bootstrap import bootstrap_interval
from dosegym.evaluation.statistics import bca, cluster_bootstrap
from dosegym.physiology.errors import InputError

SKEWED = np.random.default_rng(12).gamma(0.7, 2.0, 40)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def spread(values: np.ndarray) -> float:
    return float(values.std(ddof=1))


def test_bca_of_a_spread_is_scipys() -> None:
    """A statistic that is no mean has SciPy's BCa interval, up to the noise of resampling."""
    reference = stats.bootstrap(
        (SKEWED,), lambda x, axis: x.std(ddof=1, axis=axis), n_resamples=5000, rng=rng(1)
    )
    found = bca(SKEWED, spread, rng(2), repetitions=5000)
    near = 0.15 * reference.standard_error
    assert found.low == pytest.approx(reference.confidence_interval.low, abs=near)
    assert found.high == pytest.approx(reference.confidence_interval.high, abs=near)
    assert (found.method, found.n) == ("bca", 40)


def test_bca_of_a_mean_is_the_other_bootstrap() -> None:
    """For a mean it agrees with the interval of the summary tables."""
    ours = bca(SKEWED, np.mean, rng(3), repetitions=4000)
    theirs = bootstrap_interval(SKEWED, rng=rng(4), repetitions=4000)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.05)


def test_bca_takes_rows_of_several_columns() -> None:
    """A ratio of totals of two columns is resampled by row."""
    table = np.column_stack([3 * SKEWED, SKEWED])
    found = bca(table, lambda rows: float(rows[:, 0].sum() / rows[:, 1].sum()), rng())
    assert (found.low, found.estimate, found.high) == pytest.approx((3, 3, 3))


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_whole_patients_are_drawn(method: str) -> None:
    """Rows that repeat their patient add no certainty; drawn row by row they would."""
    patients = np.repeat(np.arange(40), 25)
    rows = np.repeat(SKEWED, 25)
    whole = cluster_bootstrap(rows, patients.tolist(), np.mean, rng(5), method=method)
    single = cluster_bootstrap(SKEWED, range(40), np.mean, rng(5), method=method)
    by_row = bca(rows, np.mean, rng(5), repetitions=500)
    assert (whole.low, whole.high) == pytest.approx((single.low, single.high), rel=1e-9)
    assert whole.n == 40
    assert by_row.high - by_row.low < 0.3 * (whole.high - whole.low)


def test_clusters_of_unequal_size_in_any_order() -> None:
    """Names in any order and of any number of rows; rows of one name travel together."""
    names = ["b", "a", "b", "c", "a", "b"]
    values = [1.0, 5.0, 2.0, 9.0, 5.0, 3.0]
    seen = set()

    def count(rows: np.ndarray) -> float:
        seen.add((rows == 5.0).sum())
        assert (rows == 1.0).sum() == (rows == 2.0).sum() == (rows == 3.0).sum()
        return float(rows.size)

    found = cluster_bootstrap(values, names, count, rng(6), repetitions=200)
    assert (found.n, found.estimate) == (3, 6.0)
    assert seen <= {0, 2, 4, 6}


def test_patient_level_interval_covers() -> None:
    """Of 300 studies of 40 patients with 5 alike days each, about 95 % hold the true mean."""
    world, held = rng(7), 0
    names = np.repeat(np.arange(40), 5).tolist()
    for i in range(300):
        days = np.repeat(world.normal(size=40), 5) + 0.3 * world.normal(size=200)
        found = cluster_bootstrap(days, names, np.mean, rng(i), repetitions=300)
        held += found.low <= 0 <= found.high
    assert 0.90 <= held / 300 <= 0.98


def test_one_patient_has_no_interval() -> None:
    """Many rows of a single patient give an estimate with no ends."""
    found = cluster_bootstrap([1.0, 3.0], ["a", "a"], np.mean, rng())
    assert (found.estimate, found.n) == (2.0, 1)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bca([], np.mean, rng()), "one row per observation"),
        (lambda: bca(3.0, np.mean, rng()), "one row per observation"),
        (lambda: bca([1, np.nan], np.mean, rng()), "missing or infinite"),
        (lambda: bca([1, 2], np.mean, rng(), confidence=1.0), "confidence is 1"),
        (lambda: bca([1, 2], lambda x: np.inf, rng()), "statistic of a resample is inf"),
        (lambda: cluster_bootstrap([1, 2], ["a"], np.mean, rng()), "1 labels, values 2"),
    ],
)
def test_refusals_name_the_fault(call: object, message: str) -> None:
    """Empty, missing or unmatched rows and undefined statistics are refused by name."""
    with pytest.raises(InputError, match=message):
        call()
