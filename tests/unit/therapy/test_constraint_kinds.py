"""Items on courses and on the worst-off: read strictly, their formulas checked with the set."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.therapy.constraint import FormulaChanceItem, HardItem, TailItem
from dosegym.therapy.constraint_file import parse_constraints

TEXT = """
name: courses-v1
version: 1.0.0
environment: dosegym/Insulin-v0
horizon_days: 14
trace: truth
total_delta: 0.05
items:
  - {id: long-low, hazard: hypoglycaemia, type: chance, limit: 0.05, delta: 0.02,
     stl: "always(eventually[0, 15 min](glucose >= 54 mg/dL))", source: project choice}
  - {id: limits, hazard: overdose, type: hard, delta: 0.01,
     stl: "always(bolus <= pump_max_bolus)", source: the pump}
  - {id: tail, hazard: hypoglycaemia, type: tail, signal: time_below_54, unit: "%", harm: above,
     alpha: 0.1, limit: 2, support: [0, 10], delta: 0.01, source: project choice}
"""
PARSED = parse_constraints(TEXT, "courses.yaml")
LOW, LIMITS, TAIL = PARSED.items


def test_types_are_told_apart() -> None:
    """A chance item with a formula is a record of its own; hard and tail items are theirs."""
    assert isinstance(LOW, FormulaChanceItem)
    assert isinstance(LIMITS, HardItem)
    assert isinstance(TAIL, TailItem)
    assert PARSED.hard == (LIMITS,)
    assert set(PARSED.formulas) == {"long-low", "limits"}
    assert tuple(PARSED.formulas["limits"].signals) == ("bolus", "pump_max_bolus")


def test_the_hash_is_of_the_formula_as_written_less_its_spaces() -> None:
    """Line breaks within a formula change nothing; another limit in it does."""
    spaced = TEXT.replace("[0, 15 min](", "[0, 15 min]\n      (")
    assert parse_constraints(spaced, "x").sha256 != PARSED.sha256  # a space more is another text
    wider = TEXT.replace("always(eventually", "always(eventually").replace("15 min](", "15  min](")
    assert parse_constraints(wider, "x").sha256 == PARSED.sha256
    stricter = TEXT.replace("54 mg/dL", "60 mg/dL")
    assert parse_constraints(stricter, "x").sha256 != PARSED.sha256


def test_whatever_is_not_certainly_true_is_harm() -> None:
    """False, unknown and missing verdicts all count against the policy."""
    for item in (LOW, LIMITS):
        assert item.harmed([1.0, -1.0, 0.0, np.nan]).tolist() == [False, True, True, True]


def test_slack_is_signed() -> None:
    """A hard item has room for nothing; the others for their limit."""
    assert LIMITS.slack(0.0) == 0.0
    assert LIMITS.slack(0.001) == -0.001
    assert LOW.slack(0.04) == pytest.approx(0.01)
    assert TAIL.slack(2.5) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("glucose >= 54 mg/dL", "glucose >= 54", "item long-low: formula 'always(eventually[0, 15"),
        ("glucose >= 54 mg/dL", "glucose >= 54", "the number 54 has no unit; write mg/dL, mmol/L"),
        ("glucose >= 54", "sugar >= 54", "'sugar' is no known signal; choose glucose, cgm"),
        ("always(bolus <= pump_max_bolus)", "true", "item limits: its formula speaks of no signal"),
        ("[0, 15 min]", "[0, 15 d]", "item long-low: a window of its formula reaches 21600 min"),
        ("type: hard,", "type: hard, limit: 0.1,", "item limits: key 'limit' is unknown"),
        ("type: hard,", "type: hard, signal: gri,", "item limits: key 'signal' is unknown"),
        ("limit: 0.05, delta", "threshold: 3, delta", "item long-low: key 'threshold' is unknown"),
        ("type: chance", "type: chance-stl", "item long-low: type is 'chance-stl'; choose one of"),
        ("harm: above", "harm: below", "item tail: harm is 'below'; a tail is of a cost"),
        ("support: [0, 10]", "support: [1, 10]", "item tail: support is 1 to 10; begin at 0 and"),
        ("support: [0, 10]", "support: [0, 200]", "support is 0 to 200; begin at 0 and end at"),
        ("support: [0, 10]", "support: [0, 2]", "limit is 2 %; choose one inside the support"),
        ("alpha: 0.1", "alpha: 10", "alpha is 10"),
        ("alpha: 0.1, ", "", "item tail: key 'alpha' is missing; add it"),
        ('stl: "always(bolus <= pump_max_bolus)", ', "", "item limits: key 'stl' is missing"),
        ('"always(bolus <= pump_max_bolus)"', "3", "item limits: stl is 3"),
        ('"always(bolus <= pump_max_bolus)"', '""', "stl is ''"),
        ("dosegym/Insulin-v0", "dosegym/BloodPressure-v0", "'glucose' is no known signal"),
    ],
)
def test_every_fault_is_one_clear_line(old: str, new: str, told: str) -> None:
    """A mistake is told in one line: the item, the key or the place in the formula, the mend."""
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    if "BloodPressure" in new:
        text = text.replace("signal: time_below_54", "signal: time_in_target")
    with pytest.raises(InputError) as caught:
        parse_constraints(text, "courses.yaml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_endless_window_may_begin_within_the_horizon_alone() -> None:
    """An always from day 13 on can be judged in two weeks, from day 15 on it cannot."""
    late = TEXT.replace("always(bolus", "always[13 d, inf](bolus")
    assert "limits" in parse_constraints(late, "x").formulas
    with pytest.raises(InputError, match="reaches 21600 min, beyond the 20160 min"):
        parse_constraints(late.replace("13 d", "15 d"), "x")
