"""The forecast: that bodies are placed where they are, and that the largest safe dose is found."""

from __future__ import annotations

import pickle
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.envs.lanes import Lanes
from dosegym.physiology import load_model
from dosegym.physiology.engine import engine_for
from dosegym.physiology.errors import InputError
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.shield_forecast import Forecaster
from dosegym.policies.shield_margin import Margin, shipped_margin
from dosegym.policies.shield_members import BODY, Ensemble, slowed
from dosegym.policies.shield_rules import sight_of
from dosegym.policies.shield_screen import OLDEST, cleared

N = 24


@lru_cache(maxsize=1)
def exact() -> Forecaster:
    """Return a forecaster without screen and margin."""
    return Forecaster(margin=Margin())


@lru_cache(maxsize=1)
def day() -> tuple[Any, list[Any], list[Any], Any]:
    """Return task, observations, states of the environment and memory after a day of messy life."""
    who = {"population": "virtual", "size": N, "purpose": "validation", "seed": 8}
    task = make_task(
        "dosegym/Insulin-v0", patient=who, scenario="announced", action="basal_and_bolus",
        days=1, by_lane=True, terminate=None, start_hour=6, sensor="noise_free",
    )  # fmt: skip
    lanes = Lanes(task, N)
    for lane in range(N):
        lanes.seed(lane, lane)
    forecaster, policy = exact(), BasalBolus()
    step, memory, own = lanes.begin(), None, forecaster.remember(N)
    seen, states = [], []
    for _ in range(150):
        own = {**own, **forecaster.listen(sight_of(step.observation, 5.0, True), own)}
        seen.append((step.observation, own))
        states.append(lanes.state)
        action, memory = policy.predict(step.observation, memory)
        step = lanes.step(action)
    return task, seen, states, lanes.episode


def known_at(t: int) -> tuple[Any, Any, Any]:
    """Return what the forecaster knows, the sight and the observation at a decision of the day."""
    _, seen, _, _ = day()
    observation, own = seen[t]
    sight = sight_of(observation, 5.0, True)
    return exact().know(observation, sight, own), sight, observation


def test_slowed_bodies_rest_where_they_did() -> None:
    """Slower fast pools change no steady concentration, and bear the coarse step."""
    bodies = Ensemble.of_population()
    model = bodies.model
    raw = load_model(BODY)
    x = model.initial(bodies.params)
    outputs = engine_for(raw).outputs(x, bodies.params, np.zeros((2, len(bodies))))
    p = raw.params(bodies.params)
    np.testing.assert_allclose(outputs[:, 1], p.Gb, rtol=1e-9)
    np.testing.assert_allclose(outputs[:, 2], p.Ib, rtol=1e-9)
    moved = x.copy()
    moved[:, 2] += 20000.0
    moved[:, 10] += 3000.0
    u = np.zeros((80, 2, len(bodies)))
    bodies.engine.advance(moved, bodies.params, u)
    fine = x.copy()
    fine[:, 2] += 20000.0
    fine[:, 10] += 3000.0
    engine_for(raw).advance(fine, bodies.params, np.zeros((240, 2, len(bodies))))
    gap = np.abs(moved[:, 12] / p.Vg - fine[:, 12] / p.Vg)
    assert np.isfinite(gap).all()
    assert np.quantile(gap, 0.95) < 1.0
    np.testing.assert_array_equal(slowed(raw, bodies.params)[:, 0], bodies.params[:, 0])


def test_insulin_states_follow_from_the_observation() -> None:
    """A person's own body, placed from the view alone, has the insulin action it really has."""
    task, seen, states, episode = day()
    forecaster = Forecaster(
        Ensemble.of_people(
            task.model, task.cohort.patients, task.cohort.therapy, N, own=True, sensitivity_sd=0.0
        ),
        margin=Margin(),
    )
    index = task.model.state_index["remote_insulin"]
    placed, true = [], []
    for t in range(60, 150, 10):
        observation, own = seen[t]
        mine = {**own, "bodies": np.arange(N)[:, None]}
        known = forecaster.know(observation, sight_of(observation, 5.0, True), mine)
        body = states[t].body
        # Steady glucose leaves remote insulin to insulin alone: compare without the slope's share.
        placed.append(np.minimum(known.x[:, index], 1e9))
        true.append(body[:, index])
    placed_, true_ = np.concatenate(placed), np.concatenate(true)
    assert np.corrcoef(placed_, true_)[0, 1] > 0.95
    del episode


def test_glucose_starts_at_the_reading_and_moves_on_as_it_did() -> None:
    """The forecast begins at the reading, and its first 15 min follow the reading's slope."""
    known, sight, _ = known_at(100)
    insulin = np.repeat(sight.basal_u_per_h[None] / 60.0, 20, axis=0)
    glucose = exact().roll(known, insulin)
    assert np.abs(glucose[0] - sight.cgm[:, None]).max() < 15.0
    _, _, states, _ = day()
    came = states[103].outputs[:, 1]
    error = np.median(glucose[4], axis=1) - came
    assert np.abs(np.median(error)) < 5.0
    assert np.quantile(np.abs(error), 0.8) < 15.0


def test_more_insulin_never_leaves_more_slack() -> None:
    """Slack falls with the dose, in every lane."""
    known, sight, _ = known_at(90)
    slack = np.stack([exact().slack(known, k * sight.basal_u) for k in (0, 1, 5, 20, 80, 200)])
    assert (np.diff(slack, axis=0) <= 1e-6).all()
    assert (slack[0] - slack[-1] > 20.0).all()


def test_the_cap_is_the_largest_safe_dose() -> None:
    """The cap is safe, and the next dose of the grid is not."""
    _, seen, _, _ = day()
    observation, own = seen[90]
    sight = sight_of(observation, 5.0, True)
    forecaster = exact()
    bolus = 0.4 * sight.daily_dose_u
    cap, _ = forecaster.cap(observation, sight, own, sight.basal_u_per_h, bolus)
    known = forecaster.know(observation, sight, own)
    cut = np.isfinite(cap) & (cap > 0.0)
    assert cut.sum() > N / 2
    top = np.maximum(0.5 * sight.daily_dose_u, 2.0 * sight.basal_u)
    step = (top / sight.basal_u) ** (1.0 / 32)
    assert (forecaster.slack(known, np.where(cut, cap, 0.0))[cut] >= 0.0).all()
    assert (forecaster.slack(known, np.where(cut, cap * step, 0.0))[cut] < 0.0).all()


def test_the_cap_does_not_depend_on_the_proposal() -> None:
    """Proposals above the cap are all cut to the same dose; those below it pass."""
    _, seen, _, _ = day()
    observation, own = seen[90]
    sight = sight_of(observation, 5.0, True)
    caps = [
        exact().cap(observation, sight, own, sight.basal_u_per_h, share * sight.daily_dose_u)[0]
        for share in (0.3, 0.4)
    ]
    cut = np.isfinite(caps[0]) & np.isfinite(caps[1])
    np.testing.assert_array_equal(caps[0][cut], caps[1][cut])
    given = np.where(np.isfinite(caps[1]), caps[1], 0.0)
    again, _ = exact().cap(observation, sight, own, np.zeros(N), given)
    assert (np.isinf(again) | (again >= given * (1 - 1e-9))).all()


def test_a_margin_makes_it_stricter() -> None:
    """With a wider margin no cap is higher, and some are lower."""
    _, seen, _, _ = day()
    observation, own = seen[90]
    sight = sight_of(observation, 5.0, True)
    bolus = 0.1 * sight.daily_dose_u
    wide = Forecaster(margin=Margin((0.0,), (30.0,)))
    strict, _ = wide.cap(observation, sight, own, sight.basal_u_per_h, bolus)
    loose, _ = exact().cap(observation, sight, own, sight.basal_u_per_h, bolus)
    assert (strict <= loose).all()
    assert (strict < loose).any()


def test_where_the_forecast_breaks_down_the_regimen_goes_on() -> None:
    """Without a reading nothing but the prescribed basal may be given."""
    _, seen, _, _ = day()
    observation, own = seen[90]
    blind = observation.copy()
    blind[:, 0] = np.nan
    sight = sight_of(blind, 5.0, True)
    cap, memory = exact().cap(blind, sight, own, sight.basal_u_per_h, np.full(N, 5.0))
    np.testing.assert_allclose(cap, sight.basal_u)
    assert (memory["slack"] == -np.inf).all()


def test_the_screen_asks_for_more_room_the_older_the_forecast() -> None:
    """Cleared insulin shrinks with age to none, and never lowers glucose by more than 10 mg/dL."""
    _, seen, _, _ = day()
    sight = sight_of(seen[90][0], 5.0, True)
    line = np.zeros(N)
    got = [
        cleared(
            sight, line, {"slack": np.full(N, 60.0), "line": line, "age": np.full(N, age, np.int64)}
        )
        for age in range(1, OLDEST + 2)
    ]
    assert (np.diff(np.stack(got), axis=0) <= 0.0).all()
    assert (got[-1] == 0.0).all()
    assert ((got[0] - sight.basal_u) * sight.correction <= 10.0 + 1e-9).all()


def test_nearest_bodies_have_similar_charts() -> None:
    """A person of the pool is its own nearest neighbour; a child gets no adult of 90 kg."""
    bodies = Ensemble.of_population()
    chart = (bodies.basal_u_per_h, bodies.correction, bodies.carb_ratio, bodies.weight_kg)
    near = bodies.nearest(*chart)
    np.testing.assert_array_equal(near[:, 0], np.arange(len(bodies)))
    light = bodies.weight_kg < 30.0
    assert light.any()
    assert bodies.weight_kg[near[light]].max() < 70.0


def test_the_shipped_margin_tells_where_it_comes_from() -> None:
    """Margins are positive and finite, and name command, people and the coverage that came out."""
    margin = shipped_margin()
    assert len(margin.minutes) == len(margin.mg_dl) > 5
    assert all(0.0 <= m < 60.0 for m in margin.mg_dl)
    told = margin.provenance
    assert "calibrate_shield" in told["command"]
    assert "validation" in told["people"]
    assert min(told["coverage_of_other_half"]) > told["level"] - 0.03


def test_pickled_forecasters_forecast_alike() -> None:
    """A process under spawn gets the same caps."""
    _, seen, _, _ = day()
    observation, own = seen[90]
    sight = sight_of(observation, 5.0, True)
    asked = (sight.basal_u_per_h, 0.3 * sight.daily_dose_u)
    again = pickle.loads(pickle.dumps(exact()))
    np.testing.assert_array_equal(
        exact().cap(observation, sight, own, *asked)[0],
        again.cap(observation, sight, own, *asked)[0],
    )


@pytest.mark.slow
def test_a_persons_twin_as_ensemble(tmp_path: Path) -> None:
    """Draws of a posterior are taken as they are, and their card names the twin."""
    import json

    from dosegym.physiology import load_population
    from dosegym.twins import fit_twin
    from dosegym.twins.virtual import Life, live

    model, person = load_model(BODY), load_population()["adult#004"]
    (record,) = live(model, person, Life(days=1.0), np.random.default_rng(8))
    file = tmp_path / "person.json"
    file.write_text(json.dumps(fit_twin(record, seed=1).to_dict()))
    bodies = Ensemble.of_twin(file, members=6)
    assert (bodies.own, bodies.size, len(bodies)) == (True, 6, 6)
    assert bodies.card["source"].startswith("twin ")
    forecaster = Forecaster(bodies, margin=Margin())
    _, seen, _, _ = day()
    observation, _ = seen[90]
    sight = sight_of(observation, 5.0, True)
    own = forecaster.remember(N)
    own = {**own, **forecaster.listen(sight, own)}
    known = forecaster.know(observation, sight, own)
    dose = np.stack([forecaster.slack(known, k * sight.basal_u) for k in (0.0, 50.0)])
    assert (dose[1] <= dose[0]).all()
    with pytest.raises(InputError):
        Ensemble.of_twin(tmp_path / "nobody.json")
