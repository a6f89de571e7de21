"""Where learning may start: at what a known policy does, learned by imitation.

The policy treats the training lanes' people for a few episodes; the action head and what lies below
it then learn to choose as it chose (maximum likelihood), some entropy kept so that there is
something left to explore. The value is not fitted; it begins at ``start.mean_reward``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import MultiDiscrete
from numpy.typing import NDArray

from ..envs.sb3 import DoseVecEnv
from ..physiology.errors import InputError
from ..policies.library import load_policy
from .settings import ImitationSettings

Pairs = tuple[NDArray[np.float32], NDArray[np.int64]]


def imitate(model: Any, env: DoseVecEnv, settings: ImitationSettings) -> float:
    """Train an SB3 on-policy model in place to act as a policy does.

    Parameters
    ----------
    model : SB3 algorithm
    env : DoseVecEnv
        Lanes of its own; they are used up.
    settings : ImitationSettings

    Returns
    -------
    float
        Share of single choices in which the likeliest level is the policy's, at the end.

    Raises
    ------
    InputError
        If the actions are no levels, or the policy's are not of this action space.
    """
    import torch

    if not isinstance(model.action_space, MultiDiscrete):
        raise InputError(
            "start.imitate needs levels to choose from; leave it out, or set the keyword action to "
            "'levels'"
        )
    seen, done = demonstrations(env, settings.policy, settings.visits)
    observations, actions = torch.from_numpy(seen), torch.from_numpy(done)
    chance = torch.Generator().manual_seed(int(model.seed or 0))
    optimiser = torch.optim.Adam(model.policy.parameters(), lr=settings.learning_rate)
    model.policy.set_training_mode(True)
    for _ in range(settings.epochs):
        order = torch.randperm(len(seen), generator=chance)
        for first in range(0, len(order), settings.batch_size):
            batch = order[first : first + settings.batch_size]
            _, log_prob, entropy = model.policy.evaluate_actions(
                observations[batch], actions[batch]
            )
            loss = -log_prob.mean() - settings.entropy * entropy.mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    model.policy.set_training_mode(False)
    with torch.no_grad():
        chosen = model.policy.get_distribution(observations).mode()
    return float((chosen == actions).float().mean())


def demonstrations(env: DoseVecEnv, name: str, visits: int) -> Pairs:
    """Return observations (N, n) and a policy's actions (N, A) over some visits of every lane.

    Raises
    ------
    InputError
        If there is no such policy, or its actions are not of the lanes' action space.
    """
    policy = load_policy(name)
    shape = (env.num_envs, *env.task.action_space.shape)
    observation: Any = env.reset()
    state: Any = None
    begin = np.ones(env.num_envs, np.bool_)
    seen, done = [], []
    for _ in range(visits):
        action, state = policy.predict(observation, state, begin, True)
        if np.shape(action) != shape or not np.issubdtype(np.asarray(action).dtype, np.integer):
            raise InputError(
                f"start.imitate is {name!r}, whose actions are not of this environment's space; "
                "choose a policy that prescribes levels, or leave it out"
            )
        seen.append(observation.copy())
        done.append(np.asarray(action, np.int64))
        observation, _, begin, _ = env.step(action)
    return np.concatenate(seen).astype(np.float32), np.concatenate(done)
