"""Properties of the shield for whatever is seen and proposed: monotone, idempotent, one-sided."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.policies.shield_forecast import Forecaster
from dosegym.policies.shield_insulin import InsulinGuard
from dosegym.therapy.dosing import DosingMap
from dosegym.therapy.view import INSULIN_VIEW

N = 6
CLOSE = 3e-5
modes = st.sampled_from(["basal_rate", "basal_and_bolus", "meal_bolus"])
seeds = st.integers(0, 2**32 - 1)


@lru_cache(maxsize=1)
def forecaster() -> Forecaster:
    """Return the shipped forecast."""
    return Forecaster()


def situation(seed: int, mode: str) -> tuple[InsulinGuard, Any, dict[str, Any], Any]:
    """Return a guard, what it sees of N people, its memory of them and what is proposed."""
    rng = np.random.default_rng(seed)
    low, high = INSULIN_VIEW.low, INSULIN_VIEW.high
    seen = np.zeros((N, len(low)), np.float32)
    values = {
        "cgm": rng.uniform(45.0, 330.0, N),
        "iob": rng.uniform(-0.03, 0.25, N),
        "log_basal": np.log(rng.uniform(0.2, 2.0, N)),
        "told_carbs": rng.choice([0.0, 0.0, 20.0, 70.0], N),
        "told_recent": rng.choice([0.0, 20.0, 70.0], N),
        "log_weight": np.log(rng.uniform(20.0, 95.0, N)),
        **{f"dose_{m}": np.log1p(rng.uniform(0.0, 3.0, N)) for m in (20, 50, 100, 200, 500)},
        **{f"cgm_change_{m}": m * rng.normal(0.0, 1.2, N) for m in (5, 10, 15, 20)},
    }
    daily = np.exp(values["log_basal"]) * 50.0
    values |= {
        "log_daily_dose": np.log(daily),
        "log_carb_ratio": np.log(500.0 / daily),
        "log_correction": np.log(1800.0 / daily),
    }
    for name, value in values.items():
        i = INSULIN_VIEW.index[name]
        seen[:, i] = (value - INSULIN_VIEW.features[i].offset) / INSULIN_VIEW.features[i].scale
    seen = np.clip(seen, low, high)
    guard = InsulinGuard(mode, 5.0, True, forecaster())
    memory = guard.remember(N)
    size = DosingMap(mode).size
    if rng.random() < 0.7:
        usual = np.full((N, size), -0.2, np.float32)
        _, memory, _ = guard.amend(seen, usual, memory)
    return guard, seen, memory, rng.uniform(-1.0, 1.0, (N, size)).astype(np.float32)


@given(seeds, modes)
@settings(max_examples=60, deadline=None)
def test_shielding_twice_is_shielding_once(seed: int, mode: str) -> None:
    """An action that came out of the guard goes through it again unchanged, bit for bit."""
    guard, seen, memory, asked = situation(seed, mode)
    once, _, _ = guard.amend(seen, asked, memory)
    twice, _, verdict = guard.amend(seen, once, memory)
    np.testing.assert_array_equal(once, twice)
    assert (verdict.rule == -1).all()


@given(seeds, modes)
@settings(max_examples=60, deadline=None)
def test_a_dose_moves_only_as_its_rule_may(seed: int, mode: str) -> None:
    """Insulin rises only by the rule against withholding, and then to no more than the basal."""
    guard, seen, memory, asked = situation(seed, mode)
    _, _, found = guard.amend(seen, asked, memory)
    usual = np.exp(INSULIN_VIEW.read(seen, "log_basal"))
    total = [d[:, 0] / 12.0 + d[:, 1] for d in (found.proposed, found.applied)]
    lifted = found.applied[:, 0] > found.proposed[:, 0] * (1 + CLOSE)
    withheld = guard.rule_names.index("withheld")
    assert (found.rule[lifted] == withheld).all()
    assert (found.applied[lifted, 0] <= usual[lifted] * (1 + CLOSE)).all()
    others = (found.rule >= 0) & (found.rule != withheld)
    assert (total[1][others] < total[0][others]).all()
    untouched = found.rule < 0
    np.testing.assert_array_equal(found.applied[untouched], found.proposed[untouched])
    assert (found.applied[:, 1] <= found.proposed[:, 1]).all()


@given(seeds, modes, st.floats(0.01, 0.6))
@settings(max_examples=60, deadline=None)
def test_who_asks_for_more_gets_no_less(seed: int, mode: str, more: float) -> None:
    """All insulin given rises, or stays, with all insulin proposed."""
    guard, seen, memory, asked = situation(seed, mode)
    greedier = np.clip(asked + np.float32(more), -1.0, 1.0)
    given_ = []
    for action in (asked, greedier):
        _, _, found = guard.amend(seen, action, memory)
        given_.append(found.applied[:, 0] / 12.0 + found.applied[:, 1])
    assert (given_[1] >= given_[0] * (1 - CLOSE) - 1e-9).all()


@given(seeds, modes)
@settings(max_examples=25, deadline=None)
def test_a_batch_is_its_lanes(seed: int, mode: str) -> None:
    """Each lane is judged as it would be alone, action and memory."""
    guard, seen, memory, asked = situation(seed, mode)
    batch, after, _ = guard.amend(seen, asked, memory)
    for lane in range(N):
        row = slice(lane, lane + 1)
        own = {k: v[row] for k, v in memory.items()}
        alone, mine, _ = guard.amend(seen[row], asked[row], own)
        np.testing.assert_allclose(batch[row], alone, rtol=0, atol=1e-6)
        for key, value in mine.items():
            np.testing.assert_allclose(after[key][row], value, rtol=1e-6, atol=1e-6)
