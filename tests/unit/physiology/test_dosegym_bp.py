"""The blood-pressure body: rest, identities of the circulation, steady states, its targets."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology import InputError, Model, Patients, load_model, load_population, simulate
from dosegym.physiology.models.dosegym_bp_2026 import build
from dosegym.physiology.pressure_calibration import Row, calibrate
from dosegym.physiology.pressure_gains import gain_rows, shipped_gains, typical_values
from dosegym.physiology.pressure_people import typical_person
from dosegym.physiology.pressure_targets import load_targets
from dosegym.physiology.renal_function import ckd_epi_2021
from dosegym.physiology.solve import Trajectory

DAYS = 240
REGIMEN = {"acei": 1.0, "ccb": 1.0, "thiazide": 1.0, "beta_blocker": 0.5}


@pytest.fixture(scope="module")
def body() -> Model:
    return load_model("dosegym_bp_2026")


@pytest.fixture(scope="module")
def persons() -> Patients:
    return load_population("hypertension_30")


def treat(body: Model, persons: Patients, days: int = DAYS, **inputs: float) -> Trajectory:
    held = {"sodium_intake": np.ones(days), **{k: np.full(days, v) for k, v in inputs.items()}}
    return simulate(body, persons, held, np.arange(days + 1.0))


@pytest.fixture(scope="module")
def treated(body: Model, persons: Patients) -> Trajectory:
    return treat(body, persons, **REGIMEN)


def test_untreated_outputs_are_the_persons_own(body: Model, persons: Patients) -> None:
    """At rest pressure, heart rate, output and laboratory values equal the parameters."""
    x, u = body.initial(persons.params), body.basal_inputs(persons.params)
    y = dict(zip(body.output_index, body.output(x, u, persons.params).T, strict=True))
    p = body.params(persons.params)
    chart = persons.covariates
    np.testing.assert_allclose(y["sbp"], chart["untreated_sbp"], rtol=1e-12)
    np.testing.assert_allclose(y["dbp"], chart["untreated_dbp"], rtol=1e-12)
    for name, value in (
        ("heart_rate", p.HR0), ("cardiac_output", p.CO0), ("potassium", p.K0), ("sodium", p.Na0),
        ("creatinine", p.creatinine0), ("egfr", p.eGFR0), ("renin", 1.0), ("aldosterone", 1.0),
        ("volume", 1.0),
    ):  # fmt: skip
        np.testing.assert_allclose(y[name], value, rtol=1e-12, err_msg=name)


def test_pressure_is_output_times_resistance(treated: Trajectory) -> None:
    """On every day mean pressure is flow times resistance, and pulse what SBP exceeds DBP by."""
    mean, pulse = treated["mean_pressure"], treated["pulse_pressure"]
    flow = treated["cardiac_output"] * treated["peripheral_resistance"]
    np.testing.assert_allclose(mean, flow, rtol=1e-12)
    np.testing.assert_allclose(treated["sbp"] - treated["dbp"], pulse, rtol=1e-9)
    np.testing.assert_allclose(treated["dbp"] + pulse / 3.0, mean, rtol=1e-12)


def test_egfr_is_ckd_epis_of_the_creatinine(treated: Trajectory, persons: Patients) -> None:
    """The filtration rate shown is CKD-EPI 2021 of the creatinine shown."""
    chart = persons.covariates
    expected = ckd_epi_2021(treated["creatinine"], chart["age_years"], chart["female"])
    np.testing.assert_allclose(treated["egfr"], expected, rtol=1e-9)


def test_steady_states_are_steady(treated: Trajectory) -> None:
    """Over the last month of 240 days on one regimen pressure moves by less than 0.02 mmHg."""
    for name in ("sbp", "dbp"):
        assert np.abs(treated[name][-1] - treated[name][-31]).max() < 0.02
    assert np.abs(treated["potassium"][-1] - treated["potassium"][-31]).max() < 0.002


def test_steady_sodium_balance(body: Model, persons: Patients, treated: Trajectory) -> None:
    """At a steady state what is excreted equals what is eaten, on less salt as well."""
    for path, salt in ((treated, 1.0), (treat(body, persons, sodium_intake=0.5), 0.5)):
        slope = body.derivative(path.states[-1].T, path.inputs[-1].T, persons.params)
        assert np.abs(slope[:, body.state_index["ln_volume"]]).max() < 1e-6 * salt


def test_the_heart_leads_and_the_rest_unfolds(body: Model) -> None:
    """After ``onset`` days 63 % of the RAS block has unfolded; a beta-blocker slows at once."""
    onset = round(shipped_gains()["onset"])
    path = treat(body, typical_person(), acei=1.0)
    share = path["ras_block"][onset] / path["ras_block"][-1]
    assert share == pytest.approx(1.0 - np.exp(-1.0), abs=1e-9)
    slowed = treat(body, typical_person(), beta_blocker=1.0)["heart_action"]
    assert slowed[1] == slowed[-1] < 0.0


def test_stopping_returns_to_rest(body: Model, persons: Patients) -> None:
    """A year after the last tablet everyone is back where they were."""
    doses = np.zeros(400)
    doses[:40] = 2.0
    held = {"sodium_intake": np.ones(400), "arb": doses, "thiazide": doses}
    path = simulate(body, persons, held, np.arange(401.0))
    np.testing.assert_allclose(path["sbp"][-1], path["sbp"][0], atol=0.01)
    np.testing.assert_allclose(path["potassium"][-1], path["potassium"][0], atol=0.01)


def test_illness_dries_and_diuretics_make_it_worse(body: Model, persons: Patients) -> None:
    """Five days of fluid loss raise creatinine, more on a RAS blocker with a diuretic."""
    loss = np.zeros(140)
    loss[120:125] = 0.05
    held = {"sodium_intake": np.ones(140), "fluid_loss": loss}
    peaks = []
    for drugs in ((), ("arb", "thiazide")):
        path = simulate(
            body, persons, {**held, **{d: np.ones(140) for d in drugs}}, np.arange(141.0)
        )
        assert (path["volume"][125] < path["volume"][120]).all()
        peaks.append((path["creatinine"][121:].max(axis=0) / path["creatinine"][120]).mean())
    assert 1.0 < peaks[0] < peaks[1]


ROWS = calibrate()


@pytest.mark.parametrize("row", ROWS, ids=[row.target.name for row in ROWS])
def test_targets(row: Row) -> None:
    """Every target is met within its band; the known misses, and only they, are not."""
    assert row.verdict == {"known_miss": "known miss", "shown": "–"}.get(row.target.role, "yes")


def test_few_targets_are_missed() -> None:
    """What the model is known to miss concerns beta-blockers with others, and nothing else."""
    missed = [t.name for t in load_targets().values() if t.role == "known_miss"]
    assert missed == ["wald_acei", "pathway_bisoprolol", "add_on_ras_sbp", "add_on_ccb_sbp"]


def test_every_gain_has_unit_status_and_source() -> None:
    """No gain stands in the table without saying where it comes from; each stands there once."""
    rows = gain_rows()
    assert len({row["name"] for row in rows}) == len(rows)
    assert {row["kind"] for row in rows} == {"gain", "typical"}
    assert {row["status"] for row in rows} <= {"published", "calibrated", "choice", "unverified"}
    assert all(row["unit"] and len(row["source"]) > 3 for row in rows)
    assert set(typical_values()) < set(load_model("dosegym_bp_2026").Params._fields)


def test_a_gain_can_be_replaced(body: Model) -> None:
    """A body built with half the thiazide's natriuresis lowers pressure less; others stay."""
    weaker = build({"d_thiazide": 0.5 * shipped_gains()["d_thiazide"]})
    ends = {}
    for drug in ("thiazide", "ccb"):
        for name, model in (("shipped", body), ("weaker", weaker)):
            held = {"sodium_intake": np.ones(60), drug: np.ones(60)}
            path = simulate(model, typical_person(), held, np.arange(61.0), backend="numpy")
            ends[drug, name] = path["sbp"][-1]
    assert ends["thiazide", "weaker"] > ends["thiazide", "shipped"] + 1.0
    assert ends["ccb", "weaker"] == ends["ccb", "shipped"]


def test_an_unknown_gain_is_refused() -> None:
    """The message names the gain and the gains there are."""
    with pytest.raises(InputError, match="gain 'kQ' is unknown; the gains are c, nu"):
        build({"kQ": 1.0})
