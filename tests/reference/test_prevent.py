"""PREVENT and the trials' relative risks against their published figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.therapy.benefit import (
    hazard_ratio,
    mean_hazard_ratio,
    relative_risks,
    risk_reduction,
    share_of_effect,
    untreated_risk,
)
from dosegym.therapy.prevent import MODELS, OUTCOMES, RANGES, coefficients, prevent_risk
from dosegym.therapy.prevent_terms import base_terms, extra_terms

WOMAN = {
    "age_years": 50.0,
    "female": 1,
    "sbp": 160.0,
    "total_cholesterol_mg_dl": 200.0,
    "hdl_mg_dl": 45.0,
    "bmi": 35.0,
    "egfr": 90.0,
    "diabetes": 1,
    "smoker": 0,
    "treated": 1,
    "statin": 0,
}
LABS = ("uacr_mg_g", "hba1c_percent", "sdi_decile")
PUBLISHED = {  # preventr's worked example of the base model, in the order of OUTCOMES
    10: (0.147, 0.092, 0.081, 0.044, 0.054),
    30: (0.53, 0.354, 0.39, 0.198, 0.221),
}
people = st.fixed_dictionaries(
    {
        **{
            name: st.floats(*RANGES[name][:2])
            for name in ("sbp", "total_cholesterol_mg_dl", "hdl_mg_dl", "bmi", "egfr")
        },
        "age_years": st.floats(30, 59),
        **{n: st.sampled_from((0, 1)) for n in ("female", "diabetes", "smoker", "statin")},
    }
)


@pytest.mark.parametrize("years", [10, 30])
def test_the_published_worked_example_for_all_outcomes(years):
    """A treated diabetic woman of 50 at 160 mmHg has the published risks, to their three digits."""
    risks = [float(prevent_risk(**WOMAN, outcome=name, years=years)) for name in OUTCOMES]
    assert [round(risk, 3) for risk in risks] == list(PUBLISHED[years])


@pytest.mark.parametrize(("model", "years"), MODELS)
def test_every_coefficient_meets_a_term(model, years):
    """No coefficient is idle and each of the ten columns has the same terms."""
    values = {
        name: np.array([1.0]) for name in [*WOMAN, "uacr_mg_g", "hba1c_percent", "sdi_decile"]
    }
    built = {**base_terms(values), **extra_terms(values)}
    table = coefficients(model, years)
    assert set(table) == {f"{name}_{sex}" for name in OUTCOMES for sex in "fm"}
    assert {frozenset(weights) for weights in table.values()} == {frozenset(table["chd_f"])}
    assert set(table["chd_f"]) <= set(built)
    assert ("age_squared" in table["chd_f"]) == (years == 30)
    assert ("ln_uacr" in table["chd_f"]) == (model != "base")
    assert ("hba1c_diabetes" in table["chd_f"]) == (model == "full")


def test_extra_labs_move_the_risk_as_their_coefficients_say():
    """Log-odds of total CVD rise by the coefficient per unit of ln UACR and of HbA1c."""

    def log_odds(**extra):
        risk = float(prevent_risk(**WOMAN, **extra))
        return np.log(risk / (1 - risk))

    uacr = coefficients("uacr", 10)["total_cvd_f"]
    rise = log_odds(model="uacr", uacr_mg_g=30 * np.e) - log_odds(model="uacr", uacr_mg_g=30)
    assert rise == pytest.approx(uacr["ln_uacr"])
    unknown = log_odds(model="uacr") - log_odds(model="uacr", uacr_mg_g=1.0)
    assert unknown == pytest.approx(uacr["uacr_missing"])
    full = coefficients("full", 10)["total_cvd_f"]
    rise = log_odds(model="full", hba1c_percent=8.3) - log_odds(model="full", hba1c_percent=5.3)
    assert rise == pytest.approx(3 * full["hba1c_diabetes"])
    deprived = log_odds(model="full", sdi_decile=8) - log_odds(model="full", sdi_decile=2)
    assert deprived == pytest.approx(full["sdi_7_to_10"])


@given(people)
def test_batches_equal_single_people_and_risks_are_probabilities(person):
    """One call for many gives what each call gives; flags and values in arrays."""
    both = {name: np.array([value, value]) for name, value in person.items()}
    both["female"] = np.array([0, 1])
    batch = prevent_risk(**both, treated=0)
    single = [float(prevent_risk(**{**person, "female": sex}, treated=0)) for sex in (0, 1)]
    np.testing.assert_allclose(batch, single)
    assert ((batch > 0) & (batch < 1)).all()
    assert (prevent_risk(**both, treated=0, years=30) > batch).all()


@pytest.mark.parametrize("name", sorted(set(RANGES) & set(WOMAN)))
def test_values_outside_the_derivation_are_refused_by_name(name):
    """One line names the value and its bounds; 'nearest' takes the bound instead."""
    low, high, _ = RANGES[name]
    for value, bound in ((low - 0.1, low), (high + 0.1, high)):
        with pytest.raises(InputError, match=rf"PREVENT: {name} is .*, outside {low:g} to"):
            prevent_risk(**{**WOMAN, name: value})
        at_bound = prevent_risk(**{**WOMAN, name: bound})
        assert prevent_risk(**{**WOMAN, name: value}, beyond="nearest") == at_bound


def test_thirty_years_are_for_people_up_to_59_and_other_refusals():
    """Ages, models, outcomes and missing values are refused in one line."""
    with pytest.raises(InputError, match="age_years is 60, outside 30 to 59 years"):
        prevent_risk(**{**WOMAN, "age_years": 60}, years=30)
    with pytest.raises(InputError, match="no model 'full' over 30 years"):
        prevent_risk(**WOMAN, model="full", years=30)
    with pytest.raises(InputError, match="outcome 'death' is unknown"):
        prevent_risk(**WOMAN, outcome="death")
    with pytest.raises(InputError, match="egfr is missing"):
        prevent_risk(**{**WOMAN, "egfr": np.nan})
    with pytest.raises(InputError, match=r"smoker is .*; give 0 or 1"):
        prevent_risk(**{**WOMAN, "smoker": 2})


def test_relative_risks_are_the_published_ones():
    """BPLTTC 2021 per 5 mmHg and Ettehad 2016 per 10 mmHg; the first is labelled second-hand."""
    assert hazard_ratio(5.0) == pytest.approx(0.90)
    assert [float(hazard_ratio(5.0, name)) for name in ("stroke", "heart_failure", "chd")] == (
        pytest.approx([0.87, 0.87, 0.92])
    )
    ettehad = [float(hazard_ratio(10.0, n, "ettehad_2016")) for n in ("total_cvd", "stroke", "chd")]
    assert ettehad == pytest.approx([0.80, 0.73, 0.83])
    for risk in relative_risks().values():
        assert risk.status == ("published" if risk.source == "ettehad_2016" else "secondary")
        assert risk.low is None or risk.low < risk.relative_risk < risk.high


@given(st.floats(-40, 60), st.floats(-40, 60))
def test_falls_multiply_and_a_rise_harms(one, two):
    """Log-linear: hazard ratios of two falls multiply; a rise is above 1."""
    assert hazard_ratio(one + two) == pytest.approx(hazard_ratio(one) * hazard_ratio(two))
    assert (float(hazard_ratio(one)) < 1.0) == (np.log(0.9) / 5 * one < -1e-17)


def test_the_lag_is_the_mean_of_the_growing_effect():
    """The closed form equals the integral of HR ** share of effect over time."""
    times = (np.arange(200_000) + 0.5) / 200_000
    for years in (0.5, 1.0, 3.0, 10.0):
        integral = np.mean(hazard_ratio(20.0) ** share_of_effect(times * years))
        assert mean_hazard_ratio(20.0, years=years) == pytest.approx(integral, rel=1e-9)
    assert mean_hazard_ratio(0.0) == 1.0
    assert mean_hazard_ratio(20.0, years=0.5) > mean_hazard_ratio(20.0, years=10.0)


def test_benefit_is_untreated_risk_times_one_less_the_relative_risk():
    """And the treated pressure cannot be put into the risk equation."""
    person = {name: value for name, value in WOMAN.items() if name not in {"sbp", "treated"}}
    risk = untreated_risk(untreated_sbp=170.0, **person)
    assert risk == prevent_risk(**{**WOMAN, "sbp": 170.0, "treated": 0})
    saved = risk_reduction(risk, 15.0)
    assert saved == pytest.approx(float(risk) * (1 - float(mean_hazard_ratio(15.0))))
    assert risk_reduction(0.2, -5.0) < 0
    for name in ("sbp", "treated"):
        with pytest.raises(InputError, match=f"leave out {name}"):
            untreated_risk(untreated_sbp=170.0, **person, **{name: 1})
    with pytest.raises(InputError, match="not a probability"):
        risk_reduction(1.2, 5.0)
    with pytest.raises(InputError, match="no relative risk of 'ascvd'"):
        hazard_ratio(5.0, "ascvd")
    with pytest.raises(InputError, match="not a finite number"):
        hazard_ratio(np.nan)
    with pytest.raises(InputError, match="horizon is 0 years"):
        mean_hazard_ratio(5.0, years=0)
