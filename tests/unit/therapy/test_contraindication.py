"""Contraindications: each rule on and off its limit, dual RAS blockade, mask and enforcement."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.therapy.contraindication import (
    ACEI,
    ARB,
    BETA_BLOCKER,
    CCB,
    MRA,
    RULE_NAMES,
    RULES,
    THIAZIDE,
    Chart,
    Screen,
    make_chart,
    reasons,
)
from dosegym.therapy.formulary import load_formulary

FORMULARY = load_formulary()
SCREEN = Screen(FORMULARY)
NVEC = np.array(FORMULARY.levels)
START = np.cumsum([0, *NVEC])


def regimen(**levels: int) -> np.ndarray:
    """Return one regimen, (1, 6), from levels by class."""
    names = ("acei", "arb", "ccb", "thiazide", "beta_blocker", "mra")
    return np.array([[levels.get(name, 0) for name in names]])


NEVER = [
    ("pregnancy_ras", ACEI, {"pregnant": 1.0}, {"pregnant": 0.0}),
    ("pregnancy_ras", ARB, {"pregnant": 1.0}, {"pregnant": 0.0}),
    ("pregnancy_mra", MRA, {"pregnant": 1.0}, {"pregnant": 0.0}),
    ("angioedema_acei", ACEI, {"angioedema": 1.0}, {"angioedema": 0.0}),
    ("asthma_beta_blocker", BETA_BLOCKER, {"asthma": 1.0}, {"asthma": 0.0}),
    ("heart_block", BETA_BLOCKER, {"heart_block": 1.0}, {"heart_block": 0.0}),
    ("potassium_stop", ACEI, {"potassium": 6.0}, {"potassium": 5.9}),
    ("potassium_stop", ARB, {"potassium": 6.0}, {"potassium": 5.9}),
    ("potassium_stop", MRA, {"potassium": 6.0}, {"potassium": 5.9}),
    ("kidney_mra", MRA, {"egfr": 29.9}, {"egfr": 30.0}),
    ("sodium_thiazide", THIAZIDE, {"sodium": 129.0}, {"sodium": 130.0}),
    ("potassium_thiazide", THIAZIDE, {"potassium": 2.9}, {"potassium": 3.0}),
]


@pytest.mark.parametrize(("rule", "slot", "bad", "good"), NEVER)
def test_forbidden_drug_is_removed(rule: str, slot: int, bad: dict, good: dict) -> None:
    """Beyond its limit a rule takes a present drug away and names itself; at it, it does not."""
    now = np.zeros((1, 6), int)
    now[0, slot] = 2
    applied, which = SCREEN.enforce(now, now, make_chart(1, **bad))
    assert applied[0, slot] == 0
    assert RULE_NAMES[which[0, slot]] == rule
    mask = SCREEN.allowed(now, make_chart(1, **bad))[0]
    assert mask[START[slot]]
    assert not mask[START[slot] + 1 : START[slot + 1]].any()
    kept, none = SCREEN.enforce(now, now, make_chart(1, **good))
    assert np.array_equal(kept, now)
    assert (none == -1).all()


@pytest.mark.parametrize(
    ("rule", "slot", "bad", "good"),
    [
        ("potassium_ras", ACEI, {"potassium": 5.6}, {"potassium": 5.5}),
        ("potassium_ras", ARB, {"potassium": 5.6}, {"potassium": 5.5}),
        ("potassium_mra", MRA, {"potassium": 5.1}, {"potassium": 5.0}),
    ],
)
def test_high_potassium_bars_start_and_rise(rule: str, slot: int, bad: dict, good: dict) -> None:
    """Above the limit the present dose may stay or fall, and neither start nor rise."""
    for present in (0, 1):
        now, more = np.zeros((1, 6), int), np.zeros((1, 6), int)
        now[0, slot], more[0, slot] = present, present + 1
        applied, which = SCREEN.enforce(now, more, make_chart(1, **bad))
        assert applied[0, slot] == present
        assert RULE_NAMES[which[0, slot]] == rule
        assert np.array_equal(SCREEN.enforce(now, more, make_chart(1, **good))[0], more)
        assert np.array_equal(SCREEN.enforce(now, now, make_chart(1, **bad))[0], now)


def test_slow_heart_steps_the_beta_blocker_down() -> None:
    """Below 50/min none is started and a present one falls by a level; at 50 all is free."""
    now, ask = regimen(beta_blocker=3), regimen(beta_blocker=4)
    applied, which = SCREEN.enforce(now, ask, make_chart(1, heart_rate=49.0))
    assert applied[0, BETA_BLOCKER] == 2
    assert RULE_NAMES[which[0, BETA_BLOCKER]] == "bradycardia"
    none, _ = SCREEN.enforce(regimen(), regimen(beta_blocker=1), make_chart(1, heart_rate=49.0))
    assert none[0, BETA_BLOCKER] == 0
    free, _ = SCREEN.enforce(now, ask, make_chart(1, heart_rate=50.0))
    assert free[0, BETA_BLOCKER] == 4


@pytest.mark.parametrize(
    ("now", "ask", "given"),
    [
        ({"acei": 2}, {"acei": 2, "arb": 1}, {"acei": 2}),
        ({"arb": 3}, {"acei": 1, "arb": 3}, {"arb": 3}),
        ({}, {"acei": 1, "arb": 1}, {"acei": 1}),
        ({"acei": 1, "arb": 1}, {"acei": 1, "arb": 1}, {"acei": 1}),
        ({"acei": 2}, {"arb": 2}, {"arb": 2}),
    ],
)
def test_only_one_ras_blocker(now: dict, ask: dict, given: dict) -> None:
    """The present one stays, the newly asked one is refused; a switch in one visit is allowed."""
    applied, which = SCREEN.enforce(regimen(**now), regimen(**ask), make_chart(1))
    assert np.array_equal(applied, regimen(**given))
    changed = applied != regimen(**ask)
    assert np.array_equal(which >= 0, changed)
    assert all(RULE_NAMES[r] == "dual_ras" for r in which[changed])


def test_dual_ras_yields_to_a_stricter_rule() -> None:
    """With angioedema the ACE inhibitor goes and the ARB that was asked for stays."""
    ask = regimen(acei=1, arb=1)
    applied, which = SCREEN.enforce(regimen(acei=1), ask, make_chart(1, angioedema=1.0))
    assert np.array_equal(applied, regimen(arb=1))
    assert reasons(which[0]) == (RULES[RULE_NAMES.index("angioedema_acei")].text,)


def test_mask_shows_one_ras_blocker() -> None:
    """With an ACE inhibitor only no ARB is open, with an ARB only no ACE inhibitor."""
    for present, other in ((ACEI, ARB), (ARB, ACEI)):
        now = np.zeros((1, 6), int)
        now[0, present] = 1
        mask = SCREEN.allowed(now, make_chart(1))[0]
        assert mask[START[present] : START[present + 1]].all()
        assert mask[START[other] : START[other + 1]].sum() == 1
    free = SCREEN.allowed(regimen(), make_chart(1))[0]
    assert free.all()
    assert free.size == NVEC.sum()


def _random(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, Chart]:
    rng = np.random.default_rng(seed)
    flags = {
        name: rng.random(n) < 0.1 for name in ("pregnant", "asthma", "heart_block", "angioedema")
    }
    chart = make_chart(
        n,
        **flags,
        heart_rate=rng.normal(60.0, 12.0, n),
        potassium=rng.normal(4.8, 0.8, n),
        sodium=rng.normal(136.0, 5.0, n),
        egfr=rng.normal(55.0, 25.0, n),
    )
    return rng.integers(0, NVEC, (n, 6)), rng.integers(0, NVEC, (n, 6)), chart


@settings(max_examples=30)
@given(st.integers(0, 2**31))
def test_enforcement_is_safe_idempotent_and_only_lowers(seed: int) -> None:
    """What is applied never exceeds the proposal, holds no RAS pair and stands when asked again."""
    now, ask, chart = _random(seed, 64)
    applied, which = SCREEN.enforce(now, ask, chart)
    assert (applied <= ask).all()
    assert not ((applied[:, ACEI] > 0) & (applied[:, ARB] > 0)).any()
    assert np.array_equal(which >= 0, applied != ask)
    again, none = SCREEN.enforce(now, applied, chart)
    assert np.array_equal(again, applied)
    assert (none == -1).all()
    assert np.array_equal(applied[:, CCB], ask[:, CCB])


@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_masked_choices_are_applied_unchanged(seed: int) -> None:
    """Any one class set to a level the mask permits, others off or as now, passes enforcement."""
    now, _, chart = _random(seed, 16)
    safe, _ = SCREEN.enforce(now, now, chart)
    mask = SCREEN.allowed(safe, chart)
    for b in range(len(safe)):
        row = Chart(*(column[b : b + 1] for column in chart))
        for slot in range(6):
            for level in range(NVEC[slot]):
                ask = np.minimum(safe[b], SCREEN.enforce(safe[b : b + 1], safe[b : b + 1], row)[0])
                ask[0, slot] = level
                applied, _ = SCREEN.enforce(safe[b : b + 1], ask, row)
                assert (applied[0, slot] == level) == mask[b, START[slot] + level]


def test_unknown_measurements_fire_nothing() -> None:
    """A chart without measurements and diagnoses permits everything but a RAS pair."""
    full = (NVEC - 1)[None].copy()
    full[0, ARB] = 0
    applied, _ = SCREEN.enforce(full, full, make_chart(1))
    assert np.array_equal(applied, full)


def test_every_rule_says_its_source() -> None:
    """Rules are uniquely named and none lacks a text or a source."""
    assert len(set(RULE_NAMES)) == len(RULES)
    assert all(rule.text.endswith(".") and len(rule.source) > 10 for rule in RULES)


def test_a_thousand_people_take_under_a_millisecond() -> None:
    """Screening 1,024 people is fast enough for the vector environment (best of many runs)."""
    now, ask, chart = _random(0, 1024)
    spent = []
    for _ in range(30):
        begun = time.perf_counter()
        SCREEN.enforce(now, ask, chart)
        spent.append(time.perf_counter() - begun)
    assert min(spent) < 1e-3
