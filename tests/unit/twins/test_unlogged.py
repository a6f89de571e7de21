"""Meals without an entry: found where they were, not found where none was, and weighed rightly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate

from dosegym.physiology.errors import InputError
from dosegym.records.series import Meals
from dosegym.records.timeline import Timeline
from dosegym.twins import fit_twin
from dosegym.twins.change import Change, laid
from dosegym.twins.coordinates import coordinates_for
from dosegym.twins.drawn import SURE, draws_of
from dosegym.twins.forward import Extra, run, run_windows, windows_in
from dosegym.twins.likelihood import Likelihood
from dosegym.twins.lived import relive
from dosegym.twins.local import local_slopes
from dosegym.twins.observations import observe
from dosegym.twins.probable import most_probable
from dosegym.twins.search import starting_points
from dosegym.twins.simulated import Simulated, first_days, simulated
from dosegym.twins.unknowns import UNLOGGED_MEAN_G, Unknowns
from dosegym.twins.unlogged import (
    PRIOR,
    Suspected,
    _by_clock,
    _near,
    _responses,
    every_hour,
    log_bayes_factor,
    look,
    sentence,
    told,
)
from dosegym.twins.virtual import Life

Body = Callable[..., tuple[np.ndarray, Timeline]]


@pytest.mark.parametrize(("pull", "stiff"), [(0.5, 0.01), (-0.4, 0.02), (0.0, 1e-6), (3.0, 0.1)])
def test_the_factor_is_the_integral_over_grams(pull: float, stiff: float) -> None:
    """The closed form agrees with quadrature over exponential grams."""

    def integrand(grams: float) -> float:
        return float(
            np.exp(pull * grams - 0.5 * stiff * grams**2 - grams / UNLOGGED_MEAN_G)
            / UNLOGGED_MEAN_G
        )

    top = max(pull / stiff, 1.0)
    whole = integrate.quad(integrand, 0.0, 20.0 * top + 500.0, points=[top], limit=500)[0]
    found = log_bayes_factor(np.array([pull]), np.array([stiff]))[0]
    assert found == pytest.approx(np.log(whole), abs=1e-5)


def test_answers_of_every_onset_come_from_one_batch(body_in_prior: Body) -> None:
    """Bodies that eat daily answer each onset as a body does that ate then only."""
    z, record = body_in_prior(7, Life(days=3.0))
    seen, where = observe(record), coordinates_for("adult", 75.0, None)
    likelihood = Likelihood.of(Unknowns.of(where, seen), seen)
    u = np.zeros(likelihood.unknowns.size)
    u[: len(z)] = z
    onset, response = _responses(likelihood, u)
    assert len(onset) == 3 * 48
    i = int(np.flatnonzero(onset == 1440.0 + 600.0)[0])
    ate = Extra(np.array([[onset[i]]]), np.array([[20.0]]))
    effects = likelihood.unknowns.effects(u[None])
    alone = (run(where, z[None], seen, effects, ate) - run(where, z[None], seen, effects))[:, 0]
    minute = 5.0 * likelihood.use.index
    near = (minute > onset[i]) & (minute < onset[i] + 720.0)
    error = response[near, i] - alone[likelihood.use.index][near] / 20.0
    assert np.abs(error).max() < 0.1 * np.abs(response[:, i]).max()
    assert (response[~near, i] == 0.0).all()


def test_slopes_by_local_effects_know_of_the_meal(body_in_prior: Body) -> None:
    """Derivatives of a body that ate besides equal differences of whole runs that did."""
    z, record = body_in_prior(7, Life(days=1.0))
    seen, where = observe(record), coordinates_for("adult", 75.0, None)
    windows = windows_in(seen)
    shift = np.zeros(windows + seen.meals)
    ate = Extra(np.array([[200.0]]), np.array([[40.0]]))
    glucose, starts = run_windows(where, z[None], seen, shift[None], ate)
    slope = local_slopes(where, z, seen, shift, glucose[:, 0], starts[:windows, 0], ate)
    moved = 1e-3 * np.eye(len(shift))
    rows = np.repeat(z[None], len(shift), axis=0)
    whole = (run(where, rows, seen, moved, ate) - glucose) / 1e-3
    np.testing.assert_allclose(slope, whole, atol=1e-6)
    without, _ = run_windows(where, z[None], seen, shift[None])
    assert np.abs(glucose - without).max() > 20.0


def _quiet(seed: int, days: int = 2) -> Simulated:
    """Return a virtual patient whose sensor is ordinary and whose log is whole."""
    return simulated(np.random.default_rng(seed), days)


def _with_meal(patient: Simulated, minute: int, grams: float) -> Simulated:
    """Return the same patient who ate once more, unlogged: readings alone change."""
    likelihood = Likelihood.of(patient.truth, patient.seen)
    plain = likelihood.glucose(patient.u[None])[:, 0]
    a, u = patient.truth, patient.u[None]
    ate = Extra(np.array([[float(minute)]]), np.array([[grams]]))
    more = run(a.where, a.coordinates(u), patient.seen, a.effects(u), ate)[:, 0] - plain
    glucose = np.clip(patient.seen.glucose + more, 40.0, 400.0)
    side = (glucose >= 400.0).astype(np.int8) - (glucose <= 40.0).astype(np.int8)
    return replace(patient, seen=replace(patient.seen, glucose=glucose, censored=side))


@pytest.mark.parametrize("seed", [3, 7])
def test_a_meal_without_entry_is_found_and_one_that_was_not_is_not(seed: int) -> None:
    """60 g at three in the night are told with time and size; the same day without them not."""
    patient = _quiet(seed)
    for person, there in ((_with_meal(patient, 180, 60.0), True), (patient, False)):
        known = first_days(person.seen, 1)
        rng = np.random.default_rng(1)
        drawn, _ = draws_of(person.truth.where, known, starting_points(4, rng), rng, n=64)
        meals = told(drawn)
        if not there:
            assert meals == []
            continue
        (meal,) = meals
        assert meal["probability"] > 0.9
        assert (meal["time_s"] - known.start_s) / 60.0 == pytest.approx(180.0, abs=40.0)
        assert meal["low_g"] - 10.0 < 60.0 < meal["high_g"] + 10.0


def test_a_twin_tells_the_meal_and_its_clock(body_in_prior: Body) -> None:
    """A lunch that was left out of the record is said by time and grams in the twin's notes."""
    _, record = body_in_prior(11, Life(days=2.0))
    lunch = int(np.argmax(record.meals.carbs_g))
    at, grams = record.meals.time_s[lunch], record.meals.carbs_g[lunch]
    kept = np.arange(len(record.meals.carbs_g)) != lunch
    cut = replace(record, meals=Meals(record.meals.time_s[kept], record.meals.carbs_g[kept]))
    twin = fit_twin(cut, starts=2, posterior="laplace", hold_out=False)
    (meal,) = twin.quality["unlogged_meals"]
    assert abs(meal["time_s"] - at) < 45 * 60.0
    assert 0.3 * grams < meal["grams"] < 2.0 * grams
    (note,) = [n for n in twin.notes if "without an entry" in n]
    assert note.startswith(meal["local"])
    # Days lived again know of it too: less is left unexplained than to a twin that was not told.
    rng, seen = np.random.default_rng(0), observe(cut)
    unaware = replace(twin, quality={**twin.quality, "unlogged_meals": []})
    aware, other = (relive(t, seen, 8, rng) for t in (twin, unaware))
    hours = slice(int((at - seen.start_s) // 300), int((at - seen.start_s) // 300) + 36)
    assert np.abs(aware.unexplained[hours]).mean() < np.abs(other.unexplained[hours]).mean()
    same = aware.again(twin, laid(Change(), cut, seen, 0, len(seen.insulin)))
    np.testing.assert_allclose(same, aware.true, atol=1e-6)
    whole = fit_twin(record, starts=2, posterior="laplace", hold_out=False)
    assert whole.quality["unlogged_meals"] == []
    assert twin.quality["rmse_mg_dl"] < 1.5 * whole.quality["rmse_mg_dl"]


def test_a_meal_near_an_entry_is_said_to_be_perhaps_that_one() -> None:
    """Entered an hour late, 60 g are told with the entry that they may belong to."""
    patient = _quiet(3)
    seen = first_days(patient.seen, 1)
    began = int(np.flatnonzero(seen.meal == 1)[0])
    assert _near(seen, began - 60.0) == _by_clock(seen, began)
    assert _near(seen, began + 89.0) == _by_clock(seen, began)
    assert _near(seen, began + 91.0) == ""
    meal = {
        "local": "02 Mar 12:00", "entry": "02 Mar 13:00", "grams": 60.0, "probability": 0.97,
        "low_g": 40.0, "high_g": 80.0,
    }  # fmt: skip
    assert "besides the entry of 02 Mar 13:00, or that meal at another time" in sentence(meal)
    assert "without an entry (probability 0.97)" in sentence({**meal, "entry": ""})


def test_suspected_meals_are_taken_out_one_by_one_the_doubtful_first() -> None:
    """All of them, then all but one; none at all is a part of its own."""
    both = Suspected(every_hour()[:2], (30.0, 20.0), (2.0, -1.0))
    assert [p.grams for p in both.parts(3)] == [(30.0, 20.0), (30.0, -1.0), (-1.0, 20.0)]
    assert both.none.grams == (-1.0, -1.0)
    assert len(Suspected(every_hour()[:1], (30.0,), (2.0,)).parts(3)) == 1


def test_hours_are_kept_by_their_odds() -> None:
    """The most probable ones first, not more than asked for, and never one without a top."""
    hours = Suspected(every_hour()[:4], (30.0, 20.0, 40.0, 0.0), (-1.0, 2.0, -1.5, -np.inf))
    assert hours.above(0.2, 4).grams == (20.0, 30.0)
    assert hours.above(0.15, 4).grams == (20.0, 30.0, 40.0)
    assert hours.above(0.15, 1).grams == (20.0,)
    assert hours.above(0.15, 0).slots == ()


def test_a_meal_that_the_straight_line_doubts_is_found() -> None:
    """78 g that the line about a body bent to explain them gives 9 %; the tops are sure of them."""
    rng = np.random.default_rng(np.random.SeedSequence([30129, 20260302]))
    patient = simulated(rng, unlogged=1)
    where, seen = patient.truth.where, first_days(patient.seen, 1)
    drawn, _ = draws_of(where, seen, starting_points(8, rng), rng, method="laplace", n=64)
    (meal,) = told(drawn)
    assert meal["probability"] > SURE
    assert meal["low_g"] < 78.0 < meal["high_g"]
    fit = most_probable(where, seen, starting_points(8, rng))
    unknowns = Unknowns.of(where, seen)
    likelihood = Likelihood.of(unknowns, seen, power=1.0 / fit.factor)
    first = unknowns.standardised(fit.z, fit.noise, fit.variation, fit.effect)
    proposed = look(likelihood, first, Suspected())
    assert max(proposed.log_odds) < np.log(0.2 / 0.8)


def test_hours_hold_the_rate_that_is_believed() -> None:
    """All hours together give 0.3 meals a day, and a draw of the prior has about so many."""
    assert sum(slot.prior for slot in every_hour()) == pytest.approx(24 * PRIOR)
    assert [slot.minute for slot in every_hour(3)[24:48]] == [
        slot.minute + 1440.0 for slot in every_hour()
    ]
    assert len(every_hour(3)) == 72
    patient = simulated(np.random.default_rng(0), unlogged=1)
    u = np.random.default_rng(1).standard_normal((4000, patient.truth.size))
    extra = patient.truth.extra(u)
    assert extra is not None
    assert (extra.grams > 0.0).sum(axis=1).mean() == pytest.approx(24 * PRIOR, abs=0.04)
    assert extra.grams[extra.grams > 0.0].mean() == pytest.approx(UNLOGGED_MEAN_G, rel=0.1)


def test_an_unknown_method_is_refused() -> None:
    """The name is told with what could be chosen."""
    patient = first_days(_quiet(3).seen, 1)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="choose one of smc, laplace"):
        draws_of(
            coordinates_for("adult", 75.0, None), patient, starting_points(2, rng), rng,
            method="mcmc",
        )  # fmt: skip
