"""The Cambridge model against closed forms, published means and what its people are like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from dosegym.physiology import InputError, Patients, load_model, load_population, simulate
from dosegym.physiology.hovorka_people import LOG_NORMAL, SHARED, sample_hovorka
from dosegym.physiology.respond import glucose_after
from dosegym.physiology.units import MG_DL_PER_MMOL_L
from dosegym.therapy.cohort import find_cohort, virtual_cohort

MODEL = load_model("hovorka_2004")
# Hovorka 2004, table of means, as public implementations agree on them; weight and basal glucose
# are those of the paper's typical person (74.9 kg) at 6 mmol/L.
PUBLISHED = {
    "BW": 74.9, "Gb": 6.0 * MG_DL_PER_MMOL_L, "EGP0": 0.0161, "F01": 0.0097, "k12": 0.066,
    "VG": 0.16, "R_thr": 9.0, "R_cl": 0.003, "ka_int": 0.0933, "SIT": 51.2e-4, "SID": 8.2e-4,
    "SIE": 520e-4, "ka1": 0.006, "ka2": 0.06, "ka3": 0.03, "VI": 0.12, "ke": 0.138,
    "tmaxI": 55.0, "AG": 0.8, "tmaxG": 40.0,
}  # fmt: skip
MEAN = np.array([[PUBLISHED[name] for name in MODEL.Params._fields]])


def people() -> Patients:
    return load_population("hovorka_30")


def test_basal_insulin_is_the_root_of_the_papers_balance() -> None:
    """The closed form equals a root found by bisection of the glucose balance as printed."""
    p, G = MODEL.params(MEAN[0]), 6.0

    def balance(insulin: float) -> float:
        x1, x2, x3 = (s * insulin for s in (p.SIT, p.SID, p.SIE))
        Q1 = G * p.VG
        Q2 = x1 * Q1 / (p.k12 + x2)
        return float(-p.F01 - x1 * Q1 + p.k12 * Q2 + p.EGP0 * (1.0 - x3))

    root = brentq(balance, 0.1, 100.0, xtol=1e-13)
    state = MODEL.initial(MEAN)[0]
    assert state[MODEL.state_index["plasma_insulin_conc"]] == pytest.approx(root, rel=1e-9)
    assert 3.0 < root < 12.0  # fasting plasma insulin on basal insulin, mU/L
    units_per_h = 60.0 * MODEL.basal_inputs(MEAN)[0, 1]
    assert units_per_h == pytest.approx(0.06 * p.ke * root * p.VI * p.BW, rel=1e-12)
    assert 0.2 < units_per_h < 1.5


def test_insulin_and_meals_appear_as_the_closed_forms_say() -> None:
    """An impulse leaves two equal compartments as t exp(-t/T)/T^2, largest at T."""
    p = MODEL.params(MEAN[0])
    x = MODEL.initial(MEAN)
    column = MODEL.state_index
    x[:, column["subcutaneous_insulin_1"]] += 100.0
    x[:, column["gut_1"]] += 2.0
    u = MODEL.basal_inputs(MEAN)[0]
    path = simulate(
        MODEL, MEAN[0], {"insulin": np.full(300, u[1])}, np.arange(301.0), initial=x, substeps=4
    )
    t = np.arange(301.0)
    depot = path["subcutaneous_insulin_2"] - x[0, column["subcutaneous_insulin_2"]]
    np.testing.assert_allclose(depot, 100.0 * t / p.tmaxI * np.exp(-t / p.tmaxI), atol=1e-6)
    gut = 2.0 * t / p.tmaxG * np.exp(-t / p.tmaxG)
    np.testing.assert_allclose(path["gut_2"], gut, atol=1e-7)
    assert np.argmax(path["gut_2"]) == 40
    assert np.argmax(depot) == 55


def test_what_is_eaten_appears_in_plasma_but_for_a_fifth() -> None:
    """A 60 g meal brings 80 % of 60,000 mg into plasma in ten hours."""
    carbs = np.zeros(900)
    carbs[:12] = 5.0
    u = MODEL.basal_inputs(MEAN)[0]
    path = simulate(
        MODEL, MEAN[0], {"carbs": carbs, "insulin": np.full(900, u[1])}, np.arange(901.0)
    )
    appeared = np.trapezoid(path["carbs_appearance"], dx=1.0) * PUBLISHED["BW"]
    assert appeared == pytest.approx(0.8 * 60_000.0, rel=1e-3)


@pytest.mark.parametrize("units", [30.0, 100.0, 1000.0])
def test_an_absurd_dose_neither_overflows_nor_lasts(units: float) -> None:
    """Up to 1,000 U at once glucose stays in [0, 2000], and after six days it is back."""
    insulin = np.tile(MODEL.basal_inputs(people().params)[:, 1], (6 * 1440, 1))
    insulin[0] += units
    path = simulate(MODEL, people(), {"insulin": insulin}, np.arange(6 * 1440 + 1.0))
    glucose = path["plasma_glucose"]
    assert np.isfinite(path.states).all()
    assert glucose.min() >= 0.0
    np.testing.assert_allclose(glucose[-1], glucose[0], rtol=0.05)


def test_people_answer_as_people_do() -> None:
    """1 U lowers glucose by 15-80 mg/dL in 2.5-7 h; 1 g/kg raises it within 1.5-3.5 h."""
    dose = glucose_after(MODEL, people().params, minutes=600, insulin_u=1.0)
    fall, nadir = dose[0] - dose.min(axis=0), 5 * dose.argmin(axis=0)
    assert ((fall > 15.0) & (fall < 80.0)).all()
    assert ((nadir >= 150) & (nadir <= 420)).all()
    meal = glucose_after(
        MODEL, people().params, minutes=480, carbs_g=people().covariates["weight_kg"]
    )
    peak = 5 * meal.argmax(axis=0)
    assert ((peak >= 90) & (peak <= 210)).all()


def test_displaced_states_have_the_glucose_asked_for() -> None:
    """A state moved to 100 mg/dL reads 100 mg/dL and its other glucose does not move."""
    assert MODEL.displace is not None
    p = MODEL.params(people().params)
    moved = np.stack(
        np.broadcast_arrays(*MODEL.displace(tuple(MODEL.initial(people().params).T), p, 100.0)),
        axis=1,
    )
    u = MODEL.basal_inputs(people().params)
    outputs = MODEL.output(moved, u, people().params)
    np.testing.assert_allclose(outputs[:, :2], 100.0)
    slope = MODEL.derivative(moved, u, people().params)
    assert np.abs(slope[:, MODEL.state_index["other_glucose"]]).max() < 1e-12


def test_a_thousand_people_are_spread_as_published() -> None:
    """Medians lie within 10 % of the table, spreads within 0.08; all need insulin."""
    many = sample_hovorka(1000, np.random.default_rng(7))
    p = MODEL.params(many.params)
    for name, (median, spread) in LOG_NORMAL.items():
        values = np.log(getattr(p, name))
        assert abs(np.median(values) - np.log(median)) < 0.1, name
        assert abs(values.std() - spread) < 0.08, name
    for name, value in SHARED.items():
        assert (getattr(p, name) == value).all()
    assert (p.EGP0 > p.F01).all()
    assert np.median(p.EGP0) == pytest.approx(0.017, rel=0.06)
    assert np.log(p.EGP0).std() == pytest.approx(0.2, abs=0.05)
    for i, q in enumerate(MODEL.parameters):
        assert ((many.params[:, i] >= q.low) & (many.params[:, i] <= q.high)).all(), q.name


def test_person_i_does_not_depend_on_how_many_are_drawn() -> None:
    """The first five of fifty are the five of five; a bad number is refused."""
    few, many = (sample_hovorka(n, np.random.default_rng(3)) for n in (5, 50))
    np.testing.assert_array_equal(few.params, many.params[:5])
    assert few.names == many.names[:5]
    with pytest.raises(InputError, match="number of patients is 0"):
        sample_hovorka(0, np.random.default_rng(3))


def test_cohorts_are_of_the_models_own_people() -> None:
    """Named and virtual cohorts of this model hold its people, who are all adults."""
    assert find_cohort(MODEL, "adult#003").patients.model == "hovorka_2004"
    assert len(virtual_cohort(MODEL, 3, purpose="test", groups=("adult",))) == 3
    with pytest.raises(InputError, match="has adults only"):
        virtual_cohort(MODEL, 3, purpose="test", groups=("child",))
