"""Glucose metrics: partitions, gaps, weights, refusals and the display rounding."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dosegym.evaluation.metrics import cgm_metrics, cgm_metrics_batch, display_percentages
from dosegym.physiology.errors import InputError

TRACES = arrays(
    float,
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    elements=st.one_of(st.floats(20, 500), st.just(np.nan)),
)


@given(TRACES)
@settings(deadline=None, max_examples=60)
def test_times_partition_the_whole(glucose: np.ndarray) -> None:
    """The five consensus ranges sum to 100 %, LBGI + HBGI is the Kovatchev risk, n counts data."""
    m = cgm_metrics_batch(glucose, 5.0)
    parts = ("time_below_54", "time_54_69", "time_in_range", "time_181_250", "time_above_250")
    total = sum(m[key] for key in parts)
    present = m["n"] > 0
    np.testing.assert_allclose(total[present], 100.0, rtol=1e-12)
    assert np.isnan(total[~present]).all()
    np.testing.assert_allclose(m["lbgi"] + m["hbgi"], m["kovatchev_risk"])
    np.testing.assert_array_equal(m["n"], np.sum(~np.isnan(glucose), axis=0))
    np.testing.assert_allclose(m["wear_percent"], 100.0 * m["n"] / glucose.shape[0])


@given(TRACES, st.floats(0.1, 60))
@settings(deadline=None, max_examples=40)
def test_common_weight_changes_no_share(glucose: np.ndarray, minutes: float) -> None:
    """Weighing every sample by the same time changes nothing but what is counted per day."""
    one, other = cgm_metrics_batch(glucose, 1.0), cgm_metrics_batch(glucose, minutes)
    for key in one:
        if not key.endswith("_per_day"):
            np.testing.assert_allclose(one[key], other[key], rtol=1e-9, atol=1e-9, err_msg=key)


@given(TRACES)
@settings(deadline=None, max_examples=40)
def test_doubling_a_weight_is_repeating_the_reading(glucose: np.ndarray) -> None:
    """A sample of 10 min counts as two of 5 min in means, shares and events."""
    whole, split = (
        cgm_metrics_batch(glucose, 10.0),
        cgm_metrics_batch(np.repeat(glucose, 2, 0), 5.0),
    )
    for key in set(whole) - {"n", "sd", "cv"}:
        np.testing.assert_allclose(whole[key], split[key], rtol=1e-9, atol=1e-9, err_msg=key)


def test_blocks_do_not_mix_patients() -> None:
    """A batch wider than one block equals the same patients taken one at a time."""
    glucose = np.random.default_rng(1).uniform(40, 300, (30, 70))
    batch = cgm_metrics_batch(glucose, 5.0)
    for column in (0, 31, 32, 69):
        alone = cgm_metrics(glucose[:, column], weights_min=5.0)
        assert {key: batch[key][column] for key in alone} == pytest.approx(alone, rel=1e-12)


def test_weights_per_patient() -> None:
    """Weights (T, B) apply to each patient's own samples."""
    glucose = np.array([[60.0, 60.0], [100.0, 100.0]])
    m = cgm_metrics_batch(glucose, np.array([[5.0, 15.0], [15.0, 5.0]]))
    np.testing.assert_allclose(m["time_below_70"], [25.0, 75.0])
    np.testing.assert_allclose(m["mean_glucose"], [90.0, 70.0])


def test_pregnancy_preset_moves_the_target() -> None:
    """Pregnancy counts 63-140 mg/dL as target; keys with a number in their name do not move."""
    readings = [62.0, 63.0, 140.0, 141.0]
    standard, pregnancy = cgm_metrics(readings), cgm_metrics(readings, preset="pregnancy")
    assert (standard["time_in_range"], pregnancy["time_in_range"]) == (50.0, 50.0)
    assert (pregnancy["time_below_target"], pregnancy["time_above_target"]) == (25.0, 25.0)
    assert (standard["time_below_target"], standard["time_above_target"]) == (50.0, 0.0)
    assert standard["time_below_70"] == pregnancy["time_below_70"] == 50.0


def test_missing_rows_lower_wear_only() -> None:
    """Deleting one hour of rows changes wear, and each remaining reading still stands for 5 min."""
    minutes = np.arange(288) * 5.0
    glucose = np.where(minutes < 720, 100.0, 200.0)
    keep = (minutes < 300) | (minutes >= 360)
    m = cgm_metrics(glucose[keep], minutes=minutes[keep])
    assert m["wear_percent"] == pytest.approx(100.0 * 276 / 288)
    assert m["time_in_range"] == pytest.approx(100.0 * 132 / 276)


def test_jitter_is_no_gap() -> None:
    """Sensor times that jitter by a minute leave the wear at 100 %."""
    minutes = np.cumsum(np.tile([4.0, 6.0], 50))
    assert cgm_metrics(np.full(100, 120.0), minutes=minutes)["wear_percent"] == pytest.approx(100)


def test_finger_sticks_stand_for_a_quarter_hour() -> None:
    """Readings hours apart each stand for 15 min, the longest sample of usual sensors."""
    m = cgm_metrics([100.0, 100.0, 100.0], minutes=[0.0, 240.0, 500.0])
    assert m["wear_percent"] == pytest.approx(100.0 * 45 / 515)


def test_without_times_rates_per_day_are_unknown() -> None:
    """Events per day are NaN, not guessed, where neither times nor weights are given."""
    m = cgm_metrics([60.0] * 10)
    assert np.isnan(m["episodes_below_70_per_day"])
    assert cgm_metrics([60.0] * 10, weights_min=5)["episodes_below_70_per_day"] == pytest.approx(
        1440 / 50
    )


def test_patient_without_readings() -> None:
    """A patient with no reading gives NaN with n = 0 and wear 0, and disturbs no other patient."""
    m = cgm_metrics_batch(np.array([[np.nan, 100.0], [np.nan, 110.0]]), 5.0)
    assert m["n"].tolist() == [0.0, 2.0]
    assert m["wear_percent"].tolist() == [0.0, 100.0]
    assert np.isnan(m["time_in_range"][0])
    assert np.isnan(m["min_glucose"][0])
    assert m["mean_glucose"][1] == 105.0


def test_one_reading_has_no_spread() -> None:
    """The standard deviation of a single reading is NaN, never 0."""
    assert np.isnan(cgm_metrics([100.0])["sd"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mg_dl": [np.nan, np.nan]}, "0 readings in 2 samples"),
        ({"mg_dl": [[1.0]]}, "one patient as a flat series"),
        ({"mg_dl": [100.0, np.inf]}, "infinite reading"),
        ({"mg_dl": [1.0, 2.0], "minutes": [0.0, 0.0]}, "minutes do not increase"),
        ({"mg_dl": [1.0, 2.0], "minutes": [0.0]}, "minutes has 1 values, glucose 2"),
        ({"mg_dl": [1.0], "minutes": [0.0], "weights_min": 5.0}, "both given"),
        ({"mg_dl": [1.0, 2.0], "weights_min": [5.0, -5.0]}, "negative or non-finite"),
        ({"mg_dl": [1.0, 2.0], "weights_min": [5.0]}, "weights have shape"),
        ({"mg_dl": [1.0], "preset": "adult"}, "preset 'adult' is unknown; choose one of standard"),
    ],
)
def test_refusals_name_the_fault(arguments: dict[str, object], message: str) -> None:
    """Each bad input is refused in one line that says what is wrong."""
    with pytest.raises(InputError, match=message) as caught:
        cgm_metrics(**arguments)
    assert "\n" not in str(caught.value)


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=6), st.integers(0, 2))
def test_displayed_percentages_sum_to_100(values: list[float], decimals: int) -> None:
    """Rounded parts sum to exactly 100 and each lies within one last digit of its value."""
    total = sum(values)
    parts = {
        str(i): 100.0 * v / total if total else 100.0 / len(values) for i, v in enumerate(values)
    }
    if abs(sum(parts.values()) - 100.0) > 0.01:  # subnormal totals lose their digits
        return
    shown = display_percentages(parts, decimals)
    scale = 10**decimals
    assert round(sum(round(v * scale) for v in shown.values())) == 100 * scale
    assert all(abs(shown[key] - parts[key]) < 1.0 / scale + 1e-6 for key in parts)


def test_display_uses_largest_remainder() -> None:
    """33.4, 33.3 and 33.3 % show as 34, 33 and 33: the largest remainder takes the spare unit."""
    assert display_percentages({"a": 33.4, "b": 33.3, "c": 33.3}) == {"a": 34, "b": 33, "c": 33}


@pytest.mark.parametrize("parts", [{"a": 50.0, "b": 40.0}, {"a": np.nan}, {"a": 110.0, "b": -10.0}])
def test_display_refuses_what_is_no_whole(parts: dict[str, float]) -> None:
    """Parts that do not make up 100 %, or are negative or missing, are refused."""
    with pytest.raises(InputError, match="non-negative parts of 100"):
        display_percentages(parts)


@pytest.mark.slow
def test_speed_of_a_certification_cohort() -> None:
    """3,000 patients x 14 days of 5-min samples take under 2 s on one core."""
    glucose = np.random.default_rng(0).uniform(40.0, 300.0, (4032, 3000))
    start = time.perf_counter()
    cgm_metrics_batch(glucose, 5.0)
    assert time.perf_counter() - start < 2.0
