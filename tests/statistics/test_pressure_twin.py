"""Bands of blood-pressure twins hold as many of simulated people's true values as they promise."""

from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology.pressure_people import sample_pressure
from dosegym.therapy.formulary import load_formulary
from dosegym.therapy.laboratory import load_laboratory
from dosegym.therapy.pressure_measurement import load_measurement
from dosegym.twins.pressure import fit_pressure
from dosegym.twins.pressure_body import PressureBodies, live, untreated
from dosegym.twins.pressure_expected import white_coat
from dosegym.twins.pressure_seen import Doses, PressureSeen

PEOPLE = 60

pytestmark = pytest.mark.slow
VISITS = np.array([-168, -140, -112, -84, -56, -28, 0])
AHEAD = 84
FORMULARY = load_formulary()
DAY = np.array([-1000.0, -140.0, -84.0])


def regimens(rng: np.random.Generator) -> np.ndarray:
    """Return three regimens (3, 6) in mg, each at least as strong as the one before."""
    first = rng.integers(0, 3, size=6) * rng.integers(0, 2, size=6)
    first[1] = 0
    levels = [first, np.minimum(first + (np.arange(6) == 2), 4)]
    levels.append(np.minimum(levels[-1] + (np.arange(6) == 0), 4))
    return FORMULARY.mg_of(np.array(levels))


def record_of(body: PressureBodies, mg: np.ndarray, setting: str, rng: np.random.Generator):
    """Return what is seen of one person, and the body at the end."""
    doses = Doses(FORMULARY, DAY, mg)
    days = np.arange(-400.0, 1.0)
    body, series = live(body, doses.on(days), (VISITS + 401).tolist())
    device = load_measurement({"preset": setting, "missed_rate": 0.0})
    draws = device.draws(rng, len(VISITS))
    names = ("sbp", "dbp", "heart_rate", "standing_sbp", "standing_dbp")
    coat = np.asarray(body.people.covariates["white_coat_mmhg"])
    read = device.apply(*(series[n][:, 0] for n in names), draws, coat)
    lab = load_laboratory()
    blood = ("potassium", "sodium", "creatinine")
    result = lab.apply(*(series[n][[0, -1], 0] for n in blood), lab.draws(rng, 2))
    chart = {k: float(v[0]) for k, v in body.people.covariates.items()}
    known = {k: chart[k] for k in ("age_years", "female", "weight_kg", "height_cm", "bmi")}
    seen = PressureSeen(
        "simulated", "0" * 64, 0.0, VISITS.astype(float), read.sbp, read.dbp, read.heart_rate,
        (setting,) * len(VISITS), np.full(len(VISITS), 12.0),
        np.repeat([-168.0, 0.0], 3), np.column_stack(result).reshape(-1), blood * 2, doses, known,
    )  # fmt: skip
    return seen, body


@pytest.fixture(scope="module")
def outcomes() -> dict[str, np.ndarray]:
    """Fit everybody; return whether each true value lay in its 90 % band, and errors."""
    rng = np.random.default_rng(20_261)
    people = sample_pressure(PEOPLE, rng)
    rows: dict[str, list[float]] = {k: [] for k in ("now", "ahead", "potassium", "error", "naive")}
    for i in range(PEOPLE):
        setting = ("office_attended", "office_unattended", "home_week")[i % 3]
        mg = regimens(rng)
        seen, body = record_of(untreated(people.take([i]), FORMULARY), mg, setting, rng)
        twin = fit_pressure(seen, seed=i)
        more = mg[-1] + FORMULARY.mg[:, 2] * (np.arange(6) == 2)
        _, truth = live(body, np.tile(more, (AHEAD, 1)), [0, AHEAD])
        forecast = twin.forecast(more, AHEAD)
        for name, key, at, day in (
            ("now", "sbp", 0, 0), ("ahead", "sbp", 1, -1), ("potassium", "potassium", 1, -1),
        ):  # fmt: skip
            low, high = np.quantile(forecast[key][day], (0.05, 0.95))
            rows[name].append(low <= truth[key][at, 0] <= high)
        rows["error"].append(float(np.median(forecast["sbp"][0]) - truth["sbp"][0, 0]))
        coat = white_coat(seen.setting[-1:], body)[0][0, 0]
        rows["naive"].append(float(seen.sbp[-1] - coat - truth["sbp"][0, 0]))
    return {k: np.array(v) for k, v in rows.items()}


@pytest.mark.parametrize("what", ["now", "ahead", "potassium"])
def test_bands_hold_what_they_promise(outcomes: dict[str, np.ndarray], what: str) -> None:
    """The 90 % bands hold the truth of sixty people as often as chance allows (p > 0.001)."""
    from scipy.stats import binomtest

    inside = int(outcomes[what].sum())
    assert binomtest(inside, PEOPLE, 0.90).pvalue > 1e-3, f"{inside} of {PEOPLE}"


def test_twin_beats_the_last_reading(outcomes: dict[str, np.ndarray]) -> None:
    """The twin's pressure errs less than the last reading does, its white coat even taken off."""
    own, naive = (float(np.sqrt(np.mean(outcomes[k] ** 2))) for k in ("error", "naive"))
    assert own < 0.8 * naive


def test_same_seed_same_twin() -> None:
    """The same record and seed give the same twin to the last digit."""
    rng = np.random.default_rng(3)
    person = untreated(sample_pressure(1, rng), FORMULARY)
    seen, _ = record_of(person, regimens(rng), "home_week", rng)
    one, two = (fit_pressure(replace(seen), seed=5, draws=50) for _ in range(2))
    assert one.to_dict() == two.to_dict()
    np.testing.assert_array_equal(one.bodies.x, two.bodies.x)
