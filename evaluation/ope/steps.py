"""Logged episodes side by side as padded arrays, in an order that no file decides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..logged import Logged
from ..logged_episode import Array


@dataclass(frozen=True)
class Steps:
    """E episodes of n patients, padded to the longest (T decisions).

    Parameters
    ----------
    observation : array (E, T+1, O)
    action : array (E, T, A)
        What was proposed.
    reward, log_b : array (E, T)
        0 where nobody decides any more.
    alive : array (E, T), bool
        Whether the decision was made.
    patient : array (E,)
        Position of each episode's patient in ``patients``.
    patients : tuple of str, n of them, in the order of their hashes
    groups : tuple of str, n of them
    people : tuple of str
        Hashes of the patients, in the same order.
    discount : float
    levels : bool
    """

    observation: NDArray[np.float32]
    action: NDArray[Any]
    reward: Array
    log_b: Array
    alive: NDArray[np.bool_]
    patient: NDArray[np.int64]
    patients: tuple[str, ...]
    groups: tuple[str, ...]
    people: tuple[str, ...]
    discount: float
    levels: bool

    @property
    def decay(self) -> Array:
        """Discount of each decision, (T,)."""
        return np.asarray(self.discount ** np.arange(self.reward.shape[1]), dtype=np.float64)

    @property
    def returns(self) -> Array:
        """Discounted return of each episode, (E,)."""
        return np.asarray(self.reward @ self.decay)

    def by_patient(self, values: Array) -> Array:
        """Return means over each patient's episodes: (E, ...) -> (n, ...)."""
        n = len(self.patients)
        total = np.zeros((n, *values.shape[1:]))
        np.add.at(total, self.patient, values)
        count = np.bincount(self.patient, minlength=n)
        return total / count.reshape(n, *(1,) * (values.ndim - 1))


def person_hash(patient: str) -> str:
    """Return the hash by which a patient is told apart from those of other parts."""
    return hashlib.sha256(patient.encode()).hexdigest()[:24]


def people_of(logged: Logged) -> frozenset[str]:
    """Return the hashes of the patients of logged data."""
    return frozenset(person_hash(name) for name in logged.patients())


def padded(logged: Logged) -> Steps:
    """Return logged episodes as padded arrays.

    Episodes are ordered by the hash of their patient, then seed and content, so that estimates do
    not depend on the order of a file.
    """
    ordered = sorted(
        logged.episodes,
        key=lambda e: (person_hash(e.patient), e.seed, e.rewards.tobytes(), e.proposed.tobytes()),
    )
    longest = max(len(e) for e in ordered)
    n, width = len(ordered), ordered[0].observations.shape[1]
    observation = np.zeros((n, longest + 1, width), dtype=np.float32)
    first = ordered[0].proposed
    action = np.zeros((n, longest, first.shape[1]), dtype=first.dtype)
    reward, log_b = np.zeros((n, longest)), np.zeros((n, longest))
    alive = np.zeros((n, longest), dtype=np.bool_)
    for i, one in enumerate(ordered):
        t = len(one)
        observation[i, : t + 1] = one.observations
        # Policies may be asked of any row: what nobody saw any more repeats what was seen last.
        observation[i, t + 1 :] = one.observations[-1]
        action[i, :t], reward[i, :t], log_b[i, :t] = one.proposed, one.rewards, one.log_prob
        alive[i, :t] = True
    names = tuple(dict.fromkeys(e.patient for e in ordered))
    place = {name: i for i, name in enumerate(names)}
    group = {e.patient: e.group for e in ordered}
    return Steps(
        observation, action, reward, log_b, alive,
        np.array([place[e.patient] for e in ordered]),
        names, tuple(group[name] for name in names), tuple(person_hash(name) for name in names),
        logged.discount, logged.levels,
    )  # fmt: skip
