"""Trials of blood pressure: entry drugs, selection, matching, and a whole small trial."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import yaml

from dosegym.evaluation.trial import TrialResult, run_trial
from dosegym.evaluation.trial_population import Enrolled, in_formulary, recruit
from dosegym.evaluation.trial_protocol import TrialProtocol, parse_trial
from dosegym.evaluation.trials import load_trial
from dosegym.physiology.errors import InputError
from dosegym.therapy.formulary import CLASSES


def changed(name: str, population: dict[str, Any], **top: Any) -> TrialProtocol:
    """Return a shipped trial with parts of its population changed."""
    plain = load_trial(name).model_dump(mode="json")
    plain["population"] |= population
    return parse_trial(yaml.safe_dump(plain | top), name)


@pytest.fixture(scope="module")
def enrolled() -> Enrolled:
    """Return 150 people of QUARTET."""
    return recruit(changed("quartet", {"n": 150}))


@pytest.fixture(scope="module")
def result() -> TrialResult:
    """Return QUARTET with 60 people over 12 weeks."""
    return run_trial(twelve_weeks())


def twelve_weeks() -> TrialProtocol:
    """Return QUARTET with 60 people, cut at week 12 and matched on pressure alone."""
    ends = load_trial("quartet").model_dump(mode="json")["endpoints"]
    ends = [e for e in ends if e["week"] <= 12]
    visits = {"horizon_days": 84, "interval_days": 14}
    match = {"sbp": {"mean": 141.0}}
    return changed("quartet", {"n": 60, "match": match}, visits=visits, endpoints=ends)


def test_entry_drugs_follow_the_shares() -> None:
    """One in two candidates comes on one drug, but for the few whose chart forbids it."""
    plan = changed("quartet", {"n": 2000, "screen": 1, "include": [], "exclude": [], "match": {}})
    drugs = (recruit(plan).cohort.entry > 0).sum(axis=1)
    assert set(drugs.tolist()) == {0, 1}
    assert drugs.mean() == pytest.approx(0.5, abs=0.04)


def test_no_one_enters_on_what_the_chart_forbids() -> None:
    """With everyone asked to be on a beta-blocker, people with asthma are not."""
    regimens = [{"share": 1.0, "doses": {"beta_blocker": 1.0}}]
    rules: dict[str, Any] = {"include": [], "exclude": [], "match": {}, "regimens": regimens}
    cohort = recruit(changed("quartet", {"n": 400, "screen": 1, **rules})).cohort
    asthma = cohort.patients.covariates["asthma"] > 0.5
    on_it = cohort.entry[:, CLASSES.index("beta_blocker")] > 0
    assert not on_it[asthma].any()
    assert on_it[~asthma].mean() > 0.9


def test_an_arms_formulary_keeps_the_standard_doses(enrolled: Enrolled) -> None:
    """Losartan 50 mg at entry is irbesartan 150 mg in an arm that has irbesartan."""
    mapped = in_formulary(enrolled.cohort, {"formulary": {"arb": "irbesartan"}})
    before = enrolled.cohort.formulary.standard_of(enrolled.cohort.entry)
    assert mapped.formulary.drugs[CLASSES.index("arb")] == "irbesartan"
    assert mapped.formulary.standard_of(mapped.entry) == pytest.approx(before)


def test_the_enrolled_match_the_baseline_table(enrolled: Enrolled) -> None:
    """Pressure, age, sex and drugs are those asked for, within the draw's error."""
    for name, wanted in load_trial("quartet").population.match.items():
        found = enrolled.baseline[name]
        assert found["mean"] == pytest.approx(wanted.mean, abs=3.5 * found["sd"] / 150**0.5)


def test_selection_on_a_reading_regresses() -> None:
    """People selected at 160 mmHg or more read much lower at the next visit, above the rest."""
    free: dict[str, Any] = {"n": 120, "exclude": [], "match": {}, "regimens": []}
    free |= {"screening_measurement": "office_unattended"}
    high = recruit(changed("quartet", {**free, "screen": 12.0, "include": [{"sbp": [165, None]}]}))
    everyone = recruit(changed("quartet", {**free, "screen": 1.0, "include": []}))
    after = high.baseline["sbp"]["mean"]
    assert everyone.baseline["sbp"]["mean"] + 3.0 < after < 165.0


def test_matching_leaves_no_drift(enrolled: Enrolled) -> None:
    """Nobody is chosen for an error of the baseline reading: readings there are unbiased."""
    plan = changed("quartet", {"n": 150})
    quiet = {"preset": "office_unattended", "sbp_cv": 0.0, "dbp_cv": 0.0}
    level = recruit(changed("quartet", {"n": 150}, measurement=quiet)).baseline["sbp"]["mean"]
    noise = 0.0815 * 141.0 / plan.population.n**0.5
    assert enrolled.baseline["sbp"]["mean"] == pytest.approx(level, abs=5 * noise)


def test_unknown_classes_and_fields_are_refused() -> None:
    """Both are told in one line."""
    wrong = [{"share": 1.0, "doses": {"statin": 1.0}}]
    with pytest.raises(InputError, match="name 'statin'; the classes are acei"):
        recruit(changed("quartet", {"n": 5, "regimens": wrong}))
    with pytest.raises(InputError, match="people have no 'height'"):
        recruit(changed("quartet", {"n": 5, "sampler": {"height": 3}}))


def test_a_small_trial_runs_whole(result: TrialResult) -> None:
    """Every endpoint has a finite estimate, and four quarter doses lower pressure more."""
    assert all(np.isfinite(f.estimate.value) for f in result.findings)
    of = {f.endpoint.id: f.estimate for f in result.findings}
    assert of["sbp-difference"].high < 0.0


def test_parts_change_no_number(result: TrialResult) -> None:
    """Seeds belong to people."""
    again = run_trial(twelve_weeks(), part=23)
    assert [asdict(f.estimate) for f in again.findings] == [
        asdict(f.estimate) for f in result.findings
    ]


def test_the_study_effect_lowers_readings_and_not_pressure() -> None:
    """With it the reading at week 12 lies 4.2 (1 - exp(-3)) mmHg lower where nobody is treated."""
    plan = twelve_weeks().model_dump(mode="json")
    plan["arms"] = [{"name": "quadpill", "policy": "do_nothing"}]
    plan["measurement"] = "noise_free"
    plan["endpoints"] = [
        {
            "id": name, "label": name, "unit": "mmHg", "measure": "value", "column": name,
            "week": 12, "arm": "quadpill", "published": 0.0, "status": "unverified",
        }
        for name in ("measured_sbp_mmhg", "sbp_mmhg")
    ]  # fmt: skip
    plain = parse_trial(yaml.safe_dump(plan), "plain")
    usual, with_effect = (run_trial(plain, study_effect=effect) for effect in (False, True))
    gap = [a.estimate.value - b.estimate.value
           for a, b in zip(usual.findings, with_effect.findings, strict=True)]  # fmt: skip
    assert gap[0] - gap[1] == pytest.approx(4.2 * (1.0 - np.exp(-3.0)), abs=0.05)
    assert with_effect.protocol.measurement == {"preset": "noise_free", "habituation_mmhg": 4.2}


def test_the_study_effect_is_of_blood_pressure_alone() -> None:
    """An insulin trial refuses it in one line."""
    with pytest.raises(InputError, match="study effect is known of blood pressure alone"):
        load_trial("insulin-basal-bolus-pid").with_study_effect()
