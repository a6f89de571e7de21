"""Two problems small enough to be solved exactly, with random data of each, for offline learners.

A walk along a chain by levels (the second entry of the action only costs), and a point that
numbers push along a line towards zero. Both have episodes of fixed length that are truncated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box, MultiDiscrete
from numpy.typing import NDArray

from dosegym.evaluation.logged import Logged, LoggedEpisode
from dosegym.training.offline.spaces import Spaces

Array = NDArray[Any]
PLACES, STEPS = 6, 12
COST = 0.1


@dataclass(frozen=True)
class Problem:
    """A problem, batch first: states are single numbers.

    ``start`` draws n states, ``see`` shows them, ``move`` returns next states, rewards and ends;
    ``best`` acts optimally, ``chance`` at random.
    """

    name: str
    spaces: Spaces
    start: Callable[[int, np.random.Generator], Array]
    see: Callable[[Array], Array]
    move: Callable[[Array, Array], tuple[Array, Array, Array]]
    best: Callable[[Array], Array]
    chance: Callable[[Array, np.random.Generator], Array]


def _see_place(place: Array) -> Array:
    return np.eye(PLACES, dtype=np.float32)[place.astype(int)]


def _walk(place: Array, action: Array) -> tuple[Array, Array, Array]:
    """Go left (0), stay (1) or right (2); the last place pays 1 and ends the episode."""
    there = np.clip(place + action[:, 0] - 1, 0, PLACES - 1)
    arrived = there == PLACES - 1
    return there, arrived - COST * action[:, 1], arrived


def _to_the_right(place: Array) -> Array:
    return np.tile([2, 0], (len(place), 1))


CHAIN = Problem(
    "chain",
    Spaces(Box(0.0, 1.0, (PLACES,), np.float32), MultiDiscrete([3, 2])),
    lambda n, rng: rng.integers(PLACES - 1, size=n).astype(float),
    _see_place,
    _walk,
    _to_the_right,
    lambda place, rng: np.stack(
        [rng.integers(3, size=len(place)), rng.integers(2, size=len(place))], axis=1
    ),
)


def _push(place: Array, action: Array) -> tuple[Array, Array, Array]:
    there = place + action[:, 0]
    return there, -10.0 * there**2, np.zeros(len(place), bool)


def _back(place: Array) -> Array:
    """Push straight to zero: the reward counts the place alone, and one push reaches it."""
    return -place[:, None]


LINE = Problem(
    "line",
    Spaces(Box(-5.0, 5.0, (1,), np.float32), Box(-1.0, 1.0, (1,), np.float32)),
    lambda n, rng: rng.uniform(-0.9, 0.9, n),
    lambda place: place[:, None].astype(np.float32),
    _push,
    _back,
    # Random pushes, on average to the right of what is best: to clone their mean is not enough.
    lambda place, rng: np.clip(
        rng.uniform(-0.7, 1.3, (len(place), 1)) - 0.7 * place[:, None], -1.0, 1.0
    ),
)
PROBLEMS = {problem.name: problem for problem in (CHAIN, LINE)}


def play(
    problem: Problem, act: Callable[[Array], Array], n: int, rng: np.random.Generator
) -> tuple[LoggedEpisode, ...]:
    """Return n episodes under ``act``, from states to actions."""
    state, over = problem.start(n, rng), np.zeros(n, bool)
    seen, done, earned, ended = [problem.see(state)], [], [], []
    for _ in range(STEPS):
        action = act(state)
        state, reward, end = problem.move(state, action)
        over = over | end
        seen.append(problem.see(state))
        done.append(action)
        earned.append(reward)
        ended.append(over)
    return tuple(
        _episode(i, *(np.stack(x)[:, i] for x in (seen, done, earned, ended))) for i in range(n)
    )


def _episode(i: int, seen: Array, done: Array, earned: Array, ended: Array) -> LoggedEpisode:
    """Cut one lane off where it ended."""
    died = bool(ended.any())
    n = int(np.argmax(ended)) + 1 if died else len(earned)
    return LoggedEpisode(
        seen[: n + 1], done[:n], earned[:n], np.zeros((n, 1)), np.arange(n + 1.0),
        np.full(n, np.nan), done[:n], np.zeros(n, bool), died, not died, f"p{i}", "all", i,
    )  # fmt: skip


def logged(
    problem: Problem, n: int, rng: np.random.Generator, act: Callable[[Array], Array] | None = None
) -> Logged:
    """Return n logged episodes, at random unless told how to act."""
    random = act or (lambda state: problem.chance(state, rng))
    return Logged(play(problem, random, n, rng), "test", {}, ("none",), {"policy": "test"})


def mean_return(
    problem: Problem, act: Callable[[Array], Array], n: int = 400, seed: int = 99
) -> float:
    """Return the mean undiscounted return of fresh episodes, the same starts for all."""
    episodes = play(problem, act, n, np.random.default_rng(seed))
    return float(np.mean([episode.returns(1.0) for episode in episodes]))
