"""The shield of blood pressure: each rule on a hand-made visit, both directions of harm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.policies.shield_pressure import PressureGuard
from dosegym.therapy.contraindication import ACEI, ARB, BETA_BLOCKER, CCB, MRA, THIAZIDE

GUARD = PressureGuard("default")
TOP = np.array(GUARD.tablets.levels) - 1


def judged(observation: Any, **levels: int) -> tuple[np.ndarray, str | None]:
    """Return the regimen given for one asked for by class, and the rule that changed it."""
    slots = {
        "acei": ACEI, "arb": ARB, "ccb": CCB, "thiazide": THIAZIDE, "bb": BETA_BLOCKER, "mra": MRA,
    }  # fmt: skip
    asked = np.zeros((1, 6), np.int64)
    for name, level in levels.items():
        asked[0, slots[name]] = level
    safe, _, verdict = GUARD.amend(observation, asked, {})
    rule = int(verdict.rule[0])
    return safe[0], None if rule < 0 else GUARD.rule_names[rule]


def test_an_ordinary_start_passes(visit: Any) -> None:
    """Two drugs at a start are nothing to change."""
    given, rule = judged(visit(), acei=2, ccb=2)
    assert rule is None
    np.testing.assert_array_equal(given, [2, 0, 2, 0, 0, 0])


@pytest.mark.parametrize(
    ("chart", "asked", "slot", "rule"),
    [
        ({"potassium": 5.7}, {"acei": 2}, ACEI, "potassium_ras"),
        ({"egfr": 25.0}, {"mra": 1}, MRA, "kidney_mra"),
        ({"sodium": 128.0}, {"thiazide": 1}, THIAZIDE, "sodium_thiazide"),
        ({"heart_rate": 45.0}, {"bb": 1}, BETA_BLOCKER, "bradycardia"),
        ({"pregnant": 1.0}, {"arb": 1}, ARB, "pregnancy_ras"),
        ({}, {"acei": 1, "arb": 1}, ARB, "dual_ras"),
    ],
)
def test_contraindications(
    visit: Any, chart: dict[str, float], asked: dict[str, int], slot: int, rule: str
) -> None:
    """What a chart forbids is not given, and the log names the contraindication."""
    given, by = judged(visit(**chart), **asked)
    assert (given[slot], by) == (0, rule)


def test_too_much_at_once(visit: Any) -> None:
    """Everything at its highest dose is cut to three standard doses more than before."""
    observation = visit()
    asked = TOP[None].copy()
    asked[0, ARB] = 0
    safe, _, verdict = GUARD.amend(observation, asked, {})
    assert GUARD.tablets.standard_of(safe).sum() <= 3.0 + 1e-9
    assert GUARD.rule_names[int(verdict.rule[0])] == "max_rise"


def test_low_pressure_holds_and_very_low_steps_down(visit: Any) -> None:
    """Below 100 mmHg nothing rises; below 90 mmHg every class falls by a level."""
    given, rule = judged(visit({"lisinopril": 10.0}, sbp=96.0, dbp=60.0), acei=4, ccb=1)
    assert (given[CCB], rule) == (0, "low_pressure")
    present = [
        GUARD.tablets.level_of(*drug)[1] for drug in (("lisinopril", 10.0), ("amlodipine", 5.0))
    ]
    now = visit({"lisinopril": 10.0, "amlodipine": 5.0}, sbp=86.0, dbp=55.0)
    given, rule = judged(now, acei=present[0], ccb=present[1])
    assert rule == "stop_low"
    np.testing.assert_array_equal(given[[ACEI, CCB]], np.array(present) - 1)


def test_severe_pressure_keeps_treatment(visit: Any) -> None:
    """At 170 mmHg a drug is not taken back for nothing, but is for oedema or a high potassium."""
    level = GUARD.tablets.level_of("amlodipine", 5.0)[1]
    given, rule = judged(visit({"amlodipine": 5.0}, sbp=170.0, dbp=100.0))
    assert (given[CCB], rule) == (level, "severe_pressure")
    assert judged(visit({"amlodipine": 5.0}, sbp=170.0, dbp=100.0, oedema=1.0))[0][CCB] == 0
    assert judged(visit({"amlodipine": 5.0}, sbp=150.0))[1] is None
    assert judged(visit({"lisinopril": 10.0}, sbp=170.0, potassium=5.2))[1] is None


def test_a_beta_blocker_is_not_stopped_at_once(visit: Any) -> None:
    """Without a reason it falls by one level a visit; with asthma it is stopped."""
    drug = GUARD.tablets.drugs[BETA_BLOCKER]
    level = 3
    mg = {drug: float(GUARD.tablets.mg[BETA_BLOCKER, level])}
    given, rule = judged(visit(mg))
    assert (given[BETA_BLOCKER], rule) == (level - 1, "abrupt_stop")
    assert judged(visit(mg, asthma=1.0))[0][BETA_BLOCKER] == 0


def test_absentees_are_left_alone(visit: Any) -> None:
    """Nothing is decided about someone who did not come; the environment keeps their regimen."""
    given, rule = judged(visit(attended=0.0, potassium=6.5), acei=3)
    assert (given[ACEI], rule) == (3, None)


def test_shielding_twice_changes_nothing_more() -> None:
    """A regimen that passed the rules passes them again, whatever chart and regimen."""
    from dosegym.therapy.pressure_view import PRESSURE_VIEW

    rng = np.random.default_rng(3)
    n = 4000
    low, high = PRESSURE_VIEW.low, PRESSURE_VIEW.high
    seen = (low + (high - low) * rng.random((n, len(low)))).astype(np.float32)
    for name, lowest, highest in (
        ("sbp", 80.0, 190.0), ("potassium", 2.8, 6.2), ("sodium", 126.0, 145.0),
        ("egfr", 20.0, 110.0), ("heart_rate", 42.0, 95.0),
    ):  # fmt: skip
        feature, i = PRESSURE_VIEW.features[PRESSURE_VIEW.index[name]], PRESSURE_VIEW.index[name]
        seen[:, i] = (rng.uniform(lowest, highest, n) - feature.offset) / feature.scale
    for i, feature in enumerate(PRESSURE_VIEW.features):
        if feature.unit == "0 or 1":
            seen[:, i] = rng.random(n) < (0.9 if feature.name == "attended" else 0.15)
        if feature.name.startswith("dose_"):
            seen[:, i] = rng.choice([0.0, 0.5, 1.0, 2.0], n)
    asked = (rng.random((n, 6)) * (TOP + 1)).astype(np.int64)
    once, _, first = GUARD.amend(seen, asked, {})
    twice, _, second = GUARD.amend(seen, once, {})
    np.testing.assert_array_equal(once, twice)
    assert (second.rule == -1).all()
    assert 0.2 < (first.rule >= 0).mean() < 1.0


def test_box_actions_are_judged_as_levels(visit: Any) -> None:
    """Numbers from -1 to 1 mean the same regimen and come back as such."""
    level = 2
    asked = np.full((1, 6), -1.0, np.float32)
    asked[0, ACEI] = 2.0 * level / TOP[ACEI] - 1.0
    passed, _, _ = GUARD.amend(visit(), asked, {})
    np.testing.assert_array_equal(passed, asked)
    refused, _, _ = GUARD.amend(visit(potassium=6.2), asked, {})
    assert refused[0, ACEI] == np.float32(-1.0)
    assert refused.dtype == np.float32
