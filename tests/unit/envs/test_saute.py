"""The budget of Saute: its arithmetic, its place in the observation, what it refuses."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from dosegym.envs.saute import Saute
from dosegym.physiology.errors import InputError

ENV = "dosegym/Insulin-v0"


class Meter(gym.Env[Any, Any]):
    """Costs what the action says; the reward is always 2."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin."""
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {"costs": {"use": 0.0}}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Pay."""
        costs = {"use": float(action[0])}
        return np.zeros(2, np.float32), 2.0, False, False, {"costs": costs}


def test_the_budget_falls_and_the_reward_is_replaced_when_it_is_spent() -> None:
    """Budget 0.25 over 8 steps is 2: spent exactly it still pays, beyond it the penalty comes."""
    env = Saute(Meter(), "use", budget=0.25, length=8, penalty=-5.0)
    seen, info = env.reset()
    assert seen.tolist() == [0.0, 0.0, 1.0]
    left, paid = [], []
    for _ in range(7):
        seen, reward, *_, info = env.step(np.ones(1))
        left.append(float(seen[-1]))
        paid.append(reward)
    np.testing.assert_allclose(left, [0.5, 0.0, -0.5, -1.0, -1.0, -1.0, -1.0])
    assert paid == [2.0, 2.0, *([-5.0] * 5)]
    assert info["budget_left"] == pytest.approx(-2.5)
    assert info["sauted"]
    seen, info = env.reset()
    assert seen[-1] == 1.0
    assert not info["sauted"]


def test_it_obeys_gymnasium() -> None:
    """Wrapped round the insulin environment it passes Gymnasium's own check."""
    env = gym.make(ENV, days=1)
    wrapped = Saute(env, "below_70", budget=0.04, length=288)
    with pytest.warns(UserWarning, match="different from the unwrapped version"):
        check_env(wrapped, skip_render_check=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": 0.0, "length": 8}, "budget is 0.0"),
        ({"budget": 0.1, "length": 0}, "length is 0"),
        ({"budget": 0.1, "length": 8, "penalty": float("nan")}, "penalty is nan"),
    ],
)
def test_bad_budgets_are_refused(options: dict[str, Any], words: str) -> None:
    """No budget, no length, no penalty: one line each."""
    with pytest.raises(InputError, match=words):
        Saute(Meter(), "use", **options)


def test_a_missing_cost_is_refused() -> None:
    """A budget that nothing is ever taken from would look safe."""
    env = Saute(Meter(), "harm", budget=0.1, length=8)
    env.reset()
    with pytest.raises(InputError, match="no cost 'harm'"):
        env.step(np.ones(1))
