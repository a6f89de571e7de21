"""Coarser decisions: logs of acts that were held for a while, seen as one decision each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...physiology.errors import InputError
from ..logged import Logged, LoggedEpisode


def coarsen(logged: Logged, every: int) -> Logged:
    """Return logged data with one decision for every so many.

    Weights over thousands of decisions tell nothing. Where acts were held (``policies.held.Held``,
    a dose set at a visit), the decisions in between were none, and leaving them out loses nothing.

    Parameters
    ----------
    logged : Logged
        Whose proposed acts do not change within blocks of ``every`` decisions.
    every : int
        At least 1.

    Returns
    -------
    Logged
        Rewards are added up within a block, discounted to its beginning; costs are added up; the
        discount is that of a whole block; odds are those of a block's first act. A target asked
        about it sees what was seen at the beginning of each block only.

    Raises
    ------
    InputError
        If an act changes within a block.
    """
    if not isinstance(every, int) or isinstance(every, bool) or every < 1:
        raise InputError(f"every is {every!r}; give a whole number of at least 1")
    episodes = tuple(_coarse(one, every, logged.discount) for one in logged.episodes)
    meta = {**logged.meta, "decisions_held": every}
    return replace(logged, episodes=episodes, discount=logged.discount**every, meta=meta)


def _coarse(one: LoggedEpisode, every: int, discount: float) -> LoggedEpisode:
    n = len(one)
    first = np.arange(0, n, every)
    place = np.arange(n) - np.repeat(first, np.diff(np.append(first, n)))
    block = np.repeat(np.arange(len(first)), np.diff(np.append(first, n)))
    moved = (one.proposed != one.proposed[first][block]).any(axis=1)
    if moved.any():
        raise InputError(
            f"episode of patient {one.patient!r}: the act changes at decision "
            f"{int(moved.argmax())}, within a block of {every}; hold acts that long when logging "
            "(policies.held.Held), or log in an environment of longer steps (step_min)"
        )
    seen = np.append(first, n)
    rewards = np.bincount(block, one.rewards * discount**place, len(first)).astype(np.float64)
    costs = [np.bincount(block, column, len(first)) for column in one.costs.T]
    return replace(
        one,
        observations=one.observations[seen],
        actions=one.actions[first],
        proposed=one.proposed[first],
        rewards=rewards,
        costs=np.stack(costs, axis=1) if costs else np.zeros((len(first), 0)),
        time_min=one.time_min[seen],
        log_prob=one.log_prob[first],
        shielded=np.bincount(block, one.shielded, len(first)) > 0,
    )
