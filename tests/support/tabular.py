"""A small decision process whose values are known exactly, for tests of estimators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dosegym.evaluation.logged import Logged, LoggedEpisode

STATES, ACTIONS, LENGTH, DISCOUNT = 3, 2, 4, 0.9


@dataclass(frozen=True)
class Table:
    """A policy of the process: probabilities (3, 2) of its actions in each state."""

    odds: Any
    rng: Any = 0

    @property
    def p(self) -> np.ndarray:
        return np.asarray(self.odds, float)

    def seeded(self, rng: Any) -> Table:
        return Table(self.odds, rng)

    def predict(self, seen: Any, state: Any = None, begin: Any = None, deterministic: bool = True):
        p = self.p[np.argmax(seen, axis=1)]
        if deterministic:
            return p.argmax(axis=1)[:, None], None
        drawn = np.random.default_rng(self.rng).random(len(p)) > p[:, 0]
        return drawn.astype(np.int64)[:, None], None

    def log_prob(self, seen: Any, action: Any, state: Any = None, begin: Any = None) -> np.ndarray:
        p = self.p[np.argmax(seen, axis=1), action[:, 0]]
        with np.errstate(divide="ignore"):
            return np.log(p)


BEHAVIOUR = Table(((0.6, 0.4), (0.5, 0.5), (0.4, 0.6)))
TARGET = Table(((0.3, 0.7), (0.6, 0.4), (0.2, 0.8)))


class Process:
    """Three states, two actions, four decisions, discount 0.9; everything drawn once."""

    def __init__(self) -> None:
        rng = np.random.default_rng(20)
        self.start = np.array([0.5, 0.3, 0.2])
        self.move = rng.dirichlet(np.ones(STATES), (STATES, ACTIONS))
        self.reward = np.round(rng.normal(0.3, 1.0, (STATES, ACTIONS)), 2)

    def q(self, policy: Table) -> tuple[np.ndarray, np.ndarray]:
        """Return Q (T, S, A) and V (T+1, S) of what remains."""
        q, v = np.zeros((LENGTH, STATES, ACTIONS)), np.zeros((LENGTH + 1, STATES))
        for t in reversed(range(LENGTH)):
            q[t] = self.reward + DISCOUNT * self.move @ v[t + 1]
            v[t] = (policy.p * q[t]).sum(axis=1)
        return q, v

    def value(self, policy: Table) -> float:
        """Return the exact mean discounted return."""
        return float(self.start @ self.q(policy)[1][0])

    def returns(self, policy: Table) -> tuple[np.ndarray, np.ndarray]:
        """Return all returns that are possible, ascending, and their probabilities."""
        found: dict[float, float] = {}
        stack = [(0, s, self.start[s], 0.0) for s in range(STATES)]
        while stack:
            t, s, p, g = stack.pop()
            if t == LENGTH:
                found[round(g, 9)] = found.get(round(g, 9), 0.0) + p
                continue
            for a in range(ACTIONS):
                gained = g + DISCOUNT**t * self.reward[s, a]
                for after in range(STATES):
                    odds = p * policy.p[s, a] * self.move[s, a, after]
                    stack.append((t + 1, after, odds, gained))
        order = sorted(found)
        return np.array(order), np.array([found[g] for g in order])

    def cvar(self, policy: Table, level: float) -> float:
        """Return the mean of the worst share of returns."""
        returns, odds = self.returns(policy)
        kept = np.minimum(np.cumsum(odds), level)
        return float(np.diff(kept, prepend=0.0) @ returns / level)

    @cached_property
    def support(self) -> tuple[float, float]:
        """Least and most return that are possible."""
        whole = (DISCOUNT ** np.arange(LENGTH)).sum()
        return float(self.reward.min() * whole), float(self.reward.max() * whole)

    def log(self, policy: Table, n: int, rng: np.random.Generator, episodes: int = 1) -> Logged:
        """Return logged courses of n patients."""
        m = n * episodes
        s = rng.choice(STATES, m, p=self.start)
        seen, acts, rewards, odds = [np.eye(STATES)[s]], [], [], []
        for _ in range(LENGTH):
            a, _ = policy.seeded(rng).predict(seen[-1], deterministic=False)
            acts.append(a)
            odds.append(policy.log_prob(seen[-1], a))
            rewards.append(self.reward[s, a[:, 0]])
            cut = np.cumsum(self.move[s, a[:, 0]], axis=1)
            s = np.minimum((rng.random(m)[:, None] > cut).sum(axis=1), STATES - 1)
            seen.append(np.eye(STATES)[s])
        courses = tuple(
            LoggedEpisode(
                observations=np.stack([x[i] for x in seen]),
                actions=np.stack([x[i] for x in acts]),
                rewards=np.array([x[i] for x in rewards]),
                costs=np.zeros((LENGTH, 0)),
                time_min=np.arange(LENGTH + 1.0),
                log_prob=np.array([x[i] for x in odds]),
                proposed=np.stack([x[i] for x in acts]),
                shielded=np.zeros(LENGTH, bool),
                terminated=False,
                truncated=True,
                patient=f"p{i % n}",
                group="even" if i % n % 2 == 0 else "odd",
                seed=i,
            )
            for i in range(m)
        )
        return Logged(courses, "tests/Tabular", {}, (), {"policy": "table"}, DISCOUNT)
