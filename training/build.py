"""The learner and its lanes, built from settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from ..envs import make_sb3_vec_env
from ..envs.sb3 import DoseVecEnv
from ..physiology.errors import InputError
from ..physiology.streams import stream
from .aim import aim_of
from .imitate import imitate
from .learners import learner
from .settings import (
    LINEAR,
    MaskablePpoSettings,
    OffPolicySettings,
    OnPolicySettings,
    PpoLagrangianSettings,
    RecurrentPpoSettings,
    Settings,
    Td3Settings,
)
from .usual import begin_at_usual_dose


class ScaledReward(VecEnvWrapper):
    """Multiplies the reward by a constant, so that returns suit the learner's steps.

    Parameters
    ----------
    venv : VecEnv
    scale : float
    """

    def __init__(self, venv: VecEnv, scale: float) -> None:
        super().__init__(venv)
        self.scale = np.float32(scale)

    def reset(self) -> Any:
        """Begin all lanes anew."""
        return self.venv.reset()

    def step_wait(self) -> tuple[Any, NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Return the step with its reward scaled."""
        observation, reward, done, infos = self.venv.step_wait()
        return observation, reward * self.scale, done, infos


def make_lanes(env_id: str, n_envs: int, seed: int, env_kwargs: Mapping[str, Any]) -> DoseVecEnv:
    """Return training lanes whose chances come from the ``training`` stream of a seed.

    Raises
    ------
    InputError
        If the environment refuses its id or a keyword.
    """
    env = make_sb3_vec_env(env_id, n_envs, **env_kwargs)
    assert isinstance(env, DoseVecEnv)
    for lane, generator in enumerate(stream(seed, "training").spawn(n_envs)):
        env.lanes.adopt(lane, generator)
    return env


def learners_view(env: DoseVecEnv, settings: Settings) -> VecEnv:
    """Return the lanes as the learner sees them."""
    return env if settings.reward_scale == 1.0 else ScaledReward(env, settings.reward_scale)


def make_model(algo: str, env: DoseVecEnv, settings: Settings, seed: int) -> Any:
    """Return a fresh SB3 algorithm that starts at the usual dose.

    Raises
    ------
    InputError
        If the algorithm needs a package that is not installed, or actions of another kind.
    """
    kind = learner(algo)
    _check_actions(algo, env, settings)
    _check_imitation(algo, settings)
    options = {key: getattr(settings, key) for key in settings.SB3}
    options["learning_rate"] = _schedule(settings.learning_rate)
    if isinstance(settings, Td3Settings):
        size = env.action_space.shape[0]  # type: ignore[index]
        sd = np.full(size, settings.action_noise)
        options["action_noise"] = NormalActionNoise(np.zeros(size), sd)
    if isinstance(settings, PpoLagrangianSettings):
        options["gains"] = settings.multipliers.model_dump()
    recurrent = isinstance(settings, RecurrentPpoSettings)
    model = kind(
        "MlpLstmPolicy" if recurrent else "MlpPolicy",
        learners_view(env, settings),
        policy_kwargs=_policy_options(settings, env),
        seed=seed,
        device="cpu",
        **options,
    )
    # SB3 has handed its seed to the lanes; theirs come from the training stream instead.
    env._reset_seeds()
    begin_at_usual_dose(model, aim_of(env.env_id).usual(env.task), settings)
    if settings.start.imitate is not None:
        own = make_lanes(env.env_id, env.num_envs, seed, env.env_kwargs)
        imitate(model, own, settings.start.imitate)
    return model


def _check_actions(algo: str, env: DoseVecEnv, settings: Settings) -> None:
    """Refuse levels where an algorithm needs numbers, and the reverse."""
    numbers = isinstance(env.action_space, Box)
    if isinstance(settings, OffPolicySettings) and not numbers:
        raise InputError(
            f"{algo} needs numbers to choose, actions of {env.env_id} are levels here; set the "
            "keyword action to 'box', or choose ppo"
        )
    if isinstance(settings, MaskablePpoSettings) and numbers:
        raise InputError(
            f"{algo} needs levels to choose from, actions of {env.env_id} are numbers here; set "
            "the keyword action to 'levels' where there is one, or choose ppo"
        )


def _check_imitation(algo: str, settings: Settings) -> None:
    """Refuse imitation where the learner has no such actor."""
    plain = isinstance(settings, OnPolicySettings) and not isinstance(
        settings, RecurrentPpoSettings
    )
    if settings.start.imitate is not None and not plain:
        raise InputError(f"{algo} cannot imitate; leave start.imitate out, or choose ppo or a2c")


def _policy_options(settings: Settings, env: DoseVecEnv) -> dict[str, Any]:
    options: dict[str, Any] = {"net_arch": list(settings.net_arch)}
    if isinstance(settings, OnPolicySettings) and isinstance(env.action_space, Box):
        options["log_std_init"] = settings.start.log_std
    if isinstance(settings, RecurrentPpoSettings):
        options["lstm_hidden_size"] = settings.lstm_hidden_size
    return options


def _schedule(rate: float | str) -> Any:
    if isinstance(rate, str):
        return LinearSchedule(float(rate.removeprefix(LINEAR)), 0.0, 1.0)
    return rate
