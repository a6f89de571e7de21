"""Step tables as policies: what guidelines and trial arms do to hand-made people."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.step_table import StepTable
from dosegym.policies.step_table_file import parse_table, shipped_tables
from dosegym.therapy.formulary import CLASSES, load_formulary

NAMES = sorted(shipped_tables())

LADDER = """
name: ladder
title: a ladder for tests
source: nobody
goal: below 140
start: [{sbp: 140, begin: a}]
escalate: [{sbp: 140}]
de_escalate: [{sbp_below: 120}]
intervals: {until_control_weeks: 4, after_control_weeks: 12}
steps:
  - {name: a, mg: {acei: 10}}
  - {name: ac, mg: {acei: 10, ccb: 5}}
  - {name: acd, mg: {acei: 20, ccb: 5, thiazide: 12.5}}
evidence:
  start: {status: choice, source: for tests}
  escalate: {status: choice, source: for tests}
  de_escalate: {status: choice, source: for tests}
  intervals: {status: choice, source: for tests}
  steps: {status: choice, source: for tests}
"""


@pytest.fixture
def ladder() -> StepTable:
    """Return a policy of three rungs with a goal below 140 mmHg."""
    return StepTable(parse_table(LADDER, "test"))


def given(policy: Any, observation: Any, state: Any = None) -> str:
    """Return one person's next regimen in words."""
    levels, _ = policy.predict(observation, state)
    return str(policy.formulary.words(levels[0]))


def test_climbs_rung_by_rung(ladder: StepTable, visit: Any) -> None:
    """Uncontrolled people go up one rung a visit and stay at the top."""
    expected = [
        "lisinopril 10 mg",
        "lisinopril 10 mg + amlodipine 5 mg",
        "lisinopril 20 mg + amlodipine 5 mg + chlorthalidone 12.5 mg",
        "lisinopril 20 mg + amlodipine 5 mg + chlorthalidone 12.5 mg",
    ]
    levels, state = np.zeros((1, 6), int), None
    for week, words in zip((0, 4, 8, 12), expected, strict=True):
        doses = ladder.formulary.standard_of(levels)[0]
        now = {f"dose_{k}": d for k, d in zip(CLASSES, doses, strict=True)}
        levels, state = ladder.predict(visit(weeks=week, **now), state)
        assert ladder.formulary.words(levels[0]) == words


def test_controlled_people_are_left_alone(ladder: StepTable, visit: Any) -> None:
    """At 139 mmHg nothing is begun and nothing raised; at 140 it is."""
    assert given(ladder, visit(sbp=139.0)) == "no drug"
    assert given(ladder, visit({"lisinopril": 10.0}, sbp=139.0)) == "lisinopril 10 mg"
    assert given(ladder, visit(sbp=140.0)) == "lisinopril 10 mg"


def test_entry_drugs_are_kept_and_built_upon(ladder: StepTable, visit: Any) -> None:
    """The first rung that the present regimen does not contain is laid over it, one new class."""
    assert given(ladder, visit({"amlodipine": 10.0})) == "lisinopril 10 mg + amlodipine 10 mg"
    assert given(ladder, visit({"bisoprolol": 5.0})) == "lisinopril 10 mg + bisoprolol 5 mg"
    full = {"lisinopril": 40.0, "amlodipine": 2.5}
    assert given(ladder, visit(full)) == "lisinopril 40 mg + amlodipine 5 mg"


def test_arb_stands_for_the_ace_inhibitor(ladder: StepTable, visit: Any) -> None:
    """Who takes an ARB never gets an ACE inhibitor beside it, but the same in standard doses."""
    assert given(ladder, visit({"losartan": 50.0})) == "losartan 50 mg + amlodipine 5 mg"
    now = {"losartan": 50.0, "amlodipine": 5.0}
    up = "losartan 100 mg + amlodipine 5 mg + chlorthalidone 12.5 mg"
    assert given(ladder, visit(now)) == up


def test_steps_down_below_the_floor(ladder: StepTable, visit: Any) -> None:
    """What exceeds the ladder goes first, level by level; then one rung."""
    low = {"sbp": 118.0, "dbp": 70.0}
    more = {"lisinopril": 10.0, "amlodipine": 5.0, "bisoprolol": 5.0}
    assert given(ladder, visit(more, **low)) == (
        "lisinopril 10 mg + amlodipine 5 mg + bisoprolol 2.5 mg"
    )
    two = {"lisinopril": 10.0, "amlodipine": 5.0}
    assert given(ladder, visit(two, **low)) == "lisinopril 10 mg"
    assert given(ladder, visit({"lisinopril": 10.0}, **low)) == "no drug"
    assert given(ladder, visit({"bisoprolol": 2.5}, **low)) == "no drug"


def test_controlled_people_are_seen_later(ladder: StepTable, visit: Any) -> None:
    """After a controlled visit the next decision is due twelve weeks on, not four."""
    calm = visit({"lisinopril": 10.0}, sbp=130.0, weeks=4)
    _, state = ladder.predict(calm)
    for week, words in ((8, "lisinopril 10 mg"), (16, "lisinopril 10 mg + amlodipine 5 mg")):
        now = visit({"lisinopril": 10.0}, sbp=150.0, weeks=week)
        levels, state = ladder.predict(now, state)
        assert ladder.formulary.words(levels[0]) == words


def test_missed_visits_change_nothing(ladder: StepTable, visit: Any) -> None:
    """Who does not come keeps regimen and memory."""
    away = visit({"lisinopril": 10.0}, attended=0.0, sbp=180.0, potassium=6.5, weeks=8)
    _, before = ladder.predict(visit({"lisinopril": 10.0}, sbp=130.0, weeks=4))
    levels, after = ladder.predict(away, before)
    assert ladder.formulary.words(levels[0]) == "lisinopril 10 mg"
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key])


@pytest.mark.parametrize(
    ("sbp", "dbp", "more", "expected"),
    [
        (142.0, 85.0, {}, "lisinopril 10 mg + amlodipine 5 mg"),
        (128.0, 91.0, {}, "lisinopril 10 mg + amlodipine 5 mg"),
        (134.0, 78.0, {"risk_10y": 0.08}, "lisinopril 10 mg"),
        (134.0, 78.0, {"diabetes": 1.0}, "lisinopril 10 mg"),
        (134.0, 78.0, {"egfr": 55.0}, "lisinopril 10 mg"),
        (134.0, 78.0, {"risk_10y": 0.07}, "no drug"),
        (134.0, 78.0, {"risk_10y": 0.07, "weeks": 12.0}, "lisinopril 10 mg"),
        (128.0, 78.0, {"cvd": 1.0}, "no drug"),
    ],
)
def test_acc_aha_begins(visit: Any, sbp: float, dbp: float, more: Any, expected: str) -> None:
    """ACC/AHA 2025: two drugs at 140/90; at 130/80 by risk at once, else after three months."""
    assert given(load_policy("acc_aha_2025"), visit(sbp=sbp, dbp=dbp, **more)) == expected


@pytest.mark.parametrize(
    ("sbp", "age", "expected"),
    [
        (150.0, 60.0, "lisinopril 5 mg + amlodipine 2.5 mg"),
        (150.0, 86.0, "lisinopril 5 mg"),
        (136.0, 86.0, "no drug"),
    ],
)
def test_esc_begins(visit: Any, sbp: float, age: float, expected: str) -> None:
    """ESC 2024: two drugs at low dose, one from 85 years."""
    policy = load_policy("esc_2024")
    assert given(policy, visit(formulary=policy.formulary, sbp=sbp, dbp=70.0, age=age)) == expected


def test_sprint_standard_escalates_at_160_or_at_140_twice(visit: Any) -> None:
    """SPRINT standard: 160 mmHg once or 140 mmHg at two visits running step up."""
    policy = load_policy("sprint_standard")
    one = {"chlorthalidone": 25.0}
    up = "lisinopril 10 mg + chlorthalidone 25 mg"
    assert given(policy, visit(one, sbp=161.0)) == up
    levels, state = policy.predict(visit(one, sbp=145.0, weeks=4))
    assert policy.formulary.words(levels[0]) == "chlorthalidone 25 mg"
    assert given(policy, visit(one, sbp=145.0, weeks=8), state) == up
    levels, state = policy.predict(visit(one, sbp=137.0, weeks=8), state)
    assert given(policy, visit(one, sbp=145.0, weeks=20), state) == "chlorthalidone 25 mg"


def test_sprint_standard_steps_down(visit: Any) -> None:
    """SPRINT standard: below 130 once or below 135 twice running steps down (PMC8824314)."""
    policy = load_policy("sprint_standard")
    one = {"chlorthalidone": 25.0}
    assert given(policy, visit(one, sbp=129.0)) == "chlorthalidone 12.5 mg"
    levels, state = policy.predict(visit(one, sbp=133.0, weeks=0))
    assert policy.formulary.words(levels[0]) == "chlorthalidone 25 mg"
    assert given(policy, visit(one, sbp=133.0, weeks=12), state) == "chlorthalidone 12.5 mg"


def test_quartet_replaces_and_adds_amlodipine_at_week_six(visit: Any) -> None:
    """QUARTET: the quadpill instead of earlier drugs; amlodipine 5 above 140/90 at week 6."""
    policy = load_policy("quadpill")
    pill = "irbesartan 37.5 mg + amlodipine 1.25 mg + indapamide 0.625 mg + bisoprolol 2.5 mg"
    use = {"formulary": policy.formulary}
    levels, state = policy.predict(visit({"lisinopril": 10.0}, sbp=135.0, dbp=80.0, **use))
    assert policy.formulary.words(levels[0]) == pill
    mg = {"irbesartan": 37.5, "amlodipine": 1.25, "indapamide": 0.625, "bisoprolol": 2.5}
    for week, sbp, words in (
        (2, 160.0, pill),
        (6, 140.0, pill),
        (8, 160.0, pill),
        (12, 141.0, pill.replace("1.25", "5")),
    ):
        levels, state = policy.predict(visit(mg, sbp=sbp, dbp=85.0, weeks=week, **use), state)
        assert policy.formulary.words(levels[0]) == words


def test_pathway2_doubles_at_week_six_whatever_the_pressure(visit: Any) -> None:
    """PATHWAY-2: spironolactone 25 mg on top of A, C and D, 50 mg after six weeks."""
    policy = load_policy("pathway2_spironolactone")
    three = {"lisinopril": 40.0, "amlodipine": 10.0, "chlorthalidone": 25.0}
    levels, state = policy.predict(visit(three, sbp=120.0))
    words = "lisinopril 40 mg + amlodipine 10 mg + chlorthalidone 25 mg + spironolactone "
    assert policy.formulary.words(levels[0]) == words + "25 mg"
    four = {**three, "spironolactone": 25.0}
    for week, dose in ((2, "25 mg"), (4, "25 mg"), (6, "50 mg")):
        levels, state = policy.predict(visit(four, sbp=120.0, weeks=week), state)
        assert policy.formulary.words(levels[0]) == words + dose


def test_allhat_titrates_its_drug_then_adds_atenolol(visit: Any) -> None:
    """ALLHAT: earlier drugs stop; amlodipine 2.5 to 10, then atenolol 25."""
    policy = load_policy("allhat_amlodipine")
    use = {"formulary": policy.formulary}
    levels, state = policy.predict(visit({"lisinopril": 40.0}, sbp=130.0, dbp=75.0, **use))
    assert policy.formulary.words(levels[0]) == "amlodipine 2.5 mg"
    assert given(policy, visit({"amlodipine": 10.0}, weeks=8, **use), state) == (
        "amlodipine 10 mg + atenolol 25 mg"
    )


def test_do_nothing_does_nothing(visit: Any) -> None:
    """The null policy returns every regimen as it is, whatever pressure and potassium."""
    policy = load_policy("do_nothing")
    rng = np.random.default_rng(1)
    levels = rng.integers(0, np.array(policy.formulary.levels), (200, 6))
    doses = policy.formulary.standard_of(levels)
    now = {f"dose_{k}": doses[:, i] for i, k in enumerate(CLASSES)}
    answer, _ = policy.predict(visit(sbp=190.0, potassium=6.5, **now))
    np.testing.assert_array_equal(answer, levels)


def test_inertia_leaves_half_of_the_steps_undone(visit: Any) -> None:
    """Usual care steps up one uncontrolled person in two (binomial 99.9 % limits), and repeats."""
    policy, rng = load_policy("usual_care"), np.random.default_rng(0)
    n = 2000
    people = visit(sbp=160.0, age=rng.normal(60, 9, n), bmi=rng.normal(28, 4, n), weeks=4.0)
    first, _ = policy.predict(people)
    share = (first.sum(axis=1) > 0).mean()
    assert abs(share - 0.5) < 3.3 * 0.5 / np.sqrt(n)
    np.testing.assert_array_equal(first, policy.predict(people)[0])
    eager = load_policy("usual_care", inertia=0.0).predict(people)[0]
    assert (eager.sum(axis=1) > 0).all()


def test_other_formulary_gets_equal_standard_doses(visit: Any) -> None:
    """With hydrochlorothiazide instead of chlorthalidone, 12.5 mg becomes 25 mg."""
    policy = load_policy("acc_aha_2025", formulary={"thiazide": "hydrochlorothiazide"})
    use = {"formulary": policy.formulary}
    now = visit({"lisinopril": 20.0, "amlodipine": 10.0}, **use)
    assert given(policy, now) == "lisinopril 20 mg + amlodipine 10 mg + hydrochlorothiazide 25 mg"
    assert policy.wants["formulary"] == {"thiazide": "hydrochlorothiazide"}


@pytest.mark.parametrize("name", NAMES)
def test_never_two_ras_blockers_nor_an_impossible_level(name: str, visit: Any) -> None:
    """On 2,000 random people every answer is a regimen of the formulary without dual RAS."""
    policy, rng = load_policy(name), np.random.default_rng(2)
    levels = random_regimens(policy.formulary, rng, 2000)
    answer, _ = policy.predict(random_people(visit, policy.formulary, levels, rng))
    assert answer.dtype == np.int64
    assert (answer >= 0).all()
    assert (answer < np.array(policy.formulary.levels)).all()
    assert not ((answer[:, 0] > 0) & (answer[:, 1] > 0)).any()


def test_ten_thousand_people_take_milliseconds(visit: Any) -> None:
    """The interpreter does not loop over people: 10,000 cost far less than 10,000 times one."""
    policy, rng = load_policy("acc_aha_2025"), np.random.default_rng(3)
    levels = random_regimens(policy.formulary, rng, 10_000)
    people = random_people(visit, policy.formulary, levels, rng)
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        policy.predict(people)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.05


def test_options_are_checked() -> None:
    """Unknown options and impossible settings are refused in one line."""
    with pytest.raises(InputError, match="does not take dose; it takes formulary"):
        load_policy("acc_aha_2025", dose=1)
    with pytest.raises(InputError, match="inertia is 2"):
        load_policy("usual_care", inertia=2)


def random_regimens(formulary: Any, rng: np.random.Generator, n: int) -> Any:
    """Return regimens (n, 6) in levels, without two RAS blockers at once."""
    tablets = load_formulary(formulary)
    levels = rng.integers(0, np.array(tablets.levels), (n, 6)) * (rng.random((n, 6)) < 0.5)
    levels[:, 1] *= levels[:, 0] == 0
    return levels


def random_people(visit: Any, formulary: Any, levels: Any, rng: np.random.Generator) -> Any:
    """Return observations of people of all kinds on given regimens."""
    n = len(levels)
    doses = formulary.standard_of(levels)
    flags = ("cough", "oedema", "dizzy", "pregnant", "asthma", "angioedema", "gout", "diabetes")
    return visit(
        sbp=rng.normal(142, 18, n),
        dbp=rng.normal(85, 11, n),
        age=rng.normal(64, 12, n),
        bmi=rng.normal(28, 4, n),
        heart_rate=rng.normal(70, 12, n),
        potassium=rng.normal(4.4, 0.7, n),
        sodium=rng.normal(138, 4, n),
        egfr=rng.normal(70, 22, n),
        egfr_ratio=rng.normal(0.95, 0.15, n),
        weeks=rng.integers(0, 13, n) * 4.0,
        **{flag: (rng.random(n) < 0.1).astype(float) for flag in flags},
        **{f"dose_{k}": doses[:, i] for i, k in enumerate(CLASSES)},
    )
