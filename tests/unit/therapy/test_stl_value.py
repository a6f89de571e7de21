"""Values of formulas: against the definitions, with gaps, at the end of a trace, in batches."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stl_cases import SIGNALS, STEP, formulas, slowly, traces

from dosegym.physiology.errors import InputError
from dosegym.physiology.quantity import Quantity
from dosegym.therapy.stl import Formula, parse_formula

GLUCOSE = {"glucose": Quantity("glucose", "mg/dL", 0.0, 1000.0, "glucose")}
PROLONGED = "always(eventually[0, 15 min](glucose >= 54 mg/dL))"


def formula(node: Any) -> Formula:
    """Return a formula over the two test signals."""
    return Formula(str(node), node, SIGNALS)


@settings(max_examples=400, deadline=None)
@given(node=formulas(), series=traces(gaps=False))
def test_complete_traces_follow_the_definitions(node: Any, series: Any) -> None:
    """Robustness and truth equal minimum and maximum taken literally, at every time and lane."""
    judged = formula(node)
    robust, truth = judged.robustness(series, STEP), judged.truth(series, STEP)
    for lane, t in np.ndindex(series["a"].shape):
        one = {name: rows[lane] for name, rows in series.items()}
        assert robust[lane, t] == slowly(node, one, t, crisp=False)
        assert truth[lane, t] == slowly(node, one, t, crisp=True)


@settings(max_examples=200, deadline=None)
@given(node=formulas(), series=traces(gaps=False))
def test_truth_and_robustness_agree_off_the_limit(node: Any, series: Any) -> None:
    """Positive robustness is true and negative false; only 0 leaves it to strictness."""
    robust, truth = formula(node).robustness(series, STEP), formula(node).truth(series, STEP)
    assert (truth[robust > 0.0] == 1).all()
    assert (truth[robust < 0.0] == -1).all()


@settings(max_examples=200, deadline=None)
@given(node=formulas(), series=traces(), filler=st.integers(0, 10_000))
def test_whatever_is_certain_stays_whatever_is_filled_in(
    node: Any, series: Any, filler: int
) -> None:
    """No filling of the gaps contradicts a settled verdict or leaves the robustness bounds."""
    rng = np.random.default_rng(filler)
    judged = formula(node)
    truth = judged.truth(series, STEP)
    low, high = judged.robustness_bounds(series, STEP)
    assert (low <= high).all()
    full = {
        name: np.where(np.isnan(rows), rng.integers(-6, 7, rows.shape), rows)
        for name, rows in series.items()
    }
    found, robust = judged.truth(full, STEP), judged.robustness(full, STEP)
    assert ((truth == 0) | (truth == found)).all()
    assert ((low <= robust) & (robust <= high)).all()
    assert (truth[low > 0.0] == 1).all()
    assert (truth[high < 0.0] == -1).all()


@settings(max_examples=150, deadline=None)
@given(node=formulas(), series=traces(), later=traces())
def test_what_an_unfinished_trace_settles_stays(node: Any, series: Any, later: Any) -> None:
    """With ``unknown`` beyond the end, no continuation overturns a verdict at the first sample."""
    judged = formula(node)
    early = judged.holds(series, STEP, beyond="unknown")
    whole = {name: np.concatenate([series[name], later[name]], axis=1) for name in series}
    for cut in (series["a"].shape[1], whole["a"].shape[1]):
        late = judged.holds({k: v[:, :cut] for k, v in whole.items()}, STEP)
        assert ((early == 0) | (early == late)).all()


def test_kleene_truth_tables() -> None:
    """False and unknown is false, true or unknown is true, unknown implies true is true."""
    at = {1: 1.0, -1: -1.0, 0: np.nan}
    left, right = np.array(list(itertools.product((1, 0, -1), repeat=2))).T
    series = {
        "a": np.array([[at[v] for v in left]]),
        "b": np.array([[at[v] for v in right]]),
    }
    tables = {
        "and": np.minimum(left, right),
        "or": np.maximum(left, right),
        "implies": np.maximum(-left, right),
    }
    for word, table in tables.items():
        text = f"a >= 0 mg/dL {word} b >= 0 mg/dL"
        assert parse_formula(text, SIGNALS).truth(series, STEP)[0].tolist() == table.tolist()
    negated = parse_formula("not (a >= 0 mg/dL)", SIGNALS)
    assert negated.truth(series, STEP)[0].tolist() == (-left).tolist()


def test_a_certain_violation_is_false_though_samples_are_missing() -> None:
    """One low is enough; without it a gap leaves the verdict open and, complete, it is true."""
    rows = [[100.0, np.nan, 40.0, 90.0], [100.0, np.nan, 80.0, 90.0], [100.0, 70.0, 80.0, 90.0]]
    safe = parse_formula("always(glucose >= 54 mg/dL)", GLUCOSE)
    assert safe.holds({"glucose": rows}, STEP).tolist() == [-1, 0, 1]
    low, high = safe.margin({"glucose": rows}, STEP)
    assert low.tolist() == [-np.inf, -np.inf, 16.0]
    assert high.tolist() == [-14.0, 26.0, 16.0]
    assert np.isnan(safe.robustness({"glucose": rows}, STEP)[0, 0])


def test_strict_and_weak_comparisons_part_at_the_limit_alone() -> None:
    """At equality ``>=`` holds and ``>`` does not, though the robustness of both is 0."""
    series = {"glucose": [54.0]}
    for sign, verdict in ((">=", 1), (">", -1), ("<=", 1), ("<", -1)):
        judged = parse_formula(f"glucose {sign} 54 mg/dL", GLUCOSE)
        assert judged.truth(series, STEP).tolist() == [verdict]
        assert judged.robustness(series, STEP).tolist() == [0.0]
    assert parse_formula("not (glucose < 54 mg/dL)", GLUCOSE).truth(series, STEP).tolist() == [1]


def test_a_prolonged_low_is_told_from_a_brief_one() -> None:
    """Ten minutes under 54 mg/dL pass; sixteen, at one sample in five minutes, do not."""
    brief, long = np.full(40, 100.0), np.full(40, 100.0)
    brief[10:13], long[10:14] = 50.0, 50.0
    judged = parse_formula(PROLONGED, GLUCOSE)
    assert judged.holds({"glucose": [brief, long]}, STEP).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("always[10 min, 20 min](glucose >= 54 mg/dL)", np.inf),
        ("eventually[10 min, 20 min](glucose >= 54 mg/dL)", -np.inf),
        ("glucose >= 54 mg/dL until[10 min, 20 min] glucose >= 54 mg/dL", -np.inf),
    ],
)
def test_a_window_beyond_the_end_is_empty_or_unknown(text: str, expected: float) -> None:
    """Truncated, an empty window holds for always and fails for eventually; or it is open."""
    judged, series = parse_formula(text, GLUCOSE), {"glucose": [100.0, 100.0, 100.0]}
    assert judged.robustness(series, STEP)[-1] == expected
    assert judged.truth(series, STEP, beyond="unknown")[-1] == 0


def test_windows_far_longer_than_the_trace() -> None:
    """A window of a year over ten samples is the window over the ten samples."""
    series = {"glucose": np.linspace(60.0, 50.0, 10)}
    for word in ("always", "eventually", "historically", "once"):
        bounded = parse_formula(f"{word}[0, 365 d](glucose >= 54 mg/dL)", GLUCOSE)
        endless = parse_formula(f"{word}(glucose >= 54 mg/dL)", GLUCOSE)
        assert np.array_equal(bounded.robustness(series, STEP), endless.robustness(series, STEP))


def test_the_unit_in_the_text_does_not_matter() -> None:
    """The same limit in mmol/L gives the same robustness, in mg/dL."""
    rng = np.random.default_rng(4)
    series = {"glucose": rng.normal(80.0, 30.0, (20, 100)).clip(20.0)}
    limit = 54.0 / 18.01559
    one = parse_formula(PROLONGED, GLUCOSE)
    other = parse_formula(PROLONGED.replace("54 mg/dL", f"{limit!r} mmol/L"), GLUCOSE)
    assert other.robustness(series, STEP) == pytest.approx(one.robustness(series, STEP))
    assert np.array_equal(other.truth(series, STEP), one.truth(series, STEP))


def test_the_order_of_patients_does_not_matter() -> None:
    """Permuting the rows permutes the verdicts, and a row alone has its verdict among all."""
    rng = np.random.default_rng(5)
    series = rng.normal(70.0, 20.0, (30, 60))
    judged, order = parse_formula(PROLONGED, GLUCOSE), rng.permutation(30)
    found = judged.holds({"glucose": series}, STEP)
    assert np.array_equal(judged.holds({"glucose": series[order]}, STEP), found[order])
    assert [judged.holds({"glucose": row}, STEP)[0] for row in series] == found.tolist()
    assert set(found.tolist()) == {1, -1}


@pytest.mark.parametrize(
    ("series", "step", "told"),
    [
        ({}, 5.0, "trace glucose is missing"),
        ({"glucose": [[[1.0]]]}, 5.0, "give (patients, times) or (times,)"),
        ({"glucose": np.empty((2, 0))}, 5.0, "has shape (2, 0)"),
        ({"glucose": [1.0, np.inf]}, 5.0, "holds an infinite value; write NaN"),
        ({"glucose": [1.0]}, 0.0, "step_min is 0"),
        ({"glucose": [1.0]}, 40.0, "from 5 to 20 min holds no sample taken every 40 min"),
    ],
)
def test_unusable_traces_are_refused(series: Any, step: float, told: str) -> None:
    """What cannot be judged is told in one line."""
    judged = parse_formula("eventually[5 min, 20 min](glucose >= 54 mg/dL)", GLUCOSE)
    with pytest.raises(InputError) as caught:
        judged.truth(series, step)
    assert told in str(caught.value)
    with pytest.raises(InputError, match="beyond is 'forever'"):
        judged.truth({"glucose": [1.0]}, 5.0, beyond="forever")  # type: ignore[arg-type]


def test_signals_of_different_shapes_are_refused() -> None:
    """Traces must come from the same patients at the same times."""
    judged = parse_formula("a - b <= 3 mg/dL", SIGNALS)
    with pytest.raises(InputError, match=r"trace b has shape \(3,\), a \(2,\)"):
        judged.truth({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]}, 5.0)
