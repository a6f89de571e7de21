"""From metrics to verdicts, on made-up patients: exact, at the size of a real certification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.verdict import decide, judge_all
from dosegym.physiology.errors import InputError
from dosegym.therapy.cohort import GROUPS
from dosegym.therapy.constraint import ChanceItem, ConstraintSet

RULES = load_constraints("insulin-v1")
N = 3000
Metrics = dict[str, np.ndarray]


def groups_of(n: int, names: tuple[str, ...] = GROUPS) -> list[str]:
    """Return age groups in turn, as the sampler draws them."""
    return [names[i % len(names)] for i in range(n)]


def people(n: int = N, **changes: Any) -> Metrics:
    """Return metrics of patients with whom nothing is wrong, some of them changed."""
    rng = np.random.default_rng(5)
    calm: Metrics = {
        "min_glucose": rng.uniform(72.0, 100.0, n),
        "time_below_54": np.zeros(n),
        "time_below_70": rng.uniform(0.0, 0.5, n),
        "time_above_250": rng.uniform(0.0, 2.0, n),
        "mean_glucose": rng.uniform(120.0, 160.0, n),
        "time_in_range": rng.uniform(80.0, 95.0, n),
    }
    return calm | {name: np.broadcast_to(value, n) for name, value in changes.items()}


def regimen(n: int = N) -> Metrics:
    """Return a current regimen with half a percent of time below 54 mg/dL."""
    return people(n, time_below_54=np.random.default_rng(6).uniform(0.3, 0.9, n))


def verdict(
    candidate: Metrics, current: Metrics | None = None, rules: ConstraintSet = RULES, n: int = N
) -> tuple[str, tuple[str, ...]]:
    """Judge and decide for all three age groups."""
    results = judge_all(rules, candidate, regimen(n) if current is None else current, groups_of(n))
    return decide(results, GROUPS)


def spoil(values: np.ndarray, where: np.ndarray, value: float) -> np.ndarray:
    """Return a copy with a value put in some places."""
    changed = np.array(values)
    changed[where] = value
    return changed


def test_a_safe_policy_is_released_for_everyone() -> None:
    """With 3,000 patients in three groups every item of the shipped set can be shown."""
    assert verdict(people()) == ("RELEASE", GROUPS)


@pytest.mark.parametrize(
    ("signal", "harm"), [("min_glucose", 35.0), ("time_below_54", 5.0), ("mean_glucose", 320.0)]
)
def test_harm_to_one_patient_in_fifty_is_refused(signal: str, harm: float) -> None:
    """Whatever the harm, 2 % of the patients spread over the groups are enough for a refusal."""
    calm = people()
    harmed = calm | {signal: spoil(calm[signal], np.arange(0, N, 50), harm)}
    assert verdict(harmed) == ("NO_SOLUTION", ())


@pytest.mark.parametrize("bad", GROUPS)
def test_one_group_harmed_leaves_the_other_two(bad: str) -> None:
    """Harm that falls on 2 % of everyone, all in one group, costs that group its release."""
    calm, labels = people(), np.array(groups_of(N))
    where = np.flatnonzero(labels == bad)[:60]
    harmed = calm | {"min_glucose": spoil(calm["min_glucose"], where, 35.0)}
    assert verdict(harmed) == ("RESTRICT", tuple(g for g in GROUPS if g != bad))


def test_one_good_group_is_released_alone() -> None:
    """A policy that suits adults only is restricted to them."""
    labels = np.array(groups_of(N))
    high = people(time_above_250=np.where(labels == "adult", 1.0, 20.0))
    assert verdict(high) == ("RESTRICT", ("adult",))


def test_a_good_mean_does_not_buy_off_a_group() -> None:
    """Everyone's mean time above 250 is 3 %, within the limit of 5 %; the children's is 9 %."""
    labels = np.array(groups_of(N))
    mixed = people(time_above_250=np.where(labels == "child", 9.0, 0.0))
    assert mixed["time_above_250"].mean() == pytest.approx(3.0)
    assert verdict(mixed) == ("RESTRICT", ("adult", "adolescent"))


def test_worse_than_today_is_refused_however_good() -> None:
    """A policy within every limit that costs 5 points of time in range is not released."""
    better = people(time_in_range=97.0)
    worse = people(time_in_range=92.0)
    assert verdict(worse, better) == ("NO_SOLUTION", ())


def test_too_few_patients_release_nobody() -> None:
    """What 3,000 perfect patients show, 90 cannot: no evidence is no release."""
    assert verdict(people(90), regimen(90), n=90) == ("NO_SOLUTION", ())


def test_two_harmed_of_a_thousand_pass_and_three_do_not() -> None:
    """The chance items stop where Clopper-Pearson says, at a third of their error probability."""
    calm, labels = people(), np.array(groups_of(N))
    for harmed, passes in ((2, True), (3, False)):
        where = np.flatnonzero(labels == "adult")[:harmed]
        low = calm | {"min_glucose": spoil(calm["min_glucose"], where, 39.0)}
        results = judge_all(RULES, low, regimen(), groups_of(N))
        item = next(r for r in results if (r.id, r.group) == ("severe-low", "adult"))
        assert (item.n, item.observed, item.passed) == (1000, harmed / 1000, passes)


@pytest.mark.parametrize("present", [GROUPS, ("adult",), ("adolescent", "child")])
def test_error_probabilities_of_all_bounds_sum_to_the_total(present: tuple[str, ...]) -> None:
    """Everything tried, groups included, shares total_delta; each item keeps its own part."""
    results = judge_all(RULES, people(), regimen(), groups_of(N, present))
    assert sum(r.delta for r in results) == pytest.approx(RULES.total_delta)
    for item in RULES.items:
        mine = [r for r in results if r.id == item.id]
        assert sum(r.delta for r in mine) == pytest.approx(item.delta)
        assert tuple(r.group for r in mine) == present
    assert all(r.confidence == 1.0 - r.delta for r in results)


def scoped(*scope: str) -> ConstraintSet:
    """Return the shipped set with one item, of a scope of its own."""
    item = RULES.items[0].model_copy(update={"scope": scope})
    return RULES.model_copy(update={"items": (item,)})


def test_an_item_is_judged_in_its_scope_alone() -> None:
    """An item for children says nothing of adults, spends nothing on them and releases none."""
    results = judge_all(scoped("child"), people(), regimen(), groups_of(N))
    assert [(r.group, r.delta) for r in results] == [("child", RULES.items[0].delta)]
    assert decide(results, GROUPS) == ("RESTRICT", ("child",))


def test_no_item_means_no_release() -> None:
    """A group of which no constraint speaks is not released by silence."""
    results = judge_all(scoped("child"), people(), regimen(), groups_of(N, ("adult",)))
    assert results == []
    assert decide(results, ("adult",)) == ("NO_SOLUTION", ())


def test_groups_asked_for_but_not_judged_prevent_a_full_release() -> None:
    """A policy meant for adults and children, judged on adults alone, is not a RELEASE."""
    results = judge_all(RULES, people(), regimen(), groups_of(N, ("adult",)))
    assert decide(results, ("adult", "child")) == ("RESTRICT", ("adult",))
    assert decide(results, ("adult", "martian")) == ("RESTRICT", ("adult",))


def test_unknown_groups_are_refused() -> None:
    """A misspelt group in a constraint or among the patients stops the judgement."""
    with pytest.raises(InputError, match="group is 'adlut'; constraints and patients know adult"):
        judge_all(scoped("adlut"), people(), regimen(), groups_of(N))
    with pytest.raises(InputError, match="group is 'elder'"):
        judge_all(RULES, people(), regimen(), groups_of(N, ("adult", "elder")))


def test_a_missing_signal_is_refused() -> None:
    """A constraint whose signal nobody computed cannot be passed over."""
    without = {k: v for k, v in people().items() if k != "time_below_70"}
    with pytest.raises(InputError, match="signal time_below_70 is missing from the candidate"):
        judge_all(RULES, without, regimen(), groups_of(N))
    with pytest.raises(InputError, match="of the current regimen has shape"):
        judge_all(RULES, people(), regimen(2999), groups_of(N))


def test_a_missing_value_is_harm_or_an_error() -> None:
    """A patient without a value counts as harmed in a chance item and stops a mean."""
    gone = people(min_glucose=np.where(np.arange(N) < 90, np.nan, 80.0))
    assert verdict(gone) == ("NO_SOLUTION", ())
    with pytest.raises(InputError, match="missing or infinite"):
        verdict(people(time_below_70=np.where(np.arange(N) == 7, np.nan, 0.1)))


def chance_results(candidate: Metrics, labels: list[str]) -> list[tuple[Any, ...]]:
    """Return what the chance items found."""
    found = judge_all(RULES, candidate, regimen(len(labels)), labels)
    return [(r.id, r.group, r.observed, r.bound, r.passed) for r in found if r.type == "chance"]


def test_the_order_of_patients_does_not_matter_to_chance_items() -> None:
    """Permuting the patients leaves every chance item exactly as it was."""
    rng = np.random.default_rng(8)
    mixed = people(time_below_54=rng.exponential(0.3, N), min_glucose=rng.normal(70.0, 12.0, N))
    labels, order = np.array(groups_of(N)), rng.permutation(N)
    shuffled = {name: values[order] for name, values in mixed.items()}
    assert chance_results(shuffled, labels[order].tolist()) == chance_results(
        mixed, labels.tolist()
    )


def tighter(item: Any, share: float) -> Any:
    """Return the item with a stricter limit or margin; if of chance, with a smaller delta too."""
    stricter: dict[str, float] = {}
    if item.type == "chance":
        stricter["delta"] = item.delta * (1.0 - 0.5 * share)
    if item.type == "noninferiority":
        stricter["margin"] = item.margin * (1.0 - 0.9 * share)
    elif item.type == "chance" or item.harm == "above":
        stricter["limit"] = item.limit * (1.0 - 0.9 * share)
    else:
        stricter["limit"] = item.limit + share * (item.support[1] - item.limit)
    return item.model_copy(update=stricter)


@settings(max_examples=60, deadline=None)
@given(
    k=st.integers(0, len(RULES.items) - 1),
    share=st.floats(0.0, 1.0),
    harmed=st.integers(0, 12),
    level=st.floats(0.0, 30.0),
    seed=st.integers(0, 1000),
)
def test_tightening_never_turns_a_failure_into_a_pass(
    k: int, share: float, harmed: int, level: float, seed: int
) -> None:
    """With a stricter limit or margin no failing item passes."""
    rng, n = np.random.default_rng(seed), 600
    where = rng.permutation(n) < harmed
    candidate = people(
        n,
        min_glucose=np.where(where, 30.0, 80.0),
        mean_glucose=np.where(where, 300.0, 140.0),
        **{
            name: np.clip(rng.exponential(0.05 + level / 10.0, n), 0.0, 100.0)
            for name in ("time_below_54", "time_below_70", "time_above_250")
        },
        time_in_range=np.clip(90.0 - level + rng.normal(0.0, 4.0, n), 0.0, 100.0),
    )
    item = RULES.items[k]
    outcomes = []
    for each in (item, tighter(item, share)):
        rules = RULES.model_copy(update={"items": (each,)})
        found = judge_all(rules, candidate, regimen(n), groups_of(n, ("adult",)))
        outcomes.append(found[0].passed)
    assert outcomes[0] or not outcomes[1]


def test_chance_items_cover_the_shipped_hazards() -> None:
    """The cases above speak of all three chance items of the shipped set."""
    signals = {item.signal for item in RULES.items if isinstance(item, ChanceItem)}
    assert signals == {"min_glucose", "time_below_54", "mean_glucose"}
