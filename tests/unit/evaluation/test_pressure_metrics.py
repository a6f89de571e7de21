"""Blood-pressure metrics: closed forms on made-up visits, unequal intervals, who was harmed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.evaluation.pressure_metrics import RECORD, interpolated_share, pressure_metrics
from dosegym.evaluation.subjects import subject_of
from dosegym.evaluation.trajectory import Rollout
from dosegym.therapy.signals import BLOOD_PRESSURE, SIGNALS_OF

SUBJECT = subject_of(BLOOD_PRESSURE)
# A person with whom nothing is wrong, at every visit.
CALM = {
    "sbp_mmhg": 124.0, "dbp_mmhg": 76.0, "lowest_heart_rate": 70.0, "highest_potassium": 4.4,
    "lowest_potassium": 4.2, "lowest_sodium": 140.0, "egfr": 80.0, "egfr_ratio": 1.0,
    "lowest_sbp_mmhg": 118.0, "in_target": 1.0,
    "measured_sbp_mmhg": 128.0, "measured_dbp_mmhg": 79.0, "n_drugs": 2.0, "standard_doses": 1.5,
    "adherence": 0.9, "attended": 1.0, "dose_acei": 1.0, "dose_ccb": 0.5,
}  # fmt: skip


def run_of(days: list[float], **columns: Any) -> Rollout:
    """Return a rollout of one lane with visits after these days and some columns changed."""
    n = len(days) + 1
    series = {name: np.full((n, 1), CALM.get(name, 0.0), np.float32) for name in RECORD}
    series["time_min"] = np.float32(np.r_[0.0, np.cumsum(days)] * 1440.0)[:, None]
    series["reward"] = np.zeros((n, 1), np.float32)
    for name, values in columns.items():
        series[name] = np.float32(np.broadcast_to(values, n))[:, None]
    return Rollout(("p",), ("adult",), (7,), 40_320.0, series, np.zeros(1))


def score(days: list[float] | None = None, **columns: Any) -> dict[str, float]:
    """Return the metrics of one lane."""
    found = pressure_metrics(run_of(days or [28.0] * 4, **columns))
    return {name: float(value[0]) for name, value in found.items()}


def test_the_calm_person_is_controlled_and_unharmed() -> None:
    """Constant pressure below target is all time in target, controlled, and no harm at all."""
    found = score()
    for name in ("time_in_target", "time_110_130", "control_140_90", "control_130_80"):
        assert found[name] == 100.0
    assert found["measured_control_130_80"] == 100.0
    for name in ("serious_harm", "kidney_injury", "sbp_below_100", "hypotension_per_year"):
        assert found[name] == 0.0
    assert (found["mean_sbp"], found["last_dbp"], found["last_egfr_ratio"]) == (124.0, 76.0, 1.0)
    assert found["adherence"] == pytest.approx(90.0)


def test_the_table_of_metrics_is_what_is_returned() -> None:
    """Names and order are those of the subject's table, and every value lies in its range."""
    found = score()
    assert tuple(found) == SUBJECT.metric_names
    for metric in SUBJECT.metrics:
        assert metric.low <= found[metric.name] <= metric.high, metric.name
    assert {column.metric for column in SUBJECT.shown} <= set(found)


def test_every_signal_of_a_constraint_is_a_metric() -> None:
    """Whatever a constraint may speak of is measured in the same unit."""
    units = {metric.name: metric.unit for metric in SUBJECT.metrics}
    for name, signal in SIGNALS_OF[BLOOD_PRESSURE].items():
        assert units[name] == signal.unit


def test_time_is_weighted_by_the_length_of_intervals() -> None:
    """Half the time in target over 14 days and none over 84 is 7 of 98 days."""
    found = score([14.0, 84.0], in_target=[0.0, 0.5, 0.0])
    assert found["time_in_target"] == pytest.approx(100.0 * 7.0 / 98.0)


def test_means_join_visits_by_straight_lines() -> None:
    """From 160 to 140 over 28 days, then 140 for 56: mean (150 x 28 + 140 x 56) / 84."""
    found = score([28.0, 56.0], sbp_mmhg=[160.0, 140.0, 140.0])
    assert found["mean_sbp"] == pytest.approx((150.0 * 28.0 + 140.0 * 56.0) / 84.0)
    assert (found["last_sbp"], found["control_140_90"]) == (140.0, 0.0)


def test_time_in_range_by_interpolation() -> None:
    """A line from 150 to 100 lies within 110-130 for two fifths of its length."""
    found = score([28.0, 28.0], sbp_mmhg=[150.0, 100.0, 100.0])
    assert found["time_110_130"] == pytest.approx(0.5 * 40.0)


@given(
    st.lists(st.floats(60.0, 220.0), min_size=2, max_size=6),
    st.floats(90.0, 120.0),
    st.floats(0.5, 40.0),
)
@settings(max_examples=60, deadline=None)
def test_interpolated_share_is_the_share_of_a_fine_walk(
    points: list[float], low: float, wide: float
) -> None:
    """The closed form agrees with counting along each segment, and shares lie in [0, 1]."""
    share = interpolated_share(np.array(points)[:, None], low, low + wide)[:, 0]
    assert ((share >= 0.0) & (share <= 1.0)).all()
    for k, (a, b) in enumerate(pairwise(points)):
        walk = np.linspace(a, b, 20_001)
        if abs(a - b) > 1e-6:
            counted = ((walk >= low) & (walk <= low + wide)).mean()
            assert share[k] == pytest.approx(counted, abs=1e-3)


def test_control_as_measured_is_of_the_last_attended_visit() -> None:
    """A missed visit measures nothing: the visit before it counts, whatever the truth is now."""
    found = score(
        attended=[1, 1, 1, 0, 0],
        measured_sbp_mmhg=[150, 140, 126, 190, 190],
        sbp_mmhg=[150, 145, 140, 139, 138],
    )
    assert (found["measured_last_sbp"], found["measured_control_130_80"]) == (126.0, 100.0)
    assert (found["control_130_80"], found["control_140_90"]) == (0.0, 100.0)
    assert found["visits_attended"] == 50.0
    never = score(attended=0.0, measured_sbp_mmhg=[150, 1, 1, 1, 1])
    assert never["measured_last_sbp"] == 150.0


@pytest.mark.parametrize(
    ("column", "harmless", "harmful"),
    [
        ("lowest_sbp_mmhg", 90.0, 89.0),
        ("highest_potassium", 5.9, 6.0),
        ("lowest_potassium", 3.0, 2.9),
        ("lowest_sodium", 130.0, 129.0),
        ("lowest_heart_rate", 40.0, 39.0),
        ("kidney_injury", 0.0, 1.0),
    ],
)
def test_each_part_of_serious_harm_counts(column: str, harmless: float, harmful: float) -> None:
    """One visit beyond a limit makes the composite 100, one just within it or at entry does not."""
    calm = CALM.get(column, 0.0)
    assert score(**{column: [calm, calm, harmful, calm, calm]})["serious_harm"] == 100.0
    assert score(**{column: [calm, calm, harmless, calm, calm]})["serious_harm"] == 0.0
    assert score(**{column: [harmful, calm, calm, calm, calm]})["serious_harm"] == 0.0


def test_costs_and_symptoms_are_shares_of_intervals() -> None:
    """Two of four intervals with a cost are 50 %; the first row, entry, is no interval."""
    found = score(orthostatic=[1, 1, 0, 1, 0], cough=[1, 0, 0, 0, 1], egfr_drop=[1, 0, 0, 0, 0])
    assert (found["orthostatic"], found["cough"], found["egfr_drop"]) == (50.0, 25.0, 0.0)


def test_hypotension_is_counted_in_days_and_in_intervals() -> None:
    """Three days in one of four intervals: 3 of 112 days, once in 112 days."""
    found = score(hypotension=[5, 0, 3, 0, 0])
    assert found["hypotension_days"] == pytest.approx(300.0 / 112.0)
    assert found["hypotension_per_year"] == pytest.approx(365.25 / 112.0)


def test_changes_are_visits_that_changed_any_dose() -> None:
    """Two drugs changed at one visit are one change; a dose kept is none."""
    found = score(dose_acei=[1, 1, 2, 2, 2], dose_ccb=[0.5, 0.5, 1, 1, 0.5])
    assert found["changes_per_year"] == pytest.approx(2.0 * 365.25 / 112.0)


def test_what_follows_the_end_of_an_episode_does_not_count() -> None:
    """Where time stands still nobody lives: no harm, no visit and no weight is added."""
    columns = {"lowest_sbp_mmhg": [118, 118, 118, 50], "cough": [0, 0, 0, 1]}
    ended, short = score([28.0, 28.0, 0.0], **columns), score([28.0, 28.0])
    assert ended == short


@given(st.floats(0.01, 1.0), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_shares_stay_shares(share: float, visits: int) -> None:
    """Whatever the shares of days, percentages lie between 0 and 100 and order is kept."""
    low, high = (score([28.0] * visits, in_target=x) for x in (share / 2.0, share))
    assert 0.0 <= low["time_in_target"] <= high["time_in_target"] <= 100.0 + 1e-4
