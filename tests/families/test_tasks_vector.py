"""One battery over every registered environment, vector form, in each of its variants."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AsyncVectorEnv
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

LANES = 3
STEPS = 500  # more than a day in every variant; loops stop once enough lanes began anew


def test_vector_of_one_is_the_single_environment(case: Any, assert_same: Any) -> None:
    """A vector of one lane answers bit for bit as the single environment, resets included."""
    single, vector = case.make(), case.make_vec(1)
    actions = case.actions(1, STEPS, 2)[:, 1:]
    observation, info = single.reset(seed=5)
    observations, infos = vector.reset(seed=5)
    over, ends = False, 0
    for action in actions:
        np.testing.assert_array_equal(observations[0], observation)
        assert_same(_lane(infos, 0), info)
        if over:
            (observation, info), reward, terminated, truncated = single.reset(), 0.0, False, False
        else:
            observation, reward, terminated, truncated, info = single.step(action[0])
        observations, *rest, infos = vector.step(action)
        assert [part[0] for part in rest] == [reward, terminated, truncated]
        if ends and not over:
            break
        over = terminated or truncated
        ends += over
    assert ends > 0


def _lane(infos: dict[str, Any], lane: int) -> dict[str, Any]:
    """Return one lane's info in the single form, from Gymnasium's own conversion rules."""
    row: dict[str, Any] = {}
    for key, value in infos.items():
        if key.startswith("_"):
            continue
        assert infos[f"_{key}"][lane]
        if isinstance(value, dict):
            row[key] = _lane(value, lane)
        else:
            row[key] = value[lane] if value.ndim > 1 else value[lane].item()
    return row


@pytest.mark.parametrize("mode", ["next_step", "same_step"])
def test_autoreset_is_gymnasiums_own(case: Any, mode: str, assert_same: Any) -> None:
    """Step by step equal to SyncVectorEnv of single environments: final_obs, final_info, masks."""
    ours, theirs = case.make_vec(LANES, mode), case.make_sync(LANES, mode)
    assert ours.metadata["autoreset_mode"] is theirs.metadata["autoreset_mode"]
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert_same(ours.reset(seed=3), theirs.reset(seed=3))
    ends = 0
    for actions in case.actions(2, STEPS, LANES):
        left, right = ours.step(actions), theirs.step(actions)
        assert_same(left[:4], right[:4])
        assert_same(_known(left[4]), _known(right[4]))
        over = left[2] | left[3]
        if ends >= LANES and not over.any():
            break
        ends += int(over.sum())
    assert ends >= LANES


def _known(infos: dict[str, Any]) -> dict[str, Any]:
    """Return infos with what a mask hides set to zero: Gymnasium leaves it zero, we leave it be."""
    out: dict[str, Any] = {}
    for key, value in infos.items():
        if key.startswith("_") or key == "final_obs":
            out[key] = value
        elif isinstance(value, dict):
            out[key] = _known(value)
        else:
            out[key] = value.copy()
            out[key][~infos[f"_{key}"]] = 0
    return out


def test_disabled_autoreset_is_gymnasiums_own(case: Any, assert_same: Any) -> None:
    """With autoreset off, partial resets by mask agree with SyncVectorEnv, seeds included."""
    ours, theirs = case.make_vec(LANES, "disabled"), case.make_sync(LANES, "disabled")
    assert_same(ours.reset(seed=8), theirs.reset(seed=8))
    seeds: list[int | None] = [None, 50, None]
    ends = 0
    for actions in case.actions(3, STEPS, LANES):
        left, right = ours.step(actions), theirs.step(actions)
        assert_same(left, right)
        over = left[2] | left[3]
        ends += int(over.sum())
        if over.any():
            with pytest.raises(ValueError, match="has ended; reset it with"):
                ours.step(actions)
            left = ours.reset(seed=seeds, options={"reset_mask": over})
            right = theirs.reset(seed=seeds, options={"reset_mask": over.copy()})
            assert_same(left[0], right[0])
            assert_same(_known(left[1]), _known(right[1]))
        elif ends >= LANES:
            break
    assert ends >= LANES


def test_a_lane_is_its_own_environment(case: Any) -> None:
    """Lane i, seeded s + i, is the single environment of that seed whatever the others suffer."""
    actions, other = case.actions(4, 80, LANES), case.actions(5, 80, LANES)
    for lane in range(LANES):
        mixed = other.copy()
        mixed[:, lane] = actions[:, lane]
        single, vector = case.make(), case.make_vec(LANES)
        alone = single.reset(seed=30 + lane)[0]
        assert np.array_equal(vector.reset(seed=30)[0][lane], alone)
        for step in mixed:
            answer = single.step(step[lane])
            observations, rewards, *_ = vector.step(step)
            np.testing.assert_array_equal(observations[lane], answer[0])
            assert rewards[lane] == answer[1]
            if answer[2] or answer[3]:
                break


def test_order_and_number_of_lanes_do_not_matter(case: Any) -> None:
    """Seeds given one by one give each lane the same episode in any order and company."""
    actions = case.actions(6, 20, 3)
    three, one = case.make_vec(3), case.make_vec(1)
    three.reset(seed=[9, 4, 7])
    one.reset(seed=[7])
    for step in actions:
        np.testing.assert_array_equal(three.step(step)[0][2], one.step(step[2:])[0][0])


def test_wrappers_agree_with_gymnasiums_vector(case: Any) -> None:
    """Episode statistics and infos by lane come out as they do from SyncVectorEnv."""
    for mode in ("next_step", "same_step"):
        left, right = (
            DictInfoToList(RecordEpisodeStatistics(make(LANES, mode)))
            for make in (case.make_vec, case.make_sync)
        )
        left.reset(seed=1)
        right.reset(seed=1)
        finished = 0
        for actions in case.actions(7, STEPS, LANES):
            a, b = left.step(actions)[4], right.step(actions)[4]
            for mine, other in zip(a, b, strict=True):
                assert set(mine) == set(other)
                if "episode" in mine:
                    finished += 1
                    assert mine["episode"]["r"] == other["episode"]["r"]
                    assert mine["episode"]["l"] == other["episode"]["l"]
            if finished >= LANES:
                break
        assert finished >= LANES


def test_copies_go_on_alike(case: Any, assert_same: Any) -> None:
    """Pickled and deep-copied vectors go on as the original, through the next resets."""
    vector = case.make_vec(LANES)
    vector.reset(seed=2)
    actions = case.actions(8, STEPS, LANES)
    vector.step(actions[0])
    others = [copy.deepcopy(vector), pickle.loads(pickle.dumps(vector))]
    ended = np.zeros(LANES, dtype=np.bool_)
    for step in actions[1:]:
        answer = vector.step(step)
        for other in others:
            assert_same(other.step(step), answer)
        if ended.any() and not np.any(answer[2] | answer[3]):
            break
        ended |= answer[2] | answer[3]
    assert ended.any()


def test_results_are_the_callers_own(case: Any) -> None:
    """Writing into what was returned changes nothing that comes later."""
    spoilt, clean = case.make_vec(3, "disabled"), case.make_vec(3, "disabled")
    mask = np.array([True, False, False])
    for vector, spoil in ((spoilt, True), (clean, False)):
        observation, _ = vector.reset(seed=6)
        observation[:] = 0.0 if spoil else observation
        observation, reward, *_ = vector.step(np.zeros(vector.action_space.shape, np.float32))
        observation[:], reward[:] = (0.0, 0.0) if spoil else (observation, reward)
    again, expected = (v.reset(options={"reset_mask": mask})[0] for v in (spoilt, clean))
    np.testing.assert_array_equal(again, expected)


def test_bad_vector_input_is_refused(case: Any) -> None:
    """Wrong numbers of lanes, seeds, masks, modes and actions are named in one line each."""
    vector = case.make_vec(2)
    shape = vector.action_space.shape
    for build, message in (
        (lambda: case.make_vec(0), "num_envs is 0; give"),
        (lambda: case.make_vec(2, "sometimes"), "autoreset_mode is 'sometimes'; choose one of"),
        (lambda: vector.step(np.zeros(shape)), "no episode has begun; call reset"),
        (lambda: vector.reset(options={"reset_mask": [True, False]}), "reset all lanes before"),
        (lambda: vector.reset(seed=[1]), r"seed is \[1\]; give"),
        (lambda: vector.reset(seed="one"), "seed is 'one'; give"),
        (lambda: vector.reset(options={"reset_mask": [1, 0]}), "reset_mask is .*; give 2 booleans"),
    ):
        with pytest.raises(ValueError, match=message):
            build()
    vector.reset(seed=1)
    for bad in (np.zeros(2 * shape[1] + 1), np.zeros((3, shape[1])), np.full(shape, np.nan), "x"):
        with pytest.raises(ValueError, match=r"action.*(give|must)") as caught:
            vector.step(bad)
        assert "\n" not in str(caught.value)
    vector.close()
    vector.close()


def test_a_waiting_lanes_action_is_ignored(case: Any) -> None:
    """In the step that begins a lane anew, whatever is asked of it is not looked at."""
    vector = case.make_vec(2)
    vector.reset(seed=4)
    for actions in case.actions(9, STEPS, 2):
        over = np.logical_or(*vector.step(actions)[2:4])
        if over.any():
            break
    wild = np.zeros(vector.action_space.shape)
    wild[over] = np.nan
    answer = vector.step(wild)
    assert np.all(answer[1][over] == 0.0)
    assert not np.any(answer[2][over] | answer[3][over])


@pytest.mark.slow
def test_processes_under_spawn(case: Any) -> None:
    """Environments travel to spawned processes and answer as they do here."""
    steps = case.actions(10, 3, 2)
    # The module before the id lets a bare process find it.
    make = partial(gym.make, f"dosegym:{case.id}", **case.kwargs)
    there = AsyncVectorEnv([make] * 2, context="spawn")
    here = case.make_vec(2)
    try:
        np.testing.assert_array_equal(there.reset(seed=12)[0], here.reset(seed=12)[0])
        for step in steps:
            np.testing.assert_array_equal(there.step(step)[0], here.step(step)[0])
    finally:
        there.close()


def test_spec_survives_json(case: Any) -> None:
    """A vector's spec written to JSON and read back makes the same vector."""
    vector = case.make_vec(2, "same_step")
    again = gym.make_vec(EnvSpec.from_json(vector.spec.to_json()))
    assert again.num_envs == 2
    assert again.autoreset_mode is vector.autoreset_mode
    np.testing.assert_array_equal(vector.reset(seed=3)[0], again.reset(seed=3)[0])
    for actions in case.actions(11, 5, 2):
        np.testing.assert_array_equal(vector.step(actions)[0], again.step(actions)[0])


def test_gymnasium_makes_both_forms(case: Any) -> None:
    """``gym.make_vec`` gives the native form by default and Gymnasium's own on demand, alike."""
    native = gym.make_vec(case.id, num_envs=2, **case.kwargs)
    sync = gym.make_vec(case.id, num_envs=2, vectorization_mode="sync", **case.kwargs)
    assert type(native) is type(case.make_vec(2))
    assert native.spec.id == case.id
    np.testing.assert_array_equal(native.reset(seed=3)[0], sync.reset(seed=3)[0])
