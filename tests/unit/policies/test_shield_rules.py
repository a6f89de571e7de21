"""The insulin rules: when each binds, in which direction, and what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.policies.shield_clamp import bounds_of, clamp, lift, settle
from dosegym.policies.shield_rules import HYPO, KETO, RULE_NAMES, RULES, remember, sight_of
from dosegym.therapy.onboard import iob_cap

# The person of ``conftest``: 0.9 U/h, 10 g/U, 45 U a day, 70 kg; 0.075 U of basal in 5 min.
BASAL, STEP_U = 0.9, 0.075
USUAL = np.log1p(1.0)


def given(
    observe: Any,
    rate: float,
    bolus: float = 0.0,
    two: bool = True,
    last: float = np.nan,
    **seen: Any,
) -> tuple[float, float, str | None]:
    """Return rate, bolus and rule after the rules judged one person's doses."""
    sight = sight_of(observe(**{"dose_200": USUAL, **seen}), 5.0, two)
    bounds = bounds_of(sight, {"rate": np.array([last])})
    asked = (np.array([rate]), np.array([bolus]))
    lifted = clamp(sight, bounds, lift(bounds, asked[0]), asked[1], fixed=False)
    safe = settle(lifted, bounds, *asked)
    rule = int(safe.rule[0])
    return float(safe.rate[0]), float(safe.bolus[0]), None if rule < 0 else RULE_NAMES[rule]


def test_ordinary_doses_pass(observe: Any) -> None:
    """The prescribed basal with a meal's bolus is nobody's business, bit for bit."""
    assert given(observe, BASAL, 6.0, told_carbs=60.0, told_recent=60.0) == (BASAL, 6.0, None)


def test_largest_basal(observe: Any) -> None:
    """A rate is cut to four times the prescribed one, where boluses have a channel of their own."""
    rate, _, rule = given(observe, 4.0, cgm=250.0)
    assert rate == pytest.approx(3.6)
    assert rule == "max_basal"
    assert given(observe, 4.0, two=False, cgm=250.0)[2] is None


def test_largest_bolus(observe: Any) -> None:
    """0.45 of 45 U a day is 20.25 U; the person's weight and the device allow more."""
    _, bolus, rule = given(observe, BASAL, 22.0, cgm=250.0, told_carbs=300.0, told_recent=300.0)
    assert bolus == pytest.approx(20.25, rel=1e-5)
    assert rule == "max_bolus"


def test_rise_of_the_rate(observe: Any) -> None:
    """From 0.9 U/h a single channel may rise by 16 basal rates to 15.3 U/h in one decision."""
    rate, _, rule = given(observe, 30.0, two=False, last=BASAL, cgm=250.0)
    assert rate == pytest.approx(17 * BASAL, rel=1e-5)
    assert rule == "rate_rise"
    assert given(observe, 30.0, two=False, last=20.0, cgm=250.0)[2] is None


def test_insulin_on_board(observe: Any) -> None:
    """A correction fills what is left under the cap; at the cap only the basal flows."""
    most = float(iob_cap(np.array([BASAL]), np.array([45.0]))[0])
    rate, bolus, rule = given(observe, BASAL, 8.0, cgm=300.0, iob=4.0 / 45.0)
    assert rule == "iob_cap"
    assert bolus + rate / 12 == pytest.approx(most - 4.0 + STEP_U, rel=1e-4)
    rate, bolus, _ = given(observe, BASAL, 8.0, cgm=300.0, iob=20.0 / 45.0)
    assert (rate, bolus) == (pytest.approx(BASAL, rel=1e-4), pytest.approx(0.0, abs=1e-4))


def test_announced_carbohydrate_makes_room(observe: Any) -> None:
    """What an announced meal needs does not count against the cap."""
    assert given(observe, BASAL, 12.0, cgm=150.0)[2] == "iob_cap"
    meal = {"told_carbs": 60.0, "told_recent": 60.0}
    assert given(observe, BASAL, 12.0, cgm=150.0, **meal)[2] is None


@pytest.mark.parametrize(
    ("cgm", "change", "withheld"),
    [(69.0, 0.0, True), (71.0, 0.0, False), (100.0, -19.0, False), (100.0, -21.0, True)],
)
def test_low_glucose(observe: Any, cgm: float, change: float, withheld: bool) -> None:
    """No insulin below 70 mg/dL, or where 30 min of the trend lead below 60 (100 - 2 x 20)."""
    rate, _, rule = given(observe, BASAL, cgm=cgm, cgm_change_15=change)
    assert (rate, rule) == ((0.0, "low_glucose") if withheld else (BASAL, None))


def test_a_meal_at_a_low_is_not_left_without_insulin(observe: Any) -> None:
    """At 60 mg/dL a meal's bolus passes and the basal does not; at 50 mg/dL nothing does."""
    meal = {"told_carbs": 40.0, "told_recent": 40.0}
    rate, bolus, rule = given(observe, BASAL, 4.0, cgm=60.0, **meal)
    assert rate * STEP_U / BASAL + bolus == pytest.approx(4.0, rel=1e-5)
    assert rule == "low_glucose"
    assert given(observe, BASAL, 4.0, cgm=50.0, **meal)[:2] == (0.0, 0.0)


@pytest.mark.parametrize(
    ("cgm", "share", "lifted"),
    [
        (120.0, 0.45, True),
        (120.0, 0.55, False),
        (75.0, 0.45, False),  # near 70 mg/dL three tenths are enough
        (75.0, 0.25, True),
        (65.0, 0.0, False),  # a low is no time for insulin, however little there was
        (260.0, 0.95, True),
        (260.0, 1.05, False),
    ],
)
def test_withheld_insulin_is_given_back(
    observe: Any, cgm: float, share: float, lifted: bool
) -> None:
    """With too little insulin in the last hours the prescribed basal flows whatever is asked."""
    rate, _, rule = given(observe, 0.0, cgm=cgm, dose_200=np.log1p(share))
    assert (rate, rule) == ((pytest.approx(BASAL), "withheld") if lifted else (0.0, None))


def test_without_a_reading_the_current_regimen_goes_on(observe: Any) -> None:
    """A missing reading bounds all insulin by the basal, and no other rule is confused by it."""
    rate, bolus, rule = given(observe, BASAL, 5.0, cgm=np.nan, told_carbs=50.0, told_recent=50.0)
    assert (rate, rule) == (pytest.approx(BASAL), "no_reading")
    assert bolus == pytest.approx(0.0, abs=1e-6)


def test_each_rule_serves_one_hazard_in_one_direction() -> None:
    """Caps serve hypoglycaemia and floors ketoacidosis; each rule has words and a source."""
    assert {(r.hazard, r.direction) for r in RULES} == {(HYPO, "down"), (KETO, "up")}
    assert all(r.text and r.source and r.lever in ("rate", "bolus", "total") for r in RULES)
    assert len(set(RULE_NAMES)) == len(RULES)
    assert set(remember(3)) == {"rate"}
