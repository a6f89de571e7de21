"""Action masks as Stable-Baselines3 and sb3-contrib ask for them, and pictures of a course."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from dosegym.envs import make_sb3_vec_env

ENV = "dosegym/BloodPressure-v0"


def test_env_method_gives_the_masks_that_infos_told() -> None:
    """``env_method("action_masks")`` is each lane's latest mask, also after a lane began anew."""
    venv = make_sb3_vec_env(ENV, n_envs=6, seed=0, days=56, adherence="poor")
    venv.reset()
    rng = np.random.default_rng(0)
    for _ in range(6):
        action = rng.integers(0, 3, (6, 6))
        _, _, done, infos = venv.step(action)
        masks = venv.env_method("action_masks")
        for lane in range(6):
            told = (venv.reset_infos if done[lane] else infos)[lane]["action_mask"]
            np.testing.assert_array_equal(masks[lane], told)
    one = venv.env_method("action_masks", indices=[2])
    np.testing.assert_array_equal(one[0], masks[2])


@pytest.mark.parametrize("shell", ["single", "batch"])
def test_sb3_contrib_finds_the_masks(shell: str) -> None:
    """``is_masking_supported`` and ``get_action_masks`` work on both shells."""
    utils = pytest.importorskip(
        "sb3_contrib.common.maskable.utils", reason="sb3-contrib is not installed"
    )
    if shell == "single":
        env: Any = gym.make(ENV)
        _, info = env.reset(seed=0)
        masks, shape = utils.get_action_masks(env), (29,)
        np.testing.assert_array_equal(masks, info["action_mask"])
    else:
        env = make_sb3_vec_env(ENV, n_envs=3, seed=0)
        env.reset()
        masks, shape = utils.get_action_masks(env), (3, 29)
    assert utils.is_masking_supported(env)
    assert masks.shape == shape
    assert masks.dtype == np.bool_


def test_maskable_ppo_never_asks_for_what_the_mask_forbids() -> None:
    """A fresh MaskablePPO given the masks chooses permitted levels only."""
    contrib = pytest.importorskip("sb3_contrib", reason="sb3-contrib is not installed")
    venv = make_sb3_vec_env(ENV, n_envs=16, seed=0)
    model = contrib.MaskablePPO("MlpPolicy", venv, n_steps=4, batch_size=32, seed=0)
    observation = venv.reset()
    starts = np.cumsum([0, *venv.action_space.nvec[:-1]])
    for _ in range(8):
        masks = np.stack(venv.env_method("action_masks"))
        action, _ = model.predict(observation, action_masks=masks)
        assert masks[np.arange(16)[:, None], starts + action].all()
        observation, *_ = venv.step(action)


def test_frames_have_one_size_and_show_what_changed() -> None:
    """First visit, some visits and a whole year: 450 x 800 in RGB, each different."""
    env = gym.make(ENV, patient="person#003", render_mode="rgb_array")
    env.reset(seed=3)
    frames = [env.render()]
    for t in range(13):
        env.step(np.array([min(t, 4), 0, min(t, 3), 2 * (t > 5), 0, 0]))
        if t in (4, 12):
            frames.append(env.render())
    assert {frame.shape for frame in frames} == {(450, 800, 3)}
    assert all(frame.dtype == np.uint8 for frame in frames)
    assert len({frame.tobytes() for frame in frames}) == 3
