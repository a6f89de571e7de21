"""What alarms have learnt: boosted trees that weigh features, as plain data.

They are learnt by scikit-learn's histogram gradient boosting (Ke 2017, NeurIPS 30:3146-54); what
they answer needs no more than their nodes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .anomaly_features import LABELS

Array = NDArray[np.float64]
ROWS_AT_ONCE = 4096
# Illness is told by the running means of insulin action alone: few people fall ill to learn from.
LEARNT = ("occlusion", "meal", "compression", "drift")


@dataclass(frozen=True, eq=False)
class Trees:
    """A sum of binary trees; every tree's root is node 0, and a leaf points to itself.

    Parameters
    ----------
    intercept : float
    feature : array (T, M) of int
        Which feature a node asks for.
    threshold : array (T, M)
        A feature at or below it goes to the left.
    left, right : array (T, M) of int
    value : array (T, M)
        Of leaves.
    """

    intercept: float
    feature: NDArray[np.int64]
    threshold: Array
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Array

    def score(self, features: Array) -> Array:
        """Return the log odds (...) of features (..., F)."""
        flat = np.asarray(features, dtype=np.float64).reshape(-1, features.shape[-1])
        parts = [self._sums(flat[i : i + ROWS_AT_ONCE]) for i in range(0, len(flat), ROWS_AT_ONCE)]
        return self.intercept + np.concatenate([np.zeros(0), *parts]).reshape(features.shape[:-1])

    def _sums(self, rows: Array) -> Array:
        tree, row = np.arange(len(self.value))[None], np.arange(len(rows))[:, None]
        node = np.zeros((len(rows), len(self.value)), dtype=np.int64)
        while True:
            lower = rows[row, self.feature[tree, node]] <= self.threshold[tree, node]
            after = np.where(lower, self.left[tree, node], self.right[tree, node])
            if np.array_equal(after, node):
                return np.asarray(self.value[tree, node].sum(axis=1))
            node = after

    def to_dict(self) -> dict[str, Any]:
        """Return the trees in JSON."""
        parts = ("feature", "threshold", "left", "right", "value")
        return {"intercept": self.intercept, **{k: getattr(self, k).tolist() for k in parts}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trees:
        """Return the trees that ``to_dict`` described."""
        feature, left, right = (
            np.array(data[k], dtype=np.int64) for k in ("feature", "left", "right")
        )
        threshold, value = (np.array(data[k], dtype=np.float64) for k in ("threshold", "value"))
        return cls(data["intercept"], feature, threshold, left, right, value)


@cache
def weighings() -> Mapping[str, Trees]:
    """Return the trees of each kind of fault that has some, as ``data/alarms.json`` tells.

    The file is the output of ``examples/train_alarms.py``.
    """
    text = resources.files("dosegym.twins.data").joinpath("alarms.json").read_text("utf-8")
    data = json.loads(text)
    assert data["labels"] == list(LABELS), "alarms.json was learnt from other features"
    return {name: Trees.from_dict(row) for name, row in data["kinds"].items()}
