"""Virtual patients: independence, determinism, plausibility, counted rejections, speed."""

import dataclasses
import itertools
import time

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients
from dosegym.physiology.plausibility import (
    BOUNDS,
    charted,
    failures,
    judge,
    load_criteria,
    measured,
)
from dosegym.physiology.sampling import Population, load_sampler
from dosegym.physiology.streams import PURPOSES, stream


@pytest.fixture(scope="module")
def sampler() -> Population:
    return load_sampler("uva_padova_virtual")


@pytest.fixture(scope="module")
def drawn(sampler: Population) -> Patients:
    return sampler.sample(600, stream(11, "test"))


def test_same_seed_gives_the_same_people(sampler: Population, drawn: Patients) -> None:
    """Names, parameters and covariates are a function of the generator's state."""
    again = sampler.sample(600, stream(11, "test"))
    assert again.names == drawn.names
    np.testing.assert_array_equal(again.params, drawn.params)
    np.testing.assert_array_equal(again.covariates["age_years"], drawn.covariates["age_years"])


@pytest.mark.parametrize("n", [1, 2, 64, 65, 200])
def test_a_person_does_not_depend_on_how_many_are_drawn(
    sampler: Population, drawn: Patients, n: int
) -> None:
    """Person i of n is person i of 600, rejected attempts included."""
    fewer = sampler.sample(n, stream(11, "test"))
    np.testing.assert_array_equal(fewer.params, drawn.params[:n])
    assert fewer.names == drawn.names[:n]


def test_purposes_share_no_patient(sampler: Population) -> None:
    """Training, validation, test and certification people differ in every row and every name."""
    cohorts = {(seed, p): sampler.sample(150, stream(seed, p)) for seed in (0, 1) for p in PURPOSES}
    for a, b in itertools.combinations(cohorts.values(), 2):
        assert not set(a.names) & set(b.names)
        assert not set(a.params[:, 0].tolist()) & set(b.params[:, 0].tolist())


def test_a_generator_gives_new_people_each_time(sampler: Population) -> None:
    """Two draws from one generator are two different cohorts."""
    rng = stream(0, "training")
    a, b = sampler.sample(30, rng), sampler.sample(30, rng)
    assert not set(a.names) & set(b.names)
    assert not (a.params[:, 0] == b.params[:, 0]).any()


def test_people_are_independent(drawn: Patients) -> None:
    """Neighbours of a group are uncorrelated in every parameter (|r| below 4.5 standard errors)."""
    adults = np.log(drawn.group("adult").params)
    varying = adults[:, adults.std(axis=0) > 1e-9]
    z = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    lagged = (z[1:] * z[:-1]).mean(axis=0)
    assert np.abs(lagged).max() < 4.5 / np.sqrt(len(z))


def test_groups_take_turns_and_can_be_chosen(sampler: Population, drawn: Patients) -> None:
    """People cycle through the groups asked for, so that any number stays balanced."""
    assert drawn.groups[:4] == ("adult", "adolescent", "child", "adult")
    only = sampler.sample(5, stream(0, "test"), groups=("child",))
    assert set(only.groups) == {"child"}
    assert all(name.startswith("virtual-child#") for name in only)


def test_every_equilibrium_is_exact(model: Model, drawn: Patients) -> None:
    """At the basal state and rate nothing moves (1e-12 per minute) and glucose is Gb."""
    x, u = model.initial(drawn.params), model.basal_inputs(drawn.params)
    assert np.abs(model.derivative(x, u, drawn.params)).max() < 1e-12
    glucose = model.output(x, u, drawn.params)[:, model.output_index["interstitial_glucose"]]
    np.testing.assert_allclose(glucose, model.params(drawn.params).Gb, rtol=1e-12)


def test_everyone_accepted_is_within_every_limit(model: Model, drawn: Patients) -> None:
    """Quantity bounds and all criteria of the table hold for accepted people."""
    for i, q in enumerate(model.parameters):
        assert ((drawn.params[:, i] >= q.low) & (drawn.params[:, i] <= q.high)).all(), q.name
    values = charted(model, drawn.params, drawn.covariates["age_years"])
    values |= measured(model, drawn.params)
    criteria = load_criteria()
    assert {c.name for c in criteria} == set(values)
    assert set(failures(criteria, drawn.groups, values)) == {""}
    np.testing.assert_array_equal(
        drawn.covariates["weight_kg"], drawn.params[:, model.parameter_index["BW"]]
    )


def test_the_named_people_are_plausible(model: Model, people: Patients) -> None:
    """The criteria turn away none of the 30 people they were drawn from."""
    verdict = judge(model, people.params, people.covariates["age_years"], people.groups)
    assert set(verdict) == {""}


def test_drawn_people_behave_like_the_named(
    model: Model, people: Patients, drawn: Patients
) -> None:
    """Per group, median responses to 1 U, a meal and no insulin lie within the named range."""
    ours, named = measured(model, drawn.params), measured(model, people.params)
    for group, name in itertools.product(("adult", "adolescent", "child"), ours):
        a = ours[name][np.array(drawn.groups) == group]
        b = named[name][np.array(people.groups) == group]
        assert b.min() < np.median(a) < b.max(), (group, name)
        assert a.std() > 0.5 * b.std(), (group, name)


def test_rejections_are_counted_by_reason(sampler: Population) -> None:
    """Candidates are the accepted plus the sum of reasons; most candidates are accepted."""
    _, report = sampler.sample_with_report(600, stream(11, "test"))
    assert report.accepted == 600
    assert report.candidates == 600 + sum(report.reasons.values())
    assert 0.7 < report.accepted_share < 0.95
    assert set(report.reasons) <= {BOUNDS, *(c.name for c in load_criteria())}
    assert len(report.reasons) >= 5


@pytest.mark.parametrize(
    ("parameter", "factor", "reason"),
    [
        ("BW", 4.0, BOUNDS),
        ("Gb", 0.7, "basal_glucose"),
        ("ka1", 9.0, "ka1_over_kd"),
        ("kabs", 23.0, "fastest_rate"),
        ("Vmx", 0.07, "fall_after_1_u"),
        ("kmax", 0.3, "meal_peak"),
    ],
)
def test_an_implausible_person_is_named_for_the_reason(
    model: Model, people: Patients, parameter: str, factor: float, reason: str
) -> None:
    """Changing one parameter of a named person fails the criterion that it should."""
    params = people["adult#001"].params.copy()
    params[0, model.parameter_index[parameter]] *= factor
    assert judge(model, params, np.array([61.0]), ["adult"]).tolist() == [reason]


def test_parameters_that_are_not_numbers_are_out_of_bounds(model: Model, people: Patients) -> None:
    """NaN never passes as plausible."""
    params = np.full_like(people.params[:1], np.nan)
    assert judge(model, params, np.array([61.0]), ["adult"]).tolist() == [BOUNDS]


def test_hopeless_distribution_ends_with_its_reasons(
    sampler: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If nobody can be accepted, drawing stops and says why."""
    means = {g: m + 50.0 for g, m in sampler.distribution.means.items()}
    broken = dataclasses.replace(
        sampler, distribution=dataclasses.replace(sampler.distribution, means=means)
    )
    monkeypatch.setattr("dosegym.physiology.sampling.MOST_ATTEMPTS", 3)
    hopeless = pytest.raises(RuntimeError, match=r"no plausible person in 3 attempts: {.*: 3}")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"), hopeless:
        broken.sample(1, stream(0, "test"))


def test_bad_requests_are_refused(sampler: Population) -> None:
    """Number, groups and name are checked, each in one clear line."""
    rng = stream(0, "test")
    for n in (0, -3, 2.0, True):
        with pytest.raises(InputError, match=f"number of patients is {n!r}; give a whole number"):
            sampler.sample(n, rng)  # type: ignore[arg-type]
    for groups in (("infant",), (), "adult"):
        with pytest.raises(InputError, match="give a list of some of adult, adolescent, child"):
            sampler.sample(3, rng, groups=groups)
    with pytest.raises(InputError, match="'moon'; choose one of uva_padova_virtual"):
        load_sampler("moon")


@pytest.mark.slow
def test_three_thousand_people_in_three_seconds(sampler: Population) -> None:
    """A certification cohort is drawn in under 3 s."""
    start = time.perf_counter()
    people = sampler.sample(3000, stream(5, "certification"))
    assert time.perf_counter() - start < 3.0
    assert len(set(people.names)) == 3000
