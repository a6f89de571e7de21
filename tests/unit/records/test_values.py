"""Cells into numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.physiology.units import MG_DL_PER_MMOL_L, mg_dl_to_mmol_l, mmol_l_to_mg_dl
from dosegym.records.values import censoring_of, glucose_unit, number_of


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (5, 5.0),
        ("5", 5.0),
        (" 7,8 ", 7.8),
        ("1e2", 100.0),
        (".5", 0.5),
        ("-3", -3.0),
        (None, None),
        (True, None),
        ("", None),
        ("Low", None),
        ("nan", None),
        (float("inf"), None),
        (10**400, None),
        ("1_000", None),
        ("1,000,000", None),
        ("0x10", None),
        ([], None),
        ("1e999", None),
    ],
)
def test_numbers_and_what_is_none(cell, expected):
    """Numerals of JSON and CSV are read; words, booleans and infinities are not numbers."""
    assert number_of(cell) == expected


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text):
    """Any text gives a finite number or None, never an error."""
    value = number_of(text)
    assert value is None or value == value


@pytest.mark.parametrize(
    ("word", "sign"), [("Low", -1), ("LOW ", -1), ("High", 1), ("HI", 1), ("lowish", 0), (39, 0)]
)
def test_out_of_range_words(word, sign):
    """The sensors' words are told from numbers and from other words."""
    assert censoring_of(word) == sign


def test_units_have_one_spelling_and_a_clear_refusal():
    """Known spellings are one unit; another is refused naming both choices."""
    assert glucose_unit("MG/DL") == glucose_unit("mg_dl") == "mg/dL"
    assert glucose_unit("mmol") == "mmol/L"
    with pytest.raises(InputError, match=r"unit: 'furlongs' .*'mg/dL' or 'mmol/L'"):
        glucose_unit("furlongs")


def test_the_conversion_is_tidepools():
    """100 mg/dL is 5.55 mmol/L by the factor 18.01559, and the way back is exact."""
    assert MG_DL_PER_MMOL_L == 18.01559
    assert mg_dl_to_mmol_l(100.0) == pytest.approx(5.5507, abs=1e-4)
    assert mmol_l_to_mg_dl(mg_dl_to_mmol_l(123.4)) == pytest.approx(123.4, rel=1e-15)
