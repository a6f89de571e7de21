"""Counting of low-glucose events: the consensus rules, one case at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.evaluation.episodes import count_episodes

LOW, FINE, GAP = 60.0, 100.0, np.nan


def events(*pattern: tuple[float, int], step: float = 5.0) -> int:
    """Count events below 70 mg/dL in one trace written as (value, samples) pieces."""
    trace = np.concatenate([np.full(count, value) for value, count in pattern])[:, None]
    return int(count_episodes(trace, np.full(trace.shape, step), 70.0)[0])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ([(FINE, 10), (LOW, 2), (FINE, 10)], 0),  # 10 min low: too short to begin
        ([(FINE, 10), (LOW, 3), (FINE, 10)], 1),  # 15 min low: an event
        ([(LOW, 3), (FINE, 2), (LOW, 3)], 1),  # 10 min above: too short to end it
        ([(LOW, 3), (FINE, 3), (LOW, 3)], 2),  # 15 min above: ended, the next is new
        ([(LOW, 3), (FINE, 2), (LOW, 1), (FINE, 2), (LOW, 3)], 1),  # never 15 min above at once
        ([(LOW, 2), (FINE, 1), (LOW, 2), (FINE, 9)], 0),  # never 15 min low at once
        ([(LOW, 2), (GAP, 1), (LOW, 1), (FINE, 5)], 1),  # a lost packet breaks no run
        ([(LOW, 3), (GAP, 9), (LOW, 3)], 1),  # 45 min missing: still the same event
        ([(LOW, 3), (GAP, 10), (LOW, 3)], 2),  # over 45 min missing: a new event
        ([(LOW, 2), (GAP, 10), (LOW, 2)], 0),  # a long gap joins no runs
        ([(LOW, 3)], 1),  # an event the data end in
        ([(GAP, 3)], 0),
        ([(70.0, 9)], 0),  # 70 mg/dL itself is not below
    ],
)
def test_consensus_rules(pattern: list[tuple[float, int]], expected: int) -> None:
    """Begin after 15 min below, end after 15 min at or above, missing time over 45 min resets."""
    assert events(*pattern) == expected


def test_duration_is_time_not_samples() -> None:
    """One 15-min sample begins an event; two 1-min samples do not."""
    assert events((FINE, 2), (LOW, 1), (FINE, 2), step=15.0) == 1
    assert events((FINE, 60), (LOW, 14), (FINE, 60), step=1.0) == 0
    assert events((FINE, 60), (LOW, 15), (FINE, 60), step=1.0) == 1


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_matches_a_plain_state_machine(data: st.DataObject) -> None:
    """The vectorised count equals a sample-by-sample reading of the rules, for every patient."""
    count = data.draw(st.integers(1, 5))
    runs = st.lists(
        st.tuples(st.sampled_from([LOW, FINE, GAP]), st.integers(1, 11)), min_size=1, max_size=12
    )
    traces = [
        np.concatenate([np.full(n, value) for value, n in data.draw(runs)]) for _ in range(count)
    ]
    length = max(map(len, traces))
    table = np.full((length, count), FINE)
    for column, trace in enumerate(traces):
        table[: trace.size, column] = trace
    found = count_episodes(table, np.full(table.shape, 5.0), 70.0)
    assert found.tolist() == [plain_count(table[:, column]) for column in range(count)]


def plain_count(trace: np.ndarray) -> int:
    """Walk through the samples (5 min each) and apply the rules literally."""
    low_min = fine_min = gap_min = 0.0
    inside, events = False, 0
    for value in trace:
        if np.isnan(value):
            gap_min += 5.0
            if gap_min > 45.0:
                low_min = fine_min = 0.0
                inside = False
            continue
        gap_min = 0.0
        low_min, fine_min = (low_min + 5.0, 0.0) if value < 70.0 else (0.0, fine_min + 5.0)
        if not inside and low_min >= 15.0:
            inside, events = True, events + 1
        elif inside and fine_min >= 15.0:
            inside = False
    return events
