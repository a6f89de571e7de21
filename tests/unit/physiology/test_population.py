"""Patients: choosing people, and refusing a bad table in one clear line."""

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients, load_model, load_population
from dosegym.physiology.population import concatenate, read_table
from dosegym.physiology.quantity import Quantity


def _table(model: Model, people: Patients, **changes: str) -> str:
    names = [q.name for q in model.parameters]
    row = dict(zip(names, map(repr, people.params[0].tolist()), strict=True))
    row = {"name": "one", "group": "adult", "age_years": "40", **row, **changes}
    return f"# a comment\n{','.join(row)}\n{','.join(row.values())}\n"


def test_thirty_named_people(people: Patients) -> None:
    """The population holds ten adults, adolescents and children, each name once."""
    assert len(people) == len(set(people)) == 30
    assert {g: people.groups.count(g) for g in people.groups} == {
        "adult": 10,
        "adolescent": 10,
        "child": 10,
    }
    weight = people.params[:, load_model().parameter_index["BW"]]
    np.testing.assert_array_equal(people.covariates["weight_kg"], weight)


def test_choosing_people_keeps_rows_together(people: Patients) -> None:
    """By name, number, slice or list, name, group, parameters and covariates stay one row."""
    for chosen in (people["child#002"], people[21], people[21:22], people[["child#002"]]):
        assert chosen.names == ("child#002",)
        assert chosen.groups == ("child",)
        np.testing.assert_array_equal(chosen.params[0], people.params[21])
        assert chosen.covariates["age_years"][0] == people.covariates["age_years"][21]


def test_group_and_concatenate_are_inverse(people: Patients) -> None:
    """Splitting by group and joining gives the same people again."""
    parts = [people.group(g) for g in ("adult", "adolescent", "child")]
    joined = concatenate(parts)
    assert joined.names == people.names
    np.testing.assert_array_equal(joined.params, people.params)


def test_unknown_names_are_refused(people: Patients) -> None:
    """The message names what was asked for and what there is."""
    with pytest.raises(InputError, match=r"'adult#011' .* adult#001 to adult#010"):
        people["adult#011"]
    with pytest.raises(InputError, match=r"'infant' .* adult, adolescent, child"):
        people.group("infant")
    with pytest.raises(InputError, match="'mars'; choose one of uva_padova_30"):
        load_population("mars")
    with pytest.raises(InputError, match="'mars_1999'; choose one of uva_padova_2008"):
        load_model("mars_1999")
    with pytest.raises(InputError, match="does not know the option among colour"):
        load_model("uva_padova_2008", colour="red")
    with pytest.raises(
        InputError, match="'iron'; choose one of published, simglucose_legacy, t1dms"
    ):
        load_model("uva_padova_2008", gut="iron")


def test_table_in_own_format_reads_back(model: Model, people: Patients) -> None:
    """A table with comment lines gives the parameters it was written from."""
    read = read_table(_table(model, people), model)
    np.testing.assert_array_equal(read.params[0], people.params[0])
    assert read.covariates["age_years"][0] == 40.0


def test_table_faults_are_named(model: Model, people: Patients) -> None:
    """A missing column, a value out of bounds, not a number or NaN is refused in one line."""
    with pytest.raises(InputError, match="lacks column 'BW'"):
        read_table(_table(model, people).replace("BW", "weight"), model)
    with pytest.raises(InputError, match="BW is 900 kg, outside 5 to 250 kg; correct the value"):
        read_table(_table(model, people, BW="900"), model)
    with pytest.raises(InputError, match="BW is nan kg"):
        read_table(_table(model, people, BW="nan"), model)
    with pytest.raises(InputError, match=r"BW is 'heavy'; give a number \(kg\) for one"):
        read_table(_table(model, people, BW="heavy"), model)
    with pytest.raises(InputError, match="lacks column 'name'"):
        read_table("# nothing but a comment\n", model)


def test_quantity_bounds_include_their_ends() -> None:
    """Both ends are allowed, a hair beyond is not, and the message is one line."""
    q = Quantity("dose", "U", 0, 25, "a dose")
    assert q.check(0) == 0.0
    assert q.check(25) == 25.0
    with pytest.raises(InputError) as caught:
        q.check(25.001)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("dose is 25.001 U, outside 0 to 25 U")
