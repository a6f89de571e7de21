"""What a visit tells: blood tests, complaints, refills, and every feature of the observation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.physiology.renal_function import ckd_epi_2021
from dosegym.therapy.formulary import CLASSES
from dosegym.therapy.pressure_view import PRESSURE_VIEW
from dosegym.therapy.prevent import prevent_risk

UNTREATED = {"population": "virtual", "size": 24, "purpose": "training", "entry": [1.0]}


def feature(course: Any, name: str) -> np.ndarray:
    """Return a feature of all observations (T + 1, B), in its own unit."""
    flat = course.observation.reshape(-1, course.observation.shape[-1])
    return np.asarray(PRESSURE_VIEW.read(flat, name)).reshape(course.observation.shape[:2])


def test_blood_is_drawn_after_a_change_that_needs_it_and_reported_with_its_age(treat: Any) -> None:
    """An ACE inhibitor begun at week 4: tests at entry, at week 8, and not again in that year."""
    begun = treat(lambda t, _: np.array([0 if t < 1 else 3, 0, 0, 0, 0, 0]))
    ages, clear = feature(begun, "labs_age_weeks"), (feature(begun, "egfr") >= 60.0).all(axis=0)
    assert 5 < clear.sum() < 24
    plan = np.array([0, 4, *range(0, 45, 4)])[:, None]
    np.testing.assert_allclose(ages[:, clear], np.broadcast_to(plan, (14, clear.sum())), atol=1e-4)
    # With an eGFR below 60 blood is drawn twice a year.
    assert (ages[:, ~clear].max(axis=0) <= 26.0).all()


def test_a_calcium_channel_blocker_needs_no_blood_test(treat: Any) -> None:
    """Amlodipine alone is followed without blood tests: the report ages with the calendar."""
    course = treat([0, 0, 3, 0, 0, 0])
    ages = feature(course, "labs_age_weeks")
    np.testing.assert_allclose(ages, feature(course, "weeks"), atol=1e-4)
    assert ages[-1, 0] == pytest.approx(52.0, abs=1e-3)


@pytest.mark.parametrize(
    ("turnaround", "interval", "ages"),
    [
        (0.0, 28, [0, 0, 0, 0]),
        (2.0, 28, [0, 4, 4, 4]),
        (14.0, 7, [0, 1, 2, 2, 3, 2, 3, 2]),
    ],
)
def test_a_report_comes_when_the_laboratory_is_done(
    treat: Any, turnaround: float, interval: int, ages: list[float]
) -> None:
    """Drawn at every visit, known a turnaround later; nothing is drawn while one is out."""
    course = treat(
        [0] * 6, labs="every_visit", days=28 * 13, interval_days=interval, steps=len(ages) - 1,
        laboratory={"preset": "error_free", "turnaround_days": turnaround},
    )  # fmt: skip
    np.testing.assert_allclose(feature(course, "labs_age_weeks")[:, 0], ages, atol=1e-4)


def test_dizziness_waits_for_a_visit_that_takes_place(treat: Any) -> None:
    """What was felt since the last attended visit is reported at the next one, and only there."""
    course = treat(
        [4, 0, 4, 3, 0, 3], n=200, contraindications="allow", adherence="poor", sick_days="usual",
        patient={"population": "virtual", "size": 200, "groups": ["older"], "entry": [1.0]},
        measurement={"preset": "noise_free", "missed_rate": 0.4},
    )  # fmt: skip
    came, felt = course.log["attended"] > 0.0, course.log["hypotension"] > 0.0
    dizzy = feature(course, "dizzy") > 0.5
    waiting, told = np.zeros(200, bool), np.zeros(200, bool)
    for t in range(1, len(came)):
        waiting |= felt[t]
        told = np.where(came[t], waiting, told)
        waiting &= ~came[t]
        np.testing.assert_array_equal(dizzy[t], told)
    assert (felt & ~came).sum() > 20
    assert 0.0 < dizzy.mean() < 1.0


def test_refills_tell_the_share_taken_since_the_last_attended_visit(treat: Any) -> None:
    """Without waste and error the pharmacy's share is that of the days since then; 1 untreated."""
    exact = {"preset": "poor", "refill_waste": 0.0, "refill_sd": 0.0}
    half = {"preset": "noise_free", "missed_rate": 0.3}
    course = treat([0, 0, 3, 0, 0, 0], adherence=exact, measurement=half)
    refill, came = feature(course, "refill"), course.log["attended"] > 0.0
    for lane in range(24):
        since: list[float] = []
        for t in range(1, 14):
            # Whoever missed the first visit had been prescribed nothing before the second.
            if course.log["n_drugs"][t, lane] > 0.0:
                since.append(course.log["adherence"][t, lane])
            if came[t, lane]:
                assert refill[t, lane] == pytest.approx(np.mean(since) if since else 1.0, abs=1e-5)
                since = []
    untreated = treat([0] * 6, adherence=exact)
    assert (feature(untreated, "refill") == 1.0).all()


REGIMENS = np.array([[2, 0, 0, 0, 0, 0], [2, 0, 2, 0, 0, 0], [3, 0, 2, 2, 0, 0],
                     [3, 0, 2, 2, 0, 0], [4, 0, 4, 2, 2, 1]])  # fmt: skip


def test_every_feature_is_the_truth_when_nothing_is_hidden(treat: Any) -> None:
    """Noise-free and with blood tests at each visit, all features are known quantities, by name."""
    course = treat(lambda t, _: REGIMENS[t], steps=5, n=24, patient="all", labs="every_visit")
    log, people = course.log, course.task.cohort.patients.take(list(range(24)))
    c = people.covariates
    shape = log["sbp_mmhg"].shape

    def before(name: str) -> np.ndarray:
        return np.concatenate([log[name][:1], log[name][:-1]])

    def mean_3(name: str) -> np.ndarray:
        return np.stack([log[name][max(t - 2, 0) : t + 1].mean(axis=0) for t in range(shape[0])])

    potassium, sodium = np.round(log["potassium_mmol_l"], 1), np.round(log["sodium_mmol_l"])
    creatinine = np.round(log["creatinine_mg_dl"], 2)
    egfr = ckd_epi_2021(creatinine, c["age_years"][None], c["female"][None])
    risk = prevent_risk(
        age_years=c["age_years"], female=c["female"], sbp=c["untreated_sbp"],
        total_cholesterol_mg_dl=c["total_cholesterol_mg_dl"], hdl_mg_dl=c["hdl_mg_dl"],
        bmi=c["bmi"], egfr=c["egfr0"], diabetes=c["diabetes"], smoker=c["smoker"],
        treated=np.zeros(24), statin=c["statin"], beyond="nearest",
    )  # fmt: skip
    weeks = 4.0 * np.arange(6.0)[:, None]
    expected = {
        "attended": 1.0, "sbp": log["sbp_mmhg"], "dbp": log["dbp_mmhg"],
        "sbp_previous": before("sbp_mmhg"), "dbp_previous": before("dbp_mmhg"),
        "sbp_mean_3": mean_3("sbp_mmhg"), "dbp_mean_3": mean_3("dbp_mmhg"),
        "home_sbp": log["sbp_mmhg"], "home_dbp": log["dbp_mmhg"],
        "heart_rate": np.round(log["heart_rate_bpm"]),
        "standing_drop": log["standing_drop_mmhg"],
        "potassium": potassium, "sodium": sodium, "creatinine": creatinine, "egfr": egfr,
        "egfr_ratio": egfr / egfr[:1],
        "potassium_change": potassium - np.concatenate([potassium[:1], potassium[:-1]]),
        "labs_age_weeks": 0.0,
        **{f"dose_{kind}": log[f"dose_{kind}"] for kind in CLASSES},
        "n_drugs": log["n_drugs"],
        # Where the first action is what they came with, the first change is a visit later.
        "weeks_since_change": np.array([400, 4, 4, 4, 8, 4.0])[:, None],
        "weeks": weeks, "weeks_since_visit": 0.0, "refill": 1.0,
        "dizzy": np.where(weeks > 0.0, log["hypotension"] > 0.0, False),
        "oedema": log["oedema"], "cough": log["cough"], "other_symptoms": log["other_symptoms"],
        **{
            f"{name}_ever": np.maximum.accumulate(log[name], axis=0)
            for name in ("oedema", "cough", "other_symptoms")
        },
        "age": c["age_years"], "female": c["female"], "bmi": c["bmi"],
        "diabetes": c["diabetes"], "cvd": c["cvd"], "smoker": c["smoker"],
        "egfr0": c["egfr0"], "risk_10y": risk,
        **{k: c[k] for k in ("pregnant", "asthma", "heart_block", "angioedema", "gout")},
        "entry_sbp": log["sbp_mmhg"][:1], "entry_drugs": log["n_drugs"][:1],
    }  # fmt: skip
    assert set(expected) == {f.name for f in PRESSURE_VIEW.features}
    for name, value in expected.items():
        seen, told = feature(course, name), np.broadcast_to(value, shape)
        if name == "weeks_since_change":
            same = (course.log["dose_acei"][1] == course.log["dose_acei"][0]) & (
                course.log["n_drugs"][1] == course.log["n_drugs"][0]
            )
            seen, told = seen[:, ~same], told[:, ~same]
        np.testing.assert_allclose(seen, told, rtol=2e-5, atol=2e-3, err_msg=name)


def test_after_a_missed_visit_the_last_readings_stand_and_age(treat: Any) -> None:
    """Absent, a person shows the readings of the last attended visit and how long ago it was."""
    course = treat([0] * 6, measurement={"preset": "office_attended", "missed_rate": 0.5})
    came = course.log["attended"] > 0.0
    assert came[0].all()
    week = np.maximum.accumulate(np.where(came, feature(course, "weeks"), 0.0), axis=0)
    since = feature(course, "weeks") - week
    np.testing.assert_allclose(feature(course, "weeks_since_visit"), since, atol=1e-4)
    for name in ("sbp", "sbp_previous", "sbp_mean_3", "heart_rate", "standing_drop"):
        seen = feature(course, name)
        np.testing.assert_array_equal(seen[1:][~came[1:]], seen[:-1][~came[1:]])


def test_symptoms_come_with_the_drug_and_go_with_it(treat: Any) -> None:
    """Cough on an ACE inhibitor: about 4 in 100 more than without, gone when it is stopped."""
    course = treat(
        lambda t, _: np.array([3 if 1 <= t < 5 else 0, 0, 0, 0, 0, 0]), n=2000, steps=8,
        patient={"population": "virtual", "size": 2000, "entry": [1.0]},
        contraindications="allow",
    )  # fmt: skip
    cough = course.log["cough"]
    share = cough.mean(axis=1)
    # Law 2003: 3.9 % more; the standard error of 2,000 people's share is 0.5 %.
    assert share[5] - share[1] == pytest.approx(0.039, abs=0.012)
    np.testing.assert_array_equal(cough[8], cough[0])
    assert (cough[5] >= cough[1]).all()


def test_office_readings_scatter_as_the_device_says(treat: Any) -> None:
    """Attended office readings are above the truth by the white coat and scatter by their CV."""
    course = treat([0] * 6, n=400, measurement="office_attended",
                   patient={"population": "virtual", "size": 400, "entry": [1.0]})  # fmt: skip
    came = course.log["attended"] > 0.0
    coat = course.task.cohort.patients.covariates["white_coat_mmhg"]
    true = course.log["sbp_mmhg"]
    error = ((course.log["measured_sbp_mmhg"] - true - coat) / true)[came]
    assert error.mean() == pytest.approx(0.0, abs=0.004)
    assert error.std() == pytest.approx(course.task.device.sbp_cv, rel=0.05)


def test_home_week_has_less_scatter_than_the_office() -> None:
    """The home device of the task is the published one: half the office's variation."""
    home = make_task("dosegym/BloodPressure-v0", measurement="home_week").device
    office = make_task("dosegym/BloodPressure-v0", measurement="office_attended").device
    assert home.sbp_cv < 0.55 * office.sbp_cv
