"""A policy that decides now and then: held in between, with odds where it decides."""

from __future__ import annotations

import numpy as np

from dosegym.policies.held import Held


class Counting:
    """A policy whose dose counts how often it was asked, with odds of its own."""

    def __init__(self, lot: float = 0.0) -> None:
        self.lot = lot

    def seeded(self, rng: np.random.Generator) -> Counting:
        return Counting(float(rng.random()))

    def predict(self, seen, state=None, begin=None, deterministic=True):
        asked = 0 if state is None or (begin is not None and np.all(begin)) else state
        return np.full((len(seen), 1), 0.1 * asked + self.lot, np.float32), asked + 1

    def log_prob(self, seen, action, state=None, begin=None):
        return np.full(len(seen), -1.5)


def test_it_is_asked_every_so_many_steps() -> None:
    """Of seven steps held by three, three decisions are made, each with the inner odds."""
    policy, seen = Held(Counting(), 3), np.zeros((2, 4), np.float32)
    memory, doses, odds = None, [], []
    for t in range(7):
        begin = np.full(2, t == 0)
        action, after = policy.predict(seen, memory, begin)
        odds.append(policy.log_prob(seen, action, memory, begin)[0])
        doses.append(round(float(action[0, 0]), 3))
        other = policy.log_prob(seen, action + 1.0, memory, begin)[0]
        assert other == (-1.5 if t % 3 == 0 else -np.inf)
        memory = after
    assert doses == [0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.2]
    assert odds == [-1.5, 0.0, 0.0, -1.5, 0.0, 0.0, -1.5]


def test_a_new_episode_begins_anew_and_the_lot_is_passed_on() -> None:
    """With ``episode_start`` the memory is dropped; another generator reaches the inner policy."""
    policy, seen = Held(Counting(), 2), np.zeros((1, 4), np.float32)
    _, memory = policy.predict(seen)
    _, memory = policy.predict(seen, memory)
    action, _ = policy.predict(seen, memory, np.ones(1, bool))
    assert action[0, 0] == 0.0
    lots = {policy.seeded(np.random.default_rng(s)).inner.lot for s in (1, 1, 2)}
    assert len(lots) == 2
