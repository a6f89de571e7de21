"""L2: harm hidden in a slice of the population is found, and chance is not taken for it."""

from __future__ import annotations

import numpy as np

from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.gate.subgroups import subgroups

RULES = load_constraints("insulin-v1")
N = 3000


def features(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return two features of people."""
    return {"log weight": rng.normal(4.2, 0.2, N), "log carb ratio": rng.normal(2.3, 0.4, N)}


def test_harm_to_the_outer_two_percent_is_found() -> None:
    """Sixty of 3,000, all with the smallest carb ratios, are a slice that is refuted."""
    known = features(np.random.default_rng(1))
    harmed = np.argsort(np.argsort(known["log carb ratio"])) < 60
    worst = subgroups(RULES, {"severe-low": harmed}, known)[0]
    assert worst.refuted
    assert (worst.item, worst.feature, worst.harmed) == ("severe-low", "log carb ratio", 60)
    assert "are harmed" in worst.said()


def test_harm_by_chance_at_the_limit_refutes_no_slice() -> None:
    """Of 300 populations harmed at random at the limit, 1 % and chance have a refuted slice."""
    refuted = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        found = subgroups(RULES, {"severe-low": rng.random(N) < 0.01}, features(rng))
        refuted += found[0].refuted
    assert refuted <= 300 * 0.01 + 3.0 * np.sqrt(300 * 0.01 * 0.99)


def test_nobody_harmed_refutes_nothing() -> None:
    """A policy without harm has no bad slice, and every slice is told of."""
    found = subgroups(
        RULES, {"severe-low": np.zeros(N, dtype=bool)}, features(np.random.default_rng(2))
    )
    assert len(found) == 14
    assert not any(s.refuted for s in found)
