"""Fits of records of known bodies: recovery, honesty, determinism, round trip, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.physiology.library import load_model
from dosegym.physiology.sampling import load_sampler
from dosegym.records.series import Boluses, GlucoseSeries, Meals
from dosegym.records.timeline import Timeline
from dosegym.twins import Twin, fit_twin, load_twin
from dosegym.twins.coordinates import AT_START, NAMES, coordinates_for
from dosegym.twins.fit import at_limit
from dosegym.twins.joint import inverse, root_of
from dosegym.twins.observations import observe
from dosegym.twins.probable import most_probable
from dosegym.twins.search import LIMIT_SD
from dosegym.twins.virtual import Life, live

BODY = len(NAMES) - len(AT_START)
Body = Callable[..., tuple[np.ndarray, Timeline]]


@pytest.fixture(scope="module")
def twin(noisy: Timeline) -> Twin:
    return fit_twin(noisy, starts=2, posterior="laplace")


def verdicts(twin: Twin) -> dict[str, str]:
    return {row["name"]: row["verdict"] for row in twin.known()}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_body_is_recovered_from_readings_without_noise(body_in_prior: Body, seed: int) -> None:
    """Where a coordinate is called well known, it is where the truth is."""
    z, record = body_in_prior(seed, Life(days=2.0, sensor_sd=0.0))
    where = coordinates_for("adult", 75.0, None)
    found = most_probable(where, observe(record), np.zeros((1, len(NAMES))))
    spread = np.sqrt(np.diag(found.covariance))[:BODY]
    known = spread < 0.5
    assert known.sum() >= 4
    assert np.abs((found.z - z)[:BODY])[known].max() < 0.8
    assert np.abs((found.z - z)[:BODY] / spread).max() < 3.5


def test_sampled_draws_agree_with_the_normal_law_where_much_is_known(
    noisy: Timeline, twin: Twin
) -> None:
    """Sampling settles, keeps well-known quantities, and says where each draw is at the end."""
    sampled = fit_twin(noisy, starts=2, draws=128)
    assert sampled.posterior is not None
    told = sampled.posterior.diagnostics
    assert told["good"]
    assert told["largest_k"] <= 0.7
    normal = {row["name"]: row for row in twin.known()}
    for row in sampled.known():
        if row["sd"] < 0.3:
            assert abs(row["z"] - normal[row["name"]]["z"]) < 1.0
    present = sampled.posterior.present
    assert present.time_s == sampled.end_s
    assert present.states.shape == (128, len(sampled.model.state_index))
    assert np.isfinite(present.error).all()


def test_a_well_specified_fit_loses_nothing_to_misfit(twin: Twin) -> None:
    """The misfit factor is at least 1, and about 1 where the model is true."""
    assert 1.0 <= twin.quality["misfit_factor"] < 1.5
    assert twin.quality["rmse_mg_dl"] < 10.0


def test_the_noise_of_the_sensor_is_found(twin: Twin) -> None:
    """A sensor with 8 mg/dL and correlation 0.8 is recognised."""
    assert twin.noise.sigma == pytest.approx(8.0, rel=0.4)
    assert twin.noise.rho == pytest.approx(0.8, abs=0.12)


def test_the_same_seed_gives_the_same_twin(noisy: Timeline, twin: Twin) -> None:
    """Nothing but the seed decides."""
    assert fit_twin(noisy, starts=2, posterior="laplace").sha256 == twin.sha256


def test_a_twin_survives_json(twin: Twin, tmp_path: Path) -> None:
    """What is written and read again has the same hash, draws and verdicts."""
    path = tmp_path / "twin.json"
    path.write_text(json.dumps(twin.to_dict()), "utf-8")
    again = load_twin(path)
    assert again.sha256 == twin.sha256
    first, second = (t.patients(5, np.random.default_rng(3)).params for t in (twin, again))
    np.testing.assert_array_equal(first, second)
    assert again.known() == twin.known()


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "is not JSON"), ('{"format": 1}', "another version"), ("[]", "another version")],
)
def test_a_broken_twin_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """A file that is no twin of this version says so in one line."""
    path = tmp_path / "twin.json"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=why) as no:
        load_twin(path)
    assert "\n" not in str(no.value)


def test_draws_are_bodies_at_rest(twin: Twin) -> None:
    """Every draw from the posterior has finite parameters and an exact basal state."""
    people = twin.patients(50, np.random.default_rng(0))
    assert np.isfinite(people.params).all()
    state = twin.model.initial(people.params)
    assert (state[:, twin.model.state_index["tissue_glucose_mass"]] > 0).all()


def test_without_meals_the_stomach_stays_unknown(body_in_prior: Body) -> None:
    """Coordinates of food are prior-dominated in a record without any."""
    _, record = body_in_prior(6, Life(days=1.5, meals=False))
    fasting = replace(record, meals=Meals(np.zeros(0), np.zeros(0)))
    named = verdicts(fit_twin(fasting, starts=2, posterior="laplace"))
    assert {named[k] for k in ("kmax", "carb_factor")} == {"prior-dominated"}


def test_boluses_alone_make_a_twin(noisy: Timeline) -> None:
    """Injections without any basal in the log are fitted with the body's own basal need."""
    twin = fit_twin(replace(noisy, basal=None), starts=2, posterior="laplace")
    assert any("basal insulin that it needs" in note for note in twin.notes)
    assert twin.quality["rmse_mg_dl"] < 25.0


def test_weight_and_age_of_the_record_are_used(noisy: Timeline) -> None:
    """The prior follows weight and age group; a missing weight is assumed and told."""
    child = replace(noisy.settings, age_years=9.0, weight_kg=31.0)
    twin = fit_twin(replace(noisy, settings=child), starts=1, posterior="laplace")
    assert twin.group == "child"
    assert twin.patients().covariates["weight_kg"][0] == pytest.approx(31.0)
    nobody = replace(noisy.settings, age_years=None, weight_kg=None)
    told = fit_twin(replace(noisy, settings=nobody), starts=1, posterior="laplace").notes
    assert any("75 kg is assumed (adult)" in note for note in told)


@pytest.mark.parametrize(("change", "why"), [({"weight_kg": 700.0}, "weight_kg is 700 kg"),
                                             ({"starts": 0}, "starts is 0")])  # fmt: skip
def test_arguments_out_of_bounds_are_refused(
    noisy: Timeline, change: dict[str, float], why: str
) -> None:
    """A weight or a number of starts that cannot be is refused by name and value."""
    with pytest.raises(InputError, match=why):
        fit_twin(noisy, **change)  # type: ignore[arg-type]


def test_readings_beyond_the_sensor_do_not_pull(body_in_prior: Body) -> None:
    """A record cut off at the sensor's upper limit gives the body of the whole one, about."""
    z, record = body_in_prior(8, Life(days=2.0, sensor_sd=2.0))
    where = coordinates_for("adult", 75.0, None)
    glucose = record.glucose
    limit = float(np.quantile(glucose.mg_dl, 0.85))
    high = glucose.mg_dl > limit
    cut = GlucoseSeries(glucose.time_s, np.minimum(glucose.mg_dl, limit), high.astype(np.int8))
    start = np.zeros((1, len(NAMES)))
    found = most_probable(where, observe(replace(record, glucose=cut)), start)
    spread = np.sqrt(np.diag(found.covariance))[:BODY]
    assert np.abs((found.z - z)[:BODY] / spread).max() < 3.5
    flat = GlucoseSeries(glucose.time_s, cut.mg_dl, np.zeros(len(high), dtype=np.int8))
    naive = most_probable(where, observe(replace(record, glucose=flat)), start)
    assert found.noise.sigma < naive.noise.sigma


def test_a_body_unlike_its_group_is_told() -> None:
    """A coordinate that stopped at its limit is named in a note, the others are not."""
    where, z = coordinates_for("adult", 75.0, None), np.zeros(len(NAMES))
    z[NAMES.index("carb_factor")] = -LIMIT_SD
    (note,) = at_limit(where, z)
    assert note.startswith(
        "true over recorded carbohydrate (carb_factor) lies -3.5 prior standard deviations"
    )


def test_absurd_doses_break_nothing(noisy: Timeline) -> None:
    """Boluses a thousand times too large still give finite parameters and a poor fit."""
    absurd = replace(noisy, boluses=Boluses(noisy.boluses.time_s, 1e3 * noisy.boluses.units))
    twin = fit_twin(absurd, starts=2, posterior="laplace")
    assert np.isfinite(twin.covariance).all()
    assert np.isfinite(twin.patients(20, np.random.default_rng(0)).params).all()
    assert twin.quality["mard_percent"] > 30.0


def test_matrices_without_full_rank_do_no_harm() -> None:
    """Roots and inverses stay finite where a covariance is singular."""
    flat = np.ones((3, 3))
    assert np.isfinite(inverse(flat)).all()
    root = root_of(flat)
    np.testing.assert_allclose(root @ root.T, flat, atol=1e-12)


def test_a_person_outside_of_the_prior_is_fitted() -> None:
    """Someone whose other parameters differ too is followed to within the sensor's noise twice."""
    rng = np.random.default_rng(0)
    people = load_sampler().sample(1, rng, ["adult"])
    life = Life(days=3.0, swing=0.2, counting_sd=0.2, missing=0.1)
    (record,) = live(load_model("uva_padova_2008"), people, life, rng)
    twin = fit_twin(record, starts=2, posterior="laplace")
    assert twin.quality["rmse_mg_dl"] < 16.0
    assert twin.quality["held_out_day"]["coverage_90"] > 0.6
