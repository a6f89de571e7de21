"""Measurement of pressure: published spread, regression to the mean, white coat, missed visits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dosegym.physiology import circadian
from dosegym.physiology.errors import InputError
from dosegym.therapy.pressure_measurement import (
    MEASUREMENTS,
    MISSED,
    N_DRAWS,
    PressureDevice,
    Reading,
    load_measurement,
    white_coat,
)

PUBLISHED = {
    "office_attended": (0.086, 0.086),
    "home_week": (0.042, 0.039),
    "ambulatory": (0.055, 0.049),
}


def read(device: PressureDevice, n: int, seed: int = 0, **truth: float) -> Reading:
    """Return n visits of one person of 140/85 mmHg unless told otherwise."""
    true = {"sbp": 140.0, "dbp": 85.0, "heart_rate": 70.0, "standing_sbp": 134.0, **truth}
    true.setdefault("standing_dbp", true["dbp"] + 2.0)
    coat = true.pop("white_coat", 0.0)
    draws = device.draws(np.random.default_rng(seed), n)
    arrays = {name: np.full(n, value) for name, value in true.items()}
    return device.apply(**arrays, draws=draws, white_coat=coat)


@pytest.mark.parametrize("name", PUBLISHED)
def test_repeat_readings_vary_as_published(name: str) -> None:
    """The SD of one person's repeated results is Warren 2010's CV times the true pressure."""
    device = load_measurement({"preset": name, "missed_rate": 0.0})
    seen = read(device, 40_000)
    sbp, dbp, at = seen.sbp, seen.dbp, (140.0, 85.0)
    if name == "ambulatory":
        sbp, dbp = seen.full_sbp, seen.full_dbp
        at = tuple(float(circadian.means(x, k).full) for k, x in enumerate(at))
    for values, cv, level in zip((sbp, dbp), PUBLISHED[name], at, strict=True):
        assert values.std() == pytest.approx(cv * level, rel=0.02)
        assert values.mean() == pytest.approx(level, abs=0.2)


def test_a_week_at_home_is_worth_four_office_visits() -> None:
    """By the published CVs, four office visits are as sure as a week at home, (8.6 / 4.2)^2."""
    office = load_measurement({"preset": "office_attended", "missed_rate": 0.0})
    home = load_measurement({"preset": "home_week", "missed_rate": 0.0})
    visits = read(office, 80_000).sbp.reshape(-1, 4).mean(axis=1)
    weeks = read(home, 20_000).sbp
    assert visits.std() == pytest.approx(weeks.std(), rel=0.04)
    assert office.within_sd(140.0, 85.0)[0] == pytest.approx(12.04)


def test_regression_to_the_mean() -> None:
    """People picked for a first reading of 150 or more read lower next by the share 1 - r."""
    rng = np.random.default_rng(2)
    device = load_measurement({"preset": "office_unattended", "missed_rate": 0.0})
    n, between = 200_000, 15.0
    true = rng.normal(140.0, between, n)
    flat = np.full(n, 80.0)
    first, second = (
        device.apply(true, flat, flat, true, flat, rng.standard_normal((n, N_DRAWS))).sbp
        for _ in range(2)
    )
    picked = first >= 150.0
    # The noise is proportional, so its variance is that of the mean square pressure.
    noise = device.sbp_cv**2 * (140.0**2 + between**2)
    reliability = between**2 / (between**2 + noise)
    expected = 140.0 + reliability * (first[picked].mean() - 140.0)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(reliability, abs=0.01)
    assert second[picked].mean() == pytest.approx(expected, abs=0.5)
    assert second[picked].mean() < first[picked].mean() - 5.0


def test_errors_of_the_two_pressures_correlate_as_set() -> None:
    """Systolic and diastolic errors correlate by the device's correlation."""
    device = load_measurement({"preset": "home_week", "missed_rate": 0.0, "rounding_mmhg": 0.0})
    seen = read(device, 50_000)
    assert np.corrcoef(seen.sbp, seen.dbp)[0, 1] == pytest.approx(device.correlation, abs=0.01)


def test_only_an_attended_office_shows_the_white_coat() -> None:
    """The white-coat effect shifts attended office readings by itself and no other reading."""
    for name, device in MEASUREMENTS.items():
        still = load_measurement({"preset": name, "rounding_mmhg": 0.0, "missed_rate": 0.0})
        plain, coated = read(still, 500), read(still, 500, white_coat=10.0)
        shift = coated.sbp - plain.sbp
        assert shift == pytest.approx(10.0 if device.name == "office_attended" else 0.0)
        assert (coated.dbp - plain.dbp).max() <= 5.0 + 1e-9
    people = white_coat(np.random.default_rng(0).standard_normal(40_000))
    assert (people.mean(), people.std()) == pytest.approx((5.0, 6.0), abs=0.1)


def test_readings_are_rounded_as_the_device_does() -> None:
    """Auscultation gives even numbers, an oscillometer whole ones."""
    for name, step in (("office_attended", 2.0), ("office_unattended", 1.0), ("ambulatory", 1.0)):
        seen = read(load_measurement({"preset": name, "missed_rate": 0.0}), 300)
        for values in (seen.sbp, seen.dbp, seen.standing_fall_sbp):
            assert np.all(np.mod(values, step) == 0.0)
        assert np.any(np.mod(seen.sbp, 2.0 * step) != 0.0)


def test_missed_visits_read_nothing_at_the_set_rate() -> None:
    """Visits are missed at the published 7.8 %, and then everything is NaN."""
    seen = read(load_measurement("office_unattended"), 50_000)
    assert 1.0 - seen.attended.mean() == pytest.approx(0.078, abs=0.004)
    for values in seen[1:6]:
        assert np.array_equal(np.isnan(values), ~seen.attended)
    assert np.isnan(seen.full_sbp).all()
    assert read(load_measurement({"missed_rate": 0.0}), 1000).attended.all()


def test_ambulatory_parts_fit_together() -> None:
    """The 24-h mean is the time-weighted mean of day and night, and the night is lower."""
    device = load_measurement({"preset": "ambulatory", "rounding_mmhg": 0.0, "missed_rate": 0.0})
    seen = read(device, 20_000)
    assert seen.full_sbp == pytest.approx((14.0 * seen.sbp + 10.0 * seen.night_sbp) / 24.0)
    assert (seen.sbp - seen.night_sbp).mean() == pytest.approx(12.7, abs=0.2)
    assert (seen.sbp - seen.night_sbp).std() == pytest.approx(5.0, rel=0.03)
    # Bo 2020: limits of agreement of two daytime means -16.7 to 18.4 mmHg, SD within 6.3.
    assert 5.5 < seen.sbp.std() < 8.5


def test_noise_free_shows_the_truth() -> None:
    """The noise-free preset returns pressures, heart rate and falls unchanged."""
    seen = read(load_measurement("noise_free"), 5, sbp=133.3, dbp=81.7)
    assert seen.sbp == pytest.approx(133.3)
    assert seen.dbp == pytest.approx(81.7)
    assert seen.heart_rate == pytest.approx(70.0)
    assert seen.standing_fall_sbp == pytest.approx(133.3 - 134.0)


def test_draws_are_standard_normal_and_extend() -> None:
    """Draws pass a normality test, and a longer course begins as the shorter one."""
    device = load_measurement()
    draws = device.draws(np.random.default_rng(3), 4000)
    assert draws.shape == (4000, N_DRAWS)
    assert stats.kstest(draws[:, MISSED], "norm").pvalue > 0.01
    short = device.draws(np.random.default_rng(3), 10)
    assert np.array_equal(short, draws[:10])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("sphygmograph", "choose one of office_attended"),
        ({"preset": "home_week", "cuff": 1.0}, "no setting 'cuff'"),
        ({"sbp_cv": 0.9}, "give a value between 0 and 0.3"),
        ({"missed_rate": "often"}, "must be a finite number"),
        ({"setting": "street"}, "give office, home or ambulatory"),
    ],
)
def test_refusals_name_the_mend(asked: object, words: str) -> None:
    """A wrong preset, field, value or setting is refused in one line."""
    with pytest.raises(InputError, match=words):
        load_measurement(asked)  # type: ignore[arg-type]


def test_readings_fall_by_themselves_where_asked() -> None:
    """Readings fall by 4.2 mmHg (1 - exp(-weeks / 4)), half of it diastolic; orthostasis stays."""
    quiet = load_measurement("noise_free")
    device = load_measurement({"preset": "noise_free", "habituation_mmhg": 4.2})
    weeks = np.array([0.0, 4.0, 400.0])
    draws = np.zeros((3, N_DRAWS))
    true = [np.full(3, value) for value in (140.0, 85.0, 70.0, 134.0, 87.0)]
    plain = quiet.apply(*true, draws, weeks=weeks)
    fallen = device.apply(*true, draws, weeks=weeks)
    settled = 1.0 - np.exp(-weeks / 4.0)
    np.testing.assert_allclose(plain.sbp - fallen.sbp, 4.2 * settled)
    np.testing.assert_allclose(plain.dbp - fallen.dbp, 2.1 * settled)
    np.testing.assert_allclose(plain.standing_fall_sbp, fallen.standing_fall_sbp)


def test_a_negative_habituation_is_refused() -> None:
    """The field is named with its bounds."""
    with pytest.raises(InputError, match="habituation_mmhg"):
        load_measurement({"preset": "noise_free", "habituation_mmhg": -1.0})
