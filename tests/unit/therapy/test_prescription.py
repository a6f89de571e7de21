"""The usual therapy: published for the named patients, titrated for everybody else."""

import dataclasses
import time

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients, load_model, load_population
from dosegym.physiology.population import concatenate
from dosegym.physiology.respond import glucose_after
from dosegym.physiology.sampling import load_sampler
from dosegym.physiology.streams import stream
from dosegym.therapy.prescription import (
    RULES,
    Prescription,
    carb_ratio,
    daily_carbs_g,
    prescribe,
    titrate,
)

GROUPS = ("adult", "adolescent", "child")


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("uva_padova_2008")


@pytest.fixture(scope="module")
def named() -> Patients:
    return load_population("uva_padova_30")


@pytest.fixture(scope="module")
def virtual() -> Patients:
    return load_sampler("uva_padova_virtual").sample(300, stream(21, "test"))


@pytest.fixture(scope="module")
def therapy(model: Model, virtual: Patients) -> Prescription:
    return prescribe(model, virtual)


def _anonymous(people: Patients) -> Patients:
    """Return the same bodies under names of their own."""
    return dataclasses.replace(people, names=tuple(f"somebody {i}" for i in range(len(people))))


def test_named_patients_have_their_published_therapy(model: Model, named: Patients) -> None:
    """Spot values of the table, and the equilibrium's basal rate, unrounded."""
    rx = prescribe(model, named)
    first, child = 0, named.names.index("child#005")
    assert rx.carb_ratio_g_per_u[first] == 10.0
    assert rx.correction_mg_dl_per_u[first] == pytest.approx(8.77310657)
    assert rx.carb_ratio_g_per_u[child] == 7.0
    assert rx.total_daily_dose_u[child] == pytest.approx(40.9, abs=0.05)
    assert rx.basal_u_per_h[first] == pytest.approx(1.2673605, abs=1e-6)
    np.testing.assert_array_equal(rx.basal_u_per_h, 60.0 * model.basal_inputs(named.params)[:, 1])
    assert set(rx.target_mg_dl) == {140.0}


def test_published_daily_dose_is_basal_plus_200_g(model: Model, named: Patients) -> None:
    """The table's daily dose is 24 h of basal insulin and 200 g by the carb ratio, for everyone."""
    rx = prescribe(model, named)
    eaten = (rx.total_daily_dose_u - 24.0 * rx.basal_u_per_h) * rx.carb_ratio_g_per_u
    np.testing.assert_allclose(eaten, 200.0, rtol=1e-5)


def test_a_name_alone_does_not_bring_the_published_therapy(model: Model, named: Patients) -> None:
    """A changed body under a published name is titrated like anybody's."""
    changed = named["adult#001"]
    params = changed.params.copy()
    params[0, model.parameter_index["Vmx"]] *= 1.5
    changed = dataclasses.replace(changed, params=params)
    ours, table = prescribe(model, changed), prescribe(model, named["adult#001"])
    assert ours.correction_mg_dl_per_u[0] > table.correction_mg_dl_per_u[0]
    np.testing.assert_array_equal(
        ours.carb_ratio_g_per_u, prescribe(model, _anonymous(changed)).carb_ratio_g_per_u
    )


def test_mixed_batches_keep_everyone_s_row(
    model: Model, named: Patients, virtual: Patients, therapy: Prescription
) -> None:
    """Named and virtual people in one batch get what they get apart, in their order."""
    mixed = prescribe(model, concatenate([virtual[:3], named[:2], virtual[3:5]]))
    published = prescribe(model, named[:2])
    for field in dataclasses.fields(Prescription):
        got, ours = getattr(mixed, field.name), getattr(therapy, field.name)
        np.testing.assert_array_equal(got[[0, 1, 2, 5, 6]], ours[:5])
        np.testing.assert_array_equal(got[3:5], getattr(published, field.name))


def test_take_keeps_rows_together(therapy: Prescription) -> None:
    """Chosen rows belong to the people chosen, in the order asked for."""
    some = therapy.take([5, 2])
    assert len(some) == 2
    assert len(therapy) == 300
    for field in dataclasses.fields(Prescription):
        np.testing.assert_array_equal(
            getattr(some, field.name), getattr(therapy, field.name)[[5, 2]]
        )


def test_correction_is_the_largest_fall_after_one_unit(
    model: Model, virtual: Patients, therapy: Prescription
) -> None:
    """1 U at rest lowers glucose by the correction factor, to half its rounding step."""
    path = glucose_after(model, virtual.params, minutes=600, insulin_u=1.0, every=1)
    fall = path[0] - path.min(axis=0)
    assert np.abs(fall - therapy.correction_mg_dl_per_u).max() <= 0.5 + 0.05


def test_carb_ratio_is_the_smallest_that_is_safe(
    model: Model, virtual: Patients, therapy: Prescription
) -> None:
    """A third of a day's food returns in 4 h and stays above 90; a 1 % larger dose would not."""
    meal = daily_carbs_g(virtual) / 3.0
    ratio = carb_ratio(
        model,
        virtual.params,
        meal,
        dataclasses.replace(RULES, carb_ratio_step_g_per_u=1e-6, bisections=16),
    )
    for factor, safe in ((1.0, True), (0.99, False)):
        path = glucose_after(
            model, virtual.params, minutes=480, carbs_g=meal, insulin_u=meal / (ratio * factor)
        )
        good = (path[48] >= path[0] - 1e-9) & (path.min(axis=0) >= 90.0 - 1e-9)
        assert (good == safe).all()
    assert (therapy.carb_ratio_g_per_u >= ratio - 1e-9).all()
    assert np.abs(therapy.carb_ratio_g_per_u / ratio - 1.0).max() < 0.08


def test_daily_dose_covers_basal_and_food(virtual: Patients, therapy: Prescription) -> None:
    """TDD = 24 h basal + daily carbohydrate / carb ratio, to its rounding step."""
    food = daily_carbs_g(virtual) / therapy.carb_ratio_g_per_u
    expected = 24.0 * therapy.basal_u_per_h + food
    assert np.abs(therapy.total_daily_dose_u - expected).max() <= 0.05 + 1e-9


def test_numbers_can_be_entered_into_a_pump(therapy: Prescription) -> None:
    """Every setting is positive and a whole number of its step."""
    for values, step in (
        (therapy.basal_u_per_h, 0.001),
        (therapy.carb_ratio_g_per_u, 0.1),
        (therapy.correction_mg_dl_per_u, 1.0),
        (therapy.total_daily_dose_u, 0.1),
    ):
        assert (values > 0).all()
        np.testing.assert_allclose(values / step, np.rint(values / step), atol=1e-6)


def test_titration_agrees_with_the_published_table(model: Model, named: Patients) -> None:
    """On the named 30: carb ratio r 0.89 (log), correction r 0.97, daily dose r 0.96."""
    table, ours = prescribe(model, named), titrate(model, named)
    pairs = {
        "carb ratio": (ours[1], table.carb_ratio_g_per_u, 0.85),
        "correction": (ours[2], table.correction_mg_dl_per_u, 0.95),
        "daily dose": (ours[4], table.total_daily_dose_u, 0.93),
    }
    for name, (a, b, least) in pairs.items():
        assert np.corrcoef(np.log(a), np.log(b))[0, 1] > least, name
    grown = [i for i, g in enumerate(named.groups) if g != "child"]
    assert np.median(ours[1][grown] / table.carb_ratio_g_per_u[grown]) == pytest.approx(1, abs=0.1)


def test_virtual_therapy_is_clinically_usual(virtual: Patients, therapy: Prescription) -> None:
    """Median daily dose is 0.4 to 1 U/kg in each group, and carb ratio x dose near 500."""
    per_kg = therapy.total_daily_dose_u / virtual.covariates["weight_kg"]
    product = therapy.carb_ratio_g_per_u * therapy.total_daily_dose_u
    for group in GROUPS:
        of = np.array(virtual.groups) == group
        assert 0.4 < np.median(per_kg[of]) < 1.0, group
        assert 350.0 < np.median(product[of]) < 650.0, group
    assert per_kg.max() < 4.0


def test_therapy_does_not_depend_on_the_batch(
    model: Model, virtual: Patients, therapy: Prescription
) -> None:
    """A person alone gets the settings they get among 300."""
    for i in (0, 64, 299):
        alone = prescribe(model, virtual[i])
        for field in dataclasses.fields(Prescription):
            assert getattr(alone, field.name)[0] == getattr(therapy, field.name)[i], field.name


def test_faults_are_named(model: Model, virtual: Patients) -> None:
    """Another model's patients, or people of unknown age or weight, are refused in one line."""
    with pytest.raises(
        InputError, match="patients belong to bergman, the model is uva_padova_2008"
    ):
        prescribe(model, dataclasses.replace(virtual, model="bergman"))
    for missing in ("weight_kg", "age_years"):
        kept = {k: v for k, v in virtual.covariates.items() if k != missing}
        with pytest.raises(InputError, match=f"patients lack {missing}; give it among"):
            prescribe(model, dataclasses.replace(virtual, covariates=kept))


@pytest.mark.slow
def test_three_thousand_people_in_eight_seconds(model: Model) -> None:
    """A certification cohort's therapy is found in under 8 s on one core."""
    people = load_sampler("uva_padova_virtual").sample(3000, stream(5, "certification"))
    start = time.perf_counter()
    assert len(prescribe(model, people)) == 3000
    assert time.perf_counter() - start < 8.0
