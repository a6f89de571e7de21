"""Weights, diagnostics, tables of ratios and replays: the parts that estimators share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tabular import BEHAVIOUR, TARGET, Process, Table

from dosegym.evaluation.collect import collect
from dosegym.evaluation.ope import Evidence, behaviour_value, make_estimator
from dosegym.evaluation.ope.diagnostics import effective_size, missing_weight
from dosegym.evaluation.ope.ratios import Ratios, interval
from dosegym.evaluation.ope.replay import log_odds
from dosegym.evaluation.ope.steps import padded
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.noisy import NoisyClinician
from dosegym.policies.randomised import Randomised

PRESSURE, INSULIN = "dosegym/BloodPressure-v0", "dosegym/Insulin-v0"
PEOPLE = {"population": "virtual", "size": 30, "purpose": "test", "seed": 4}


def test_effective_size_is_kishs() -> None:
    """Even weights count fully, one heavy weight counts once, none counts nothing."""
    assert effective_size(np.full(7, 0.3)) == pytest.approx(7.0)
    assert effective_size(np.array([1.0, 0.0, 0.0])) == 1.0
    assert effective_size(np.array([3.0, 1.0])) == pytest.approx(1.6)
    assert effective_size(np.zeros(4)) == 0.0


def test_diagnostics_tell_the_overlap() -> None:
    """Weights have a mean of 1 under support, and shares and groups add up as defined."""
    log = Process().log(BEHAVIOUR, 3000, np.random.default_rng(1))
    found = Evidence(log, TARGET).diagnostics
    assert abs(found["mean_weight"] - 1.0) < 4.0 * found["mean_weight_se"]
    assert found["missing_weight"] == 0.0
    assert found["never_share"] == 0.0
    assert found["rare_share"] == 0.0
    assert found["ess_by_step"] == sorted(found["ess_by_step"], reverse=True)
    assert found["ess"] == found["ess_by_step"][-1]
    assert set(found["overlap"]) == {"even", "odd"}
    assert 0.0 < found["max_weight_share"] < 0.05


def test_missing_support_is_seen_where_the_effective_sample_is_large() -> None:
    """A behaviour that never takes an action leaves even weights, whose mean falls short of 1."""
    log = Process().log(Table(((1.0, 0.0),) * 3), 500, np.random.default_rng(1))
    found = Evidence(log, Table(((0.7, 0.3),) * 3)).diagnostics
    assert found["ess"] == pytest.approx(500.0)
    assert found["missing_weight"] == pytest.approx(1.0 - 0.7**4, abs=1e-6)
    assert missing_weight(np.ones((50, 3))) == 0.0


def test_rare_acts_are_counted() -> None:
    """Acts to which the behaviour gave less than 1 % are a share of all decisions."""
    rare = Table(((0.005, 0.995),) * 3)
    found = Evidence(Process().log(rare, 2000, np.random.default_rng(1)), rare).diagnostics
    assert found["rare_share"] == pytest.approx(0.005, abs=0.003)


def test_ratios_know_their_jackknife_and_influence() -> None:
    """Leaving one out is computed as if it were left out; influences average to the value."""
    rng = np.random.default_rng(2)
    top, bottom = rng.random((12, 3)), rng.random((12, 3)) + 0.2
    for ratios in (Ratios(top), Ratios(top, bottom)):
        counts = np.ones((12, 12)) - np.eye(12)
        np.testing.assert_allclose(ratios.left_out, ratios.of(counts))
        assert ratios.influence.mean() == pytest.approx(ratios.value)


def test_interval_is_the_wider_of_two_and_needs_weights() -> None:
    """Fewer effective patients widen it; without any weight there is none."""
    rng = np.random.default_rng(2)
    ratios = Ratios(rng.random((40, 1)), rng.random((40, 1)) + 0.2)
    wide, narrow = (
        interval(ratios, rng=np.random.default_rng(1), confidence=0.95, ess=ess)
        for ess in (3.0, 40.0)
    )
    assert wide[0] < narrow[0] < ratios.value < narrow[1] < wide[1]
    none = Ratios(np.zeros((9, 1)), np.zeros((9, 1)))
    assert np.isnan(interval(none, rng=rng, confidence=0.95, ess=0.0)[:2]).all()


def test_replay_repeats_what_the_behaviour_said() -> None:
    """Asked about its own log, a policy with memory gives the odds that were logged."""
    arms = [load_policy("treat_to_noise"), load_policy("acc_aha_2025")]
    for policy in (Randomised(arms), NoisyClinician(arms[1], epsilon=0.3)):
        log = collect(PRESSURE, policy, PEOPLE, 2, env_kwargs={"days": 196, "adherence": "poor"})
        steps = padded(log)
        np.testing.assert_allclose(log_odds(policy, steps), steps.log_b, atol=1e-12)


def test_courses_of_different_length_are_padded_without_weight() -> None:
    """Time beyond a course's end adds no reward and leaves its weight as it was."""
    log = Process().log(BEHAVIOUR, 20, np.random.default_rng(1))
    first = log.episodes[0]
    short = replace(
        first,
        observations=first.observations[:3], actions=first.actions[:2],
        rewards=first.rewards[:2], costs=first.costs[:2], time_min=first.time_min[:3],
        log_prob=first.log_prob[:2], proposed=first.proposed[:2], shielded=first.shielded[:2],
        terminated=True, truncated=False,
    )  # fmt: skip
    about = Evidence(replace(log, episodes=(short, *log.episodes[1:])), TARGET)
    row = [name for name in about.patients].index(short.patient)
    assert about.steps.returns[row] == pytest.approx(short.returns(log.discount))
    np.testing.assert_allclose(about.weights[row, 1:], about.weights[row, 1])


def test_a_sharp_target_of_doses_has_no_weights() -> None:
    """Logged doses have no density under a deterministic rule: it must be smoothed, and said so."""
    noisy = NoisyClinician(load_policy("constant_basal"), sd=0.1)
    log = collect(INSULIN, noisy, PEOPLE, 2, env_kwargs={"days": 1})
    with pytest.raises(InputError, match="Smoothed"):
        make_estimator("wis")(
            Evidence(log, load_policy("constant_basal")), rng=np.random.default_rng(0)
        )


def test_a_deterministic_target_of_levels_has_mass() -> None:
    """Levels that a rule would have chosen have mass 1: its own log has weights of 1."""
    rule = load_policy("acc_aha_2025")
    log = collect(PRESSURE, rule, PEOPLE, 2, env_kwargs={"days": 196})
    found = make_estimator("wis")(Evidence(log, rule), rng=np.random.default_rng(0))
    assert found.value == pytest.approx(log.returns().mean())
    assert found.ess == pytest.approx(30.0)


def test_the_behaviour_is_its_mean_return() -> None:
    """The comparator is the mean over patients of their mean return."""
    log = Process().log(BEHAVIOUR, 40, np.random.default_rng(3), episodes=2)
    found = behaviour_value(log, rng=np.random.default_rng(1))
    assert found.value == pytest.approx(log.returns().mean())
    assert found.low < found.value < found.high


def test_support_is_checked() -> None:
    """A declared range that the data leave, or that is empty, is refused."""
    about = Evidence(Process().log(BEHAVIOUR, 20, np.random.default_rng(3)), TARGET)
    for name in ("is", "pdis"):
        for support, words in (((0.0, 0.1), "outside the declared"), ((1.0, 1.0), "least, most")):
            with pytest.raises(InputError, match=words):
                make_estimator(name, support=support)(about, rng=np.random.default_rng(0))
