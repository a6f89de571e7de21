"""What step tables do about laboratory values, side effects and contraindications."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.policies import load_policy
from dosegym.policies.step_table_file import shipped_tables
from dosegym.therapy.contraindication import Screen, make_chart
from dosegym.therapy.formulary import CLASSES

THREE = {"lisinopril": 20.0, "amlodipine": 10.0, "chlorthalidone": 12.5}
FOUR = {**THREE, "spironolactone": 25.0}


def given(observation: Any, state: Any = None, name: str = "acc_aha_2025") -> str:
    """Return one controlled person's next regimen in words."""
    policy = load_policy(name)
    levels, _ = policy.predict(observation, state)
    return str(policy.formulary.words(levels[0]))


@pytest.mark.parametrize(
    ("mg", "seen", "expected"),
    [
        (FOUR, {"potassium": 6.0}, "amlodipine 10 mg + chlorthalidone 12.5 mg"),
        (
            FOUR,
            {"potassium": 5.6},
            "lisinopril 10 mg + amlodipine 10 mg + chlorthalidone 12.5 mg + spironolactone 12.5 mg",
        ),
        (THREE, {"potassium": 2.9}, "lisinopril 20 mg + amlodipine 10 mg"),
        (THREE, {"sodium": 128.0}, "lisinopril 20 mg + amlodipine 10 mg"),
        (
            THREE,
            {"potassium": 3.2},
            "lisinopril 20 mg + amlodipine 10 mg + chlorthalidone 12.5 mg + spironolactone 25 mg",
        ),
        (
            FOUR,
            {"potassium": 3.2},
            "lisinopril 20 mg + amlodipine 10 mg + chlorthalidone 6.25 mg + spironolactone 25 mg",
        ),
        (
            THREE,
            {"egfr_ratio": 0.7},
            "lisinopril 10 mg + amlodipine 10 mg + chlorthalidone 12.5 mg",
        ),
        ({"bisoprolol": 5.0}, {"heart_rate": 48.0}, "bisoprolol 2.5 mg"),
        ({"bisoprolol": 2.5}, {"heart_rate": 48.0}, "no drug"),
        ({"lisinopril": 20.0}, {"cough": 1.0}, "losartan 100 mg"),
        ({"amlodipine": 10.0}, {"oedema": 1.0}, "amlodipine 5 mg"),
        ({"lisinopril": 20.0}, {"pregnant": 1.0}, "no drug"),
        ({"lisinopril": 10.0}, {"angioedema": 1.0}, "losartan 50 mg"),
        ({"bisoprolol": 5.0}, {"asthma": 1.0}, "no drug"),
        (
            {"lisinopril": 10.0, "amlodipine": 5.0},
            {"sbp": 98.0, "dbp": 60.0},
            "lisinopril 10 mg",
        ),
        (
            {"lisinopril": 10.0, "amlodipine": 5.0},
            {"sbp": 108.0, "dbp": 60.0, "dizzy": 1.0},
            "lisinopril 10 mg",
        ),
        (
            {"lisinopril": 10.0, "amlodipine": 5.0},
            {"dizzy": 1.0, "standing_drop": 24.0},
            "lisinopril 10 mg",
        ),
    ],
)
def test_a_controlled_person(visit: Any, mg: Any, seen: Any, expected: str) -> None:
    """Each limit of the rules of safety, at a pressure that asks for nothing."""
    calm = {"sbp": 122.0, "dbp": 72.0, "weeks": 8.0, **seen}
    assert given(visit(mg, **calm)) == expected


def test_a_report_is_acted_upon_once(visit: Any) -> None:
    """The same old report does not halve a dose a second time; a new one does."""
    policy = load_policy("acc_aha_2025")
    calm = {"sbp": 122.0, "dbp": 72.0, "potassium": 5.6}
    first, state = policy.predict(visit({"lisinopril": 20.0}, weeks=8.0, **calm))
    assert policy.formulary.words(first[0]) == "lisinopril 10 mg"
    again, state = policy.predict(
        visit({"lisinopril": 10.0}, weeks=12.0, labs_age_weeks=4.0, **calm), state
    )
    assert policy.formulary.words(again[0]) == "lisinopril 10 mg"
    new, _ = policy.predict(visit({"lisinopril": 10.0}, weeks=16.0, **calm), state)
    assert policy.formulary.words(new[0]) == "lisinopril 5 mg"


def test_a_stopped_drug_stays_stopped(visit: Any) -> None:
    """After cough the ladder goes on with the ARB, though the cough is gone."""
    policy = load_policy("acc_aha_2025")
    levels, state = policy.predict(visit({"lisinopril": 10.0}, cough=1.0, sbp=122.0, dbp=70.0))
    assert policy.formulary.words(levels[0]) == "losartan 50 mg"
    levels, _ = policy.predict(visit({"losartan": 50.0}, weeks=4.0), state)
    assert policy.formulary.words(levels[0]) == "losartan 50 mg + amlodipine 5 mg"


def test_the_ladder_goes_round_closed_classes(visit: Any) -> None:
    """Gout bars the thiazide, asthma the beta-blocker, poor renal function spironolactone."""
    two = {"lisinopril": 20.0, "amlodipine": 10.0}
    assert given(visit(two, gout=1.0)) == "lisinopril 40 mg + amlodipine 10 mg"
    most = {"lisinopril": 40.0, "amlodipine": 10.0, "chlorthalidone": 25.0}
    top = "lisinopril 40 mg + amlodipine 10 mg + chlorthalidone 25 mg"
    assert given(visit(most, egfr=28.0, egfr0=28.0)) == f"{top} + bisoprolol 5 mg"
    assert given(visit(most, egfr=28.0, asthma=1.0)) == top
    assert given(visit(pregnant=1.0)) == "amlodipine 5 mg"


@pytest.mark.parametrize("name", sorted(set(shipped_tables()) - {"do_nothing"}))
def test_nothing_the_screen_refuses_is_proposed(name: str, visit: Any) -> None:
    """On 3,000 random charts no table proposes what therapy.contraindication would take back."""
    policy, rng, n = load_policy(name), np.random.default_rng(5), 3000
    tablets = policy.formulary
    now = rng.integers(0, np.array(tablets.levels), (n, 6)) * (rng.random((n, 6)) < 0.4)
    now[:, 1] *= now[:, 0] == 0
    kinds = ("pregnant", "asthma", "heart_block", "angioedema")
    chart: dict[str, Any] = {k: (rng.random(n) < 0.1).astype(float) for k in kinds}
    chart["heart_rate"] = np.round(rng.normal(64, 10, n), 1)
    chart["potassium"] = np.round(rng.normal(4.6, 0.8, n), 1)
    chart["sodium"] = np.round(rng.normal(136, 5, n), 0)
    chart["egfr"] = np.round(rng.normal(55, 20, n), 0)
    doses = tablets.standard_of(now)
    taking = {f"dose_{k}": doses[:, i] for i, k in enumerate(CLASSES)}
    people = visit(sbp=np.round(rng.normal(145, 18, n)), weeks=4.0, **chart, **taking)
    answer, _ = policy.predict(people)
    applied, _ = Screen(tablets).enforce(now, answer, make_chart(n, **chart))
    np.testing.assert_array_equal(applied, answer)
