"""Glucose metrics against published values and closed forms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from dosegym.evaluation.metrics import cgm_metrics, cgm_metrics_batch
from dosegym.therapy.risk import kovatchev_risk, kovatchev_score, magni_risk

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FIVE = SHARED / "iglu_python" / "example_data_5_subject.csv"

KEYS = (
    "n",
    "mean_glucose",
    "time_below_54",
    "time_54_69",
    "time_in_range",
    "time_181_250",
    "time_above_250",
    "gmi",
    "cv",
    "gri",
    "lbgi",
    "hbgi",
)
# iglu-python 0.4.3 (R package iglu) on its example data of five people; columns as KEYS.
TABLE = """
1 2915 123.6655 0 .1372 91.6638 7.8216 .3774 6.26808 26.90166 7.19039 .43205 1.80736
2 2829 218.4528 0 0 26.4404 47.4726 26.0870 8.53539 23.97365 79.71721 .00464 16.19448
3 1533 154.0417 0 .3262 81.3438 12.6549 5.6751 6.99468 29.07207 19.98695 .14229 5.10832
4 3664 129.6744 .0546 .2183 95.1146 4.6124 0 6.41181 22.41601 4.37773 .35622 1.86580
5 2925 174.6075 0 .1026 62.1197 26.4957 11.2821 7.48661 33.54755 39.49402 .19460 8.89593
"""
GOLDEN = {int(line.split()[0]): line.split()[1:] for line in TABLE.strip().splitlines()}


@pytest.fixture(scope="module")
def five_subjects() -> dict[int, np.ndarray]:
    if not FIVE.exists():
        pytest.skip(f"sample file {FIVE.name} is not beside the checkout (../shared/data)")
    series: dict[int, list[float]] = {}
    with FIVE.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            series.setdefault(int(row["id"].split()[-1]), []).append(float(row["gl"]))
    return {subject: np.array(values) for subject, values in series.items()}


@pytest.mark.shared_data
@pytest.mark.parametrize("subject", GOLDEN)
def test_iglu_golden_table(five_subjects: dict[int, np.ndarray], subject: int) -> None:
    """Every metric of the iglu table is reproduced to 1e-4 (the table's own last digit)."""
    metrics = cgm_metrics(five_subjects[subject])
    for key, expected in zip(KEYS, GOLDEN[subject], strict=True):
        assert metrics[key] == pytest.approx(float(expected), abs=1e-4), key


@pytest.mark.shared_data
def test_batch_equals_one_by_one(five_subjects: dict[int, np.ndarray]) -> None:
    """Patients of different length, padded with NaN, give the same numbers in one batch."""
    longest = max(map(len, five_subjects.values()))
    table = np.full((longest, 5), np.nan)
    for column, series in enumerate(five_subjects.values()):
        table[: series.size, column] = series
    batch = cgm_metrics_batch(table, 5.0)
    for column, series in enumerate(five_subjects.values()):
        alone = cgm_metrics(series, weights_min=5.0)
        for key in set(alone) - {"wear_percent"}:
            assert batch[key][column] == pytest.approx(alone[key], rel=1e-12, abs=1e-12), key


def test_closed_form_of_six_readings() -> None:
    """Six readings, one in each range and one in the tight range, give hand-computed metrics."""
    readings = np.array([50.0, 60.0, 100.0, 160.0, 200.0, 300.0])
    metrics = cgm_metrics(readings)
    sixth = 100.0 / 6.0
    mean = 870.0 / 6.0
    deviations = readings - mean
    sd = np.sqrt(np.sum(deviations**2) / 5.0)
    expected = {
        "mean_glucose": mean,
        "sd": sd,
        "cv": 100.0 * sd / mean,
        "gmi": 3.31 + 0.02392 * mean,
        "min_glucose": 50.0,
        "max_glucose": 300.0,
        "time_below_54": sixth,
        "time_54_69": sixth,
        "time_below_70": 2 * sixth,
        "time_in_range": 2 * sixth,
        "time_in_tight_range": sixth,
        "time_181_250": sixth,
        "time_above_180": 2 * sixth,
        "time_above_250": sixth,
        "gri_hypo": 1.8 * sixth,
        "gri_hyper": 1.5 * sixth,
        "gri": 100.0,  # 3.0 * 1.8 + 1.6 * 1.5 sixths are 130, capped
        "n": 6.0,
    }
    for key, value in expected.items():
        assert metrics[key] == pytest.approx(value, rel=1e-12), key


@pytest.mark.parametrize(
    ("glucose", "key"),
    [
        (54.0, "time_54_69"),
        (70.0, "time_in_range"),
        (140.0, "time_in_tight_range"),
        (180.0, "time_in_range"),
        (250.0, "time_181_250"),
    ],
)
def test_consensus_boundaries_are_inclusive(glucose: float, key: str) -> None:
    """A reading exactly at a limit lies in the range nearer to the target (Battelino 2019)."""
    assert cgm_metrics([glucose])[key] == 100.0


def test_time_weighting_undoes_mixed_sampling() -> None:
    """A trace whose high half is sampled three times as often weighs each half by its time."""
    low_half = np.full(12, 100.0)  # 12 readings of 15 min
    high_half = np.full(36, 200.0)  # 36 readings of 5 min
    minutes = np.r_[np.arange(12) * 15.0, 180.0 + np.arange(36) * 5.0]
    metrics = cgm_metrics(np.r_[low_half, high_half], minutes=minutes)
    assert metrics["time_in_range"] == pytest.approx(50.0)
    assert metrics["mean_glucose"] == pytest.approx(150.0)
    assert metrics["wear_percent"] == pytest.approx(100.0)
    assert cgm_metrics(np.r_[low_half, high_half])["time_in_range"] == 25.0


def test_tabulated_risk_values() -> None:
    """Both risk functions match an independent table of their values from 40 to 400 mg/dL."""
    glucose = np.array([40.0, 54.0, 70.0, 112.5, 180.0, 250.0, 400.0])
    magni = [84.3, 48.0, 25.0, 2.33, 3.47, 17.6, 56.3]
    kovatchev = [36.4, 18.5, 7.8, 0.0, 7.7, 22.4, 57.1]
    np.testing.assert_allclose(magni_risk(glucose), magni, atol=0.06)
    np.testing.assert_allclose(kovatchev_risk(glucose), kovatchev, atol=0.06)


def test_risk_clamps_and_zero() -> None:
    """Kovatchev's risk is 100 beyond 20 and 600 mg/dL, Magni's flat below 1, f crosses 0 once."""
    np.testing.assert_allclose(kovatchev_risk([-1.0, 20.0, 600.0, 900.0]), 100.0, rtol=1e-14)
    np.testing.assert_allclose(kovatchev_risk([20.001, 599.999]), 100.0, atol=0.06)
    assert magni_risk(-5.0) == magni_risk(1.0) == pytest.approx(10 * (3.5506 * 3.7932) ** 2)
    zero = np.exp(5.381 ** (1 / 1.084))
    assert zero == pytest.approx(112.5, abs=0.1)
    assert kovatchev_score(zero - 1) < 0 < kovatchev_score(zero + 1)
