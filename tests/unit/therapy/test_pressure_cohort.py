"""Cohorts: people with the regimens they come on, by name, group, purpose and mapping."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from dosegym.physiology import InputError
from dosegym.physiology.pressure_people import sample_pressure
from dosegym.therapy.formulary import CLASSES, Formulary, load_formulary
from dosegym.therapy.pressure_cohort import (
    ENTRY_SHARES,
    entry_regimens,
    find_pressure_cohort,
    pressure_cohort,
)

ACEI, ARB, BETA = (CLASSES.index(c) for c in ("acei", "arb", "beta_blocker"))


@pytest.fixture(scope="module")
def formulary() -> Formulary:
    return load_formulary()


def draw(formulary: Formulary, size: int, **more: Any) -> Any:
    return pressure_cohort(size, purpose="training", formulary=formulary, **more)


def test_purposes_share_nobody(formulary: Formulary) -> None:
    """Training, validation, test and certification draw different people from one seed."""
    names: set[str] = set()
    for purpose in ("training", "validation", "test", "certification"):
        cohort = pressure_cohort(200, purpose=purpose, seed=3, formulary=formulary)
        names |= set(cohort.patients.names)
    assert len(names) == 800


def test_a_person_does_not_depend_on_the_size(formulary: Formulary) -> None:
    """The first 20 of 200 are the 20 drawn alone, regimens included."""
    few, many = draw(formulary, 20), draw(formulary, 200)
    assert few.patients.names == many.patients.names[:20]
    np.testing.assert_array_equal(few.patients.params, many.patients.params[:20])
    np.testing.assert_array_equal(few.entry, many.entry[:20])


def test_entry_shares_are_kept(formulary: Formulary) -> None:
    """Of 4,000 people 40, 30, 20 and 10 % come on 0 to 3 drugs; a few less where forbidden."""
    count = (draw(formulary, 4000).entry > 0).sum(axis=1)
    for drugs, share in enumerate(ENTRY_SHARES):
        assert np.mean(count == drugs) == pytest.approx(share, abs=0.04)


def test_entry_doses_are_half_or_whole(formulary: Formulary) -> None:
    """Everyone enters at half or whole standard doses, one of the two for all their drugs."""
    cohort = draw(formulary, 1000)
    standard = formulary.standard_of(cohort.entry)
    taken = np.where(cohort.entry > 0, standard, np.nan)
    assert set(np.unique(taken[~np.isnan(taken)])) == {0.5, 1.0}
    some = (cohort.entry > 0).any(axis=1)
    assert (np.nanmax(taken[some], axis=1) == np.nanmin(taken[some], axis=1)).all()


def test_nobody_enters_on_what_the_chart_forbids(formulary: Formulary) -> None:
    """No two RAS blockers, none in pregnancy or after angioedema, no beta-blocker in asthma."""
    cohort = draw(formulary, 6000, entry=[0.0, 0.0, 0.0, 0.5, 0.5])
    chart, on = cohort.patients.covariates, cohort.entry > 0
    assert on[:, ACEI].any()
    assert on[:, ARB].any()
    assert not (on[:, ACEI] & on[:, ARB]).any()
    assert not (on[:, ACEI] & (chart["angioedema"] > 0)).any()
    assert not ((on[:, ACEI] | on[:, ARB]) & (chart["pregnant"] > 0)).any()
    assert not (on[:, BETA] & ((chart["asthma"] > 0) | (chart["heart_block"] > 0))).any()


def test_all_on_none_is_possible(formulary: Formulary) -> None:
    """With shares of (1,) everyone comes untreated."""
    assert not draw(formulary, 50, entry=[1.0]).entry.any()


def test_named_people_groups_and_lists(formulary: Formulary) -> None:
    """A name gives one person, a group ten, "all" thirty, a list all of its parts in order."""
    assert len(find_pressure_cohort(formulary, "person#007")) == 1
    assert set(find_pressure_cohort(formulary, "older").patients.groups) == {"older"}
    assert len(find_pressure_cohort(formulary, "all")) == 30
    both = find_pressure_cohort(formulary, ["person#030", "adult"])
    assert both.patients.names[0] == "person#030"
    assert len(both) == 11


def test_a_persons_entry_is_their_own(formulary: Formulary) -> None:
    """Alone or among all, a named person comes on the same regimen."""
    everyone = find_pressure_cohort(formulary, "all")
    for i in (0, 14, 29):
        alone = find_pressure_cohort(formulary, everyone.patients.names[i])
        np.testing.assert_array_equal(alone.entry[0], everyone.entry[i])
        np.testing.assert_array_equal(everyone.take([i]).entry, alone.entry)


def test_a_mapping_draws_virtual_people(formulary: Formulary) -> None:
    """Size, groups, purpose, seed, people and entry of a mapping are obeyed."""
    cohort = find_pressure_cohort(
        formulary,
        {
            "population": "virtual", "size": 40, "groups": "older", "purpose": "test", "seed": 5,
            "people": {"female": 1.0}, "entry": [1.0],
        },
    )  # fmt: skip
    assert len(cohort) == 40
    assert set(cohort.patients.groups) == {"older"}
    assert cohort.patients.covariates["female"].min() == 1.0
    assert not cohort.entry.any()


@pytest.mark.parametrize(
    ("patient", "message"),
    [
        ({"population": "real"}, "give population 'virtual' with the keys"),
        ({"population": "virtual", "sise": 3}, "is not understood; give population 'virtual'"),
        ({"population": "virtual", "purpose": "fun"}, "purpose"),
        ({"population": "virtual", "size": 0}, "give a whole number of at least 1"),
        ([], "patient is an empty list; name at least one person or group"),
        (7, "give a person's name, a group (adult, older, kidney_disease), 'all'"),
        ("person#031", "patient 'person#031' is not in this population"),
    ],
)
def test_who_is_nobody_is_refused(formulary: Formulary, patient: Any, message: str) -> None:
    """The message says what was given and who can be named."""
    with pytest.raises(InputError, match=re.escape(message)):
        find_pressure_cohort(formulary, patient)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.5, 0.4], "add up to 0.9; make it 1"),
        ([1.2, -0.2], "give shares of people on 0 to at most 4 drugs"),
        ([0.2] * 6, "give shares of people on 0 to at most 4 drugs"),
        ([], "give shares of people on 0 to at most 4 drugs"),
    ],
)
def test_wrong_shares_are_refused(formulary: Formulary, shares: list[float], message: str) -> None:
    """Shares are none below 0, at most five, and add up to 1."""
    people = sample_pressure(3, np.random.default_rng(0))
    with pytest.raises(InputError, match=message):
        entry_regimens(people, formulary, shares)
