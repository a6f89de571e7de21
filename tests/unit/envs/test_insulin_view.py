"""What is observed: sensor history, lags, memories in closed form, scaling without clipping."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.therapy.onboard import CARBS_FILTER_MIN, DAY_FILTER_MIN, FILTERS_MIN, PEAK_MIN
from dosegym.therapy.view import INSULIN_VIEW, LAGS_MIN


def seen(course: Any, feature: str) -> np.ndarray:
    """Return a feature (T+1, B) in its own unit."""
    return INSULIN_VIEW.read(course.observation, feature)


def test_history_before_the_start_is_flat(run: Any) -> None:
    """At a reset, and for lags reaching back before it, glucose was what the first reading is."""
    course = run(steps=20, n=3)
    for minutes in LAGS_MIN:
        assert np.all(seen(course, f"cgm_change_{minutes}")[0] == 0.0)
    cgm = course.log["cgm_mg_dl"]
    np.testing.assert_allclose(
        seen(course, "cgm_change_235")[1:], (cgm - cgm[0])[1:], rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize(
    ("sensor", "step_min"),
    [("breton_kovatchev", 5), ("dexcom_bk", 3), ("breton_kovatchev", 15), ("navigator_bk", 20)],
)
def test_lags_are_minutes_whatever_the_step(run: Any, sensor: str, step_min: int) -> None:
    """CGM now minus CGM m minutes ago, interpolated where m lies between two decisions."""
    course = run(steps=900 // step_min, sensor=sensor, step_min=step_min)
    cgm, at = course.log["cgm_mg_dl"][:, 0], course.log["time_min"][:, 0]
    late = at - at[0] >= max(LAGS_MIN) + step_min
    assert late.sum() > 10
    for minutes in LAGS_MIN:
        expected = cgm - np.interp(at - minutes, at, cgm)
        found = seen(course, f"cgm_change_{minutes}")[:, 0]
        np.testing.assert_allclose(found[late], expected[late], rtol=1e-4, atol=2e-3)


def test_readings_are_the_sensors(run: Any) -> None:
    """Each reading is gain x interstitial + offset of its own sample, within the sensor's range."""
    course = run(lambda t, _: -1.0, n=3, days=1, sensor="dexcom_g6")
    episode = course.lanes.episode
    expected = episode.gain.T * course.log["glucose_mg_dl"] + episode.offset.T
    np.testing.assert_allclose(course.log["cgm_mg_dl"], np.clip(expected, 40.0, 400.0))
    assert course.log["cgm_mg_dl"].max() == 400.0
    np.testing.assert_allclose(seen(course, "cgm"), course.log["cgm_mg_dl"], rtol=1e-5, atol=1e-3)


def test_a_coarser_step_reads_the_latest_sample(run: Any) -> None:
    """With decisions every 15 minutes the reading is the sensor's third sample, not a mean."""
    fine, coarse = (run(steps=s, step_min=m, days=1) for s, m in ((288, 5), (96, 15)))
    np.testing.assert_array_equal(coarse.lanes.episode.offset, fine.lanes.episode.offset[:, ::3])


def test_insulin_on_board_is_the_two_compartment_response(run: Any) -> None:
    """A single bolus leaves dose x (1 + t/75) exp(-t/75) on board after t minutes."""
    dose = {"action": "basal_and_bolus", "pump": "ideal", "scenario": "fasting"}
    probe = run(steps=1, **dose).task
    rx = probe.cohort.therapy
    bolus = probe.dosing.encode(
        rx.basal_u_per_h,
        4.0,
        scheduled_u_per_h=rx.basal_u_per_h,
        daily_dose_u=rx.total_daily_dose_u,
    )[0]
    basal = np.array([bolus[0], -1.0])
    course = run(lambda t, _: bolus if t == 0 else basal, steps=100, **dose)
    minutes = 5.0 * np.arange(101)
    expected = 4.0 * (1.0 + minutes / PEAK_MIN) * np.exp(-minutes / PEAK_MIN)
    np.testing.assert_allclose(course.log["iob_u"][1:, 0], expected[1:], rtol=2e-5, atol=2e-5)
    share = seen(course, "iob")[:, 0] * float(rx.total_daily_dose_u[0])
    np.testing.assert_allclose(share, course.log["iob_u"][:, 0], rtol=1e-4, atol=1e-4)


def test_suspension_leaves_negative_insulin_on_board(run: Any) -> None:
    """Without basal the memory tends to minus two time constants of it: -2 x 75 min x basal."""
    course = run(-1.0, days=1, scenario="fasting")
    step, basal = 5.0, 1.26736050
    keep = np.exp(-step / PEAK_MIN)
    # The fixed point of the recursion: each interval's missing basal acts from its start.
    expected = -basal * step / 60.0 * (1.0 + step / PEAK_MIN / (1.0 - keep)) * keep / (1.0 - keep)
    assert course.log["iob_u"][-1, 0] == pytest.approx(expected, rel=1e-5)
    assert expected == pytest.approx(-basal * 2.0 * PEAK_MIN / 60.0, rel=0.05)


def test_dose_filters_are_exponential_means(run: Any) -> None:
    """Each is the exponential mean of delivered insulin over the prescribed basal, from one on."""
    rng = np.random.default_rng(3)
    draws = rng.uniform(-1.0, 1.0, 60)
    course = run(lambda t, _: draws[t], steps=60)
    ratio = course.log["basal_u_per_h"][1:, 0] / course.log["basal_u_per_h"][0, 0]
    for minutes in FILTERS_MIN:
        keep, mean, expected = np.exp(-5.0 / minutes), 1.0, [np.log(2.0)]
        for r in ratio:
            mean = keep * mean + (1.0 - keep) * r
            expected.append(np.log1p(mean))
        np.testing.assert_allclose(seen(course, f"dose_{minutes:g}")[:, 0], expected, rtol=1e-5)


def test_told_carbohydrate_fades(run: Any) -> None:
    """Announced grams add up and fade with a time constant of 60 minutes."""
    course = run(scenario={"preset": "rl4t1d", "announced": True}, days=1, start_hour=7)
    keep, memory, expected = np.exp(-5.0 / CARBS_FILTER_MIN), 0.0, []
    for grams in seen(course, "told_carbs")[:, 0]:
        memory = keep * memory + grams
        expected.append(memory)
    assert max(expected) > 70.0
    np.testing.assert_allclose(seen(course, "told_recent")[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_the_days_glucose_is_remembered(run: Any) -> None:
    """Exponential means over a day of the readings and of how far they lay below 80 mg/dL."""
    course = run(lambda t, _: 0.5 if t < 60 else -0.6, days=1, scenario="fasting")
    cgm, keep = course.log["cgm_mg_dl"][:, 0], np.exp(-5.0 / DAY_FILTER_MIN)
    mean, low, expected = cgm[0], 0.0, [(cgm[0], 0.0)]
    for reading in cgm[1:]:
        mean = keep * mean + (1.0 - keep) * reading
        low = keep * low + (1.0 - keep) * max(80.0 - reading, 0.0)
        expected.append((mean, low))
    assert low > 1.0
    found = np.stack([seen(course, name)[:, 0] for name in ("cgm_day", "low_day")], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_clock_is_the_time_of_day(run: Any) -> None:
    """Sine and cosine once and twice a day, of local time past midnight too."""
    course = run(days=2, start_hour=21.5, scenario="fasting")
    day = 2.0 * np.pi * course.log["time_min"][:, 0] / 1440.0
    assert course.log["time_min"][0, 0] == 1290.0
    for name, value in (
        ("day_sin", np.sin(day)),
        ("day_cos", np.cos(day)),
        ("half_day_sin", np.sin(2.0 * day)),
        ("half_day_cos", np.cos(2.0 * day)),
    ):
        np.testing.assert_allclose(seen(course, name)[:, 0], value, atol=1e-6)


def test_the_chart_is_the_prescription(run: Any) -> None:
    """Basal, daily dose, weight, carb ratio and correction stand there as logarithms."""
    course = run(steps=1, n=30, patient="all", by_lane=True)
    rx = course.task.cohort.therapy
    weight = course.task.cohort.patients.covariates["weight_kg"]
    for name, value in (
        ("log_basal", rx.basal_u_per_h),
        ("log_daily_dose", rx.total_daily_dose_u),
        ("log_weight", weight),
        ("log_carb_ratio", rx.carb_ratio_g_per_u),
        ("log_correction", rx.correction_mg_dl_per_u),
    ):
        np.testing.assert_allclose(seen(course, name)[0], np.log(value), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "patient", ["all", {"population": "virtual", "size": 60, "purpose": "test", "seed": 1}]
)
def test_normal_values_are_not_clipped(run: Any, patient: Any) -> None:
    """Over days of ordinary dosing nothing but CGM itself ever touches a bound of the view."""
    rng = np.random.default_rng(5)
    draws = rng.normal(-0.25, 0.3, (288, 60, 1)).clip(-1.0, 0.5)
    course = run(
        lambda t, _: draws[t], n=60, days=1, patient=patient, scenario="announced", by_lane=True
    )
    low, high = INSULIN_VIEW.low, INSULIN_VIEW.high
    free = [i for i, f in enumerate(INSULIN_VIEW.features) if f.high > f.low and f.name != "cgm"]
    bounded = ("day_", "half_day_", "told_", "low_day")
    free = [i for i in free if not INSULIN_VIEW.features[i].name.startswith(bounded)]
    values = course.observation[..., free]
    assert np.all(values > low[free])
    assert np.all(values < high[free])
    margin = (high - low)[free]
    # No feature uses less than a thousandth of its range: bounds that wide would hide mistakes.
    assert np.all((values.max(axis=(0, 1)) - values.min(axis=(0, 1))) / margin > 1e-3)


def test_the_table_names_every_feature() -> None:
    """The docstrings' table has one row a feature, in order, with its unit and bounds."""
    rows = INSULIN_VIEW.table().splitlines()[2:]
    assert len(rows) == len(INSULIN_VIEW.features)
    for i, (row, feature) in enumerate(zip(rows, INSULIN_VIEW.features, strict=True)):
        cells = [c.strip() for c in row.strip("|").split("|")]
        assert cells[:3] == [str(i), f"`{feature.name}`", feature.unit]
        assert [float(cells[4]), float(cells[5])] == [feature.low, feature.high]
