"""A thousand people on each class: signs of hormones, heart rate, dose response, spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from dosegym.physiology import Model, Patients, load_model
from dosegym.physiology.pressure_people import PressureSpec, sample_pressure
from dosegym.physiology.pressure_spread import steady_outputs
from dosegym.therapy.formulary import CLASSES
from dosegym.therapy.pressure_measurement import load_measurement

PEOPLE = 1000
DOSES = (0.25, 0.5, 1.0, 2.0, 4.0)
RESPONSE_MMHG = 4.0


@pytest.fixture(scope="module")
def body() -> Model:
    return load_model("dosegym_bp_2026")


@dataclass(frozen=True)
class Steady:
    """Outputs of everyone untreated and on one class, standard dose."""

    model: Model
    untreated: np.ndarray
    treated: dict[str, np.ndarray]

    def rise(self, kind: str, output: str) -> np.ndarray:
        column = self.model.output_index[output]
        return self.treated[kind][:, column] - self.untreated[:, column]


@pytest.fixture(scope="module")
def people() -> Patients:
    return sample_pressure(PEOPLE, np.random.default_rng(1))


@pytest.fixture(scope="module")
def standard(body: Model, people: Patients) -> Steady:
    treated = {kind: steady_outputs(people, **{kind: 1.0}) for kind in CLASSES}
    return Steady(body, steady_outputs(people), treated)


@pytest.mark.parametrize("kind", ["acei", "arb", "thiazide", "mra"])
def test_renin_rises_in_everyone(standard: Steady, kind: str) -> None:
    """RAS blockers, thiazides and mineralocorticoid antagonists raise renin, in every person."""
    assert (standard.rise(kind, "renin") > 0.0).all()


def test_renin_falls_in_everyone_on_a_beta_blocker(standard: Steady) -> None:
    """A beta-blocker lowers renin, by a quarter to two thirds in the middle person."""
    fall = -standard.rise("beta_blocker", "renin")
    assert (fall > 0.0).all()
    assert 0.25 < np.median(fall) < 0.67


@pytest.mark.parametrize("kind", [c for c in CLASSES if c != "beta_blocker"])
def test_no_lasting_reflex_tachycardia(standard: Steady, kind: str) -> None:
    """At 240 days heart rate is up by less than 3/min on average, over 5/min in under 1 %."""
    rise = standard.rise(kind, "heart_rate")
    over = float((rise > 5.0).mean())
    assert 0.0 < rise.mean() < 3.0
    assert over < 0.01, f"{100 * over:.1f} % of people above 5/min on {kind}"


def test_a_beta_blocker_slows_everyone(standard: Steady) -> None:
    """Heart rate falls in every person on a beta-blocker, by 4 to 9/min on average."""
    rise = standard.rise("beta_blocker", "heart_rate")
    assert (rise < 0.0).all()
    assert -9.0 < rise.mean() < -4.0


@pytest.mark.parametrize("kind", CLASSES)
def test_more_dose_never_raises_steady_pressure(
    body: Model, people: Patients, standard: Steady, kind: str
) -> None:
    """From 0.25 to 4 standard doses each step lowers SBP, but for one person in 500 by 1 mmHg."""
    sbp = body.output_index["sbp"]
    levels = [standard.untreated[:, sbp]]
    levels += [steady_outputs(people, **{kind: dose})[:, sbp] for dose in DOSES]
    steps = np.diff(np.array(levels), axis=0)
    wrong = (steps > 1e-6).any(axis=0)
    said = f"{int(wrong.sum())} of {PEOPLE} people, by up to {steps.max():.2f} mmHg, on {kind}"
    assert wrong.mean() <= 0.002, said
    assert steps.max() < 1.0, said
    if kind in ("acei", "arb", "ccb", "beta_blocker"):
        assert not wrong.any(), said


def test_normotensive_people_lose_little(body: Model) -> None:
    """People of 115/77 mmHg lose less than 5 mmHg on average on each class's standard dose."""
    spec = PressureSpec(untreated_sbp=(115.0, 8.0, 95.0, 130.0))
    calm = sample_pressure(PEOPLE, np.random.default_rng(2), spec)
    sbp, dbp = body.output_index["sbp"], body.output_index["dbp"]
    before = steady_outputs(calm)
    assert before[:, sbp].mean() == pytest.approx(115.0, abs=1.0)
    assert before[:, dbp].mean() == pytest.approx(76.5, abs=1.5)
    for kind in CLASSES:
        fall = (before - steady_outputs(calm, **{kind: 1.0}))[:, sbp].mean()
        assert 1.0 < fall < 5.0, (kind, fall)


def test_one_in_ten_to_four_does_not_respond(standard: Steady) -> None:
    """Averaged over classes 10 to 25 % lose less than 4 mmHg on a standard dose."""
    shares = {kind: float((-standard.rise(kind, "sbp") < RESPONSE_MMHG).mean()) for kind in CLASSES}
    assert 0.10 < np.mean(list(shares.values())) < 0.25, shares
    assert all(0.02 < share < 0.30 for share in shares.values()), shares


def test_true_responses_spread(standard: Steady) -> None:
    """The true response has an SD of 3.5 to 6 mmHg in each class, and its mean is near Law's."""
    law = {"acei": 8.5, "arb": 10.3, "ccb": 8.8, "thiazide": 8.8, "beta_blocker": 9.2}
    for kind in CLASSES:
        fall = -standard.rise(kind, "sbp")
        assert 3.5 < fall.std() < 6.0, (kind, fall.std())
        assert abs(fall.mean() - law.get(kind, fall.mean())) < 1.0, (kind, fall.mean())


def test_measured_responses_spread_as_in_trials(body: Model, standard: Steady) -> None:
    """Means of three office visits before and after differ with an SD of 8 to 12 mmHg."""
    office, rng = load_measurement("office_attended"), np.random.default_rng(5)
    columns = [body.output_index[n] for n in ("sbp", "dbp", "heart_rate", "standing_sbp")]
    columns.append(body.output_index["standing_dbp"])

    def measured(outputs: np.ndarray) -> np.ndarray:
        visits = []
        for _ in range(3):
            draws = rng.standard_normal((len(outputs), 7))
            draws[:, -1] = 3.0  # nobody misses a visit
            visits.append(office.apply(*outputs[:, columns].T, draws).sbp)
        return np.mean(visits, axis=0)

    spreads = []
    for kind in CLASSES:
        spreads.append((measured(standard.untreated) - measured(standard.treated[kind])).std())
    assert 8.0 < np.mean(spreads) < 12.0, spreads
