"""The learner and its lanes, built from settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from ..envs import make_sb3_vec_env
from ..envs.sb3 import DoseVecEnv
from ..physiology.streams import stream
from ..policies.learned import algorithm
from .settings import (
    LINEAR,
    OnPolicySettings,
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
        If the algorithm needs a package that is not installed.
    """
    kind = algorithm(algo)
    options = {key: getattr(settings, key) for key in settings.SB3}
    options["learning_rate"] = _schedule(settings.learning_rate)
    if isinstance(settings, Td3Settings):
        size = env.action_space.shape[0]  # type: ignore[index]
        sd = np.full(size, settings.action_noise)
        options["action_noise"] = NormalActionNoise(np.zeros(size), sd)
    recurrent = isinstance(settings, RecurrentPpoSettings)
    model = kind(
        "MlpLstmPolicy" if recurrent else "MlpPolicy",
        learners_view(env, settings),
        policy_kwargs=_policy_options(settings),
        seed=seed,
        device="cpu",
        **options,
    )
    # SB3 has handed its seed to the lanes; theirs come from the training stream instead.
    env._reset_seeds()
    begin_at_usual_dose(model, env.task, settings)
    return model


def _policy_options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {"net_arch": list(settings.net_arch)}
    if isinstance(settings, OnPolicySettings):
        options["log_std_init"] = settings.start.log_std
    if isinstance(settings, RecurrentPpoSettings):
        options["lstm_hidden_size"] = settings.lstm_hidden_size
    return options


def _schedule(rate: float | str) -> Any:
    if isinstance(rate, str):
        return LinearSchedule(float(rate.removeprefix(LINEAR)), 0.0, 1.0)
    return rate
