"""The gate on living virtual patients: who they are, what is refused, what is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.evaluation import SafetyCase, certify
from dosegym.evaluation.gate import lives
from dosegym.evaluation.safety import DAY_SEEDS, SEED, certified_patients
from dosegym.physiology import load_model, load_population
from dosegym.physiology.errors import InputError
from dosegym.physiology.streams import PURPOSES
from dosegym.policies import load_policy
from dosegym.policies.basal import ConstantBasal
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.rule import Doses, Memory, Seen
from dosegym.therapy.cohort import virtual_cohort

N = 90
HYPO = ("severe-low", "low-54-patient")


@dataclass(kw_only=True)
class TenFold(BasalBolus):
    """Ten times the dose that basal-bolus therapy prescribes."""

    name: str = field(default="ten_fold", init=False)

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return ten times the doses."""
        doses, memory = super().decide(seen, memory)
        return Doses(10.0 * doses.basal_u_per_h, 10.0 * doses.bolus_u), memory


@dataclass(kw_only=True)
class Reversed(ConstantBasal):
    """More insulin the lower the glucose: a controller with the wrong sign."""

    name: str = field(default="reversed", init=False)

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return a basal rate that falls when glucose rises."""
        rate = seen.basal_u_per_h * np.clip(1.0 + (140.0 - seen.cgm) / 20.0, 0.0, 10.0)
        return Doses(rate, np.zeros_like(rate)), memory


class Broken:
    """Constant basal for half a day, then not a number."""

    card: Mapping[str, str] = {"policy": "broken"}

    def predict(self, observation: Any, state: Any, begin: Any, _: bool) -> tuple[Any, Any]:
        """Return the basal's action, or NaN from the 144th step on."""
        action, _ = ConstantBasal().predict(observation)
        steps = 0 if state is None else state
        return (action if steps < 144 else np.full_like(action, np.nan)), steps + 1


def items_of(case: SafetyCase) -> dict[tuple[str, str], bool]:
    """Return whether each item passed, by id and group."""
    return {(item.id, item.group): item.passed for item in case.items}


def test_ten_times_the_dose_is_refused(rules_file: Any) -> None:
    """A tenfold dose fails both hypoglycaemia items in every group, and is not merely unproven."""
    case = certify(TenFold(), constraints=rules_file(HYPO), patients=N)
    assert (case.verdict, case.scope, case.passed) == ("NO_SOLUTION", (), False)
    assert all(item.observed > 0.5 for item in case.items)


def test_a_reversed_sign_is_refused(rules_file: Any) -> None:
    """A controller with the wrong sign drives patients low and is refused."""
    case = certify(Reversed(), constraints=rules_file(HYPO), patients=N)
    assert case.verdict == "NO_SOLUTION"
    assert not any(items_of(case).values())


def test_a_harmless_policy_passes_the_same_rules(rules_file: Any) -> None:
    """The same rules, with a limit that 90 patients can show, let constant basal pass."""
    rules = rules_file(HYPO, changes={"limit": 0.3})
    case = certify(ConstantBasal(), constraints=rules, patients=N)
    assert (case.verdict, case.passed) == ("RELEASE", True)
    assert case.scope == ("adult", "adolescent", "child")
    refused = certify(TenFold(), constraints=rules, patients=N)
    assert refused.verdict == "NO_SOLUTION"


def test_a_policy_that_ends_in_nan_is_an_error(rules_file: Any) -> None:
    """A broken policy is told in one line and certified as nothing."""
    with pytest.raises(InputError, match=r"action of lane 0 is \[nan\]"):
        certify(Broken(), constraints=rules_file(HYPO), patients=N)


def test_the_same_seed_gives_the_same_case(
    rules_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items and worst patients repeat bit for bit, also when lanes are grouped otherwise."""
    rules = rules_file()
    first = certify("pid", constraints=rules, patients=N, seed=3)
    monkeypatch.setattr(lives, "LANES", 37)
    again = certify("pid", constraints=rules, patients=N, seed=3)
    assert (again.items, again.worst, again.population) == (
        first.items,
        first.worst,
        first.population,
    )
    other = certify("pid", constraints=rules, patients=N, seed=4)
    assert other.population["sha256"] != first.population["sha256"]
    assert other.items != first.items


def test_certified_patients_are_nobody_else() -> None:
    """No certified patient is one of training, validation or test, nor one of the named thirty."""
    cohort, _ = certified_patients(300, SEED, ("adult", "adolescent", "child"), {})
    mine = {row.tobytes() for row in cohort.patients.params}
    model = load_model("uva_padova_2008")
    others = [
        virtual_cohort(model, 300, purpose=purpose, seed=SEED).patients
        for purpose in PURPOSES
        if purpose != "certification"
    ]
    for people in [*others, load_population()]:
        assert not mine & {row.tobytes() for row in people.params}
        assert not set(cohort.patients.names) & set(people.names)


def test_certified_days_are_nobody_elses() -> None:
    """The days' seeds lie beyond the 32 bits that training, validation and evaluation draw from."""
    _, seeds = certified_patients(300, SEED, ("adult",), {})
    assert min(seeds) >= DAY_SEEDS[0] == 2**32
    assert max(seeds) < 2**53
    assert len(set(seeds)) == 300
    assert certified_patients(300, SEED, ("adult",), {})[1] == seeds
    assert not set(certified_patients(300, SEED + 1, ("adult",), {})[1]) & set(seeds)


def test_groups_limit_who_is_drawn(rules_file: Any) -> None:
    """A policy meant for children is tested on children alone, in the order of the house."""
    case = certify(
        ConstantBasal(), constraints=rules_file(HYPO), patients=60, groups=("child", "adult")
    )
    assert case.population["groups"] == ["adult", "child"]
    assert {item.group for item in case.items} == {"adult", "child"}
    assert all(item.n == 30 for item in case.items)


def test_the_rules_say_whose_glucose_counts(rules_file: Any) -> None:
    """A set that names the sensor's trace is judged on readings, which never show below 39."""
    below = {"threshold": 39.0, "limit": 0.9}
    cases = {
        trace: certify(
            TenFold(),
            constraints=rules_file(("severe-low",), changes=below, trace=trace),
            patients=30,
            groups="adult",
        )
        for trace in ("truth", "sensor")
    }
    assert cases["sensor"].items[0].observed == 0.0
    assert cases["truth"].items[0].observed > 0.5


def test_worst_patients_can_be_lived_again(rules_file: Any) -> None:
    """The worst patients are listed worst first, with the seed that repeats their days."""
    case = certify(TenFold(), constraints=rules_file(HYPO), patients=N)
    below = [w["time_below_54"] for w in case.worst]
    assert len(below) == 5
    assert below == sorted(below, reverse=True)
    cohort, seeds = certified_patients(N, SEED, ("adult", "adolescent", "child"), {})
    for who in case.worst:
        place = cohort.patients.names.index(who["patient"])
        assert (cohort.patients.groups[place], seeds[place]) == (who["group"], who["seed"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"groups": ("adult", "elder")}, "group is 'elder'; choose among adult, adolescent, child"),
        ({"groups": ()}, "groups names nobody"),
        ({"patients": 89}, "patients is 89; give at least 90"),
        ({"patients": 29, "groups": ("adult",)}, "patients is 29; give at least 30"),
        ({"patients": 3000.0}, "patients is 3000.0"),
        ({"seed": -1}, "seed is -1"),
        ({"constraints": "insulin-v9"}, "constraint set 'insulin-v9' is neither"),
        ({"policy": "no_such_policy"}, "policy is 'no_such_policy'"),
        ({"policy": object()}, "policy object has no card"),
        ({"env_kwargs": {"scenario": "feast"}}, "scenario is 'feast'"),
        ({"env_kwargs": {"action": "meal_bolus"}}, "action is 'meal_bolus' in env-kwargs"),
        ({"env_kwargs": {"days": 1}}, "env-kwargs names 'days', which the certification sets"),
        ({"env_kwargs": {"patient": "adult#001"}}, "env-kwargs names 'patient'"),
        ({"env_kwargs": {"moon": "full"}}, "does not know the keyword 'moon'"),
    ],
)
def test_whatever_is_unknown_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Default deny: one line instead of a certificate."""
    policy = arguments.pop("policy", "pid")
    with pytest.raises(InputError, match=message):
        certify(policy, **({"patients": N} | arguments))


def test_a_card_that_changes_is_refused(rules_file: Any) -> None:
    """A policy cannot be one thing when judged and another in the certificate."""

    class Chameleon(ConstantBasal):
        def meet(self, chart: Any) -> None:
            """Change the card on meeting patients."""
            self.factor = self.factor * 0.5

    with pytest.raises(InputError, match="card changed while it was judged"):
        certify(Chameleon(), constraints=rules_file(HYPO), patients=N)


def test_the_examined_world_is_written_down(rules_file: Any, tmp_path: Path) -> None:
    """The case names environment, regimen, constraints and policy as they were."""
    rules = rules_file(HYPO)
    case = certify("basal_bolus", constraints=rules, patients=N, env_kwargs={"pump": "tslim"})
    kwargs = case.environment["kwargs"]
    assert kwargs["scenario"] == {"announced": True, "lead_min": 0.0, "preset": "messy"}
    assert (kwargs["pump"], kwargs["days"], kwargs["terminate"]) == ("tslim", 1, None)
    assert case.comparator.startswith("basal_bolus")
    assert case.constraints["name"] == "short"
    assert case.policy == load_policy("basal_bolus").card
    assert case.population["seed"] == SEED


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("messy", "15 g of carbohydrate when the sensor reads below 70 mg/dL by day"),
        ({"preset": "messy", "rescue_awake": 0.5}, "heeded in 50 % of hours"),
        ({"preset": "messy", "rescue_g": 0.0}, "is not treated with carbohydrate"),
        ("fasting", "is not treated with carbohydrate"),
    ],
)
def test_the_assumption_on_lows_is_the_scenarios(
    scenario: Any, words: str, rules_file: Any
) -> None:
    """A4 says how lows were treated in the days that were simulated, and which way that errs."""
    case = certify(
        "constant_basal",
        constraints=rules_file(HYPO),
        patients=30,
        groups="adult",
        env_kwargs={"scenario": scenario},
    )
    a4 = next(a for a in case.assumptions if a["id"] == "A4")
    assert words in a4["text"]
    treated = "15 g" in words or "heeded" in words
    assert ("understated" in a4["status"]) == treated
    assert ("overstated" in a4["text"]) != treated


def test_the_sentence_states_what_was_shown(rules_file: Any) -> None:
    """Confidence, number of patients, rules, horizon and groups stand in the sentence."""
    rules = rules_file(HYPO, changes={"limit": 0.3}, days=2)
    case = certify("constant_basal", constraints=rules, patients=N)
    for part in ("at least 95 %", "90 evaluation patients", "short 1.0.0", "2 days", "child"):
        assert part in case.sentence
    refused = certify(TenFold(), constraints=rules, patients=N)
    assert "no recommendation may rest on this policy" in refused.sentence
