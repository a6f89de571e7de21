"""One battery over every registered environment, Stable-Baselines3's form, in each variant."""

from __future__ import annotations

import copy
import json
import pickle
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecMonitor, VecNormalize

from dosegym.envs import make_sb3_vec_env

LANES = 3
STEPS = 500  # more than a day in every variant; loops stop once enough lanes began anew


def ours(case: Any, n: int = LANES, **extra: Any) -> Any:
    """Return the native VecEnv of a case."""
    return make_sb3_vec_env(case.id, n, **{**case.kwargs, **extra})


def test_native_form_is_dummy_vec_env(case: Any, assert_same: Any) -> None:
    """Step by step equal to DummyVecEnv: terminal_observation, TimeLimit.truncated, reset infos."""
    left, right = ours(case), DummyVecEnv([case.make] * LANES)
    assert left.observation_space == right.observation_space
    assert left.action_space == right.action_space
    left.seed(9)
    right.seed(9)
    np.testing.assert_array_equal(left.reset(), right.reset())
    ended = 0
    for actions in case.actions(1, STEPS, LANES):
        a, b = left.step(actions), right.step(actions)
        assert_same(a[:3], b[:3])
        assert_same([dict(info) for info in a[3]], b[3])
        assert_same(list(left.reset_infos), right.reset_infos)
        ended += int(a[2].sum())
        if ended >= LANES and not a[2].any():
            break
    assert ended >= LANES


def test_a_lane_ends_once_with_what_sb3_needs(case: Any) -> None:
    """A finished lane carries its last observation and whether time alone ended it."""
    env = ours(case)
    env.seed(2)
    env.reset()
    for actions in case.actions(2, STEPS, LANES):
        observation, _, dones, infos = env.step(actions)
        for lane, done in enumerate(dones):
            assert ("terminal_observation" in infos[lane]) == done
            assert (infos[lane].get("terminal_observation") is not None) == done
        if dones.any():
            break
    lane = int(np.argmax(dones))
    info = infos[lane]
    assert not np.array_equal(info["terminal_observation"], observation[lane])
    assert info["TimeLimit.truncated"] is (not env.last_step.terminated[lane].item())


def test_lazy_info_is_a_plain_dict(case: Any, assert_same: Any) -> None:
    """However an info is read first, it shows the same entries as the single environment's."""
    single = case.make()
    single.reset(seed=4)
    action = case.actions(3, 1, 1)[0]
    expected = single.step(action[0])[4] | {"TimeLimit.truncated": False}
    keys = set(expected)
    reads = (
        set,
        lambda i: list(i.keys()),
        lambda i: [k for k, _ in i.items()],
        lambda i: {**i},
        lambda i: dict(i),
        lambda i: i.copy(),
        lambda i: i | {},
        lambda i: {} | i,
        lambda i: copy.deepcopy(i),
        lambda i: pickle.loads(pickle.dumps(i)),
        lambda i: list(reversed(i)),
    )
    for read in reads:
        assert set(read(_fresh(case, action))) == keys
    assert_same(dict(_fresh(case, action)), expected)
    assert len(_fresh(case, action)) == len(keys) == len(list(_fresh(case, action).values()))
    assert "truth" in _fresh(case, action)
    assert _fresh(case, action)["cost"] == expected["cost"]
    assert _fresh(case, action).pop("cost") == expected["cost"]
    assert _fresh(case, action).setdefault("cost", 7.0) == expected["cost"]
    assert _fresh(case, action).get("time_min") == expected["time_min"]
    assert _fresh(case, action).get("episode") is None
    assert _fresh(case, action).get("absent", 3) == 3
    assert _fresh(case, action) != {}
    assert "time_min" in repr(_fresh(case, action))
    assert json.loads(json.dumps(_fresh(case, action)["truth"])) == expected["truth"]


def _fresh(case: Any, action: np.ndarray) -> Any:
    env = ours(case, 1)
    env.seed(4)
    env.reset()
    return env.step(action)[3][0]


def test_monitor_reports_whole_episodes(case: Any) -> None:
    """VecMonitor's return, length and cumulative cost equal those of Monitor on single ones."""
    keywords = ("episode_cost",)
    left = VecMonitor(ours(case), info_keywords=keywords)
    right = DummyVecEnv([lambda: Monitor(case.make(), info_keywords=keywords)] * LANES)
    for env in (left, right):
        env.seed(6)
        env.reset()
    found = 0
    for actions in case.actions(4, STEPS, LANES):
        a, b = left.step(actions)[3], right.step(actions)[3]
        for mine, other in zip(a, b, strict=True):
            assert ("episode" in mine) == ("episode" in other)
            if "episode" in mine:
                found += 1
                assert mine["episode"]["l"] == other["episode"]["l"]
                assert mine["episode"]["r"] == pytest.approx(other["episode"]["r"], rel=1e-4)
                assert mine["episode"]["episode_cost"] == other["episode"]["episode_cost"]
        if found >= LANES:
            break
    assert found >= LANES


def test_seeds_are_used_once(case: Any) -> None:
    """``seed`` holds for the next reset; later resets go on, and two runs of it are alike."""
    runs = []
    for _ in range(2):
        env = ours(case, 2, seed=11)
        runs.append([env.reset(), env.reset(), env.reset()])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0][0], runs[0][1])
    single = case.make()
    np.testing.assert_array_equal(runs[0][0][1], single.reset(seed=12)[0])


def test_pickled_vec_env_goes_on(case: Any) -> None:
    """A pickled VecEnv continues as the original, wrapped in VecNormalize too."""
    env = VecNormalize(ours(case, 2, seed=3))
    env.reset()
    actions = case.actions(5, 30, 2)
    env.step(actions[0])
    again = pickle.loads(pickle.dumps(env.venv))
    for step in actions[1:]:
        left, right = env.venv.step(step), again.step(step)
        np.testing.assert_array_equal(left[0], right[0])
        np.testing.assert_array_equal(left[1], right[1])


def test_learning_runs(case: Any) -> None:
    """PPO takes steps on it and its predictions are valid actions."""
    env = VecMonitor(ours(case, 4, seed=1))
    agent = PPO("MlpPolicy", env, n_steps=8, batch_size=32, n_epochs=1, seed=0, device="cpu")
    agent.learn(64)
    action, _ = agent.predict(env.reset(), deterministic=True)
    assert action.shape == (4, *env.action_space.shape)
    assert all(env.action_space.contains(a) for a in action)


def test_bad_input_is_refused(case: Any) -> None:
    """Wrong ids, numbers of lanes and actions are named in one line each."""
    with pytest.raises(ValueError, match="environment id is 'dosegym/Nothing-v0'; choose one of"):
        make_sb3_vec_env("dosegym/Nothing-v0", 2)
    with pytest.raises(ValueError, match="n_envs is 0; give a whole number"):
        make_sb3_vec_env(case.id, 0)
    env = ours(case, 2)
    shape = (2, *env.action_space.shape)
    with pytest.raises(ValueError, match="no episode has begun; call reset"):
        env.step(np.zeros(shape))
    env.reset()
    for bad in (np.zeros((2, 9)), np.zeros((3, shape[1])), np.full(shape, np.nan), "x"):
        with pytest.raises(ValueError, match=r"action.*(give|must)"):
            env.step(bad)
    env.close()
    env.close()


def test_attributes_reach_the_task(case: Any) -> None:
    """``get_attr``, ``env_method`` and ``env_is_wrapped`` answer once per lane."""
    env = ours(case, 3)
    assert env.get_attr("name") == [env.task.name] * 3
    assert env.get_attr("render_mode", indices=[0]) == [None]
    assert env.env_is_wrapped(Monitor) == [False] * 3
    assert list(env.get_images()) == [None] * 3
    env.set_attr("note", 5)
    assert env.get_attr("note", indices=1) == [5]
    with pytest.raises(AttributeError):
        env.get_attr("no_such_thing")


@pytest.mark.slow
def test_processes_under_spawn(case: Any) -> None:
    """SubprocVecEnv of single environments under spawn answers as the native form does."""
    make = partial(gym.make, f"dosegym:{case.id}", **case.kwargs)
    there, here = SubprocVecEnv([make] * 2, start_method="spawn"), ours(case, 2)
    try:
        there.seed(5)
        here.seed(5)
        np.testing.assert_array_equal(there.reset(), here.reset())
        for actions in case.actions(6, 3, 2):
            left, right = there.step(actions), here.step(actions)
            np.testing.assert_array_equal(left[0], right[0])
            np.testing.assert_array_equal(left[1].astype(np.float32), right[1])
    finally:
        there.close()
