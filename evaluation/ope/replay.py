"""Asking a target policy about logged courses: its odds for what was done, what it would do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...policies.rule import Chart
from ..logged_episode import Array
from .steps import Steps


def log_odds(policy: Any, steps: Steps) -> Array:
    """Return the target's log probability of every logged act, (E, T); 0 where nobody decides.

    The policy sees each course from its beginning and carries its memory along. A policy without
    ``log_prob`` is deterministic: levels that it would have chosen have mass 1, others 0; doses
    have no density (NaN).
    """
    found = np.zeros(steps.reward.shape)
    _meet(policy, steps)
    by_chance, memory = hasattr(policy, "log_prob"), None
    for t in range(steps.reward.shape[1]):
        seen, begin = steps.observation[:, t], np.full(len(found), t == 0)
        asked, after = policy.predict(seen, memory, begin, True)
        if by_chance:
            found[:, t] = policy.log_prob(seen, steps.action[:, t], memory, begin)
        elif steps.levels:
            same = (np.asarray(asked) == steps.action[:, t]).all(axis=1)
            found[:, t] = np.where(same, 0.0, -np.inf)
        else:
            found[:, t] = np.nan
        memory = after
    return np.where(steps.alive, found, 0.0)


def choices(policy: Any, steps: Steps, rng: np.random.Generator, draws: int = 4) -> NDArray[Any]:
    """Return what the target would do at every observation, (draws, E, T+1, A).

    Parameters
    ----------
    policy : object
        With ``log_prob`` (and ``seeded``) it is asked ``draws`` times by chance; else once.
    steps : Steps
    rng : numpy.random.Generator
    draws : int
    """
    by_chance = hasattr(policy, "log_prob")
    found = []
    for _ in range(draws if by_chance else 1):
        asked = policy.seeded(rng) if by_chance else policy
        _meet(asked, steps)
        course, memory = [], None
        for t in range(steps.reward.shape[1] + 1):
            begin = np.full(len(steps.reward), t == 0)
            action, memory = asked.predict(steps.observation[:, t], memory, begin, not by_chance)
            course.append(np.asarray(action, dtype=steps.action.dtype))
        found.append(np.stack(course, axis=1))
    return np.stack(found)


def _meet(policy: Any, steps: Steps) -> None:
    if hasattr(policy, "meet"):
        policy.meet(
            Chart(
                tuple(steps.patients[i] for i in steps.patient),
                tuple(steps.groups[i] for i in steps.patient),
            )
        )
