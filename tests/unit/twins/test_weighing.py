"""What alarms have learnt answers as it should, and belongs to the features of this version."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.twins.anomaly_features import LABELS
from dosegym.twins.anomaly_thresholds import THRESHOLDS
from dosegym.twins.weighing import LEARNT, Trees, weighings


def by_hand(trees: Trees, row: np.ndarray) -> float:
    """Walk every tree from its root for one row."""
    total = trees.intercept
    for t in range(len(trees.value)):
        node, before = 0, -1
        while node != before:
            before = node
            goes_left = row[trees.feature[t, node]] <= trees.threshold[t, node]
            node = int((trees.left if goes_left else trees.right)[t, node])
        total += trees.value[t, node]
    return float(total)


def test_a_tree_of_two_questions() -> None:
    """Three leaves are reached by the answers to two questions; equal goes left."""
    trees = Trees(
        0.5, np.array([[0, 0, 1, 0, 0]]), np.array([[1.0, 0.0, 2.0, 0.0, 0.0]]),
        np.array([[1, 1, 3, 3, 4]]), np.array([[2, 1, 4, 3, 4]]),
        np.array([[9.0, 10.0, 9.0, 20.0, 30.0]]),
    )  # fmt: skip
    rows = np.array([[1.0, 5.0], [1.1, 2.0], [1.1, 2.1]])
    assert trees.score(rows).tolist() == [10.5, 20.5, 30.5]
    assert trees.score(rows[None]).shape == (1, 3)
    assert trees.score(rows[:0]).shape == (0,)
    assert Trees.from_dict(trees.to_dict()).score(rows).tolist() == [10.5, 20.5, 30.5]


def test_shipped_trees_answer_as_by_hand() -> None:
    """Batches and single walks agree on what is shipped, over more rows than one block holds."""
    rng = np.random.default_rng(0)
    rows = 3.0 * rng.standard_normal((5000, len(LABELS)))
    found = weighings()
    assert "occlusion" in found
    for trees in found.values():
        score = trees.score(rows)
        for i in (0, 17, 4095, 4096, 4999):
            assert score[i] == pytest.approx(by_hand(trees, rows[i]))
        assert score.std() > 0.1


def test_shipped_weighings_fit_the_features() -> None:
    """Every kind that is weighed has a threshold, and asks only for features that there are."""
    assert set(weighings()) == set(LEARNT) <= set(THRESHOLDS)
    for trees in weighings().values():
        assert trees.feature.max() < len(LABELS)
