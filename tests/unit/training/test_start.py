"""Learning starts at the usual dose."""

from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.physiology.errors import InputError
from dosegym.physiology.streams import stream
from dosegym.therapy.dosing import BASAL_SPAN, rise
from dosegym.training.aim_insulin import usual_action
from dosegym.training.aim_pressure import usual_action as usual_levels
from dosegym.training.build import make_lanes, make_model
from dosegym.training.config import load_settings

ENV, PRESSURE = "dosegym/Insulin-v0", "dosegym/BloodPressure-v0"
SMALL = {
    "ppo": {"n_envs": 4, "n_steps": 8, "batch_size": 32},
    "a2c": {"n_envs": 4},
    "sac": {"n_envs": 4, "buffer_size": 64},
    "td3": {"n_envs": 4, "buffer_size": 64},
    "maskable_ppo": {"n_envs": 4, "n_steps": 8, "batch_size": 32},
}
BOXED = ("ppo", "a2c", "sac", "td3")


def test_usual_action_of_a_rate_is_the_prescribed_basal() -> None:
    """Decoded by the environment's own curve it asks for one times the basal rate."""
    action = usual_action(make_task(ENV, action="basal_rate"))
    assert action.shape == (1,)
    assert BASAL_SPAN * rise(action[0]) == pytest.approx(1.0, rel=1e-6)


def test_usual_action_with_boluses_asks_for_none() -> None:
    """With a bolus of its own the usual action is basal and -1."""
    action = usual_action(make_task(ENV, action="basal_and_bolus"))
    assert BASAL_SPAN * rise(action[0]) == pytest.approx(1.0, rel=1e-6)
    assert action[1] == -1.0


def test_usual_action_at_meals_is_the_ratios_bolus() -> None:
    """In ``meal_bolus`` zero stands for carbs / ratio."""
    assert usual_action(make_task(ENV, action="meal_bolus")).tolist() == [0.0]


@pytest.mark.parametrize("algo", BOXED)
def test_a_fresh_agent_doses_about_the_basal_rate(algo: str) -> None:
    """Whatever it observes, the first agent asks for nearly the prescribed basal rate."""
    settings = load_settings(algo, ENV, SMALL[algo]).settings
    env = make_lanes(ENV, settings.n_envs, 0, settings.env_kwargs)
    model = make_model(algo, env, settings, 0)
    seen = np.random.default_rng(0).normal(size=(64, *env.observation_space.shape))
    action, _ = model.predict(seen.astype(np.float32), deterministic=True)
    share = BASAL_SPAN * rise(action[:, 0].astype(np.float64))
    assert np.all((share > 0.5) & (share < 1.8))


def test_the_first_value_expects_the_mean_reward_for_ever() -> None:
    """start.mean_reward r sets the value's first bias to scale x r / (1 - gamma)."""
    changes: dict[str, Any] = {**SMALL["ppo"], "start.mean_reward": 0.5, "gamma": 0.9}
    settings = load_settings("ppo", ENV, {**changes, "reward_scale": 0.2}).settings
    model = make_model("ppo", make_lanes(ENV, 4, 0, settings.env_kwargs), settings, 0)
    assert model.policy.value_net.bias.item() == pytest.approx(0.2 * 0.5 / 0.1)


def test_rewards_are_scaled_for_the_learner_only() -> None:
    """The learner's reward is the environment's times the factor."""
    settings = load_settings("ppo", ENV, SMALL["ppo"]).settings
    env = make_lanes(ENV, 4, 0, settings.env_kwargs)
    model = make_model("ppo", env, settings, 0)
    view = model.get_env()
    view.reset()
    _, reward, _, _ = view.step(np.full((4, 1), -0.2, np.float32))
    assert env.last_step is not None
    expected = env.last_step.reward.astype(np.float32) * np.float32(settings.reward_scale)
    np.testing.assert_array_equal(reward, expected)


def test_lanes_draw_from_the_training_stream() -> None:
    """Lane i's chances are those of the i-th child of the seed's training stream."""
    env = make_lanes(ENV, 3, 5, {})
    expected = stream(5, "training").spawn(3)[2].spawn(4)[0].random(4)
    streams = env.lanes.streams[2]
    assert streams is not None
    np.testing.assert_array_equal(streams.patient.random(4), expected)


def test_sb3s_own_seed_does_not_reach_the_lanes() -> None:
    """Building the model leaves the lanes' streams as they were."""
    settings = load_settings("ppo", ENV, SMALL["ppo"]).settings
    plain, built = make_lanes(ENV, 4, 1, {"days": 1}), make_lanes(ENV, 4, 1, {"days": 1})
    make_model("ppo", built, settings, 1)
    np.testing.assert_array_equal(plain.reset(), built.reset())


def test_levels_begin_at_the_usual_regimen() -> None:
    """Whatever it observes, the first agent's likeliest levels are the usual ones."""
    settings = load_settings("ppo", PRESSURE, {**SMALL["ppo"], "start.imitate": None}).settings
    env = make_lanes(PRESSURE, 4, 0, {"patient": "all"})
    model = make_model("ppo", env, settings, 0)
    seen = np.random.default_rng(0).normal(size=(64, *env.observation_space.shape))
    action, _ = model.predict(seen.astype(np.float32), deterministic=True)
    assert np.all(action == usual_levels(env.task))


@pytest.mark.parametrize(
    ("algo", "env_id", "kwargs", "words"),
    [
        ("sac", PRESSURE, {"action": "levels"}, "sac needs numbers to choose"),
        ("td3", PRESSURE, {"action": "levels"}, "td3 needs numbers to choose"),
        ("maskable_ppo", PRESSURE, {"action": "box"}, "maskable_ppo needs levels"),
        ("maskable_ppo", ENV, {}, "maskable_ppo needs levels"),
    ],
)
def test_actions_of_the_wrong_kind_are_refused(
    algo: str, env_id: str, kwargs: dict[str, Any], words: str
) -> None:
    """One line says what the algorithm needs."""
    if algo == "maskable_ppo":
        pytest.importorskip("sb3_contrib", reason="the extra dosegym[contrib] is not installed")
    settings = load_settings(algo, PRESSURE, SMALL[algo]).settings
    with pytest.raises(InputError, match=words):
        make_model(algo, make_lanes(env_id, 4, 0, kwargs), settings, 0)
