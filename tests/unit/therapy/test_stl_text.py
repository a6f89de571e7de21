"""The formula's text: binding, spellings, units, and one line with the place for every fault."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stl_cases import SIGNALS, formulas

from dosegym.physiology.errors import InputError
from dosegym.physiology.quantity import Quantity
from dosegym.therapy.stl import Formula, parse_formula
from dosegym.therapy.stl_tree import Predicate


def _table(*rows: tuple[str, str, float]) -> dict[str, Quantity]:
    return {name: Quantity(name, unit, 0.0, high, name) for name, unit, high in rows}


TABLE = _table(
    ("glucose", "mg/dL", 1000.0),
    ("creatinine", "mg/dL", 50.0),
    ("basal", "U/h", 100.0),
    ("iob", "U", 100.0),
    ("iob_cap", "U", 100.0),
    ("sbp", "mmHg", 300.0),
    ("heart_rate", "1/min", 250.0),
    ("contraindicated", "1", 1.0),
    ("interval", "d", 400.0),
)


def read(text: str) -> str:
    """Return the tree of a formula, written out."""
    return str(parse_formula(text, TABLE).root)


@settings(max_examples=200, deadline=None)
@given(node=formulas())
def test_what_is_written_out_is_read_back(node: Any) -> None:
    """Every tree survives its own text."""
    assert parse_formula(str(node), SIGNALS).root == node


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not sbp > 90 mmHg and sbp < 180 mmHg", "(not (sbp > 90 mmHg)) and (sbp < 180 mmHg)"),
        (
            "iob > 1 U or iob > 2 U and iob > 3 U implies iob > 4 U implies iob > 5 U",
            "((iob > 1 U) or ((iob > 2 U) and (iob > 3 U))) implies "
            "((iob > 4 U) implies (iob > 5 U))",
        ),
        (
            "iob > 1 U and iob > 2 U until[0,1h] iob > 3 U",
            "(iob > 1 U) and ((iob > 2 U) until[0,1h] (iob > 3 U))",
        ),
        ("always not once iob > 1 U", "always(not(once(iob > 1 U)))"),
        ("G[0,1h] F iob > 1 U", "always[0 min, 60 min] (eventually (iob > 1 U))"),
        ("H(O[0:2d](! iob > 1U))", "historically(once[0, 48 h](not iob > 1 U))"),
        ("iob>1U U[0,1h] iob>2U", "iob > 1 U until[0, 1h] iob > 2 U"),
        ("iob > 1 U S iob > 2 U", "(iob > 1 U) since (iob > 2 U)"),
        ("iob>1U&iob<2U|iob>3U->true", "((iob > 1 U and iob < 2 U) or iob > 3 U) implies true"),
        ("always[1h, inf] iob > 1 U", "always[60 min, inf] (iob > 1 U)"),
        ("iob <= 1.5 * iob_cap", "1.5 * iob_cap - iob >= 0 U"),
        ("iob - iob_cap <= 2 U", "iob_cap - iob >= -2 U"),
        ("0.9 U < iob", "iob > 0.9 U"),
        ("contraindicated <= 0", "contraindicated <= 0 -> true and contraindicated <= 0"),
    ],
)
def test_spellings_and_binding(one: str, other: str) -> None:
    """Short and long spellings, and what binds before what."""
    if "->" in other:
        assert read(one) in read(other)
        return
    found, expected = parse_formula(one, TABLE).root, parse_formula(other, TABLE).root
    if isinstance(found, Predicate) and isinstance(expected, Predicate):
        assert (set(found.terms), found.constant, found.strict) == (
            set(expected.terms),
            expected.constant,
            expected.strict,
        )
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("glucose >= 3 mmol/L", 54.04677),
        ("creatinine >= 100 umol/L", 1.130966),
        ("creatinine >= 100 µmol/L", 1.130966),
        ("sbp >= 12 kPa", 90.00744),
        ("basal >= 0.05 U/min", 3.0),
        ("heart_rate >= 40 1/min", 40.0),
        ("interval >= 14d", 14.0),
        ("interval >= 48 h", 2.0),
    ],
)
def test_units_are_converted_to_the_signals_own(text: str, threshold: float) -> None:
    """A number in another unit of the same quantity means what it says."""
    root = parse_formula(text, TABLE).root
    assert isinstance(root, Predicate)
    assert -root.constant == pytest.approx(threshold, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("glucose >= 54", "character 12: the number 54 has no unit; write mg/dL, mmol/L"),
        ("glucose >= 54 mmHg", "character 15: the unit 'mmHg' does not fit; write mg/dL, mmol/L"),
        ("sbp >= 4 mmol/L", "the unit 'mmol/L' does not fit; write mmHg, kPa"),
        ("creatinine >= 1 mmol/L", "does not fit; write mg/dL, umol/L"),
        ("glucose >= 3 mol/L", "character 14: the unit 'mol/L' does not fit"),
        ("glucose >= 5400 mg/dL", "character 1: the threshold of glucose is 5400 mg/dL, outside"),
        ("glocose >= 54 mg/dL", "character 1: 'glocose' is no known signal; did you mean glucose?"),
        ("x >= 54 mg/dL", "'x' is no known signal; choose glucose, creatinine"),
        ("glucose + sbp >= 54 mg/dL", "character 11: sbp is in 'mmHg' and glucose in 'mg/dL'"),
        ("glucose == 54 mg/dL", "character 9: equality is not offered"),
        ("40 mg/dL < glucose < 54 mg/dL", "character 20: comparisons do not chain"),
        ("glucose", "character 8: the end where a comparison"),
        ("glucose >= 54 mg/dL)", "character 20: ')' where the formula should end"),
        ("(glucose >= 54 mg/dL", "character 21: the end where a closing bracket is needed"),
        ("always[0, 15](iob > 1 U)", "character 11: the time 15 has no unit; write min, h or d"),
        ("always[0, 15 s](iob > 1 U)", "character 14: 's' is no unit of time"),
        ("always[2 h, 1 h](iob > 1 U)", "the window runs from 120 to 60 min; swap its ends"),
        ("always[inf, inf](iob > 1 U)", "the window runs from inf to inf"),
        ("always[0 15 min](iob > 1 U)", "'15' where a comma is needed"),
        ("always[, 15 min](iob > 1 U)", "',' where a time is needed"),
        ("always[0, 15 min (iob > 1 U)", "'(' where ] is needed"),
        ("3 U > 2 U", "character 1: the comparison names no signal"),
        ("iob - iob >= 0 U", "the comparison names no signal"),
        ("iob > 1 U and", "character 14: the end where a signal or a number is needed"),
        ("", "character 1: the end where a signal or a number is needed"),
        ("iob > 1 U ; drop", "character 11: ';' has no meaning here"),
        ("iob > 1 U iob > 2 U", "character 11: 'iob' where the formula should end"),
        ("1e999 * iob - iob_cap >= 0 U", "character 1: the number 1e999 is too large"),
        ("always[0, 1e999 h](iob > 1 U)", "character 11: the number 1e999 is too large"),
        ("contraindicated <= 0 mg", "the unit 'mg' does not fit; write 1"),
        ("(" * 100 + "iob > 1 U" + ")" * 100, "nested deeper than 60"),
        ("not " * 100 + "iob > 1 U", "nested deeper than 60"),
        ("iob > 1 U and " * 400 + "true", "more than 4000; write several items"),
    ],
)
def test_every_fault_is_one_line_with_its_place(text: str, told: str) -> None:
    """A mistake is told in one line: where, what, the mend."""
    with pytest.raises(InputError) as caught:
        parse_formula(text, TABLE)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


WORDS = (
    *("always", "eventually", "until", "since", "not", "and", "(", ")", "[0, 15 min]", "[", "]"),
    *(
        "glucose",
        "iob",
        ">=",
        "<",
        "54 mg/dL",
        "1 U",
        "U",
        "-",
        "*",
        "3",
        "->",
        ",",
        "true",
        "1e999",
    ),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=12))
def test_scrambled_formulas_never_give_a_traceback(words: list[str]) -> None:
    """Whatever the text, the answer is a formula or one InputError of one line."""
    told = ""
    try:
        found = parse_formula(" ".join(words), TABLE)
        assert isinstance(found, Formula)
    except InputError as error:
        told = str(error)
    assert "\n" not in told


def test_a_formula_can_be_sent_to_another_process() -> None:
    """Pickled and back it is the same formula."""
    found = parse_formula("always[0, 1 h](iob <= 1.5 * iob_cap)", TABLE)
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_formula_knows_its_signals_and_how_far_it_looks() -> None:
    """Only what it speaks of is needed, and nested windows add up."""
    found = parse_formula(
        "always[0,1h](eventually[0,15min](iob > 1 U) since[0,2h] sbp > 90 mmHg)", TABLE
    )
    assert tuple(found.signals) == ("iob", "sbp")
    assert (found.ahead_min, found.back_min) == (75.0, 120.0)
