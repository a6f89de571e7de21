"""Constraint sets: strictness, units, hash, signed margins, and one line for every fault."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.therapy.constraint import ChanceItem, MeanItem, NonInferiorityItem
from dosegym.therapy.constraint_file import parse_constraints

TEXT = """
name: trial-v1
version: 1.2.0
environment: dosegym/Insulin-v0
horizon_days: 14
trace: truth
total_delta: 0.05
items:
  - {id: low, hazard: hypoglycaemia, type: chance, signal: min_glucose, unit: mg/dL, harm: below,
     threshold: 40, limit: 0.01, delta: 0.02, source: project choice}
  - {id: mean-low, hazard: hypoglycaemia, type: mean, signal: time_below_54, unit: "%", harm: above,
     limit: 1, support: [0, 100], delta: 0.02, scope: [adult, child], source: Battelino 2019}
  - {id: no-worse, hazard: loss of control, type: noninferiority, signal: time_in_range, unit: "%",
     harm: below, margin: 3, comparator: current_regimen, support: [0, 100], delta: 0.01,
     source: project choice}
"""
PARSED = parse_constraints(TEXT, "trial.yaml")
CHANCE, MEAN, NO_WORSE = PARSED.items


def test_types_and_defaults() -> None:
    """Each item is read as its type; a scope left out means everyone."""
    assert isinstance(CHANCE, ChanceItem)
    assert isinstance(MEAN, MeanItem)
    assert isinstance(NO_WORSE, NonInferiorityItem)
    assert (CHANCE.scope, MEAN.scope) == (("all",), ("adult", "child"))
    assert CHANCE.quantity.unit == "mg/dL"


def test_hash_follows_content_not_layout() -> None:
    """Comments, order of keys and explicit defaults keep the hash; any number changes it."""
    relaid = TEXT.replace("name: trial-v1\n", "").replace("items:", "name: trial-v1\nitems:")
    relaid = "# a comment\n" + relaid.replace("threshold: 40,", "threshold: 40.0, scope: [all],")
    assert parse_constraints(relaid, "x").sha256 == PARSED.sha256
    assert len(PARSED.sha256) == 64
    for old, new in (("limit: 1,", "limit: 0.9,"), ("1.2.0", "1.2.1"), ("Battelino", "B.")):
        assert parse_constraints(TEXT.replace(old, new), "x").sha256 != PARSED.sha256


def test_harmed_is_strict_and_missing_is_harm() -> None:
    """A value at the threshold does no harm, beyond it does, and a missing one counts as harm."""
    assert CHANCE.harmed([39.9, 40.0, 41.0, np.nan]).tolist() == [True, False, False, True]
    above = CHANCE.model_copy(update={"harm": "above"})
    assert above.harmed([39.9, 40.0, 40.1]).tolist() == [False, False, True]


def test_slack_is_signed() -> None:
    """Slack is positive where the bound keeps the limit, on either side."""
    assert CHANCE.slack(0.008) == pytest.approx(0.002)
    assert MEAN.slack(1.2) == pytest.approx(-0.2)
    assert MEAN.model_copy(update={"harm": "below"}).slack(1.2) == pytest.approx(0.2)
    assert NO_WORSE.slack(-2.0) == pytest.approx(1.0)
    assert NO_WORSE.slack(-3.5) == pytest.approx(-0.5)
    assert NO_WORSE.model_copy(update={"harm": "above"}).slack(2.0) == pytest.approx(1.0)


@given(st.floats(0.0, 1.0), st.floats(0.0001, 0.9999), st.floats(0.0, 0.5))
def test_tightening_never_helps(bound: float, limit: float, less: float) -> None:
    """A tighter limit never turns a failed item into a passed one."""
    item = CHANCE.model_copy(update={"limit": limit})
    tighter = CHANCE.model_copy(update={"limit": limit - less})
    assert tighter.slack(bound) <= item.slack(bound)


def test_items_cannot_be_changed() -> None:
    """A set that was hashed cannot be altered afterwards."""
    with pytest.raises(ValueError, match="frozen"):
        CHANCE.limit = 0.5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("threshold: 40", "threshhold: 40", "item low: key 'threshhold' is unknown; did you mean"),
        ("threshold: 40", "mean: 40", "item low: key 'mean' is unknown; choose from id, hazard"),
        ("threshold: 40, ", "", "item low: key 'threshold' is missing; add it"),
        ("unit: mg/dL", "unit: mmol/L", "unit is 'mmol/L', but min_glucose is in 'mg/dL'"),
        ("threshold: 40", "threshold: 4000", "threshold is 4000 mg/dL, outside 0 to 1000"),
        ("limit: 0.01", "limit: 1", "limit is 1; write a fraction between 0 and 1"),
        ("limit: 0.01", "limit: 1 %", "limit is '1 %'; it should be a valid number"),
        ("limit: 1,", "limit: 101,", "item mean-low: limit is 101 %, outside 0 to 100 %"),
        ("support: [0, 100]", "support: [0, 30]", "narrower than the 0 to 100 possible"),
        ("support: [0, 100]", "support: [0]", "support is [0]; write two numbers, [lo, hi]"),
        ("signal: min_glucose", "signal: glucose", "signal 'glucose' is no known signal; choose"),
        ("type: chance", "type: chanse", "item low: type is 'chanse'; choose one of chance, mean"),
        ("type: chance, ", "", "item low: type is None; choose one of chance, mean"),
        ("harm: below", "harm: low", "harm is 'low'; it should be 'above' or 'below'"),
        ("harm: below", "harm: below, harm: above", "key 'harm' appears twice"),
        ("margin: 3", "margin: .nan", "item no-worse: margin is nan; it should be a finite"),
        ("margin: 3", "margin: 0", "margin is 0; it should be greater than 0"),
        ("current_regimen", "placebo", "comparator is 'placebo'; it should be 'current_regimen'"),
        ("id: mean-low", "id: low", "id low is used by two items"),
        ("id: low", "id: Low Glucose", "id is 'Low Glucose'; write lower-case letters"),
        ("scope: [adult, child]", "scope: []", "scope [] must name at least one group"),
        ("delta: 0.02", "delta: 0.04", "delta sum to 0.07, above total_delta 0.05"),
        ("version: 1.2.0", "version: 1.2", "version is 1.2; write text, in quotes"),
        ("dosegym/Insulin-v0", "Insulin", "environment is 'Insulin'; write an environment id"),
        ("horizon_days: 14", "horizon_days: two weeks", "horizon_days is 'two weeks'; it should"),
        ("trace: truth\n", "", "key 'trace' is missing; add it"),
        ("trace: truth", "trace: [truth", "correct the YAML"),
        ("trace: truth", "trace: &a truth\nother: *a", "an alias (*) is not allowed"),
    ],
)
def test_every_fault_is_one_clear_line(old: str, new: str, told: str) -> None:
    """A mistake is told in one line: the file, the item, the key, the value, the mend."""
    assert old in TEXT
    with pytest.raises(InputError) as caught:
        parse_constraints(TEXT.replace(old, new, 1), "trial.yaml")
    assert str(caught.value).startswith("trial.yaml")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a", "word", "[" * 3000, "items: 3", "\t", "a: b: c", "\0"])
def test_files_that_are_no_set_at_all(text: str) -> None:
    """Empty, truncated and absurd files are refused in one line, never with a traceback."""
    with pytest.raises(InputError, match=r"^trial\.yaml"):
        parse_constraints(text, "trial.yaml")


LINES = TEXT.strip().splitlines()
SCRAPS = """2020-01-01: x
2020-99-99: x
version: 2020-99-99
? [a]
: b
!!binary x
!!timestamp x
!!set {a}
!!python/object:os.system {}
1: 2
- - -
&a [*a]
<<: {}
~: ~
limit: 0x_
items: {0: 1}
items: [3]
%YAML 9
---
'""".splitlines()


@given(st.lists(st.sampled_from(LINES + SCRAPS) | st.text(max_size=8), max_size=14))
@settings(deadline=None, max_examples=300)
def test_scrambled_files_never_give_a_traceback(lines: list[str]) -> None:
    """Whatever the text, the answer is one InputError of one line (or, untouched, a set)."""
    told = ""
    try:
        parse_constraints("\n".join(lines), "trial.yaml")
    except InputError as error:
        told = str(error)
    assert "\n" not in told


def test_oversized_file_is_refused() -> None:
    """A file far beyond any constraint set is refused before it is parsed."""
    with pytest.raises(InputError, match="1000001 characters"):
        parse_constraints(" " * 1_000_001, "trial.yaml")
