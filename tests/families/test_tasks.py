"""One battery over every registered environment, single form, in each of its variants."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from typing import Any

import cloudpickle
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordEpisodeStatistics
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from dosegym.envs.core import streams_of, transition
from dosegym.envs.registry import make_task


def play(env: Any, actions: np.ndarray, seed: int | None) -> list[Any]:
    """Return everything an environment answers, until it ends."""
    told: list[Any] = [env.reset(seed=seed)]
    for action in actions:
        told.append(env.step(action))
        if told[-1][2] or told[-1][3]:
            break
    return told


def test_gymnasium_checker(case: Any) -> None:
    """Gymnasium's checker accepts the environment without a warning."""
    check_env(case.make().unwrapped)


def test_sb3_checker(case: Any) -> None:
    """Stable-Baselines3's checker accepts the environment without a warning."""
    sb3_check_env(case.make().unwrapped)


def test_spec_survives_json(case: Any, assert_same: Any) -> None:
    """A spec written to JSON and read back makes the same environment, step for step."""
    env = case.make()
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    actions = case.actions(1, 40, 1)[:, 0]
    assert_same(play(env, actions, 7), play(again, actions, 7))


def test_seed_decides_everything(case: Any, assert_same: Any) -> None:
    """The same seed gives the same episode, info included; another seed another one."""
    actions = case.actions(2, 60, 1)[:, 0]
    first, second, other = (play(case.make(), actions, seed) for seed in (3, 3, 4))
    assert_same(first, second)
    assert any(not np.array_equal(a[0], b[0]) for a, b in zip(first, other, strict=False))


def test_reset_without_a_seed_goes_on(case: Any, assert_same: Any) -> None:
    """Resets without a seed differ from one another and continue the streams of the last seed."""
    actions = case.actions(3, 30, 1)[:, 0]

    def three(env: Any) -> list[list[Any]]:
        return [play(env, actions, seed) for seed in (5, None, None)]

    first, second = three(case.make()), three(case.make())
    assert_same(first, second)
    seen = [np.stack([step[0] for step in episode[:5]]) for episode in first]
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[1], seen[2])
    fresh = [np.stack([s[0] for s in play(case.make(), actions, None)[:5]]) for _ in range(2)]
    assert not np.array_equal(fresh[0], fresh[1])


def test_a_whole_episode_keeps_the_contract(case: Any) -> None:
    """Spaces, types, keys, costs and ends are right at every step of whole episodes."""
    env = case.make()
    for level in (0, 3):
        told = play(env, case.actions(level, 2000, 4)[:, level], 11 + level)
        total, keys = 0.0, set(told[0][1])
        assert told[0][1]["episode_cost"] == 0.0
        for at, (observation, reward, terminated, truncated, info) in enumerate(told[1:]):
            assert env.observation_space.contains(observation)
            assert type(reward) is float
            assert np.isfinite(reward)
            assert type(terminated) is type(truncated) is bool
            assert not (terminated and truncated)
            assert at > 0 or not truncated
            assert set(info) == keys
            assert set(info["costs"]) == set(told[0][1]["costs"])
            assert set(info["truth"]) == set(told[0][1]["truth"])
            assert set(info["costs"].values()) <= {0.0, 1.0}
            assert info["cost"] == sum(info["costs"].values())
            total += info["cost"]
            assert info["episode_cost"] == total
            assert type(info["cost"]) is type(info["episode_cost"]) is float
            assert type(info["time_min"]) is float
            assert type(info["shielded"]) is bool
            for key in ("proposed_action", "applied_action"):
                assert info[key].dtype == env.action_space.dtype
                assert env.action_space.contains(info[key])
            assert all(type(v) is float and np.isfinite(v) for v in info["truth"].values())
            json.dumps(info["truth"])
        assert told[-1][2] or told[-1][3]
        times = [told[0][1]["time_min"], *(step[4]["time_min"] for step in told[1:])]
        gaps = np.diff(times)
        if "interval_days" in told[-1][4]["truth"]:
            said = [1440.0 * step[4]["truth"]["interval_days"] for step in told[1:]]
            assert gaps.tolist() == said
        else:
            assert set(gaps.tolist()) == {gaps[0]}
        assert gaps.min() > 0.0


def test_transition_is_pure(case: Any, assert_same: Any) -> None:
    """The same state and action give the same result twice, and the old state stays as it was."""
    task = make_task(case.id, **case.kwargs)
    streams = [streams_of(np.random.default_rng(i)) for i in range(4)]
    episode, state, _ = task.begin(streams, range(4))
    for action in case.actions(4, 40, 4).astype(np.float64):
        before = copy.deepcopy((episode, state, action))
        first, second = (transition(task, episode, state, action) for _ in range(2))
        assert_same(first, second)
        assert_same(before, (episode, state, action))
        state = first[0]


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
def test_pickle_in_mid_episode(case: Any, dumps: Any, assert_same: Any) -> None:
    """A pickled environment goes on exactly as the original does, through the next reset too."""
    env, actions = case.make(), case.actions(5, 80, 1)[:, 0]
    play(env, actions[:20], 21)
    env.reset(seed=22)
    env.step(actions[0])
    again = pickle.loads(dumps(env))
    assert_same([env.step(a) for a in actions[1:4]], [again.step(a) for a in actions[1:4]])
    assert_same(play(env, actions, None), play(again, actions, None))


def test_deepcopy_in_mid_episode(case: Any, assert_same: Any) -> None:
    """A deep copy goes on as the original does, and neither disturbs the other."""
    env, actions = case.make(), case.actions(6, 60, 1)[:, 0]
    env.reset(seed=31)
    env.step(actions[0])
    again = copy.deepcopy(env)
    left = [env.step(a) for a in actions[1:4]] + play(env, actions, None)
    right = [again.step(a) for a in actions[1:4]] + play(again, actions, None)
    assert_same(left, right)


def test_wrong_actions_are_refused_in_one_line(case: Any) -> None:
    """NaN, out-of-bounds, misshapen and non-numeric actions are refused and nothing has moved."""
    env = case.make()
    env.reset(seed=1)
    good = np.zeros(env.action_space.shape, np.float32)
    for bad in (good * np.nan, good + 1.5, np.append(good, 0.0), good[None], 0.0, "a", None):
        with pytest.raises(ValueError, match=r"action.*(give|must)") as caught:
            env.step(bad)
        assert "\n" not in str(caught.value)
    moved = env.step(good)
    env.reset(seed=1)
    np.testing.assert_array_equal(moved[0], env.step(good)[0])


def test_step_after_the_end_is_refused(case: Any) -> None:
    """An ended episode takes no further step until it is reset."""
    env = case.make()
    last = play(env, case.actions(7, 2000, 1)[:, 0], 41)[-1]
    assert last[2] or last[3]
    with pytest.raises(ValueError, match="ended; call reset"):
        env.step(np.zeros(env.action_space.shape, np.float32))
    env.reset()
    env.step(np.zeros(env.action_space.shape, np.float32))


def test_unknown_keyword_is_refused(case: Any) -> None:
    """A mistyped keyword is named, beside those there are, single, vector and task form alike."""
    for build in (
        case.make,
        lambda **k: case.make_vec(2, **k),
        lambda **k: make_task(case.id, **k),
    ):
        with pytest.raises(ValueError, match="does not know the keyword 'pateint'; it takes"):
            build(pateint=1)


def test_episode_statistics_wrapper(case: Any) -> None:
    """Gymnasium's RecordEpisodeStatistics reports the sum of rewards and the length."""
    told = play(RecordEpisodeStatistics(case.make()), case.actions(8, 2000, 1)[:, 0], 51)
    assert told[-1][4]["episode"]["l"] == len(told) - 1
    assert told[-1][4]["episode"]["r"] == pytest.approx(sum(step[1] for step in told[1:]))


def test_render_and_close(case: Any) -> None:
    """A frame is an RGB image that changes as the day goes on; closing twice is harmless."""
    env = case.make(render_mode="rgb_array")
    env.reset(seed=1)
    first = env.render()
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    for action in case.actions(9, 5, 1)[:, 0]:
        env.step(action)
    later = env.render()
    assert later.shape == first.shape
    assert not np.array_equal(first, later)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env.close()
        env.close()
