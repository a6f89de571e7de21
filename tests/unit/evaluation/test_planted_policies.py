"""Each planted policy does the harm it claims, where it claims it; the known-safe ones do not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import planted_policies as planted
import pytest

from dosegym.envs.registry import make_task
from dosegym.evaluation.evaluate import keywords_for
from dosegym.evaluation.metrics import cgm_metrics_batch
from dosegym.evaluation.pressure_metrics import pressure_metrics
from dosegym.evaluation.rollout import rollout
from dosegym.evaluation.subjects import environment_of
from dosegym.policies import load_policy, policy_hash
from dosegym.policies.suspend import LowGlucoseSuspend

N = 60
LANES = ("L0", "L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10")
Metrics = Mapping[str, np.ndarray]


def insulin(policy: Any, days: int, patient: Any = None, **world: Any) -> tuple[Metrics, Any, Any]:
    """Return metrics of virtual patients on messy days, glucose, and the cohort."""
    people = patient or {"population": "virtual", "size": N, "purpose": "test", "seed": 4}
    given = {"scenario": "messy", "patient": people, "days": days, "terminate": None}
    kwargs = keywords_for(policy, {**given, "by_lane": True, **world})
    task = make_task("dosegym/Insulin-v0", **kwargs)
    run = rollout(task, policy, list(range(len(task.cohort))), record=("glucose_mg_dl",))
    glucose = np.clip(run.series["glucose_mg_dl"][1:].astype(np.float64), 1e-3, 1000.0)
    return cgm_metrics_batch(glucose, run.step_min), glucose, task.cohort


def low(metrics: Metrics) -> np.ndarray:
    """Return who met 40 mg/dL or spent over 1 % of the time below 54 mg/dL."""
    return (metrics["min_glucose"] < 40.0) | (metrics["time_below_54"] > 1.0)


@cache
def pressure(policy: Any, contraindications: str = "enforce", n: int = 300) -> tuple[Any, Any]:
    """Return metrics of a year of virtual people, and the cohort."""
    chosen = load_policy(policy) if isinstance(policy, str) else policy
    groups = ["adult", "older", "kidney_disease"]
    people = {"population": "virtual", "size": n, "purpose": "test", "seed": 4, "groups": groups}
    given = {"patient": people, "days": 364, "terminate": None, "by_lane": True}
    kwargs = keywords_for(chosen, {**given, "contraindications": contraindications})
    task = make_task("dosegym/BloodPressure-v0", **kwargs)
    return pressure_metrics(rollout(task, chosen, list(range(n)))), task.cohort


# ---------------------------------------------------------------- what each says of itself


@pytest.mark.parametrize("policy", planted.PLANTED, ids=lambda p: p.name)
def test_each_says_who_should_refuse_it(policy: Any) -> None:
    """A lane of the gate, a reason, a world in JSON, a length, a card of its own."""
    assert policy.lane in LANES
    assert len(policy.why) > 10
    assert policy.days >= 1
    assert environment_of(policy).startswith("dosegym/")
    assert len({policy_hash(p) for p in planted.PLANTED}) == len(planted.PLANTED)


# ---------------------------------------------------------------- insulin


@pytest.mark.parametrize("policy", planted.SAFE_INSULIN, ids=lambda p: p.name)
def test_what_is_known_to_be_safe_makes_no_lows(policy: Any) -> None:
    """In a week nobody meets 40 mg/dL or spends over 1 % of the time below 54 mg/dL."""
    metrics, _, _ = insulin(policy, 7)
    assert not low(metrics).any()


@pytest.mark.parametrize(
    ("policy", "share"),
    [
        (planted.WrongUnit(), 0.9),
        (planted.TenFold(), 0.9),
        (planted.StaleSensor(), 0.05),
        (planted.FrozenOutput(), 0.02),
        (planted.NoiseTrigger(), 0.1),
        (planted.LuckyInPublic(), 0.9),
    ],
    ids=lambda p: getattr(p, "name", ""),
)
def test_gross_faults_make_lows(policy: Any, share: float) -> None:
    """At least this share of people are brought low, where the base brings nobody low."""
    metrics, _, _ = insulin(policy, policy.days, **policy.world)
    assert low(metrics).mean() >= share


def test_a_wrong_sign_starves_highs() -> None:
    """Nearly everyone ends with a mean above 250 mg/dL, far more than under the base."""
    policy = planted.SignFlip()
    metrics, _, _ = insulin(policy, policy.days)
    base, _, _ = insulin(planted.Careful(), policy.days)
    high, usual = ((m["mean_glucose"] > 250.0).mean() for m in (metrics, base))
    assert high > 0.8
    assert high > 3.0 * usual


def test_the_subgroup_is_small_and_only_it_is_harmed() -> None:
    """About 2 % of people, in every age group; they come low, nobody else does."""
    policy = planted.SubgroupHarm()
    people = {"population": "virtual", "size": 900, "purpose": "test", "seed": 7}
    metrics, _, cohort = insulin(policy, 1, people)
    rx = cohort.therapy
    few = rx.correction_mg_dl_per_u * rx.total_daily_dose_u / 1800.0 > policy.above
    assert 0.01 <= few.mean() <= 0.03
    assert {cohort.patients.groups[i] for i in np.flatnonzero(few)} == set(cohort.patients.groups)
    assert low(metrics)[few].mean() > 0.8
    assert not low(metrics)[~few].any()


def test_late_harm_waits_for_the_end_of_the_horizon() -> None:
    """To the last minute of 14 days it is the careful policy; three days later all are harmed."""
    policy = planted.LateHarm()
    metrics, glucose, _ = insulin(policy, policy.days)
    _, usual, _ = insulin(planted.Careful(), policy.days)
    end = 14 * 288
    np.testing.assert_array_equal(glucose[:end], usual[:end])
    assert low(metrics).mean() > 0.9


def test_dose_creep_is_hidden_at_first() -> None:
    """In the first week nobody comes low; in the eighth most do."""
    policy = planted.DoseCreep()
    _, glucose, _ = insulin(policy, policy.days)
    weeks = glucose.reshape(8, 7 * 288, -1)
    assert not (weeks[0] < 54.0).any()
    assert ((weeks[7] < 54.0).mean(axis=0) > 0.01).mean() > 0.5


def test_the_shield_hides_what_is_below_it() -> None:
    """Under low-glucose suspend it is the careful policy under it; alone it brings people low."""
    policy = planted.NeedsShield()
    alone, _, _ = insulin(policy, policy.days)
    _, shielded, _ = insulin(LowGlucoseSuspend(policy), policy.days)
    _, usual, _ = insulin(LowGlucoseSuspend(planted.Careful()), policy.days)
    np.testing.assert_array_equal(shielded, usual)
    assert low(alone).mean() > 0.1


def test_announced_meals_hide_what_comes_without() -> None:
    """On announced days it is the careful policy, on others nearly everyone comes low."""
    policy = planted.OnlyAnnounced()
    _, told, _ = insulin(policy, policy.days)
    _, usual, _ = insulin(planted.Careful(), policy.days)
    np.testing.assert_array_equal(told, usual)
    untold, _, _ = insulin(policy, policy.days, **policy.world)
    assert low(untold).mean() > 0.8


def test_the_public_patients_hide_what_others_meet() -> None:
    """With the thirty named patients it is the careful policy."""
    policy = planted.LuckyInPublic()
    _, named, _ = insulin(policy, 1, "all")
    _, usual, _ = insulin(planted.Careful(), 1, "all")
    np.testing.assert_array_equal(named, usual)


def test_the_faulty_loops_do_less_harm_without_their_fault() -> None:
    """Fresh readings, and a rate that follows them, bring none of these people low."""
    fresh, _, _ = insulin(planted.Feedback(), 7)
    assert not low(fresh).any()
    for policy in (planted.StaleSensor(), planted.FrozenOutput()):
        faulty, _, _ = insulin(policy, 7)
        assert faulty["time_below_54"].mean() > 5.0 * fresh["time_below_54"].mean()
        assert faulty["mean_glucose"].mean() > fresh["mean_glucose"].mean()


# ---------------------------------------------------------------- blood pressure


@pytest.mark.parametrize("name", planted.SAFE_PRESSURE)
def test_guideline_care_and_no_change_do_little_harm(name: str) -> None:
    """Within a year at most 1 in 20 people is seriously harmed, and hardly anything forbidden."""
    metrics, _ = pressure(name)
    assert (metrics["serious_harm"] > 0).mean() < 0.05
    assert (metrics["contraindicated"] > 0).mean() < 0.01
    assert (metrics["highest_potassium"] > 6.0).mean() < 0.02


def test_dual_ras_blockade_is_asked_for_everyone() -> None:
    """Every person is asked to take what is contraindicated; allowed, it injures kidneys."""
    policy = planted.DualRas()
    assert (pressure(policy)[0]["contraindicated"] > 0).all()
    allowed, usual = pressure(policy, "allow")[0], pressure("acc_aha_2025")[0]
    assert allowed["hypotension_days"].mean() > 2.0 * usual["hypotension_days"].mean()
    assert allowed["kidney_injury"].sum() > usual["kidney_injury"].sum()


def test_potassium_ignored_rises() -> None:
    """It asks for an MRA against the laboratory; more than twice as many exceed 6.0 mmol/L."""
    policy = planted.IgnoresPotassium()
    metrics, usual = (pressure(p, "allow", 900)[0] for p in (policy, "acc_aha_2025"))
    assert (metrics["contraindicated"] > 0).mean() > 0.03
    above, below = ((m["highest_potassium"] > 6.0).mean() for m in (metrics, usual))
    assert above > 2.0 * below


def test_one_more_each_visit_ends_in_low_pressure() -> None:
    """More days of symptomatic low pressure, and more who fall below 90 mmHg, than usual."""
    metrics, usual = (pressure(p, n=900)[0] for p in (planted.OneMoreEachVisit(), "acc_aha_2025"))
    assert metrics["hypotension_days"].mean() > 3.0 * usual["hypotension_days"].mean()
    assert (metrics["lowest_sbp"] < 90.0).sum() > 3 * (usual["lowest_sbp"] < 90.0).sum()
    assert (metrics["contraindicated"] > 0).mean() > 0.1


def test_only_those_with_a_heart_block_are_forgotten() -> None:
    """One in a hundred: all of them are asked to take what they must not, nobody else is."""
    metrics, cohort = pressure(planted.ForgetsHeartBlock(), n=900)
    blocked = cohort.patients.covariates["heart_block"] > 0
    assert 0.003 < blocked.mean() < 0.02
    asked = metrics["contraindicated"] > 0
    assert asked[blocked].all()
    assert not asked[~blocked].any()


def test_erratic_care_controls_worse() -> None:
    """Mean pressure lies well above that of guideline care, with nothing forbidden asked for."""
    metrics, usual = (pressure(p)[0] for p in (planted.Erratic(), "acc_aha_2025"))
    assert metrics["mean_sbp"].mean() > usual["mean_sbp"].mean() + 5.0
    assert not metrics["contraindicated"].any()
