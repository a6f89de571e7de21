"""Running monitors: the same verdicts as offline, early where they can be, in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from stl_cases import SIGNALS, STEP, formulas, traces

from dosegym.physiology.errors import InputError
from dosegym.physiology.quantity import Quantity
from dosegym.therapy.stl import Formula, Monitor, parse_formula

GLUCOSE = {"glucose": Quantity("glucose", "mg/dL", 0.0, 1000.0, "glucose")}
RECOVERS = "always(glucose < 70 mg/dL implies eventually[0, 20 min](glucose >= 70 mg/dL))"


@settings(max_examples=300, deadline=None)
@given(node=formulas(), series=traces())
def test_every_verdict_is_that_of_the_trace_so_far(node: Any, series: Any) -> None:
    """After each sample it is the offline one of the unfinished trace; at the end, of the whole."""
    judged = Formula(str(node), node, SIGNALS)
    watching = Monitor(judged, STEP)
    for t in range(series["a"].shape[1]):
        now = watching.update({name: rows[:, t] for name, rows in series.items()})
        seen = {name: rows[:, : t + 1] for name, rows in series.items()}
        assert np.array_equal(now, judged.holds(seen, STEP, beyond="unknown"))
    assert np.array_equal(watching.finish(), judged.holds(series, STEP))


def test_a_violation_is_told_when_it_is_certain_and_not_before() -> None:
    """Recovery is overdue four samples after a low begins, and not a sample earlier."""
    watching = Monitor(parse_formula(RECOVERS, GLUCOSE), STEP)
    course = [90.0, 60.0, 60.0, 60.0, 60.0, 60.0, 90.0]
    verdicts = [int(watching.update({"glucose": [g]})[0]) for g in course]
    assert verdicts == [0, 0, 0, 0, 0, -1, -1]
    watching.reset()
    for glucose in (90.0, 60.0, 75.0):
        assert watching.update({"glucose": [glucose]}).tolist() == [0]
    assert watching.finish().tolist() == [1]


def test_memory_is_that_of_the_windows() -> None:
    """Two weeks at five minutes keep five samples, and two formulas joined keep both of theirs."""
    rng = np.random.default_rng(0)
    both = f"({RECOVERS}) and always(once[0, 30 min](glucose >= 40 mg/dL))"
    watching = Monitor(parse_formula(both, GLUCOSE), STEP)
    series = rng.normal(140.0, 40.0, (4, 4032)).clip(1.0)
    for t in range(4032):
        watching.update({"glucose": series[:, t]})
        assert watching.kept <= 5 + 7
    offline = parse_formula(both, GLUCOSE).holds({"glucose": series}, STEP)
    assert np.array_equal(watching.finish(), offline)


def test_a_bounded_formula_stops_keeping_once_it_is_settled() -> None:
    """A window of an hour is settled after an hour, whatever comes later."""
    watching = Monitor(parse_formula("eventually[0, 1 h](glucose > 180 mg/dL)", GLUCOSE), STEP)
    for _ in range(13):
        watching.update({"glucose": [100.0]})
    assert watching.verdict.tolist() == [-1]
    assert watching.update({"glucose": [300.0]}).tolist() == [-1]


@pytest.mark.parametrize(
    ("samples", "told"),
    [
        ([{}], "sample of glucose is missing"),
        ([{"glucose": [1.0]}, {"glucose": [1.0, 2.0]}], "give one value for each of the 1"),
        ([{"glucose": [np.inf]}], "is infinite"),
    ],
)
def test_unusable_samples_are_refused(samples: Any, told: str) -> None:
    """A monitor that misses a signal or changes its patients says so."""
    watching = Monitor(parse_formula(RECOVERS, GLUCOSE), STEP)
    with pytest.raises(InputError, match="has seen no sample"):
        _ = watching.verdict
    for sample in samples[:-1]:
        watching.update(sample)
    with pytest.raises(InputError) as caught:
        watching.update(samples[-1])
    assert told in str(caught.value)


def test_a_step_that_misses_a_window_is_refused_at_once() -> None:
    """The monitor does not wait for the first sample to find that it cannot judge."""
    judged = parse_formula("eventually[1 min, 2 min](glucose >= 70 mg/dL)", GLUCOSE)
    with pytest.raises(InputError, match="holds no sample"):
        Monitor(judged, STEP)
