"""A person's own kinetics: posteriors against closed forms, forecasts, files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.compartments import Structure
from dosegym.physiology.errors import InputError
from dosegym.physiology.population_kinetics import Error, PopulationKinetics, Units
from dosegym.physiology.population_kinetics_table import load_population_kinetics
from dosegym.records.dosing import Dose, Regimen, repeated
from dosegym.records.events import Charted, EventTable, PersonEvents, Samples
from dosegym.twins import open_twin
from dosegym.twins.kinetics_design import looking
from dosegym.twins.kinetics_file import load_kinetic_twin
from dosegym.twins.kinetics_holdout import leave_last_out
from dosegym.twins.kinetics_twin import KineticTwin, fit_kinetics

DRUG = PopulationKinetics(
    "test", "test", Structure(1), Units(), {"cl": 4.0, "v": 40.0}, ("cl", "v"),
    np.diag([0.16, 0.09]), {"concentration": Error(0.0, 0.12)},
)  # fmt: skip
TIMES = np.array([1.0, 4.0, 12.0, 24.0])


def person(
    etas: np.ndarray, rng: np.random.Generator, model: PopulationKinetics = DRUG,
    times: np.ndarray = TIMES,
) -> PersonEvents:  # fmt: skip
    """Return somebody with these etas who got 400 mg at once."""
    bare = PersonEvents(
        "S1", Regimen((Dose(0.0, 400.0),)),
        Samples(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool)),
        Charted(np.zeros(1), {}), np.zeros(0),
    )  # fmt: skip
    from dosegym.twins.kinetics_design import design_of

    seen = looking(bare, times, 1, Regimen(()))
    f = design_of([seen], model).expected(model, etas[None, None])[0]
    value = f * (1.0 + 0.12 * rng.standard_normal(len(times)))
    return replace(seen, samples=replace(seen.samples, value=value))


@pytest.fixture(scope="module")
def twin() -> KineticTwin:
    """Return the twin of one simulated person."""
    someone = person(np.array([0.5, -0.2]), np.random.default_rng(1))
    return fit_kinetics(someone, DRUG, record_sha256="a" * 64, seed=3, draws=800)


def test_posterior_agrees_with_a_grid(twin: KineticTwin) -> None:
    """Mean and spread of the draws are those of the posterior summed over a fine grid."""
    from dosegym.twins.kinetics_design import design_of

    axis = np.linspace(-2.0, 2.0, 161)
    eta = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    design = design_of([twin.person], DRUG)
    f = design.expected(DRUG, eta[:, None])
    sd = 0.12 * f
    log_p = (-0.5 * ((design.value - f) / sd) ** 2 - np.log(sd)).sum(axis=1)
    log_p -= 0.5 * (eta**2 / np.diag(DRUG.omega)).sum(axis=1)
    weight = np.exp(log_p - log_p.max())
    weight /= weight.sum()
    mean = weight @ eta
    spread = np.sqrt(weight @ (eta - mean) ** 2)
    np.testing.assert_allclose(twin.etas.mean(axis=0), mean, atol=0.25 * spread.max())
    np.testing.assert_allclose(twin.etas.std(axis=0), spread, rtol=0.15)
    np.testing.assert_allclose(np.sqrt(np.diag(twin.covariance)), spread, rtol=0.25)
    best = eta[np.argmax(log_p)]
    np.testing.assert_allclose(twin.mode, best, atol=0.03)


def test_what_is_known_is_told(twin: KineticTwin) -> None:
    """Four samples tell clearance and volume; without any the population is left, and said so."""
    assert twin.usable
    assert {row.name: row.verdict for row in twin.known()} == {
        "cl": "well known", "v": "well known",
    }  # fmt: skip
    empty = replace(twin.person, samples=twin.person.samples.take(np.zeros(4, dtype=bool)))
    prior = fit_kinetics(empty, DRUG, seed=1, draws=600)
    assert {row.verdict for row in prior.known()} == {"prior-dominated"}
    assert "no measurement" in prior.notes[0]
    np.testing.assert_allclose(prior.etas.std(axis=0), DRUG.log_sd(), rtol=0.12)


def test_intervals_cover_what_people_are_made_of() -> None:
    """Over 120 simulated people the 90 % intervals hold the true etas as often as they promise."""
    from scipy.stats import binomtest

    rng = np.random.default_rng(8)
    inside = []
    for k in range(120):
        etas = np.sqrt(np.diag(DRUG.omega)) * rng.standard_normal(2)
        drawn = fit_kinetics(person(etas, rng), DRUG, seed=k, draws=400).etas
        low, high = np.quantile(drawn, (0.05, 0.95), axis=0)
        inside += ((low <= etas) & (etas <= high)).tolist()
    assert binomtest(int(np.sum(inside)), 240, 0.9).pvalue > 1e-3, np.mean(inside)


def test_further_doses_are_foretold(twin: KineticTwin) -> None:
    """Doses to come add up as the equations say, in the order of the times asked for."""
    at = np.array([48.0, 30.0, 72.0])
    found = twin.forecast(at, repeated(200.0, 24.0, 2, start=24.0), rng=np.random.default_rng(1))
    values = twin.parameters()
    k = values["cl"] / values["v"]
    exact = np.zeros((len(twin), 3))
    for start, amount in ((0.0, 400.0), (24.0, 200.0), (48.0, 200.0)):
        since = at - start
        part = amount / values["v"][:, None] * np.exp(-k[:, None] * since)
        # A dose of the very time asked for comes after the look, as troughs are drawn.
        exact += np.where(since > 0.0, part, 0.0)
    np.testing.assert_allclose(found["draws"], exact, rtol=1e-9)
    wide = np.diff(found["reading_quantiles"][[0, 2]], axis=0)
    assert (wide > np.diff(found["quantiles"][[0, 2]], axis=0)).all()


def test_twin_comes_back_from_its_file(twin: KineticTwin, tmp_path: Path) -> None:
    """Written and read again, the twin and its forecasts are the same to the last digit."""
    path = tmp_path / "twin.json"
    path.write_text(json.dumps(twin.to_dict()))
    again = open_twin(path)
    assert isinstance(again, KineticTwin)
    assert again.sha256 == twin.sha256
    at = np.array([30.0])
    np.testing.assert_array_equal(again.forecast(at)["draws"], twin.forecast(at)["draws"])


@pytest.mark.parametrize("part", ["z", "population", "samples", "doses", "covariance"])
def test_broken_files_are_refused(twin: KineticTwin, part: str, tmp_path: Path) -> None:
    """An edited file is refused; so is one that lost a part, though its seal be renewed."""
    from dosegym.twins.shelf import sealed

    path = tmp_path / "twin.json"
    data = twin.to_dict()
    path.write_text(json.dumps({**data, "seed": 99}))
    with pytest.raises(InputError, match="changed after it was written"):
        load_kinetic_twin(path)
    path.write_text(json.dumps(sealed({k: v for k, v in data.items() if k != part})))
    with pytest.raises(InputError):
        load_kinetic_twin(path)


def test_response_is_foretold() -> None:
    """A twin with a response forecasts its fall and return after a dose of warfarin."""
    model = load_population_kinetics("warfarin_pca")
    bare = PersonEvents(
        "W1", Regimen((Dose(0.0, 100.0),)),
        Samples(
            np.array([24.0, 24.0]), np.array([10.0, 45.0]), np.array([1, 2]), np.zeros(2, bool)
        ),
        Charted(np.zeros(1), {}), np.zeros(0),
    )  # fmt: skip
    twin = fit_kinetics(bare, model, draws=400)
    found = twin.forecast(np.array([0.0, 48.0, 240.0]), output="response")["quantiles"][1]
    assert found[0] == pytest.approx(96.6, abs=6.0)
    assert found[1] < 45.0
    assert found[2] > 70.0
    with pytest.raises(InputError, match="the model has"):
        twin.forecast(np.array([1.0]), output="glucose")


def test_last_measurements_are_foretold() -> None:
    """Held out, the last of four samples is foretold better than by the population alone."""
    rng = np.random.default_rng(5)
    etas = np.sqrt(np.diag(DRUG.omega)) * rng.standard_normal((25, 2))
    people = tuple(replace(person(e, rng), subject=f"S{k}") for k, e in enumerate(etas))
    held = leave_last_out(EventTable(people, Units(), "simulated", "0" * 64), DRUG, draws=400)
    assert len(held.subjects) == 25
    assert held.median_error < 0.7 * held.population_error
    assert 0.72 <= held.coverage <= 1.0
    with pytest.raises(InputError, match="nothing to hold out"):
        leave_last_out(EventTable(people, Units(), "simulated", "0" * 64), DRUG, output="response")
