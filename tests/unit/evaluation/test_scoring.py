"""Scoring: whose glucose counts, whether limits themselves do, and where a run ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.evaluation.rollout import Rollout
from dosegym.evaluation.scoring import TRUTH, Scoring, metrics_of, rows_of, scored_trace
from dosegym.physiology.errors import InputError

RL4T1D = Scoring(glucose="sensor", inclusive=True, failure_mg_dl=(40.0, 600.0), stops=True)


def run_of(glucose: list[float], cgm: list[float] | None = None, **series: Any) -> Rollout:
    """Return a rollout of one lane with this glucose at times 0 to T."""
    n = len(glucose)
    base = {
        "glucose_mg_dl": np.float32(glucose)[:, None],
        "cgm_mg_dl": np.float32(cgm or glucose)[:, None],
        "basal_u_per_h": np.ones((n, 1), np.float32),
        "bolus_u": np.zeros((n, 1), np.float32),
        "reward": np.zeros((n, 1), np.float32),
    }
    changed = {k: np.float32(v)[:, None] for k, v in series.items()}
    return Rollout(("adult#001",), ("adult",), (7,), 5.0, base | changed, np.zeros(1))


def score(glucose: list[float], scoring: Scoring = TRUTH, **more: Any) -> dict[str, float]:
    """Return the metrics of one lane."""
    return {k: float(v[0]) for k, v in metrics_of(run_of(glucose, **more), scoring).items()}


def test_the_start_is_not_scored() -> None:
    """Glucose at time zero, which nobody decided, is no part of the metrics."""
    found = score([300.0, 100.0, 100.0, 60.0, 200.0])
    assert found["time_in_range"] == 50.0
    assert found["time_below_70"] == 25.0
    assert found["n"] == 4


def test_truth_and_sensor_can_be_told_apart() -> None:
    """One trace is scored, and the sensor's metrics stand beside it under their own names."""
    glucose, cgm = [100.0, 100.0, 100.0], [100.0, 60.0, 100.0]
    truth = score(glucose, cgm=cgm)
    assert (truth["time_in_range"], truth["cgm_time_in_range"]) == (100.0, 50.0)
    sensor = score(glucose, Scoring(glucose="sensor"), cgm=cgm)
    assert (sensor["time_in_range"], sensor["cgm_time_in_range"]) == (50.0, 50.0)


def test_limits_count_as_below_only_where_asked() -> None:
    """RL4T1D counts readings of exactly 70 and 54 as low; the consensus does not."""
    trace = [100.0, 70.0, 54.0, 180.0, 250.0]
    usual, theirs = score(trace), score(trace, Scoring(inclusive=True))
    assert (usual["time_below_70"], usual["time_below_54"]) == (25.0, 0.0)
    assert (theirs["time_below_70"], theirs["time_below_54"]) == (50.0, 25.0)
    for name in ("time_above_180", "time_above_250"):
        assert usual[name] == theirs[name]


def test_failures_are_beyond_the_limits_or_at_them() -> None:
    """A failure is strictly beyond the limits, or at them where limits count."""
    assert score([100.0, 40.0, 600.0])["failure"] == 0.0
    assert score([100.0, 39.9, 100.0])["failure"] == 100.0
    assert score([100.0, 100.0, 600.5])["failure"] == 100.0
    assert score([100.0, 40.0, 100.0], Scoring(inclusive=True))["failure"] == 100.0
    assert score([100.0, 600.0, 100.0], Scoring(inclusive=True))["failure"] == 100.0
    wide = Scoring(failure_mg_dl=(10.0, 1000.0))
    assert score([100.0, 11.0, 999.0], wide)["failure"] == 0.0


def test_a_run_that_stops_is_scored_up_to_its_last_reading() -> None:
    """The failing reading still counts; what would have come after it does not."""
    trace = [120.0, 100.0, 100.0, 40.0, 300.0, 300.0]
    found = score(trace, RL4T1D)
    assert found["failure"] == 100.0
    assert found["n"] == 3
    assert found["time_in_range"] == pytest.approx(200.0 / 3.0)
    assert found["time_below_54"] == pytest.approx(100.0 / 3.0)
    assert found["time_above_250"] == 0.0


def test_doses_and_rewards_end_with_the_run() -> None:
    """Insulin a day and mean reward are taken over the time that counts."""
    found = score(
        [120.0, 100.0, 39.0, 300.0, 300.0],
        RL4T1D,
        basal_u_per_h=[0.0, 1.2, 2.4, 9.0, 9.0],
        bolus_u=[0.0, 0.5, 0.0, 9.0, 9.0],
        reward=[0.0, 1.0, 0.0, 9.0, 9.0],
    )
    assert found["mean_reward"] == 0.5
    assert found["insulin_u_per_day"] == pytest.approx((0.1 + 0.5 + 0.2) / 10.0 * 1440.0, rel=1e-6)


def test_a_start_beyond_the_limit_does_not_stop_a_run() -> None:
    """A run is not over before the policy has acted."""
    trace, failed = scored_trace(run_of([39.0, 100.0, 100.0]), RL4T1D)
    assert np.isfinite(trace).all()
    assert not failed[0]


def test_rows_name_patient_group_and_seed() -> None:
    """Each lane gives one row with its own seed."""
    (row,) = rows_of(run_of([100.0, 100.0]))
    assert (row["patient"], row["group"], row["seed"]) == ("adult#001", "adult", 7)
    assert row["metrics"]["time_in_range"] == 100.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"glucose": "plasma"}, "scoring glucose is 'plasma'; choose truth or sensor"),
        ({"failure_mg_dl": (600.0, 40.0)}, r"failure_mg_dl is \[600, 40\]; give two rising"),
        ({"failure_mg_dl": (-1.0, 40.0)}, r"failure_mg_dl is \[-1, 40\]"),
    ],
)
def test_wrong_scoring_is_refused(fields: dict[str, Any], message: str) -> None:
    """What is not known or does not rise is told in one line."""
    with pytest.raises(InputError, match=message):
        Scoring(**fields)
