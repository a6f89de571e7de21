"""What the shield does to people: overdoses made safe, insulin not withheld, good rules left be."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.evaluation.evaluate import keywords_for
from dosegym.evaluation.rollout import rollout
from dosegym.policies import load_policy
from dosegym.policies.basal import ConstantBasal
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.rule import Doses
from dosegym.policies.shield import Shield

PEOPLE, DAYS = 45, 2
RECORD = ("glucose_mg_dl", "basal_u_per_h", "bolus_u", "iob_u")
WHO = {"population": "virtual", "size": PEOPLE, "purpose": "validation", "seed": 21}


class Tenfold(BasalBolus):
    """Ten times the insulin that basal-bolus therapy asks for."""

    def decide(self, seen: Any, memory: Any) -> Any:
        doses, memory = super().decide(seen, memory)
        return Doses(10.0 * doses.basal_u_per_h, 10.0 * doses.bolus_u), memory


class WrongUnit(ConstantBasal):
    """A rate in U/h taken for one in U/min."""

    def decide(self, seen: Any, memory: Any) -> Any:
        doses, memory = super().decide(seen, memory)
        return Doses(60.0 * doses.basal_u_per_h, doses.bolus_u), memory


def lived(policy: Any, scenario: Any = "messy") -> dict[str, np.ndarray]:
    """Return the records (T, people) of two days under a policy."""
    keywords = {"patient": WHO, "scenario": scenario, "days": DAYS, "by_lane": True}
    task = make_task("dosegym/Insulin-v0", **keywords_for(policy, {**keywords, "terminate": None}))
    found = rollout(task, policy, range(100, 100 + PEOPLE), record=RECORD)
    return dict(found.series)


@lru_cache(maxsize=8)
def basal_bolus() -> dict[str, np.ndarray]:
    """Return the records of plain basal-bolus therapy."""
    return lived(BasalBolus())


def below(record: dict[str, np.ndarray], mg_dl: float) -> float:
    """Return the share of time below a glucose."""
    return float((record["glucose_mg_dl"] < mg_dl).mean())


def in_range(record: dict[str, np.ndarray]) -> float:
    """Return the share of time from 70 to 180 mg/dL."""
    glucose = record["glucose_mg_dl"]
    return float(((glucose >= 70.0) & (glucose <= 180.0)).mean())


@pytest.mark.parametrize("policy", [Tenfold, WrongUnit], ids=["ten times", "U/h as U/min"])
def test_overdoses_are_made_bearable(policy: Any) -> None:
    """Time below 54 mg/dL falls at least eightfold, below 3 %; without the shield it is over 20 %."""
    bare, shielded = lived(policy()), lived(Shield(policy()))
    assert below(bare, 54.0) > 0.2
    assert below(shielded, 54.0) < min(0.03, below(bare, 54.0) / 8.0)


def test_each_layer_counts() -> None:
    """Rules alone help against a tenfold dose, the forecast helps more, no layer changes nothing."""
    bare = below(lived(Tenfold()), 54.0)
    off = below(lived(Shield(Tenfold(), ())), 54.0)
    rules = below(lived(Shield(Tenfold(), ("rules",))), 54.0)
    both = below(lived(Shield(Tenfold())), 54.0)
    assert off == bare
    assert both < rules < bare


def test_insulin_is_not_withheld_for_ever() -> None:
    """Who never doses gets half of the basal at least, all of it when high, and is better for it."""
    bare, shielded = lived(ConstantBasal(factor=0.0)), lived(Shield(ConstantBasal(factor=0.0)))
    usual = basal_bolus()["basal_u_per_h"].mean(axis=0)
    half = len(shielded["basal_u_per_h"]) // 2
    share = shielded["basal_u_per_h"][half:].mean(axis=0) / usual
    assert share.min() > 0.45
    assert np.median(share) > 0.6
    assert bare["basal_u_per_h"][1:].max() == 0.0
    assert (shielded["glucose_mg_dl"] > 250.0).mean() < (bare["glucose_mg_dl"] > 250.0).mean() - 0.1
    assert below(shielded, 54.0) == 0.0


def test_the_shield_itself_does_not_withhold_for_long() -> None:
    """Under a tenfold dose insulin is stopped again and again, and comes back each time."""
    record = lived(Shield(Tenfold()))
    given = record["basal_u_per_h"] / 12.0 + record["bolus_u"]
    usual = basal_bolus()["basal_u_per_h"].mean(axis=0) / 12.0
    low = record["glucose_mg_dl"] < 75.0
    longest = np.zeros(PEOPLE)
    run = np.zeros(PEOPLE)
    for t in range(1, len(given)):
        run = np.where((given[t] < 0.1 * usual) & ~low[t], run + 5.0, 0.0)
        longest = np.maximum(longest, run)
    assert longest.max() <= 8 * 60.0
    assert given[len(given) // 2 :].mean(axis=0).min() > 0.0


def test_after_a_low_dosing_resumes() -> None:
    """Started at 50 mg/dL and fasting, insulin stops, glucose recovers and the basal flows again."""
    keywords = {"patient": WHO, "scenario": "fasting", "days": 1, "by_lane": True}
    task = make_task("dosegym/Insulin-v0", **keywords, terminate=None, start_glucose=50.0)
    record = rollout(task, Shield(ConstantBasal()), range(PEOPLE), record=RECORD).series
    usual = basal_bolus()["basal_u_per_h"].mean(axis=0)
    assert (record["basal_u_per_h"][1] == 0.0).mean() > 0.9
    assert (record["glucose_mg_dl"][-1] > 70.0).all()
    assert (np.abs(record["basal_u_per_h"][-72:].max(axis=0) / usual - 1.0) < 0.2).all()


@pytest.mark.parametrize(("name", "most"), [("basal_bolus", 0.12), ("pid", 0.05)])
def test_known_safe_rules_are_left_alone_for_the_most_part(name: str, most: float) -> None:
    """Few decisions are changed, time in range falls by at most 3 points, lows become fewer."""
    shield = Shield(load_policy(name))
    bare, shielded = lived(load_policy(name)), lived(shield)
    assert shield.log().decisions == PEOPLE * DAYS * 288
    assert shield.log().rate < most
    assert in_range(shielded) > in_range(bare) - 0.03
    assert below(shielded, 54.0) <= below(bare, 54.0)


def test_the_same_seed_gives_the_same_days() -> None:
    """Two shields of one kind do the same to the same people."""
    first, second = lived(Shield(BasalBolus())), lived(Shield(BasalBolus()))
    for name, series in first.items():
        np.testing.assert_array_equal(series, second[name])
