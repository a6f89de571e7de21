"""People with high blood pressure: independence, groups, charts, specifications, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.physiology import InputError, load_model, load_population
from dosegym.physiology.pressure_people import (
    GROUPS,
    HYPERTENSIVE,
    KIDNEY_EGFR,
    MODEL,
    OLDER_YEARS,
    PressureSpec,
    pressure_response,
    sample_pressure,
    spec_of,
    typical_person,
)
from dosegym.physiology.renal_function import ckd_epi_2021


def draw(n: int, seed: int = 0, **more: Any) -> Any:
    return sample_pressure(n, np.random.default_rng(seed), **more)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_a_person_does_not_depend_on_how_many_are_drawn(n: int, seed: int) -> None:
    """Person i of n is, to the last bit, person i of 41, in parameters, chart and name."""
    few, many = draw(n, seed), draw(41, seed)
    np.testing.assert_array_equal(few.params, many.params[:n])
    assert few.names == many.names[:n]
    for name, values in few.covariates.items():
        np.testing.assert_array_equal(values, many.covariates[name][:n], err_msg=name)


def test_generators_give_different_people() -> None:
    """Another seed, and another call on the same generator, share nobody."""
    rng = np.random.default_rng(0)
    first, second = sample_pressure(50, rng), sample_pressure(50, rng)
    for other in (second, draw(50, seed=1)):
        assert not set(first.names) & set(other.names)
        assert not np.isin(first.params[:, 0], other.params[:, 0]).any()


def test_groups_follow_from_age_and_filtration() -> None:
    """Kidney disease is an eGFR below 60; others are older from 65 years on."""
    people = draw(2000)
    chart = people.covariates
    for i, group in enumerate(people.groups):
        kidney = chart["egfr0"][i] < KIDNEY_EGFR
        older = chart["age_years"][i] >= OLDER_YEARS
        assert group == GROUPS[2 if kidney else 1 if older else 0]
    assert set(people.groups) == set(GROUPS)


def test_asked_groups_are_given_in_turn() -> None:
    """Person i belongs to group i of those asked for, each name says so."""
    asked = ["older", "kidney_disease"]
    people = draw(301, groups=asked)
    assert list(people.groups) == [asked[i % 2] for i in range(301)]
    assert all(f"virtual-{g}#" in n for g, n in zip(people.groups, people.names, strict=True))
    assert len(set(people.names)) == 301


def test_named_people_are_ten_of_each_group() -> None:
    """``hypertension_30`` has person#001 to person#030, a third of each group."""
    people = load_population("hypertension_30")
    assert people.names == tuple(f"person#{i:03d}" for i in range(1, 31))
    assert [people.groups.count(group) for group in GROUPS] == [10, 10, 10]


def test_everyone_lies_within_the_models_bounds() -> None:
    """Parameters of 3,000 people are within their Quantities' bounds, few at an end."""
    people, model = draw(3000), load_model(MODEL)
    for i, q in enumerate(model.parameters):
        values = people.params[:, i]
        assert ((values >= q.low) & (values <= q.high)).all(), q.name
        if q.name != "alpha":
            assert ((values == q.low) | (values == q.high)).mean() < 0.01, q.name


def test_charts_and_parameters_agree() -> None:
    """Mean and pulse pressure, creatinine and weight are those the chart says."""
    people, model = draw(500), load_model(MODEL)
    p, chart = model.params(people.params), people.covariates
    np.testing.assert_allclose(p.MAP0 + 2.0 * p.PP0 / 3.0, chart["untreated_sbp"], rtol=1e-12)
    np.testing.assert_allclose(p.MAP0 - p.PP0 / 3.0, chart["untreated_dbp"], rtol=1e-12)
    egfr = ckd_epi_2021(p.creatinine0, chart["age_years"], chart["female"])
    np.testing.assert_allclose(egfr, chart["egfr0"], rtol=1e-9)
    bmi = chart["weight_kg"] / (chart["height_cm"] / 100.0) ** 2
    np.testing.assert_allclose(bmi, chart["bmi"], rtol=1e-12)
    assert not (chart["pregnant"] * (1.0 - chart["female"])).any()


def test_a_specification_is_followed() -> None:
    """Shares, means, spreads and ends of what was asked for are what is drawn."""
    spec = PressureSpec(
        age=(70.0, 5.0, 55.0, 85.0), female=0.3, untreated_sbp=(170.0, 8.0, 150.0, 190.0),
        diabetes=1.0, smoker=0.0,
    )  # fmt: skip
    chart = draw(4000, spec=spec).covariates
    for name, (mean, sd, low, high) in (
        ("age_years", spec.age),
        ("untreated_sbp", spec.untreated_sbp),
    ):
        assert low <= chart[name].min() <= chart[name].max() <= high
        assert chart[name].mean() == pytest.approx(mean, abs=0.1 * sd)
        assert chart[name].std() == pytest.approx(sd, rel=0.1)
    assert chart["female"].mean() == pytest.approx(0.3, abs=0.03)
    assert chart["diabetes"].min() == 1.0
    assert chart["smoker"].max() == 0.0


def test_pulse_shift_moves_diastolic_pressure_only() -> None:
    """Four mmHg more pulse pressure are four less of diastolic pressure for nearly all."""
    plain, shifted = draw(500), draw(500, spec=PressureSpec(pulse_shift=4.0))
    np.testing.assert_array_equal(
        plain.covariates["untreated_sbp"], shifted.covariates["untreated_sbp"]
    )
    moved = plain.covariates["untreated_dbp"] - shifted.covariates["untreated_dbp"]
    assert np.mean(np.isclose(moved, 4.0)) > 0.95


def test_response_rises_with_pressure() -> None:
    """Drugs act fully at 154 mmHg, more the higher the pressure, less than half at 110."""
    sbp = np.linspace(90.0, 220.0, 131)
    assert (np.diff(pressure_response(sbp)) > 0.0).all()
    assert pressure_response(154.0) == pytest.approx(1.0)
    assert pressure_response(110.0) < 0.5


def test_typical_person_is_the_calibrations() -> None:
    """154/97 mmHg, eGFR 75, every personal response 1."""
    person, model = typical_person(), load_model(MODEL)
    p = model.params(person.params)
    assert p.MAP0[0] + 2.0 * p.PP0[0] / 3.0 == pytest.approx(154.0)
    assert p.MAP0[0] - p.PP0[0] / 3.0 == pytest.approx(97.0)
    names = ("acei", "arb", "ccb", "thiazide", "beta_blocker", "mra")
    assert [getattr(p, f"r_{name}")[0] for name in names] == [1.0] * 6
    assert ckd_epi_2021(p.creatinine0, 60.0, 0.0)[0] == pytest.approx(p.eGFR0[0])


def test_specifications_from_json() -> None:
    """Lists become tuples, what is left out is the default's, a ready one is kept."""
    assert spec_of(None) is HYPERTENSIVE
    assert spec_of({"age": [50, 5, 40, 60], "female": 0.1}) == PressureSpec(
        age=(50, 5, 40, 60), female=0.1
    )
    ready = PressureSpec(smoker=0.4)
    assert spec_of(ready) is ready


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weight": 80}, "people have no 'weight'; give some of age, female"),
        ({"age": [50, 5]}, "age is [50, 5]; give 4 numbers"),
        ({"female": "half"}, "female is 'half'; give 1 number"),
        ({"female": True}, "female is True; give 1 number"),
        ({"female": 1.5}, "female is 1.5; give a share from 0 to 1"),
        ({"age": [50, 0, 40, 60]}, "give mean, SD above 0, lowest, highest"),
        ({"age": [50, 5, 60, 40]}, "give mean, SD above 0, lowest, highest"),
        ({"age": [50, 1, 80, 90]}, "hardly anyone lies between 80 and 90"),
    ],
)
def test_wrong_specifications_are_refused(values: dict[str, Any], message: str) -> None:
    """The message names the field, the value and the mend."""
    with pytest.raises(InputError, match=re.escape(message)):
        spec_of(values)


@pytest.mark.parametrize("n", [0, -1, 2.5, True])
def test_a_wrong_number_of_people_is_refused(n: Any) -> None:
    """People are counted in whole numbers from 1."""
    with pytest.raises(InputError, match="give a whole number of at least 1"):
        draw(n)


@pytest.mark.parametrize("groups", [["child"], [], "adult"])
def test_unknown_groups_are_refused(groups: Any) -> None:
    """The message names the groups there are."""
    with pytest.raises(InputError, match="give a list of some of adult, older, kidney_disease"):
        draw(3, groups=groups)
