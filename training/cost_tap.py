"""What writes a rollout's costs down while Stable-Baselines3 collects it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost_buffer import CostRolloutBuffer
from .cost_episodes import EpisodeCosts, excess
from .cost_source import Reader

Array = NDArray[np.float64]


class CostTap:
    """Stands before the callback of a rollout and writes down every step's costs.

    SB3 hands its local variables to the callback before it adds the step to the buffer, so the
    costs come to lie beside their rewards, and SB3's own loop stays as it is.

    Parameters
    ----------
    reader : callable
        Of :func:`~dosegym.training.cost_source.cost_reader`.
    callback : BaseCallback
        Who is called after that, and answers for everything else.
    buffer : CostRolloutBuffer
    episodes : EpisodeCosts
    threshold : array (K,)
        Whole cost of an episode from which on it lies in the tail; -inf where every cost counts.
    share : array (K,)
        Of the tail.
    """

    def __init__(
        self,
        reader: Reader,
        callback: Any,
        buffer: CostRolloutBuffer,
        episodes: EpisodeCosts,
        threshold: Array,
        share: Array,
    ) -> None:
        self._reader, self._callback = reader, callback
        self._buffer, self._episodes = buffer, episodes
        self._in_tail = np.isfinite(threshold)
        self._threshold, self._share = np.where(self._in_tail, threshold, 0.0), share
        self._locals: Mapping[str, Any] = {}
        self.total = np.zeros(len(share))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._callback, name)

    def update_locals(self, found: Mapping[str, Any]) -> None:
        """Hand SB3's local variables on, after a look at them."""
        self._locals = found
        self._callback.update_locals(found)

    def on_step(self) -> bool:
        """Write the step's costs down, then let the callback go on."""
        infos, dones = self._locals["infos"], self._locals["dones"]
        costs = self._reader(infos)
        self.total += costs.mean(axis=0)
        tail = excess(self._episodes.totals, costs, self._threshold, self._share)
        self._buffer.keep_costs(np.where(self._in_tail, tail, costs))
        self._episodes.add(costs, dones)
        for lane in np.flatnonzero(dones):
            last = infos[lane].get("terminal_observation")
            if last is not None and infos[lane].get("TimeLimit.truncated", False):
                self._buffer.keep_cut_off(int(lane), last)
        return bool(self._callback.on_step())
