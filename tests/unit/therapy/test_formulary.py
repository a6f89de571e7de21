"""Formularies: levels, doses in mg and in standard doses, words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.therapy.formulary import CLASS_NAMES, CLASSES, DEFAULT, DRUGS, load_formulary

# Law 2003, BMJ 326:1427, table of usual maintenance doses (mg); chlorthalidone is the project's.
STANDARD_MG = {
    "lisinopril": 10, "losartan": 50, "amlodipine": 5, "hydrochlorothiazide": 25,
    "atenolol": 50, "metoprolol": 100, "bisoprolol": 10, "chlorthalidone": 12.5,
    "telmisartan": 40, "irbesartan": 150, "indapamide": 2.5, "spironolactone": 25,
}  # fmt: skip


def test_standard_doses_are_the_published_ones() -> None:
    """Every drug's standard dose is the tabled one, and is one of its tablets' doses."""
    assert {name: drug.standard_mg for name, drug in DRUGS.items()} == STANDARD_MG
    for drug in DRUGS.values():
        assert drug.standard_mg in drug.doses_mg
        assert list(drug.doses_mg) == sorted(set(drug.doses_mg))
        assert drug.source
        assert drug.drug_class in CLASSES


def test_each_class_has_a_drug_and_a_name() -> None:
    """The default formulary has one drug of each class, in the classes' order."""
    formulary = load_formulary()
    assert tuple(DEFAULT) == tuple(CLASS_NAMES) == CLASSES
    assert formulary.drugs == tuple(DEFAULT.values())
    assert [DRUGS[d].drug_class for d in formulary.drugs] == list(CLASSES)


def test_levels_are_doses() -> None:
    """Level 0 is none; the others are the tablets' doses in mg and in standard doses."""
    formulary = load_formulary()
    assert formulary.levels == (6, 5, 5, 4, 5, 4)
    levels = np.array([[0, 0, 0, 0, 0, 0], [5, 4, 4, 3, 4, 3]])
    assert formulary.mg_of(levels).tolist() == [[0] * 6, [40, 100, 10, 25, 20, 50]]
    assert formulary.standard_of(levels).tolist() == [[0] * 6, [4, 2, 2, 2, 2, 2]]


@given(st.integers(0, 5), st.integers(1, 5), st.sampled_from(sorted(DRUGS)))
def test_a_dose_finds_its_level_again(slot: int, level: int, drug: str) -> None:
    """``level_of`` and ``nearest_level`` are the inverse of the tables, in any formulary."""
    formulary = load_formulary({DRUGS[drug].drug_class: drug})
    level = min(level, formulary.levels[slot] - 1)
    mg = float(formulary.mg[slot, level])
    assert formulary.level_of(formulary.drugs[slot], mg) == (slot, level)
    assert formulary.nearest_level(slot, float(formulary.standard[slot, level])) == level


def test_nearest_level_is_nearest_by_ratio() -> None:
    """Between 0.5 and 1 standard dose the border is their geometric mean; none is none."""
    formulary = load_formulary()
    assert formulary.nearest_level(2, 0.0) == 0
    assert formulary.nearest_level(2, 0.70) == 2
    assert formulary.nearest_level(2, 0.72) == 3
    assert formulary.nearest_level(2, 99.0) == 4


def test_regimens_in_words() -> None:
    """Drug and daily mg of each class that is taken."""
    formulary = load_formulary({"thiazide": "indapamide"})
    assert (
        formulary.words([3, 0, 3, 2, 0, 0])
        == "lisinopril 10 mg + amlodipine 5 mg + indapamide 1.25 mg"
    )
    assert formulary.words([0] * 6) == "no drug"


def test_a_formulary_may_be_given_in_three_ways() -> None:
    """As a mapping of changes, as all six names, or as itself."""
    mapped = load_formulary({"beta_blocker": "metoprolol"})
    assert load_formulary(list(mapped.drugs)) == mapped
    assert load_formulary(mapped) is mapped


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("best", "formulary is 'best'; give 'default' or a mapping such as {'arb': 'telmisartan'}"),
        ({"arb": "lisinopril"}, "formulary arb is 'lisinopril'; choose one of losartan, telmisart"),
        ({"diuretic": "x"}, "formulary names class 'diuretic'; the classes are acei, arb, ccb"),
        (["losartan"] * 6, "formulary acei is 'losartan'; choose one of lisinopril"),
        (7, "formulary is 7; give 'default'"),
    ],
)
def test_wrong_formularies_are_refused(spec: object, message: str) -> None:
    """The message names what was given and what there is."""
    with pytest.raises(InputError) as caught:
        load_formulary(spec)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("drug", "mg", "message"),
    [
        ("aspirin", 100.0, "drug 'aspirin' is not of this formulary; it has lisinopril, losartan"),
        (
            "amlodipine",
            7.5,
            "amlodipine has no dose of 7.5 mg a day; its doses are 1.25, 2.5, 5, 10",
        ),
    ],
)
def test_doses_that_do_not_exist_are_refused(drug: str, mg: float, message: str) -> None:
    """A dose is never rounded to another."""
    with pytest.raises(InputError) as caught:
        load_formulary().level_of(drug, mg)
    assert str(caught.value).startswith(message)
