"""Sample sizes and the splitting of an error probability."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.evaluation.planning import bonferroni, failures_allowed, holm, patients_needed
from dosegym.evaluation.statistics import clopper_pearson
from dosegym.physiology.errors import InputError


@pytest.mark.parametrize(
    ("risk", "failures", "expected"),
    [
        (0.01, 0, 299),
        (0.01, 1, 473),
        (0.01, 3, 773),
        (0.001, 0, 2995),
        (0.001, 1, 4742),
        (0.001, 3, 7752),
        (0.05, 0, 59),  # Wilks: a 95/95 tolerance limit
    ],
)
def test_golden_sample_sizes(risk: float, failures: int, expected: int) -> None:
    """Patients needed at 95 % confidence equal the exact planning table and Wilks' 59."""
    assert patients_needed(risk, failures=failures) == expected


@given(st.floats(0.005, 0.5), st.integers(0, 5), st.floats(0.5, 0.999))
def test_sample_size_is_the_smallest(risk: float, failures: int, confidence: float) -> None:
    """So many patients certify the risk by Clopper-Pearson and one fewer do not."""
    n = patients_needed(risk, failures=failures, confidence=confidence)
    assert clopper_pearson(failures, n, confidence=confidence).value <= risk * (1 + 1e-9)
    if n - 1 > failures:
        assert clopper_pearson(failures, n - 1, confidence=confidence).value > risk * (1 - 1e-9)


@given(st.integers(1, 2000), st.floats(0.001, 0.9), st.floats(0.5, 0.999))
def test_failures_allowed_is_the_largest(n: int, risk: float, confidence: float) -> None:
    """So many failures pass and one more does not; None where even no failure passes."""
    most = failures_allowed(n, risk, confidence=confidence)
    smallest_refused = 0 if most is None else most + 1
    if most is not None:
        assert clopper_pearson(most, n, confidence=confidence).value <= risk * (1 + 1e-9)
    assert clopper_pearson(min(smallest_refused, n), n, confidence=confidence).value > risk * (
        1 - 1e-9
    )


def test_thirty_patients_certify_no_one_percent() -> None:
    """With the customary 30 patients no number of failures certifies a risk of 1 %."""
    assert failures_allowed(30, 0.01) is None
    assert failures_allowed(299, 0.01) == 0


def test_bonferroni_splits_by_share() -> None:
    """Shares are proportional and use up the total exactly."""
    assert bonferroni(0.05, 5) == pytest.approx((0.01,) * 5)
    assert bonferroni(0.06, [2, 1]) == pytest.approx((0.04, 0.02))


def test_holm_steps_down() -> None:
    """Holm accepts what Bonferroni refuses, and stops at the first failure (Holm 1979)."""
    claims = {"a": 0.015, "b": 0.03, "c": 0.04, "d": 0.005}
    assert holm(claims, 0.05) == {"a": True, "b": False, "c": False, "d": True}
    assert holm({"a": 0.02, "b": 0.04}, 0.05) == {"a": True, "b": True}
    assert holm({"a": 0.03, "b": 0.03}, 0.05) == {"a": False, "b": False}


@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=8), st.floats(0.01, 0.5))
def test_holm_contains_bonferroni(p_values: dict[str, float], total: float) -> None:
    """Every claim that equal Bonferroni shows, Holm shows too."""
    shown = holm(p_values, total)
    assert all(shown[name] for name, p in p_values.items() if p <= total / len(p_values))
    assert not any(shown[name] for name, p in p_values.items() if p > total)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: patients_needed(0.0), "risk is 0"),
        (lambda: patients_needed(0.1, failures=-1), "failures is -1"),
        (lambda: failures_allowed(0, 0.1), "n is 0"),
        (lambda: bonferroni(1.5, 3), "total_delta is 1.5"),
        (lambda: bonferroni(0.05, 0), "at least 1 claim"),
        (lambda: bonferroni(0.05, [1.0, 0.0]), "positive weights"),
        (lambda: holm({"x": 1.5}, 0.05), "p-value of x is 1.5"),
        (lambda: holm({"x": 0.5}, 0.0), "total_delta is 0"),
    ],
)
def test_refusals_name_the_fault(call: object, message: str) -> None:
    """Numbers outside their range are refused by name."""
    with pytest.raises(InputError, match=message):
        call()
