"""Kinetics of tablets: closed forms, published figures, exactness and the compiled loop."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from dosegym.physiology.errors import InputError
from dosegym.physiology.kinetics_kernel import exponentials
from dosegym.physiology.kinetics_records import STATUSES
from dosegym.physiology.pharmacokinetics import (
    TYPICAL,
    DayStep,
    Kinetics,
    expose,
    individual,
    load_facts,
    load_kinetics,
    propagators,
    rate_matrix,
    stack,
    steady_exposure,
    steady_state,
    terminal_half_life,
)
from dosegym.therapy.formulary import DRUGS

NAMES = sorted(DRUGS)
ONE = Kinetics("one", clearance_l_h=5.0, volume_l=80.0, absorption_per_h=0.4, bioavailability=0.6)


def people(size: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "age_years": rng.uniform(30, 85, size),
        "female": rng.integers(0, 2, size).astype(float),
        "weight_kg": rng.uniform(50, 130, size),
        "egfr0": rng.uniform(15, 115, size),
        "cyp2d6": rng.integers(0, 3, size).astype(float),
    }


def step_of(name: str, covariates: Mapping[str, object] = TYPICAL, **other: object) -> DayStep:
    chart = {**TYPICAL, **covariates}
    return propagators(
        load_kinetics(name),
        chart,
        standard_mg=DRUGS[name].standard_mg,
        **other,  # type: ignore[arg-type]
    )


def test_one_compartment_is_the_bateman_function() -> None:
    """Amounts after a day, and the day's area, are those of the closed form."""
    step = propagators(ONE, TYPICAL, standard_mg=10.0)
    ka, k, f = 0.4, 5.0 / 80.0, 0.6
    gone = np.exp(-24 * ka)
    central = ka / (ka - k) * (np.exp(-24 * k) - gone)
    np.testing.assert_allclose(step.gain[0, :2], [f * gone, f * central], rtol=1e-12)
    np.testing.assert_allclose(step.phi[0, 1, 1], np.exp(-24 * k), rtol=1e-12)
    area = ka / (ka - k) * ((1 - np.exp(-24 * k)) / k - (1 - gone) / ka) / 80.0
    # In standard doses: the typical area of 10 mg a day is F 10 / CL.
    np.testing.assert_allclose(step.read_dose[0], f * area / (f * 10.0 / 5.0), rtol=1e-12)


def test_accumulation_is_geometric() -> None:
    """After a rapid dose a day, amounts gather to 1 / (1 - exp(-24 k)) times those of one."""
    fast = dataclasses.replace(ONE, absorption_per_h=60.0)
    step = propagators(fast, TYPICAL, standard_mg=10.0)
    ratio = steady_state(step, [10.0])[0, 1] / (10.0 * step.gain[0, 1])
    np.testing.assert_allclose(ratio, 1 / (1 - np.exp(-24 * 5.0 / 80.0)), rtol=1e-12)


def test_half_life_is_ln2_volume_over_clearance() -> None:
    """The slowest phase of one compartment has the half-life ln 2 V / CL, in people too."""
    chart = people(20)
    etas = np.random.default_rng(1).standard_normal((20, 3))
    varied = dataclasses.replace(ONE, absorption_per_h=8.0, clearance_log_sd=0.3, volume_log_sd=0.3)
    own = individual(varied, chart, etas)
    step = propagators(varied, chart, etas, standard_mg=10.0)
    expected = np.log(2) * own.volume / own.clearance
    np.testing.assert_allclose(terminal_half_life(step), expected, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_mean_of_a_day_is_dose_over_clearance(name: str) -> None:
    """At steady state a day's area is F dose / CL of the person: exposure goes as 1 / CL.

    A diuretic's excretion is the absorbed dose, whoever takes it.
    """
    chart = people(12)
    etas = np.random.default_rng(2).standard_normal((12, 3))
    kinetics = load_kinetics(name)
    own, typical = individual(kinetics, chart, etas), individual(kinetics, TYPICAL)
    expected = np.full(12, 3.0)
    if kinetics.moiety == "metabolite":
        expected *= typical.metabolite_clearance / own.metabolite_clearance
    elif kinetics.driver == "concentration":
        expected *= typical.clearance / own.clearance
    dose = np.full(12, 3.0 * DRUGS[name].standard_mg)
    step = step_of(name, chart, etas=etas)
    np.testing.assert_allclose(steady_exposure(step, dose), expected, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_typical_person_on_the_standard_dose_has_exposure_one(name: str) -> None:
    """Exposure is told in standard doses; every drug of the formulary has kinetics."""
    step = step_of(name)
    np.testing.assert_allclose(steady_exposure(step, [DRUGS[name].standard_mg]), 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_days_agree_with_a_numerical_solution(name: str) -> None:
    """Three days with a missed dose are those of the differential equations, to 1e-8."""
    kinetics, chart = load_kinetics(name), people(1, seed=3)
    etas = np.random.default_rng(4).standard_normal((1, 3))
    step = stack([step_of(name, chart, etas=etas)])
    mg, taken = np.array([[20.0]]), np.array([[[1], [0], [1]]], dtype=np.uint8)
    x, out = np.zeros((1, 1, 4)), np.zeros((3, 1, 1))
    expose(step, mg, taken, x, out)
    rates = rate_matrix(kinetics, individual(kinetics, chart, etas))[0]
    typical = individual(kinetics, TYPICAL)
    scale = DRUGS[name].standard_mg * kinetics.bioavailability
    if kinetics.moiety == "metabolite":
        scale *= kinetics.metabolite_share / typical.metabolite_clearance[0]
    elif kinetics.driver == "concentration":
        scale /= typical.clearance[0]
    state, exposures = np.zeros(5), []
    for day in range(3):
        state[0] += kinetics.bioavailability * 20.0 * taken[0, day, 0]
        state[4] = 0.0
        solution = solve_ivp(
            lambda _, y: rates @ y, (0.0, 24.0), state, "DOP853", rtol=1e-12, atol=1e-13
        )
        state = solution.y[:, -1]
        exposures.append(state[4] / scale)
    np.testing.assert_allclose(out[:, 0, 0], exposures, atol=1e-8)
    np.testing.assert_allclose(x[0, 0], state[:4], atol=1e-8)


def test_exponentials_agree_with_scipy() -> None:
    """Stiff, slow and defective matrices (absorption as fast as elimination) included."""
    rates = [24 * rate_matrix(k, individual(k, people(5))) for k in map(load_kinetics, NAMES)]
    equal = dataclasses.replace(ONE, absorption_per_h=5.0 / 80.0)
    rates.append(24 * rate_matrix(equal, individual(equal, TYPICAL)))
    matrices = np.concatenate(rates)
    ours = np.empty_like(matrices)
    exponentials(matrices, ours)
    np.testing.assert_allclose(ours, expm(matrices), rtol=1e-11, atol=1e-13)
    assert ours.min() >= 0.0


def test_genotype_of_metoprolol() -> None:
    """Poor metabolisers: 4.9 times the area, half-life 8 h for 3.5 h; ultrarapid: a third."""
    step = step_of("metoprolol", {"cyp2d6": np.array([0.0, 1.0, 2.0])})
    area = steady_exposure(step, np.full(3, 100.0))
    np.testing.assert_allclose(area, [4.9, 1.0, 4.9 / 13], rtol=1e-3)
    np.testing.assert_allclose(terminal_half_life(step), [8.0, 3.5, 3.1], atol=0.05)


def test_lisinopril_accumulates_as_the_kidney_fails() -> None:
    """Exposure follows Thomson 1989's clearance, creatinine to the power 0.887."""
    from dosegym.physiology.renal_function import creatinine_from_egfr

    egfr = np.array([TYPICAL["egfr0"], 45.0, 20.0])
    creatinine = creatinine_from_egfr(egfr, 60.0, 0.0)
    exposure = steady_exposure(step_of("lisinopril", {"egfr0": egfr}), np.full(3, 10.0))
    np.testing.assert_allclose(exposure, (creatinine / creatinine[0]) ** 0.887, rtol=1e-9)
    # Labels: 4 to 5 times the area at a clearance of 5 to 30 mL/min; the regression is milder.
    assert 2.0 < exposure[2] < 5.0


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("bisoprolol", 1.5, 2.1),  # Kirch 1987: 14.2 to 7.8 L/h at 28 mL/min
        ("atenolol", 2.0, 4.0),  # label: half-life 16 to 27 h at 15 to 35 mL/min, from 6 to 7 h
        ("irbesartan", 1.0, 1.0),  # Sica 1997: no change
        ("losartan", 1.0, 1.0),  # Sica 2008 (PMID 18800456): no change of E-3174
        ("telmisartan", 1.0, 1.0),  # less than 1 % is excreted by the kidney
    ],
)
def test_kidney_disease_by_drug(name: str, low: float, high: float) -> None:
    """At a creatinine clearance of 28 mL/min exposure rises as published, or not at all."""
    from dosegym.physiology.renal_function import ckd_epi_2021

    healthy = ckd_epi_2021(80.0 * 88.0 / 72.0 / 100.0, 60.0, 0.0)
    failing = ckd_epi_2021(80.0 * 88.0 / 72.0 / 28.0, 60.0, 0.0)
    chart = {"egfr0": np.array([float(healthy), float(failing)])}
    exposure = steady_exposure(step_of(name, chart), np.full(2, 10.0))
    assert low - 1e-9 <= exposure[1] / exposure[0] <= high + 1e-9


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("losartan", 6.0, 9.0),
        ("telmisartan", 23.0, 25.0),
        ("irbesartan", 13.0, 16.0),
        ("amlodipine", 30.0, 52.0),
        ("hydrochlorothiazide", 5.6, 14.8),
        ("chlorthalidone", 40.0, 60.0),
        ("indapamide", 14.0, 18.0),
        ("bisoprolol", 9.0, 14.0),
        ("metoprolol", 3.0, 4.0),
        ("atenolol", 6.0, 9.0),
        ("spironolactone", 13.8, 16.5),
    ],
)
def test_terminal_half_lives_lie_in_the_published_range(name: str, low: float, high: float) -> None:
    """The typical person's slowest phase (hours) is that of labels and papers."""
    assert low <= terminal_half_life(step_of(name))[0] <= high


@pytest.mark.parametrize(("name", "days"), [("amlodipine", 8), ("telmisartan", 5)])
def test_time_to_steady_state(name: str, days: int) -> None:
    """Amlodipine needs about a week (label: 7 to 8 days), telmisartan less than five days."""
    step = stack([step_of(name)])
    out = np.zeros((days, 1, 1))
    dose = np.full((1, 1), DRUGS[name].standard_mg)
    expose(step, dose, np.ones((1, days), np.uint8), np.zeros((1, 1, 4)), out)
    assert out[-1, 0, 0] > 0.9
    assert out[days // 2 - 1, 0, 0] < 0.9
    assert np.all(np.diff(out[:, 0, 0]) > 0.0)


@pytest.mark.parametrize("name", ["hydrochlorothiazide", "chlorthalidone", "bisoprolol"])
def test_mass_is_conserved(name: str) -> None:
    """What is in the body and what was eliminated add up to what was absorbed or was there."""
    kinetics = dataclasses.replace(load_kinetics(name), driver="excretion")
    step = propagators(kinetics, people(8), standard_mg=1.0)
    x = np.random.default_rng(5).uniform(0, 50, (8, 4)) * [1, 1, 1, 0]
    x[:, 2] *= kinetics.exchange_l_h > 0
    after = (step.phi @ x[..., None])[..., 0] + 25.0 * step.gain
    eliminated = (step.read * x).sum(1) + 25.0 * step.read_dose
    # A reading of excretion is in doses of 1 mg.
    np.testing.assert_allclose(after.sum(1) + eliminated, x.sum(1) + 25.0, rtol=1e-10)


def test_typical_person_is_that_of_the_body() -> None:
    """A standard dose is measured in the person in whom the body's effects are calibrated."""
    from dosegym.physiology.pressure_people import typical_person

    for name, values in typical_person().covariates.items():
        if name in TYPICAL:
            assert values[0] == TYPICAL[name]


def test_people_differ_as_published() -> None:
    """Amlodipine's exposure at steady state is lognormal: median 1, CV of clearance 39 %."""
    n = 4000
    chart = {name: np.full(n, value) for name, value in TYPICAL.items()}
    etas = np.random.default_rng(6).standard_normal((n, 3))
    logs = np.log(steady_exposure(step_of("amlodipine", chart, etas=etas), np.full(n, 5.0)))
    assert abs(logs.mean()) < 4 * 0.376 / np.sqrt(n)
    assert abs(logs.std() / np.sqrt(np.log(1 + 0.39**2)) - 1) < 4 / np.sqrt(2 * n)


def test_table_is_complete() -> None:
    """Every row names a parameter of the record once, with a known status and a source."""
    facts = load_facts()
    known = {f.name for f in dataclasses.fields(Kinetics)}
    assert len({(f.drug, f.parameter) for f in facts}) == len(facts)
    for fact in facts:
        assert fact.parameter in known
        assert fact.status in STATUSES
        assert fact.source
        assert fact.unit
    for name in NAMES:
        kinetics = load_kinetics(name)
        assert kinetics.driver in ("concentration", "excretion")
        assert kinetics.moiety in ("parent", "metabolite")
        assert kinetics.clearance_log_sd > 0.0


def test_what_is_unverified_does_not_change_exposure() -> None:
    """Chlorthalidone's volume, no source seen, cancels out when its half-life is kept."""
    drug = load_kinetics("chlorthalidone")
    assert [f"{f.drug}.{f.parameter}" for f in load_facts() if f.status == "unverified"] == [
        "chlorthalidone.volume_l"
    ]
    twice = dataclasses.replace(
        drug,
        volume_l=2 * drug.volume_l,
        clearance_l_h=2 * drug.clearance_l_h,
        renal_clearance_per_crcl=2 * drug.renal_clearance_per_crcl,
    )
    for a, b in zip(
        propagators(drug, people(4), standard_mg=12.5),
        propagators(twice, people(4), standard_mg=12.5),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_refusals_name_the_mend() -> None:
    """Unknown drug, missing covariate, wrong shape and bad numbers are refused in one line."""
    with pytest.raises(InputError, match="'aspirin' has no kinetics; choose one of lisinopril"):
        load_kinetics("aspirin")
    with pytest.raises(InputError, match="'egfr0' is missing"):
        individual(ONE, {"age_years": 50.0, "female": 0.0, "weight_kg": 80.0})
    with pytest.raises(InputError, match="weight_kg is -1; give a number above 0"):
        individual(ONE, {**TYPICAL, "weight_kg": -1.0})
    with pytest.raises(InputError, match=r"shape \(2, 3\) for 1 people; give \(1, 3\)"):
        individual(ONE, TYPICAL, np.zeros((2, 3)))
    with pytest.raises(InputError, match="one has volume_l 0; give a number above 0"):
        dataclasses.replace(ONE, volume_l=0.0)
    with pytest.raises(InputError, match="metabolite_share 0; give a number above 0"):
        dataclasses.replace(ONE, moiety="metabolite")
    with pytest.raises(InputError, match="driver 'dose' and moiety 'parent'; give one of"):
        dataclasses.replace(ONE, driver="dose")
    with pytest.raises(InputError, match="standard dose of one is 0 mg"):
        propagators(ONE, TYPICAL, standard_mg=0.0)
