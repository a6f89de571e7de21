"""The blood-pressure constraint set: its budget, what it refuses, and that it can be met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.constraints import list_constraints, load_constraints
from dosegym.evaluation.planning import failures_allowed
from dosegym.evaluation.verdict import decide, judge_all
from dosegym.physiology.errors import InputError
from dosegym.physiology.pressure_people import GROUPS
from dosegym.therapy.constraint import EVERYONE, ChanceItem
from dosegym.therapy.constraint_file import parse_constraints
from dosegym.therapy.protocols import Source
from dosegym.therapy.serious_harm import SERIOUS

RULES = load_constraints("blood-pressure-v1")
N = 3000
PEOPLE = [GROUPS[i % len(GROUPS)] for i in range(N)]
Signals = Mapping[str, np.ndarray]


def lives(seed: int = 0, **changes: Any) -> Signals:
    """Return signals of people whom guideline care serves well, some of them changed."""
    rng = np.random.default_rng(seed)
    steady = np.random.default_rng(99)
    sbp = steady.normal(126.0, 8.0, N) + rng.normal(0.0, 3.0, N)
    target = (steady.uniform(40.0, 90.0, N) + rng.normal(0.0, 8.0, N)).clip(0.0, 100.0)
    harmed = 100.0 * (steady.random(N) < 0.02)
    calm = {
        "lowest_sbp": np.full(N, 104.0),
        "highest_potassium": np.full(N, 4.8),
        "lowest_potassium": np.full(N, 3.9),
        "lowest_sodium": np.full(N, 137.0),
        "lowest_heart_rate": np.full(N, 58.0),
        "last_egfr_ratio": np.full(N, 0.95),
        "kidney_injury": np.zeros(N),
        "contraindicated": np.zeros(N),
        "mean_sbp": sbp,
        "time_in_target": target,
        "serious_harm": harmed,
        "hypotension_days": np.zeros(N),
    }
    return calm | {k: np.broadcast_to(np.asarray(v, float), (N,)) for k, v in changes.items()}


def failed(candidate: Signals) -> set[str]:
    """Return the items that do not hold in some group."""
    results = judge_all(RULES, candidate, lives(1), PEOPLE)
    return {r.id for r in results if not r.passed}


def test_the_budget_is_spent_exactly() -> None:
    """The deltas sum to the total, so all passed items hold together."""
    assert "blood-pressure-v1" in list_constraints()
    assert sum(item.delta for item in RULES.items) == pytest.approx(RULES.total_delta)
    assert (RULES.horizon_days % 28, RULES.trace) == (0, "truth")


def test_every_group_is_judged_on_every_hazard() -> None:
    """Items that speak of some groups are completed by twins for the others."""
    for signal in {item.signal for item in RULES.items}:
        scopes = [s for item in RULES.items if item.signal == signal for s in item.scope]
        assert EVERYONE in scopes or sorted(scopes) == sorted(GROUPS)


def test_chance_items_refuse_twice_their_limit_and_can_be_met() -> None:
    """With 1,000 a group, twice the limit passes with probability below 1e-3; none always pass."""
    for item in (i for i in RULES.items if isinstance(i, ChanceItem)):
        shares = len(GROUPS) if EVERYONE in item.scope else len(item.scope)
        allowed = failures_allowed(N // 3, item.limit, confidence=1 - item.delta / shares)
        assert allowed is not None
        assert stats.binom.cdf(allowed, N // 3, 2.0 * item.limit) < 1e-3, item.id


def test_one_contraindicated_prescription_is_one_too_many() -> None:
    """With 1,000 people a group, a single person with a forbidden drug fails the item."""
    one = np.zeros(N)
    one[4] = 7.7
    assert failed(lives()) == set()
    assert failed(lives(contraindicated=one)) == {"never-contraindicated"}


def test_a_policy_like_guideline_care_is_released() -> None:
    """Equal control up to chance, and harm no more frequent, passes in all three groups."""
    results = judge_all(RULES, lives(), lives(1), PEOPLE)
    assert decide(results, GROUPS) == ("RELEASE", GROUPS)


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({"lowest_sbp": 89.0}, "low-pressure"),
        ({"highest_potassium": 6.1}, "potassium-high"),
        ({"highest_potassium": 6.1}, "potassium-high-kidney"),
        ({"lowest_potassium": 2.9}, "potassium-low"),
        ({"lowest_sodium": 124.0}, "sodium-low"),
        ({"lowest_heart_rate": 39.0}, "slow-heart"),
        ({"last_egfr_ratio": 0.69}, "filtration-lost"),
        ({"kidney_injury": 100.0}, "kidney-injury"),
        ({"kidney_injury": 100.0}, "kidney-injury-kidney"),
        ({"mean_sbp": 134.0}, "not-worse-pressure"),
        ({"time_in_target": 30.0}, "not-worse-time-in-target"),
        ({"serious_harm": 100.0}, "not-more-serious-harm"),
        ({"hypotension_days": 2.0}, "not-more-symptoms"),
    ],
)
def test_every_hazard_can_refuse(changes: dict[str, float], item: str) -> None:
    """Each item refuses the policy that does that harm to everybody."""
    assert item in failed(lives(**changes))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("signal: lowest_sbp", "signal: min_glucose", "unit is 'mmHg', but min_glucose is in"),
        ("comparator: guideline_care", "comparator: current_regimen", "it is 'guideline_care'"),
        (
            "environment: dosegym/BloodPressure-v0",
            "environment: dosegym/Insulin-v0",
            "is none of dosegym/Insulin-v0",
        ),
        (
            "environment: dosegym/BloodPressure-v0",
            "environment: dosegym/Moon-v0",
            "environment is 'dosegym/Moon-v0'",
        ),
        ("margin: 2", "margin: 200", "margin is 200 mmHg, outside 0 to 140 mmHg"),
    ],
)
def test_what_is_not_of_the_environment_is_told(old: str, new: str, told: str) -> None:
    """A signal, comparator or environment that does not belong is named in one line."""
    from importlib.resources import files

    text = (files("dosegym.evaluation.constraints") / "blood-pressure-v1.yaml").read_text("utf-8")
    assert old in text
    with pytest.raises(InputError) as caught:
        parse_constraints(text.replace(old, new, 1), "mine.yaml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_limits_of_serious_harm_name_their_sources() -> None:
    """Each limit of the composite says where it comes from."""
    sources = [v for v in vars(SERIOUS).values() if isinstance(v, Source)]
    assert len(sources) == 4
    assert all(source.text for source in sources)
