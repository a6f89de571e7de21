"""UVA/Padova 2008 against published figures and an independent implementation's trajectories."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology import Model, Patients, Trajectory, load_model, load_population, simulate
from dosegym.physiology.respond import glucose_after
from dosegym.therapy.prescription import prescribe

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
GOLDEN = SHARED / "golden" / "simglucose_reference.csv"
TABLE = SHARED / "uva_padova_30" / "vpatient_params.csv"
GROUPS = ("adult", "adolescent", "child")

needs_golden = pytest.mark.skipif(not GOLDEN.exists(), reason=f"{GOLDEN} is absent")
needs_table = pytest.mark.skipif(not TABLE.exists(), reason=f"{TABLE} is absent")


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("uva_padova_2008")


@pytest.fixture(scope="module")
def people() -> Patients:
    return load_population("uva_padova_30")


def _of(people: Patients, values: np.ndarray) -> dict[str, np.ndarray]:
    """Return the values (B,) of each age group."""
    return {g: values[np.array(people.groups) == g] for g in GROUPS}


def _eaten(announced: np.ndarray) -> np.ndarray:
    """Return g/min eaten when meals queue and are eaten at 5 g/min, as simglucose does."""
    eaten, plate = np.zeros_like(announced), 0.0
    for t, grams in enumerate(announced):
        plate += grams
        eaten[t] = min(5.0, plate)
        plate -= eaten[t]
    return eaten


def _replay(
    model: Model, people: Patients, patient: str
) -> tuple[dict[str, np.ndarray], Trajectory]:
    """Return the golden columns of one patient, and our simulation under the same inputs."""
    with GOLDEN.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.pop("patient") == patient]
    golden = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    inputs = {
        "carbs": _eaten(golden["carbs_g"])[:-1],
        "insulin": golden["insulin_U_per_min"][:-1],
    }
    return golden, simulate(model, people[patient], inputs, golden["minute"])


@needs_golden
@pytest.mark.shared_data
@pytest.mark.parametrize("patient", ["adult#001", "adolescent#003", "child#005", "adult#007"])
def test_every_minute_within_0_02_mg_dl(model: Model, people: Patients, patient: str) -> None:
    """Plasma and interstitial glucose follow simglucose (DOP853, 1e-10) for 6 to 12 hours."""
    golden, ours = _replay(model, people, patient)
    assert len(golden["minute"]) >= 360
    for name in ("plasma_glucose", "interstitial_glucose"):
        assert np.abs(ours[name] - golden[f"{name}_mg_dL"]).max() <= 0.02


@needs_golden
@pytest.mark.shared_data
def test_every_state_follows_the_reference(model: Model, people: Patients) -> None:
    """All thirteen states, meals included, stay within 5e-4 of their largest reference value."""
    golden, ours = _replay(model, people, "adolescent#003")
    for quantity, column in zip(model.states, list(golden)[3:16], strict=True):
        worst = np.abs(ours[quantity.name] - golden[column]).max()
        assert worst <= 5e-4 * np.abs(golden[column]).max(), quantity.name


@pytest.mark.parametrize("meal_g", [20.0, 60.0, 100.0])
def test_one_minute_steps_are_fine_enough_for_everyone(
    model: Model, people: Patients, meal_g: float
) -> None:
    """Against 32 steps a minute: median error of the 30 below 0.001 mg/dL, largest below 0.3."""
    minutes = np.arange(300)
    insulin = np.tile(model.basal_inputs(people.params)[:, 1], (300, 1))
    insulin[0] += meal_g / 15.0
    inputs = {"carbs": np.clip(meal_g - 5.0 * minutes, 0.0, 5.0), "insulin": insulin}
    coarse, fine = (
        simulate(model, people, inputs, np.arange(301.0), substeps=n)["interstitial_glucose"]
        for n in (1, 32)
    )
    error = np.abs(coarse - fine).max(axis=0)
    assert np.median(error) < 0.001
    assert error.max() < 0.3


@needs_table
@pytest.mark.shared_data
def test_parameter_table_holds_the_published_values(model: Model, people: Patients) -> None:
    """Every parameter of the 30 people equals the redistributed table's."""
    with TABLE.open(encoding="utf-8") as file:
        rows = {row["Name"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(people.names)
    for i, name in enumerate(people.names):
        published = [float(rows[name][q.name]) for q in model.parameters]
        np.testing.assert_allclose(people.params[i], published, rtol=1e-11, err_msg=name)


def test_people_are_at_rest_at_their_basal_rate(model: Model, people: Patients) -> None:
    """Steady state: |dx/dt| at most 1e-9, start 133.4 to 152.8 mg/dL, basal 0.289 to 1.725 U/h."""
    x, u = model.initial(people.params), model.basal_inputs(people.params)
    assert np.abs(model.derivative(x, u, people.params)).max() < 1e-9
    start = model.output(x, u, people.params)[:, model.output_index["interstitial_glucose"]]
    assert (start.min().round(1), start.max().round(1)) == (133.4, 152.8)
    basal = 60.0 * u[:, model.input_index["insulin"]]
    assert (basal.min().round(3), basal.max().round(3)) == (0.289, 1.725)


def test_one_unit_lowers_glucose_as_published(model: Model, people: Patients) -> None:
    """1 U: mean falls 18 / 25 / 65 mg/dL, nadirs at 270 / 230 / 199 min by group."""
    path = glucose_after(model, people.params, minutes=720, insulin_u=1.0, every=1)
    fall, when = _of(people, path[0] - path.min(axis=0)), _of(people, path.argmin(axis=0) * 1.0)
    assert [round(fall[g].mean()) for g in GROUPS] == [18, 25, 65]
    assert (round(fall["adult"].min()), round(fall["adult"].max())) == (8, 41)
    assert (round(fall["child"].min()), round(fall["child"].max())) == (38, 104)
    for group, minutes in zip(GROUPS, (270, 230, 199), strict=True):
        assert when[group].mean() == pytest.approx(minutes, abs=5)


def test_without_insulin_glucose_rises_as_published(model: Model, people: Patients) -> None:
    """No insulin: mean 320 mg/dL after 6 h and 894 after 24 h."""
    path = glucose_after(model, people.params, minutes=1440, basal_share=0.0, every=360)
    assert path[1].mean() == pytest.approx(320, abs=1)
    assert path[-1].mean() == pytest.approx(894, abs=1)


def test_ten_units_fasting_reach_the_published_lows(model: Model, people: Patients) -> None:
    """10 U: the lowest adult falls to 20 mg/dL, the lowest child to zero and not below."""
    lows = _of(
        people, glucose_after(model, people.params, minutes=1440, insulin_u=10.0).min(axis=0)
    )
    assert lows["adult"].min() == pytest.approx(20, abs=1)
    assert lows["child"].min() == pytest.approx(0, abs=0.5)
    assert lows["child"].min() >= 0.0


def test_an_overdose_is_not_absorbed_at_zero(model: Model, people: Patients) -> None:
    """After 30 U, child#001 comes back from zero within a day (simglucose: -0.14 for ever)."""
    child = people["child#001"].params
    path = glucose_after(model, child, minutes=4320, insulin_u=30.0, every=10)[:, 0]
    assert path.min() == pytest.approx(0.0, abs=0.5)
    assert path.min() >= 0.0
    assert path[144] > 100.0
    assert path[-1] == pytest.approx(path[0], abs=0.1)


@pytest.mark.parametrize(
    ("gut", "peaks", "child_nadir"),
    [
        ("published", (200, 241, 258), 63),
        ("simglucose_legacy", (256, 304, 346), 41),
        ("t1dms", (200, 241, 258), 63),
    ],
)
def test_stomach_variants_peak_as_measured(
    people: Patients, gut: str, peaks: tuple[int, ...], child_nadir: int
) -> None:
    """80 g with the carb-ratio bolus: mean peaks per group within 8 mg/dL, legacy far above."""
    variant = load_model("uva_padova_2008", gut=gut)
    bolus = 80.0 / prescribe(variant, people).carb_ratio_g_per_u
    path = glucose_after(variant, people.params, minutes=600, carbs_g=80.0, insulin_u=bolus)
    peak, low = _of(people, path.max(axis=0)), _of(people, path.min(axis=0))
    for group, expected in zip(GROUPS, peaks, strict=True):
        assert peak[group].mean() == pytest.approx(expected, abs=8)
    assert low["child"].mean() == pytest.approx(child_nadir, abs=8)


def test_the_legacy_stomach_differs_by_up_to_220_mg_dl(people: Patients) -> None:
    """The missing factor of 1000 moves glucose by as much as the published 222 mg/dL (+- 8)."""
    paths = []
    for gut in ("published", "simglucose_legacy"):
        variant = load_model("uva_padova_2008", gut=gut)
        bolus = 80.0 / prescribe(variant, people).carb_ratio_g_per_u
        paths.append(
            glucose_after(variant, people.params, minutes=600, carbs_g=80.0, insulin_u=bolus)
        )
    assert np.abs(paths[1] - paths[0]).max() == pytest.approx(222, abs=8)
