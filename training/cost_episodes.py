"""What whole episodes cost: sums of the running ones, a memory of the finished ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
REMEMBERED = 1000


class EpisodeCosts:
    """The costs of N lanes' episodes, step by step.

    Parameters
    ----------
    n_envs, n_costs : int
        N and K.
    remembered : int
        Finished episodes kept, the latest.
    """

    def __init__(self, n_envs: int, n_costs: int, remembered: int = REMEMBERED) -> None:
        self.totals = np.zeros((n_envs, n_costs))
        self._steps = np.zeros(n_envs)
        self._ended: deque[tuple[float, ...]] = deque(maxlen=remembered)
        self._n_costs = n_costs
        self.fresh = 0

    def add(self, costs: Array, over: NDArray[np.bool_]) -> None:
        """Add a step's costs (N, K); ``over`` (N,) says whose episode ended with it."""
        self.totals += costs
        self._steps += 1.0
        if over.any():
            for lane in np.flatnonzero(over):
                self._ended.append((float(self._steps[lane]), *self.totals[lane].tolist()))
                self.fresh += 1
            self.totals[over] = 0.0
            self._steps[over] = 0.0

    def begin(self, lanes: NDArray[np.bool_]) -> None:
        """Forget what the running episodes of some lanes (N,) had cost: they begin anew."""
        self.totals[lanes] = 0.0
        self._steps[lanes] = 0.0

    @property
    def finished(self) -> int:
        """Finished episodes remembered, M."""
        return len(self._ended)

    def ended_totals(self) -> Array:
        """Return the whole costs (M, K) of the finished episodes remembered."""
        return self._table()[:, 1:]

    def ended_rates(self) -> Array:
        """Return their costs per step (M, K)."""
        table = self._table()
        return table[:, 1:] / table[:, :1]

    def mean_steps(self) -> float:
        """Return the mean length of the finished episodes."""
        return float(self._table()[:, 0].mean())

    def take_fresh(self) -> Array:
        """Return the costs per step (F, K) of the episodes finished since the last call."""
        fresh, self.fresh = min(self.fresh, len(self._ended)), 0
        return self.ended_rates()[len(self._ended) - fresh :]

    def _table(self) -> Array:
        return np.array(self._ended, np.float64).reshape(-1, 1 + self._n_costs)

    def state(self) -> dict[str, Any]:
        """Return what ``restore`` takes."""
        return {
            "totals": self.totals.tolist(),
            "steps": self._steps.tolist(),
            "ended": [list(row) for row in self._ended],
            "fresh": self.fresh,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put back what ``state`` returned."""
        self.totals = np.array(state["totals"], np.float64).reshape(-1, self._n_costs)
        self._steps = np.array(state["steps"], np.float64)
        self._ended.clear()
        self._ended.extend(tuple(row) for row in state["ended"])
        self.fresh = int(state["fresh"])


def tail_mean(values: Array, share: float) -> float:
    """Return the mean of the worst ``share`` of values: the empirical CVaR.

    Of n values the share x n largest count, the last of them in part (Rockafellar and Uryasev 2002,
    doi:10.1016/S0378-4266(02)00271-6).

    Parameters
    ----------
    values : array (n,)
    share : float
        In (0, 1].
    """
    worst = np.sort(values)[::-1]
    weight = np.clip(share * len(worst) - np.arange(len(worst)), 0.0, 1.0)
    return float(weight @ worst / weight.sum())


def excess(before: Array, costs: Array, threshold: Array, share: Array) -> Array:
    """Return the part of a step's costs that lies above a threshold of the whole episode's.

    With the threshold at an episode's value at risk, the sum over an episode is (C - threshold)+ /
    share, and its mean, added to the threshold, the CVaR of C. So an episode weighs 1 / share from
    where it enters the tail, and nothing before.

    Parameters
    ----------
    before : array (N, K)
        What the episodes had cost before the step.
    costs : array (N, K)
    threshold : array (K,)
    share : array (K,)
        Of the tail, in (0, 1].
    """
    over = np.maximum(before + costs - threshold, 0.0) - np.maximum(before - threshold, 0.0)
    return np.asarray(over / share)
