"""Cost advantages against hand computation and against SB3's own for rewards."""

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from dosegym.training.cost_buffer import CostRolloutBuffer

SPACE = Box(-1.0, 1.0, (1,), np.float32)
GAMMA, LAMBDA = 0.9, 0.5


def buffer_of(costs: Any, starts: Any, gamma: float = GAMMA) -> CostRolloutBuffer:
    """Return a full buffer of costs (T, N, K) whose rewards are the first of them."""
    steps, lanes, k = costs.shape
    buffer = CostRolloutBuffer(
        steps, SPACE, SPACE, device="cpu", gae_lambda=LAMBDA, gamma=gamma, n_envs=lanes, n_costs=k
    )
    zeros = np.zeros((lanes, 1), np.float32)
    for t in range(steps):
        buffer.keep_costs(costs[t])
        flat = torch.zeros(lanes)
        buffer.add(zeros, zeros, costs[t, :, 0], starts[t], flat, flat)
    return buffer


def test_a_time_limit_is_bootstrapped_and_a_death_is_not() -> None:
    """Two lanes, three steps, by hand: the first is cut off after step 1, the second dies there."""
    costs = np.array([[[1.0], [1.0]], [[0.0], [0.0]], [[1.0], [1.0]]], np.float32)
    starts = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    buffer = buffer_of(costs, starts)
    buffer.cut_off, buffer.cut_off_observations = [(1, 0)], [np.zeros(1)]
    values = np.array([[[0.5], [0.5]], [[0.2], [0.2]], [[0.4], [0.4]]], np.float32)
    last = np.array([[2.0], [2.0]], np.float32)
    buffer.compute_cost_advantages(
        values, last, np.array([[3.0]], np.float32), np.array([False, False])
    )
    third = 1.0 + 0.9 * 2.0 - 0.4
    cut, died = 0.0 + 0.9 * 3.0 - 0.2, 0.0 - 0.2
    first = 1.0 + 0.9 * 0.2 - 0.5
    expected = [[first + 0.45 * cut, first + 0.45 * died], [cut, died], [third, third]]
    np.testing.assert_allclose(buffer.cost_advantages[..., 0], expected, rtol=1e-6)
    np.testing.assert_allclose(buffer.cost_returns, buffer.cost_advantages + values)


@pytest.mark.parametrize("seed", range(3))
def test_costs_and_rewards_follow_the_same_rule(seed: int) -> None:
    """With the reward as cost and random ends, the advantages equal those SB3 computes."""
    rng = np.random.default_rng(seed)
    steps, lanes = 12, 5
    costs = rng.random((steps, lanes, 2)).astype(np.float32)
    dones = rng.random((steps, lanes)) < 0.3
    starts = np.concatenate([np.ones((1, lanes)), dones[:-1]]).astype(np.float32)
    values = rng.random((steps, lanes, 2)).astype(np.float32)
    last = rng.random((lanes, 2)).astype(np.float32)
    cut = [(t, lane) for t, lane in np.argwhere(dones) if rng.random() < 0.5]
    promises = rng.random((len(cut), 2)).astype(np.float32)
    buffer = buffer_of(costs, starts)
    buffer.cut_off = [(int(t), int(lane)) for t, lane in cut]
    buffer.compute_cost_advantages(values, last, promises, dones[-1])
    for k in range(2):
        buffer.rewards = costs[..., k].copy()
        for (t, lane), promise in zip(cut, promises[:, k], strict=True):
            # SB3's own rule, in its collect_rollouts.
            buffer.rewards[t, lane] += GAMMA * promise
        buffer.values = values[..., k]
        buffer.compute_returns_and_advantage(torch.from_numpy(last[:, k]), dones[-1])
        np.testing.assert_allclose(
            buffer.cost_advantages[..., k], buffer.advantages, rtol=1e-4, atol=1e-6
        )
