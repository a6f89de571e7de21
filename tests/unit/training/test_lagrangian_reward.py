"""Multipliers in the reward, for algorithms that know nothing of constraints."""

from typing import Any

import numpy as np
import pytest
from bandits import Bandits
from stable_baselines3 import SAC

from dosegym.physiology.errors import InputError
from dosegym.training.lagrangian_reward import LagrangianReward, UpdateMultipliers
from dosegym.training.multipliers import Gains


def test_the_reward_by_hand() -> None:
    """Costs in units of their limits, weighed by the multipliers, over 1 + their sum."""
    env = Bandits(2, lambda a: a, {"size": np.abs, "square": np.square})
    paid = LagrangianReward(env, {"size": 0.5, "square": 0.1}, Gains(start=1.0, floor=0.2))
    paid.reset()
    _, reward, _, _ = paid.step(np.array([[0.6], [-0.2]]))
    expected = [(0.6 - 0.6 / 0.5 - 0.36 / 0.2) / 3, (-0.2 - 0.2 / 0.5 - 0.04 / 0.2) / 3]
    np.testing.assert_allclose(reward, expected, rtol=1e-6)
    np.testing.assert_allclose(paid.take_costs(), [0.4, 0.2])
    with pytest.raises(InputError, match="no step was made"):
        paid.take_costs()


@pytest.mark.slow
def test_sac_is_held_at_its_limit() -> None:
    """Under a^2 <= 0.25 it goes to 0.5 with the multiplier 0.25; under a slack limit to 1 with 0.

    Maximal a - m a^2 / 0.25 lies at a = 0.125 / m, so a limit of 0.25 is met with m = 0.25.
    """
    found = {}
    for limit in (0.25, 4.0):
        env = Bandits(8, lambda a: a, {"square": np.square})
        gains = Gains(kp=0.3, ki=0.005, smooth=0.5, start=0.3)
        paid = LagrangianReward(env, {"square": limit}, gains)
        model: Any = SAC(
            "MlpPolicy", paid, seed=0, device="cpu", learning_rate=3e-3, batch_size=128,
            buffer_size=1000, learning_starts=200, gamma=0.1, ent_coef=0.01,
            policy_kwargs={"net_arch": [32]},
        )  # fmt: skip
        model.learn(9_000, callback=UpdateMultipliers(paid, every=5))
        action, _ = model.predict(np.ones((1, 1), np.float32), deterministic=True)
        found[limit] = (float(action[0, 0]), paid.multipliers.values[0])
    assert found[0.25] == pytest.approx((0.5, 0.25), abs=0.08)
    assert found[4.0][0] > 0.9
    assert found[4.0][1] == 0.0


def test_a_missing_cost_is_refused() -> None:
    """What the environment does not tell is an error."""
    paid = LagrangianReward(Bandits(2, lambda a: a, {}), {"harm": 0.1})
    paid.reset()
    with pytest.raises(InputError, match="no cost 'harm'"):
        paid.step(np.zeros((2, 1)))
