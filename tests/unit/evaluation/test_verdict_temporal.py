"""Formulas in the gate: from courses to verdicts to bounds, and denial of what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.evaluation.pressure_metrics import DOSES, NO_CHANGE_DAYS, titration_gap
from dosegym.evaluation.subjects import subject_of
from dosegym.evaluation.temporal import (
    course_traces,
    formula_verdicts,
    trace_columns,
    verdict_key,
)
from dosegym.evaluation.trajectory import Rollout
from dosegym.evaluation.verdict import ItemResult, decide, judge_all
from dosegym.therapy.constraint import ConstraintSet
from dosegym.therapy.constraint_file import parse_constraints
from dosegym.therapy.pump import load_pump
from dosegym.therapy.signals import BLOOD_PRESSURE, INSULIN, TRACES_OF

INSULIN_EXAM = subject_of(INSULIN).examination
PRESSURE_EXAM = subject_of(BLOOD_PRESSURE).examination
LOW = "always(eventually[0, 15 min](glucose >= 54 mg/dL))"


def rules(
    *stl: str, kind: str = "chance", env_id: str = INSULIN, limit: float = 0.1, **top: Any
) -> ConstraintSet:
    """Return a set of formula items a, b, ... of one kind."""
    of_kind = f"type: chance, limit: {limit}" if kind == "chance" else f"type: {kind}"
    items = "\n".join(
        f'  - {{id: {"abcdef"[i]}, hazard: h, {of_kind}, stl: "{text}", delta: 0.01, source: s}}'
        for i, text in enumerate(stl)
    )
    head = {"name": "t", "version": "'1.0.0'", "environment": env_id, "horizon_days": 14}
    head |= {"trace": "truth", "total_delta": 0.05, **top}
    text = "\n".join(f"{k}: {v}" for k, v in head.items()) + f"\nitems:\n{items}\n"
    return parse_constraints(text, "t.yaml")


def insulin_run(step_min: float = 5.0, **series: Any) -> Rollout:
    """Return a rollout of insulin columns, (T + 1, B)."""
    rows = {name: np.asarray(values, np.float32) for name, values in series.items()}
    shape = next(iter(rows.values())).shape
    names = tuple(f"p{i}" for i in range(shape[1]))
    return Rollout(
        names, ("adult",) * shape[1], tuple(range(shape[1])), step_min,
        rows | {"reward": np.zeros(shape, np.float32)}, np.zeros(shape[1]),
    )  # fmt: skip


class People:
    """A cohort of prescriptions for as many lanes as asked."""

    def __init__(self, basal: list[float], daily: list[float]) -> None:
        self.therapy = SimpleNamespace(
            basal_u_per_h=np.array(basal), total_daily_dose_u=np.array(daily)
        )

    def __len__(self) -> int:
        return len(self.therapy.basal_u_per_h)


def insulin_task(lanes: int = 2, pump: str = "insulet", **changes: Any) -> Any:
    """Return what a formula's constants are read from."""
    columns = ("glucose_mg_dl", "cgm_mg_dl", "basal_u_per_h", "bolus_u", "iob_u", "carbs_eaten_g")
    given = {"log_columns": columns, "pump": load_pump(pump), **changes}
    return SimpleNamespace(cohort=People([1.0] * lanes, [40.0] * lanes), **given)


def verdicts(run: Rollout, wanted: ConstraintSet, task: Any = None) -> list[list[float]]:
    """Return the verdicts of an insulin run, item by item."""
    there = insulin_task(len(run.names)) if task is None else task
    found = formula_verdicts(run, wanted, INSULIN_EXAM, there)
    return [found[verdict_key(item.id)].tolist() for item in wanted.items]


def test_a_course_begins_with_the_first_decision() -> None:
    """A low at time 0 is nobody's doing; the same low later is a violation."""
    start, later = np.full(9, 100.0), np.full(9, 100.0)
    start[:1], later[3:8] = 40.0, 40.0
    run = insulin_run(glucose_mg_dl=np.stack([start, later], axis=1))
    assert verdicts(run, rules(LOW, "always(glucose >= 54 mg/dL)")) == [[1, -1], [1, -1]]


def test_the_sets_trace_says_whose_glucose_is_judged() -> None:
    """``glucose`` is the body's own or the sensor's as the set says; ``cgm`` is the sensor's."""
    run = insulin_run(glucose_mg_dl=np.full((4, 1), 40.0), cgm_mg_dl=np.full((4, 1), 80.0))
    texts = ("always(glucose >= 54 mg/dL)", "always(cgm >= 54 mg/dL)")
    assert verdicts(run, rules(*texts)) == [[-1], [1]]
    assert verdicts(run, rules(*texts, trace="sensor")) == [[1], [1]]


def test_limits_of_the_pump_and_the_chart_are_each_patients_own() -> None:
    """A dose is held against the pump's limits, insulin on board against the patient's cap."""
    run = insulin_run(
        basal_u_per_h=np.full((3, 2), 1.0),
        bolus_u=[[0.0, 0.0], [25.0, 26.0], [0.0, 0.0]],
        iob_u=[[0.0, 0.0], [9.0, 40.0], [1.0, 1.0]],
    )
    texts = (
        "always(bolus <= pump_max_bolus and basal <= pump_max_basal)",
        "always(iob <= 1.5 * iob_cap)",
        "always(basal <= usual_basal)",
    )
    found = verdicts(run, rules(*texts), insulin_task(2, "tslim"))
    # The cap: a third of 40 - 24 U, and three hours of 1 U/h.
    assert found == [[1, -1], [1, -1], [1, 1]]
    chart = INSULIN_EXAM.course(run, insulin_task(2))
    traces = course_traces(run, ("iob_cap", "bolus", "sbp"), {"bolus": "bolus_u"}, chart)
    assert set(traces) == {"iob_cap", "bolus"}
    assert traces["iob_cap"][:, 0] == pytest.approx([16.0 / 3.0 + 3.0] * 2)
    assert traces["iob_cap"].shape == (2, 2)


def test_the_columns_of_a_set_are_those_of_its_formulas() -> None:
    """Only what is spoken of is recorded, and nothing that the task does not log."""
    wanted = rules(LOW, "always(iob <= 3 * iob_cap)")
    assert trace_columns(wanted, INSULIN_EXAM, insulin_task()) == ("glucose_mg_dl", "iob_u")
    bare = insulin_task(log_columns=("glucose_mg_dl",))
    assert trace_columns(wanted, INSULIN_EXAM, bare) == ("glucose_mg_dl",)


def test_a_signal_that_was_not_recorded_leaves_everyone_unknown() -> None:
    """Whoever's insulin on board nobody logged is neither safe nor unsafe."""
    run = insulin_run(glucose_mg_dl=np.full((4, 3), 100.0))
    assert verdicts(run, rules(LOW, "always(iob <= 3 * iob_cap)")) == [[1, 1, 1], [0, 0, 0]]


# ---------------------------------------------------------------- blood pressure


def pressure_run(step_days: float = 28.0, **series: Any) -> Rollout:
    """Return a rollout of blood-pressure columns; doses that are not given never change."""
    rows = {name: np.asarray(values, np.float32) for name, values in series.items()}
    shape = next(iter(rows.values())).shape
    rows = {name: np.zeros(shape, np.float32) for name in DOSES} | rows
    rows |= {"time_min": 1440.0 * rows.pop("days"), "reward": np.zeros(shape, np.float32)}
    lanes = range(shape[1])
    return Rollout(
        tuple(f"p{i}" for i in lanes), ("adult",) * shape[1], tuple(lanes), 1440.0 * step_days,
        rows, np.zeros(shape[1]),
    )  # fmt: skip


def pressure_verdicts(run: Rollout, *stl: str) -> list[list[float]]:
    """Return the verdicts of a blood-pressure run, formula by formula."""
    wanted = rules(*stl, env_id=BLOOD_PRESSURE, horizon_days=364)
    task = SimpleNamespace(log_columns=tuple(run.series))
    found = formula_verdicts(run, wanted, PRESSURE_EXAM, task)
    return [found[verdict_key(item.id)].tolist() for item in wanted.items]


def test_uneven_visits_are_read_by_the_calendar() -> None:
    """Eight weeks between two visits are eight weeks of a formula, not one sample."""
    days = [[0, 0], [28, 84], [56, 112], [84, 112]]
    low = [[120, 120], [80, 80], [120, 120], [120, 120]]
    run = pressure_run(days=days, lowest_sbp_mmhg=low)
    brief = "always[0, 56 d](eventually[0, 28 d](lowest_sbp >= 90 mmHg))"
    # The same one low interval is four weeks with one person, twelve with the other.
    assert pressure_verdicts(run, brief) == [[1, -1]]
    assert pressure_verdicts(run, "always(lowest_sbp >= 70 mmHg)") == [[1, 1]]


def test_a_short_last_interval_is_not_lost() -> None:
    """Visits every 30 days leave four days of 124; what happens in them still counts."""
    days = [[0], [30], [60], [90], [120], [124]]
    low = [[120], [120], [120], [120], [120], [80]]
    run = pressure_run(30.0, days=days, lowest_sbp_mmhg=low)
    assert pressure_verdicts(run, "always(lowest_sbp >= 90 mmHg)") == [[-1]]


def test_the_gap_between_two_changes_is_that_of_the_visits_that_made_them() -> None:
    """A regimen changed at entry and again ten days later has a gap of ten days; else none."""
    name = DOSES[0]
    days = [[0.0], [10.0], [38.0], [66.0]]
    run = pressure_run(days=days, **{name: [[0.0], [1.0], [2.0], [2.0]]})
    assert titration_gap(run)[:, 0].tolist() == [
        NO_CHANGE_DAYS,
        NO_CHANGE_DAYS,
        10.0,
        NO_CHANGE_DAYS,
    ]
    assert pressure_verdicts(run, "always(titration_gap >= 14 d)") == [[-1]]
    steady = pressure_run(days=days, **{name: [[0.0], [1.0], [1.0], [2.0]]})
    assert titration_gap(steady)[3, 0] == 38.0
    assert pressure_verdicts(steady, "always(titration_gap >= 14 d)") == [[1]]


# ---------------------------------------------------------------- bounds and verdicts


def judged(wanted: ConstraintSet, found: Mapping[str, Any], n: int = 300) -> list[ItemResult]:
    """Return the results for adults."""
    metrics = {key: np.asarray(values, float) for key, values in found.items()}
    return judge_all(wanted, metrics, {}, ["adult"] * n)


def test_a_share_of_violations_is_bounded_exactly() -> None:
    """Three false and two unknown of 300 are five harmed: Clopper-Pearson on five."""
    values = np.ones(300)
    values[:3], values[3:5] = -1.0, 0.0
    (found,) = judged(rules(LOW), {"stl:a": values})
    from scipy import stats

    assert found.bound == pytest.approx(stats.beta.ppf(0.99, 6, 295))
    assert (found.observed, found.unit) == (5 / 300, "share of patients")
    assert (found.signal, found.type, found.threshold) == (LOW, "chance", None)
    assert found.passed


def test_one_violation_of_a_hard_item_is_one_too_many() -> None:
    """A hard item passes with none in any patient, and states how rare that shows them to be."""
    wanted = rules("always(bolus >= 0 U)", kind="hard")
    (clean,) = judged(wanted, {"stl:a": np.ones(300)})
    assert (clean.passed, clean.observed, clean.limit, clean.slack) == (True, 0.0, 0.0, 0.0)
    assert clean.bound == pytest.approx(1.0 - 0.01 ** (1 / 300))
    for bad in (-1.0, 0.0, np.nan):
        values = np.ones(300)
        values[7] = bad
        (found,) = judged(wanted, {"stl:a": values})
        assert (found.passed, found.slack) == (False, -1 / 300)


@pytest.mark.parametrize("kind", ["chance", "hard"])
def test_missing_verdicts_are_denied(kind: str) -> None:
    """A formula that nobody judged, or of which nothing is known, releases nobody."""
    for found in ({}, {"stl:a": np.zeros(300)}, {"stl:a": np.full(300, np.nan)}):
        results = judged(rules(LOW, kind=kind), found)
        assert [r.passed for r in results] == [False]
        assert results[0].observed == 1.0
        assert decide(results, ("adult",)) == ("NO_SOLUTION", ())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000), floor=st.floats(40.0, 70.0), more=st.floats(0.0, 30.0),
    limit=st.floats(0.02, 0.5), less=st.floats(0.0, 0.9), kind=st.sampled_from(["chance", "hard"]),
)  # fmt: skip
def test_tightening_never_turns_a_failure_into_a_pass(
    seed: int, floor: float, more: float, limit: float, less: float, kind: str
) -> None:
    """A higher floor in the formula or a lower limit never helps."""
    glucose = np.random.default_rng(seed).normal(90.0, 15.0, (30, 60)).clip(20.0)
    run = insulin_run(glucose_mg_dl=glucose)
    outcomes = []
    for tight in (False, True):
        text = (
            f"always(eventually[0, 15 min](glucose >= {floor + (more if tight else 0.0)!r} mg/dL))"
        )
        wanted = rules(text, kind=kind, limit=limit * (1.0 - less) if tight else limit)
        (values,) = verdicts(run, wanted)
        outcomes.append(judged(wanted, {"stl:a": values}, 60)[0].passed)
    assert outcomes[0] or not outcomes[1]


def test_unit_and_order_of_patients_do_not_matter() -> None:
    """The limit in mmol/L, or the patients in another order, give the same result."""
    rng = np.random.default_rng(3)
    glucose = rng.normal(75.0, 25.0, (80, 50)).clip(20.0)
    other = LOW.replace("54 mg/dL", f"{54.0 / 18.01559!r} mmol/L")
    results = []
    for text, order in ((LOW, np.arange(50)), (other, np.arange(50)), (LOW, rng.permutation(50))):
        wanted = rules(text)
        (values,) = verdicts(insulin_run(glucose_mg_dl=glucose[:, order]), wanted)
        (found,) = judged(wanted, {"stl:a": values}, 50)
        results.append((found.observed, found.bound, found.passed))
    assert results[0] == results[1] == results[2]
    assert 0.0 < results[0][0] < 1.0


def test_the_reference_page_names_every_trace_signal() -> None:
    """The tables of the documentation are those of the code, row by row."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "constraints.md"
    text = page.read_text("utf-8")
    for table in TRACES_OF.values():
        for signal in table.values():
            assert f"| `{signal.name}` | {signal.unit} | {signal.doc} |" in text
