"""From logged episodes to Stable-Baselines3's replay buffer.

What is learned from is what the behaviour asked for (``proposed``): the way from there to what was
given belongs to the world, and will lie between the agent and its patients too. An episode that
ended by itself has no value after its end. One cut off by the horizon, or by the end of the log,
goes on: its last step bootstraps, marked as a timeout in the first case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer

from ...evaluation.logged import Logged
from ...physiology.errors import InputError
from .spaces import Spaces


def to_buffer(
    logged: Logged,
    spaces: Spaces,
    *,
    cost_penalties: Mapping[str, float] | None = None,
    reward_scale: float = 1.0,
) -> ReplayBuffer:
    """Return a full buffer (one lane) of all decisions, in the order of the log.

    Parameters
    ----------
    logged : Logged
    spaces : Spaces
        Of the environment that the data come from.
    cost_penalties : mapping, optional
        Subtracted from the reward of a step: weight times the cost of that name.
    reward_scale : float
        Factor on what is left.

    Raises
    ------
    InputError
        If the data do not fit the spaces, or a penalty names an unknown cost.
    """
    episodes = logged.episodes
    seen = np.concatenate([e.observations[:-1] for e in episodes])
    ahead = np.concatenate([e.observations[1:] for e in episodes])
    asked = np.concatenate([e.proposed for e in episodes])
    _check(logged, spaces, seen, asked)
    rewards = np.concatenate([e.rewards for e in episodes])
    rewards = rewards - np.concatenate([e.costs for e in episodes]) @ _weights(
        logged.cost_names, cost_penalties or {}
    )
    last = np.cumsum([len(e) for e in episodes]) - 1
    dones, timeouts = np.zeros(len(seen)), np.zeros(len(seen))
    dones[last] = [e.terminated or e.truncated for e in episodes]
    timeouts[last] = [e.truncated and not e.terminated for e in episodes]
    return _filled(spaces, seen, ahead, asked, reward_scale * rewards, dones, timeouts)


def _filled(
    spaces: Spaces,
    seen: NDArray[Any],
    ahead: NDArray[Any],
    asked: NDArray[Any],
    rewards: NDArray[Any],
    dones: NDArray[Any],
    timeouts: NDArray[Any],
) -> ReplayBuffer:
    buffer = ReplayBuffer(len(seen), spaces.observation, spaces.action, device="cpu")
    for name, values in (
        ("observations", seen),
        ("next_observations", ahead),
        ("actions", asked),
        ("rewards", rewards),
        ("dones", dones),
        ("timeouts", timeouts),
    ):
        getattr(buffer, name)[:, 0] = values
    buffer.full = True
    return buffer


def _check(logged: Logged, spaces: Spaces, seen: NDArray[Any], asked: NDArray[Any]) -> None:
    """Refuse data of other spaces than the environment's."""
    if seen.shape[1:] != spaces.observation.shape:
        raise InputError(
            f"logged data show {seen.shape[1]} features, {logged.env_id} shows "
            f"{spaces.observation.shape[0]}; log them again with this version"
        )
    if asked.shape[1:] != spaces.action.shape or logged.levels != bool(spaces.levels):
        kind = "levels" if logged.levels else "numbers"
        raise InputError(
            f"logged actions are {asked.shape[1]} {kind}, those of {logged.env_id} are of "
            f"{spaces.action}; give the keywords the data were logged under"
        )
    low, high = (0, np.array(spaces.levels) - 1) if spaces.levels else (-1.0, 1.0)
    outside = (asked < low) | (asked > high)
    if outside.any():
        row, column = (int(k) for k in np.argwhere(outside)[0])
        raise InputError(
            f"logged action {column} is {asked[row, column]} at decision {row}, outside "
            f"{spaces.action}; mend the log"
        )


def _weights(names: tuple[str, ...], penalties: Mapping[str, float]) -> NDArray[np.float64]:
    for name in penalties:
        if name not in names:
            raise InputError(
                f"cost_penalties names {name!r}; the data's costs are {', '.join(names)}"
            )
    return np.array([float(penalties.get(name, 0.0)) for name in names])
