"""The whole of it in both environments: estimates beside baselines, and a verdict."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.evaluation.collect import collect
from dosegym.evaluation.ope import CriticSettings, Part, baselines, judge_target
from dosegym.evaluation.ope.baselines import most_common
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.noisy import NoisyClinician
from dosegym.policies.randomised import Randomised
from dosegym.policies.smoothed import Smoothed

PRESSURE, INSULIN = "dosegym/BloodPressure-v0", "dosegym/Insulin-v0"
QUICK = CriticSettings(seeds=2, steps=40)


def people(n: int) -> dict[str, object]:
    """Return a virtual population of n."""
    return {"population": "virtual", "size": n, "purpose": "test", "seed": 6}


def test_a_harmful_target_is_vetoed_and_a_good_one_is_not() -> None:
    """From a trial of doing nothing against a guideline: the one is vetoed, the other is not."""
    rule, stay = load_policy("acc_aha_2025"), load_policy("do_nothing")
    trial = Randomised([rule, stay])
    log = collect(PRESSURE, trial, people(700), 3, env_kwargs={"days": 84})
    gate = Part(log, "gate")
    words = {}
    for name, target in (("rule", rule), ("stay", stay)):
        told = judge_target(
            gate, target, 0.1, trained_on=frozenset(), estimators=("wis", "cwpdis", "fqe"),
            rng=np.random.default_rng(1), critic=QUICK,
        )  # fmt: skip
        words[name] = told.verdict.word
        assert set(told.baselines) == {"no change", "random", "most common act"}
        assert set(told.target) == {"wis", "cwpdis", "fqe"}
        assert told.table().count("\n") == 2 + 3 + 3 * 2
        assert told.hidden is not None
        assert told.hidden.says == {"rule": "not below", "stay": "below"}[name]
        assert told.hidden.holds_to > 1.0
    assert words == {"rule": "NO_OBJECTION", "stay": "VETO"}


def test_insulin_at_five_minutes_is_uninformative() -> None:
    """Weights over 288 decisions are no basis of a verdict, and the verdict says so."""
    basal = load_policy("constant_basal")
    log = collect(INSULIN, NoisyClinician(basal, sd=0.1), people(60), 3, env_kwargs={"days": 1})
    told = judge_target(
        Part(log, "gate"), Smoothed(basal, sd=0.05), 1.0, trained_on=frozenset(),
        estimators=("wis", "pdis", "cwpdis"), rng=np.random.default_rng(1),
    )  # fmt: skip
    assert told.verdict.word == "UNINFORMATIVE"
    assert "effective patients" in told.verdict.reasons[0]
    assert told.hidden is None


def test_only_the_gates_part_is_judged_on() -> None:
    """Data set aside to train or to select on are refused."""
    log = collect(PRESSURE, "acc_aha_2025", people(8), 3, env_kwargs={"days": 56})
    with pytest.raises(InputError, match="the part is for train"):
        judge_target(
            Part(log, "train"), load_policy("do_nothing"), 0.1, trained_on=frozenset(),
            rng=np.random.default_rng(1),
        )  # fmt: skip


def test_the_most_common_act_is_it() -> None:
    """Levels: the commonest regimen; doses: the middle of the fullest bin."""
    log = collect(PRESSURE, "do_nothing", people(50), 3, env_kwargs={"days": 56})
    acts = np.concatenate([e.proposed for e in log.episodes])
    common = most_common(log).predict(np.zeros((2, 51), np.float32))[0]
    assert (common[0] == common[1]).all()
    counts = {tuple(a): 0 for a in acts}
    for a in acts:
        counts[tuple(a)] += 1
    assert counts[tuple(common[0])] == max(counts.values())
    doses = collect(INSULIN, "constant_basal", people(3), 3, env_kwargs={"days": 1})
    assert abs(most_common(doses).action[0] + 0.2) < 0.03
    assert set(baselines(doses)) == set(baselines(log))
