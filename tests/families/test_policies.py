"""One battery over every policy of ``list_policies``: built-in rules and shipped agents."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

from dosegym.envs import make_sb3_vec_env, make_task
from dosegym.envs.lanes import Lanes
from dosegym.evaluation.evaluate import keywords_for
from dosegym.policies import Chart, list_policies, load_policy, policy_hash

INSULIN, PRESSURE = "dosegym/Insulin-v0", "dosegym/BloodPressure-v0"
LANES = 4
# An ordinary course of each environment, and how many decisions of it are looked at.
ORDINARY: dict[str, tuple[dict[str, Any], int]] = {
    INSULIN: ({"patient": "adult", "days": 1, "start_hour": 6}, 40),
    PRESSURE: ({"patient": "all", "days": 560}, 20),
}
NAMES = sorted(list_policies())


def env_of(policy: Any) -> str:
    """Return the environment a policy is for."""
    return str(getattr(policy, "env_id", INSULIN))


def names_for(env_id: str) -> list[str]:
    """Return the policies for one environment."""
    return [name for name in NAMES if env_of(load_policy(name)) == env_id]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Return the name of one policy."""
    return request.param


def keywords(policy: Any, **more: Any) -> dict[str, Any]:
    """Return the environment keywords a policy asks for, in an ordinary course."""
    ordinary, _ = ORDINARY[env_of(policy)]
    return {"by_lane": True, **keywords_for(policy, {**ordinary, **more})}


def course(
    policy: Any, steps: int | None = None, seed: int = 0
) -> Iterator[tuple[Any, Any, Lanes]]:
    """Yield observations, episode starts and lanes of a policy's own course, lane 1 begun anew."""
    task = make_task(env_of(policy), **keywords(policy))
    steps = ORDINARY[env_of(policy)][1] if steps is None else steps
    lanes = Lanes(task, LANES)
    for lane in range(LANES):
        lanes.seed(lane, seed + lane)
    observation, begin, memory = lanes.begin().observation, np.ones(LANES, bool), None
    for t in range(steps):
        yield observation.copy(), begin, lanes
        action, memory = policy.predict(observation, memory, begin, True)
        observation, begin = lanes.step(action).observation, np.zeros(LANES, bool)
        if t == steps // 2:
            observation[1] = lanes.begin([1]).observation[0]
            begin[1] = True


def test_actions_fit_the_space(name: str) -> None:
    """Batch and single observations give actions of the space's shape, type and bounds."""
    policy = load_policy(name)
    space = make_task(env_of(policy), **keywords(policy)).action_space
    for observation, begin, _ in course(policy):
        batch, _ = policy.predict(observation, None, begin)
        alone, _ = policy.predict(observation[2], None, begin[2:3])
        assert batch.shape == (LANES, *space.shape)
        assert batch.dtype == alone.dtype == space.dtype
        assert all(space.contains(action) for action in batch)
        assert space.contains(alone)


def test_signature_is_sb3s(name: str) -> None:
    """``predict`` takes observation, state, episode_start and deterministic, in this order."""
    parameters = list(inspect.signature(load_policy(name).predict).parameters)
    assert parameters == ["observation", "state", "episode_start", "deterministic"]


def test_lanes_are_strangers(name: str) -> None:
    """Each lane of a batch is treated as it would be alone, its memory begun anew where told."""
    policy = load_policy(name)
    memory: Any = None
    alone: list[Any] = [None] * LANES
    for observation, begin, _ in course(policy):
        batch, memory = policy.predict(observation, memory, begin, True)
        for lane in range(LANES):
            row = slice(lane, lane + 1)
            state = None if begin[lane] else alone[lane]
            one, alone[lane] = policy.predict(observation[row], state, begin[row], True)
            np.testing.assert_allclose(batch[lane], one[0], rtol=0, atol=1e-6)


def test_the_same_twice(name: str) -> None:
    """A deterministic policy repeats itself, and predicting changes neither policy nor input."""
    policy, again = load_policy(name), load_policy(name)
    memory: Any = None
    for observation, begin, _ in course(policy, 10):
        kept = observation.copy()
        first, state = policy.predict(observation, memory, begin, True)
        second, _ = policy.predict(observation, copy.deepcopy(memory), begin, True)
        other, _ = again.predict(observation, memory, begin, True)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, other)
        np.testing.assert_array_equal(observation, kept)
        memory = state


def test_card_and_hash(name: str) -> None:
    """The card is JSON and names the policy; the hash is that of the card, load after load."""
    first, second = load_policy(name), load_policy(name)
    assert json.loads(json.dumps(first.card)) == json.loads(json.dumps(second.card))
    assert first.card["policy"] == first.name
    assert policy_hash(first) == policy_hash(second)
    assert len(policy_hash(first)) == 64
    for _ in course(first, 3):
        pass
    assert policy_hash(first) == policy_hash(second)


def test_hashes_tell_policies_apart() -> None:
    """No two policies of the list have the same hash."""
    assert len({policy_hash(load_policy(name)) for name in NAMES}) == len(NAMES)


def test_pickled_policy_decides_alike(name: str) -> None:
    """A policy survives pickling, as a process under spawn needs."""
    policy = load_policy(name)
    again = pickle.loads(pickle.dumps(policy))
    observation, begin, _ = next(course(policy))
    np.testing.assert_array_equal(
        policy.predict(observation, None, begin)[0], again.predict(observation, None, begin)[0]
    )
    assert policy_hash(policy) == policy_hash(again)


def test_sb3_can_evaluate_it(name: str) -> None:
    """Stable-Baselines3's evaluate_policy runs it like one of its own agents."""
    policy = load_policy(name)
    one = {
        INSULIN: {"patient": "adult#001", "reward": "time_in_range"},
        PRESSURE: {"patient": "person#001", "days": 364, "reward": "time_in_target"},
    }[env_of(policy)]
    kwargs = {**keywords(policy), **one}
    env = VecMonitor(make_sb3_vec_env(env_of(policy), 2, seed=3, **kwargs))
    returns, lengths = evaluate_policy(
        policy, env, n_eval_episodes=2, deterministic=True, return_episode_rewards=True
    )
    assert len(returns) == 2
    assert all(0 < n <= 288 for n in lengths)
    assert all(-30.0 <= r <= n for r, n in zip(returns, lengths, strict=True))


def to_the_end(policy: Any, lanes: int, **more: Any) -> tuple[Any, Any]:
    """Return the logs (T, lanes, columns) of whole episodes, and the task."""
    task = make_task(env_of(policy), **keywords(policy, **more))
    running = Lanes(task, lanes)
    for lane in range(lanes):
        running.seed(lane, lane)
    step, begin, memory = running.begin(), np.ones(lanes, bool), None
    patients = task.cohort.patients
    if hasattr(policy, "meet"):
        policy.meet(Chart(patients.names, patients.groups))
    logs = []
    for _ in range(task.n_steps):
        action, memory = policy.predict(step.observation, memory, begin, True)
        begin = np.zeros(lanes, bool)
        step = running.step(action)
        logs.append(step.log)
    return np.array(logs), task


@pytest.mark.parametrize("name", names_for(INSULIN))
def test_nobody_dies_of_a_quiet_night(name: str) -> None:
    """On the ten adults, fasting for a day, no policy brings anyone below 54 mg/dL."""
    logs, task = to_the_end(load_policy(name), 10, scenario="fasting", start_glucose="basal")
    assert logs[:, :, task.log_columns.index("glucose_mg_dl")].min() > 54.0


@pytest.mark.parametrize("name", names_for(PRESSURE))
def test_nobody_is_brought_into_shock(name: str) -> None:
    """On the thirty people for a year without acute illness, no policy brings anyone below 80."""
    logs, task = to_the_end(load_policy(name), 30, days=364, sick_days="none", terminate=None)
    assert logs[:, :, task.log_columns.index("lowest_sbp_mmhg")].min() > 80.0


def test_some_policies_are_for_each_environment() -> None:
    """The battery above runs over both kinds: the guidelines and trial arms are among them."""
    assert len(names_for(INSULIN)) >= 5
    assert {"acc_aha_2025", "sprint_intensive", "oracle", "usual_care"} <= set(names_for(PRESSURE))
