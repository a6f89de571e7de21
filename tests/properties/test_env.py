"""Properties of the insulin environment for whatever keywords, seeds, actions and glucose paths."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.envs import kernels, make_task
from dosegym.envs.lanes import Lanes
from dosegym.envs.reward import DEATH_PENALTY, REWARDS, reward_code, reward_table
from dosegym.therapy.dosing import BASAL_SPAN, BOLUS_SHARE, MODES, DosingMap, rise, rise_inverse
from dosegym.therapy.onboard import PEAK_MIN
from dosegym.therapy.pump import PUMPS
from dosegym.therapy.scenario import SCENARIOS
from dosegym.therapy.sensor import SENSORS

ENV = "dosegym/Insulin-v0"
ENDS = (40.0, 600.0)
STEPS = 24

seeds = st.integers(0, 2**32 - 1)
shares = st.floats(0.0, 1.0)
unit = st.floats(-1.0, 1.0, width=32)
worlds = st.fixed_dictionaries(
    {
        "action": st.sampled_from(MODES),
        "reward": st.sampled_from(REWARDS),
        "scenario": st.sampled_from(sorted(SCENARIOS)),
        "sensor": st.sampled_from(sorted(SENSORS)),
        "pump": st.sampled_from(sorted(PUMPS)),
        "gut": st.sampled_from(["published", "simglucose_legacy", "t1dms"]),
        "start_glucose": st.sampled_from(["random", "basal", 45.0, 450.0]),
    }
)


@lru_cache(maxsize=256)
def _task(frozen: tuple[tuple[str, Any], ...], terminate: Any) -> Any:
    return make_task(ENV, patient="all", days=1, terminate=terminate, **dict(frozen))


def task_of(world: dict[str, Any], terminate: Any = None) -> Any:
    """Return the task of a world, built once."""
    return _task(tuple(sorted(world.items())), terminate)


def begin(task: Any, seed: int, n: int) -> tuple[Lanes, Any]:
    """Return begun lanes, lane i seeded seed + i, and their first Step."""
    lanes = Lanes(task, n)
    for lane in range(n):
        lanes.seed(lane, seed + lane)
    return lanes, lanes.begin()


@settings(max_examples=60, deadline=None)
@given(worlds, seeds)
def test_every_world_keeps_its_bounds(world: dict[str, Any], seed: int) -> None:
    """Whatever is done, observations, doses, readings, costs and rewards stay within bounds."""
    task = task_of(world)
    lanes, step = begin(task, seed, 5)
    rng = np.random.default_rng(seed)
    column = {name: i for i, name in enumerate(task.log_columns)}
    space, pump, sensor = task.observation_space, task.pump, task.sensor
    total = np.zeros(5)
    for _ in range(STEPS):
        step = lanes.step(rng.uniform(-1.0, 1.0, (5, task.dosing.size)))
        log = {name: step.log[:, i] for name, i in column.items()}
        assert np.all((step.observation >= space.low) & (step.observation <= space.high))
        assert np.isfinite(step.log).all()
        assert np.isfinite(step.reward).all()
        assert np.all(
            (log["basal_u_per_h"] >= 0) & (log["basal_u_per_h"] <= pump.max_basal_u_per_h)
        )
        assert np.all((log["bolus_u"] >= 0) & (log["bolus_u"] <= pump.max_bolus_u))
        assert np.all(
            (log["cgm_mg_dl"] >= sensor.low_mg_dl) & (log["cgm_mg_dl"] <= sensor.high_mg_dl)
        )
        assert np.all(log["glucose_mg_dl"] >= 0.0)
        costs = np.stack([log[name] for name in task.cost_names])
        assert set(np.unique(costs)) <= {0.0, 1.0}
        total += costs.sum(axis=0)
        np.testing.assert_array_equal(log["cost"], costs.sum(axis=0))
        np.testing.assert_array_equal(log["episode_cost"], total)
        if task.reward != "simglucose":
            assert np.all((step.reward >= 0.0) & (step.reward <= 1.0))


@settings(max_examples=25, deadline=None)
@given(worlds, seeds, st.integers(2, 70), st.data())
def test_a_lane_does_not_know_its_company(
    world: dict[str, Any], seed: int, n: int, data: st.DataObject
) -> None:
    """Any lane of a batch of any size runs bit for bit as it does alone."""
    task, lane = task_of(world, ENDS), data.draw(st.integers(0, n - 1))
    many, step = begin(task, seed, n)
    alone, other = begin(task, seed + lane, 1)
    rng = np.random.default_rng(seed)
    for _ in range(6):
        np.testing.assert_array_equal(step.observation[lane], other.observation[0])
        np.testing.assert_array_equal(step.log[lane], other.log[0])
        assert step.terminated[lane] == other.terminated[0]
        actions = rng.uniform(-1.0, 1.0, (n, task.dosing.size))
        step, other = many.step(actions), alone.step(actions[lane : lane + 1])
        assert step.reward[lane] == other.reward[0]


@given(shares)
def test_the_dose_curve_and_its_inverse(share: float) -> None:
    """Encoding a share of the largest dose and decoding it gives it back; the ends are exact."""
    action = rise_inverse(np.float64(share))
    assert rise(action) == pytest.approx(share, abs=1e-12)
    assert -1.0 <= action <= 1.0 + 1e-12
    assert rise(np.float64(-1.0)) == 0.0
    assert rise(np.float64(1.0)) == pytest.approx(1.0, abs=1e-15)


@given(
    st.floats(0.05, 5.0), st.floats(2.0, 200.0), shares, shares,
    st.floats(1.0, 150.0), st.floats(1.0, 60.0), st.floats(0.0, 2.0),
)  # fmt: skip
def test_encode_is_the_inverse_of_the_modes_meaning(
    usual: float, daily: float, a: float, b: float, told: float, ratio: float, part: float
) -> None:
    """In each mode, the action of a dose within reach means that dose, to float32's precision."""
    chart = {"scheduled_u_per_h": usual, "daily_dose_u": daily, "told_g": told, "carb_ratio": ratio}
    rate, bolus = a * BASAL_SPAN * usual, b * BOLUS_SHARE * daily
    wide = {"rtol": 3e-5, "atol": 1e-5}
    one = DosingMap("basal_rate").encode(rate, 0.0, **chart)[0].astype(np.float64)
    np.testing.assert_allclose(BASAL_SPAN * usual * rise(one[0]), rate, **wide)
    two = DosingMap("basal_and_bolus").encode(rate, bolus, **chart)[0].astype(np.float64)
    np.testing.assert_allclose(BASAL_SPAN * usual * rise(two[0]), rate, **wide)
    np.testing.assert_allclose(BOLUS_SHARE * daily * rise(two[1]), bolus, **wide)
    meal = DosingMap("meal_bolus").encode(usual, part * told / ratio, **chart)[0]
    np.testing.assert_allclose(told / ratio * (1.0 + meal[0]), part * told / ratio, **wide)


def returns(name: str, path: list[float], discount: float, penalty: float) -> tuple[float, bool]:
    """Return the return of a glucose path, ended by the first death, and whether there was one."""
    table, code, total, weight = reward_table(penalty), reward_code(name), 0.0, 1.0
    for before, now in pairwise(path):
        died = now < ENDS[0] or now > ENDS[1]
        total += weight * kernels.reward_of(code, now, before, died, table)
        weight *= discount
        if died:
            return total, True
    return total, False


alive = st.floats(*ENDS)
fatal = st.floats(0.0, ENDS[0], exclude_max=True) | st.floats(ENDS[1], 2000.0, exclude_min=True)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(REWARDS[:3]), alive, fatal, st.lists(alive, min_size=1, max_size=40),
    st.floats(0.0, 1.0), st.floats(1.0, 100.0),
)  # fmt: skip
def test_dying_never_beats_living_on(
    name: str, now: float, death: float, future: list[float], discount: float, penalty: float
) -> None:
    """Bounded rewards: from any moment, any life to the end returns no less than dying now."""
    living, died = returns(name, [now, *future], discount, penalty)
    assert not died
    dying, died = returns(name, [now, death], discount, penalty)
    assert died
    assert living >= 0.0
    assert dying <= 1.0 - penalty
    assert living >= dying


@settings(max_examples=300, deadline=None)
@given(
    alive, st.lists(alive, max_size=20), fatal, st.lists(alive, min_size=1, max_size=20),
    st.floats(0.0, 500.0),
)  # fmt: skip
def test_simglucoses_reward_puts_every_death_below_every_survival(
    start: float, before_death: list[float], death: float, life: list[float], penalty: float
) -> None:
    """It telescopes, but with its penalty every death returns strictly less than every survival."""
    lived, died = returns("simglucose", [start, *life], 1.0, penalty)
    assert not died
    ended, died = returns("simglucose", [start, *before_death, death], 1.0, penalty)
    assert died
    assert ended < lived
    telescoped = kernels.kovatchev(start) - kernels.kovatchev(life[-1])
    assert lived == pytest.approx(telescoped, abs=1e-9)


def test_a_whole_life_may_return_less_than_a_good_start_and_a_death() -> None:
    """Not guaranteed, as the docstring says: returns alone do not rank lives by survival."""
    good_then_dead, _ = returns("time_in_range", [120.0] * 50 + [30.0], 1.0, DEATH_PENALTY)
    poorly_alive, _ = returns("time_in_range", [250.0] * 51, 1.0, DEATH_PENALTY)
    assert good_then_dead > poorly_alive


@settings(max_examples=40, deadline=None)
@given(seeds, st.lists(unit, min_size=1, max_size=STEPS))
def test_insulin_on_board_adds_up(seed: int, asked: list[float]) -> None:
    """On board is the sum over doses above basal of dose x (1 + t/tau) exp(-t/tau)."""
    task = task_of({"action": "basal_rate", "scenario": "fasting", "pump": "insulet"})
    lanes, step = begin(task, seed, 1)
    basal, given_u, found = task.log_columns.index("basal_u_per_h"), [], []
    usual = step.log[0, basal]
    for action in asked:
        step = lanes.step(np.array([[action]]))
        given_u.append((step.log[0, basal] - usual) * 5.0 / 60.0)
        found.append(step.log[0, task.log_columns.index("iob_u")])
    age = 5.0 * (1 + np.arange(len(asked))[:, None] - np.arange(len(asked)))
    kernel = np.where(age > 0, (1.0 + age / PEAK_MIN) * np.exp(-age / PEAK_MIN), 0.0)
    np.testing.assert_allclose(found, kernel @ np.array(given_u), rtol=1e-9, atol=1e-9)
