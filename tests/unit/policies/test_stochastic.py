"""Policies that act by chance: the probabilities they state are those they act with."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest, truncnorm

from dosegym.envs import make_task
from dosegym.envs.lanes import Lanes
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy, truncated_normal
from dosegym.policies.noisy import NoisyClinician
from dosegym.policies.randomised import Randomised
from dosegym.policies.smoothed import Smoothed
from dosegym.policies.step_moves import absent, moves, pick
from dosegym.policies.stochastic import Stochastic, tablets_of

PRESSURE, INSULIN = "dosegym/BloodPressure-v0", "dosegym/Insulin-v0"


def visits(n: int = 40, later: int = 3) -> Any:
    """Return observations of people some visits into usual care, missed visits among them."""
    task = make_task(PRESSURE, patient="all", by_lane=True, adherence="poor")
    lanes, policy = Lanes(task, n), load_policy("acc_aha_2025")
    for i in range(n):
        lanes.seed(i, i)
    step, memory = lanes.begin(), None
    for _ in range(later):
        action, memory = policy.predict(step.observation, memory)
        step = lanes.step(action)
    return step.observation


def readings(n: int = 5) -> Any:
    """Return observations of people with diabetes at the start of a day."""
    lanes = Lanes(make_task(INSULIN, patient="all", by_lane=True), n)
    for i in range(n):
        lanes.seed(i, i)
    return lanes.begin().observation


@pytest.mark.parametrize("mean", [-1.0, -0.4, 0.97, 1.0])
@pytest.mark.parametrize("sd", [0.02, 0.3, 5.0])
def test_truncated_normal_is_scipys(mean: float, sd: float) -> None:
    """Density and draws agree with scipy's truncnorm, also with the mean at a bound."""
    theirs = truncnorm((-1 - mean) / sd, (1 - mean) / sd, mean, sd)
    x = np.clip(mean + sd * np.linspace(-3, 3, 41), -1, 1)
    found = truncated_normal.log_density(x, mean, sd, -1.0, 1.0)
    np.testing.assert_allclose(found, theirs.logpdf(x), rtol=1e-9, atol=1e-9)
    drawn = truncated_normal.draw(np.full(4000, mean), sd, -1.0, 1.0, np.random.default_rng(1))
    assert kstest(drawn, theirs.cdf).pvalue > 1e-3
    assert truncated_normal.log_density(1.01, mean, sd, -1.0, 1.0) == -np.inf


def dose_policies() -> list[Any]:
    """Return stochastic policies of doses."""
    pid = load_policy("pid")
    return [
        NoisyClinician(pid, sd=0.07),
        NoisyClinician(pid, sd=0.05, uniform=0.3),
        Randomised([pid], band=0.3),
        Smoothed(pid, sd=0.04),
    ]


@pytest.mark.parametrize("which", range(4))
def test_densities_of_doses_integrate_to_one(which: int) -> None:
    """The stated density over all doses has an integral of 1 in every patient."""
    policy, seen = dose_policies()[which], readings()
    grid = np.linspace(-1.0, 1.0, 200_001)
    for one in seen:
        many = np.broadcast_to(one, (1, len(one)))
        density = [np.exp(policy.log_prob(many, grid[[i]][:, None])) for i in (0, 100_000, 200_000)]
        assert np.isfinite(density).all()
        rows = np.broadcast_to(one, (2001, len(one)))
        coarse = np.linspace(-1.0, 1.0, 2001)
        p = np.exp(policy.log_prob(rows, coarse[:, None]))
        assert np.trapezoid(p, coarse) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("which", range(4))
def test_drawn_doses_have_the_stated_density(which: int) -> None:
    """Doses drawn by the thousand lie in four bins as often as the stated density says."""
    policy, n = dose_policies()[which].seeded(np.random.default_rng(5)), 20_000
    one = readings(1)[0]
    rows = np.broadcast_to(one, (n, len(one)))
    drawn, _ = policy.predict(rows, deterministic=False)
    assert drawn.dtype == np.float32
    assert np.isfinite(policy.log_prob(rows, drawn)).all()
    centre = float(policy.predict(one)[0][0])
    grid = np.linspace(-1.0, 1.0, 20_001)
    p = np.exp(policy.log_prob(np.broadcast_to(one, (20_001, len(one))), grid[:, None]))
    for low, high in ((-1.0, centre), (centre, 1.0), (centre - 0.05, centre + 0.05)):
        inside = (grid >= low) & (grid <= high)
        expected = np.trapezoid(p[inside], grid[inside])
        share = np.mean((drawn[:, 0] >= low) & (drawn[:, 0] <= high))
        assert share == pytest.approx(expected, abs=4.5 * np.sqrt(0.25 / n) + 2e-3)


def level_policies() -> list[Any]:
    """Return stochastic policies of tablets."""
    rule, stay = load_policy("acc_aha_2025"), load_policy("do_nothing")
    return [
        NoisyClinician(rule, epsilon=0.3),
        Randomised([rule, stay, load_policy("treat_to_noise")]),
        Randomised([rule]),
        Smoothed(rule, epsilon=0.1),
    ]


@pytest.mark.parametrize("which", range(4))
def test_masses_of_levels_add_up_to_one(which: int) -> None:
    """Over everything that could be asked near the regimen, stated masses add up to 1."""
    policy, seen = level_policies()[which], visits(12)
    told = [arm for arm in (getattr(policy, "arms", None) or [load_policy("acc_aha_2025")])]
    for one in seen:
        options = [moves(one, tablets_of(policy))[0][0]]
        options += [np.atleast_2d(arm.predict(one)[0]) for arm in told]
        options = np.unique(np.concatenate(options), axis=0)
        rows = np.broadcast_to(one, (len(options), len(one)))
        assert np.exp(policy.log_prob(rows, options)).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("which", range(4))
def test_drawn_levels_have_the_stated_mass(which: int) -> None:
    """Regimens drawn by the thousand come as often as stated, and none of stated mass 0."""
    n = 6000
    policy = level_policies()[which].seeded(np.random.default_rng(3))
    for one in visits(3):
        rows = np.broadcast_to(one, (n, len(one)))
        drawn, _ = policy.predict(rows, deterministic=False)
        found, count = np.unique(drawn, axis=0, return_counts=True)
        mass = np.exp(policy.log_prob(rows[: len(found)], found))
        assert (mass > 0).all()
        np.testing.assert_allclose(count / n, mass, atol=4.5 * np.sqrt(0.25 / n))


def test_absentees_keep_their_regimen() -> None:
    """At a missed visit the present regimen has mass 1, under every policy by chance."""
    seen = visits(60)
    regimens, free = moves(seen, tablets_of(load_policy("acc_aha_2025")))
    missed = absent(free)
    assert missed.any()
    assert not missed.all()
    for policy in level_policies():
        drawn, _ = policy.predict(seen, deterministic=False)
        np.testing.assert_array_equal(drawn[missed], regimens[missed, 0])
        np.testing.assert_allclose(policy.log_prob(seen, regimens[:, 0])[missed], 0.0, atol=1e-12)


def test_moves_are_single_steps_that_the_environment_gives() -> None:
    """An open move differs by at most one level of one class, and is given as asked."""
    task = make_task(PRESSURE, patient="all", by_lane=True, adherence="poor")
    lanes = Lanes(task, 30)
    for i in range(30):
        lanes.seed(i, i)
    seen = lanes.begin().observation
    regimens, free = moves(seen, task.cohort.formulary)
    assert (np.abs(regimens - regimens[:, :1]).sum(axis=2) <= 1).all()
    asked = pick(regimens, free, np.random.default_rng(0))
    step = lanes.step(asked)
    np.testing.assert_array_equal(step.applied, asked)


def test_without_chance_the_inner_policy_acts() -> None:
    """``deterministic`` gives the inner policy's own action, and every one states its odds."""
    seen, doses = visits(6), readings()
    for policy in level_policies():
        assert isinstance(policy, Stochastic)
        np.testing.assert_array_equal(
            policy.predict(seen)[0], load_policy("acc_aha_2025").predict(seen)[0]
        )
    for policy in dose_policies():
        np.testing.assert_array_equal(
            policy.predict(doses)[0], load_policy("pid").predict(doses)[0]
        )


def test_the_lot_is_the_generators() -> None:
    """The same seed draws the same; the card is JSON and names what is inside."""
    import json

    seen = visits(20)
    for policy in level_policies():
        one, two = (
            policy.seeded(np.random.default_rng(7)).predict(seen, deterministic=False)[0]
            for _ in range(2)
        )
        np.testing.assert_array_equal(one, two)
        assert "acc_aha_2025" in json.dumps(policy.card)


def test_memory_is_that_of_the_arms() -> None:
    """Probabilities asked with the state that predict was given see the same memory."""
    policy = Randomised([load_policy("treat_to_noise"), load_policy("acc_aha_2025")])
    task = make_task(PRESSURE, patient="all", by_lane=True)
    lanes, memory, begin = Lanes(task, 10), None, np.ones(10, bool)
    for i in range(10):
        lanes.seed(i, i)
    step = lanes.begin()
    for _ in range(4):
        before = memory
        action, memory = policy.predict(step.observation, memory, begin, False)
        odds = np.exp(policy.log_prob(step.observation, action, before, begin))
        assert (odds >= 0.5 - 1e-12).all()
        step, begin = lanes.step(action), np.zeros(10, bool)


def test_settings_are_checked() -> None:
    """What is no probability, no width or no arm is refused in one line."""
    rule = load_policy("pid")
    for wrong in ({"sd": 0.0}, {"epsilon": 1.5}, {"uniform": -0.1}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            NoisyClinician(rule, **wrong)
    with pytest.raises(InputError, match="arms is empty"):
        Randomised([])
    with pytest.raises(InputError, match="one"):
        Randomised([rule, load_policy("do_nothing")])
    with pytest.raises(InputError, match="formularies"):
        Randomised([load_policy("acc_aha_2025"), load_policy("esc_2024")])
    with pytest.raises(InputError, match="no density"):
        Randomised([rule, load_policy("constant_basal")]).predict(readings(), deterministic=False)


def test_several_entries_are_independent() -> None:
    """The density of an action of several entries is the product of theirs."""

    class Box:
        def predict(self, seen: Any, *_: Any) -> Any:
            return np.zeros((*np.shape(seen)[:-1], 2), np.float32), None

    policy, seen = NoisyClinician(Box(), sd=0.2), np.zeros((1, 3), np.float32)
    for x, y in product((-0.5, 0.0, 0.9), repeat=2):
        both = policy.log_prob(seen, np.array([[x, y]]))
        each = truncated_normal.log_density(np.array([x, y]), 0.0, 0.2, -1.0, 1.0).sum()
        assert both[0] == pytest.approx(each)
