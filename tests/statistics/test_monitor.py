"""Monitoring over long times: false alarms, true alarms, late harm, confidence sequences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from dosegym.evaluation.sequential import (
    RESTART_EVERY,
    ViolationMonitor,
    confidence_sequence,
    log_evidence,
)

DELTA = 0.05


def first_alarms(values: np.ndarray, limit: float, every: int = RESTART_EVERY) -> np.ndarray:
    """Observation (R,) at which each monitor of values (R, n) revokes; n + 1 where never."""
    repetitions, n = values.shape
    total = np.pad(np.cumsum(values.astype(int), axis=1), ((0, 0), (1, 0)))
    # Evidence of every pair of counts, looked up rather than computed anew.
    most = int(max((total[:, k:] - total[:, [k]]).max() for k in range(0, n, every)))
    k, count = np.mgrid[: most + 1, : n + 1]
    table = log_evidence(np.minimum(k, count), count, limit)
    evidence = np.zeros((repetitions, n))
    starts = np.arange(0, n, every)
    for j, start in enumerate(starts):
        count = np.arange(1, n - start + 1)
        grown = total[:, start + 1 :] - total[:, [start]]
        part = table[grown, count]
        share = 1.0 / ((j + 1) * (j + 2))
        evidence[:, :start] += share
        evidence[:, start:] += share * np.exp(part)
    evidence += 1.0 / (len(starts) + 1)
    alarm = evidence >= 1.0 / DELTA
    return np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1, n + 1)


def test_the_batch_is_the_monitor() -> None:
    """The batched evidence of these tests alarms when the monitor itself does."""
    values = (np.random.default_rng(0).random((12, 120)) < 0.15).astype(float)
    batch = first_alarms(values, 0.05, every=25)
    for row, expected in zip(values, batch, strict=True):
        monitor, alarm = ViolationMonitor(0.05, DELTA, restart_every=25), 121
        for i, value in enumerate(row):
            monitor = monitor.update(value)
            if monitor.revoked:
                alarm = i + 1
                break
        assert alarm == expected
    assert np.sum(batch <= 120) >= 1


@pytest.mark.parametrize("limit", [0.01, 0.1])
def test_false_alarms_over_a_long_time(limit: float) -> None:
    """At the limit itself, looked at 3,000 times, at most 5 % of 1,000 monitors ever revoke."""
    rng = np.random.default_rng(1)
    alarms = first_alarms((rng.random((1000, 3000)) < limit).astype(float), limit)
    false = int((alarms <= 3000).sum())
    assert stats.binom.sf(false - 1, 1000, DELTA) >= 1e-3


def test_looking_again_and_again_at_a_fixed_bound_is_wrong() -> None:
    """The same watch with an exact test of fixed size at every look revokes far too often."""
    rng = np.random.default_rng(2)
    total = np.cumsum(rng.random((400, 1500)) < 0.1, axis=1)
    p_values = special.bdtrc(total - 1.0, np.arange(1, 1501), 0.1)
    assert np.mean((p_values <= DELTA).any(axis=1)) > 3 * DELTA


def test_dependent_violations_keep_the_error() -> None:
    """Violations that depend on the past, never likelier than the limit, raise no more alarms."""
    rng = np.random.default_rng(3)
    values = np.zeros((1000, 1000))
    for i in range(1000):
        # After a violation the next is as likely as allowed; after peace, half so.
        chance = np.where(values[:, max(i - 1, 0)] > 0, 0.1, 0.1 if i % 7 == 0 else 0.05)
        values[:, i] = rng.random(1000) < chance
    assert np.mean(first_alarms(values, 0.1) <= 1000) <= DELTA


def test_twice_the_limit_is_found() -> None:
    """At twice a limit of 5 % nine in ten are revoked within 600, half of them within 300."""
    rng = np.random.default_rng(4)
    alarms = first_alarms((rng.random((400, 600)) < 0.1).astype(float), 0.05)
    assert np.mean(alarms <= 600) >= 0.9
    assert np.median(alarms) <= 300


def test_harm_that_begins_late_is_found_by_fresh_starts() -> None:
    """After 3,000 good observations a rate of 20 % is found in 600; without fresh starts never."""
    rng = np.random.default_rng(5)
    good, bad = rng.random((200, 3000)) < 0.01, rng.random((200, 600)) < 0.2
    values = np.concatenate([good, bad], axis=1).astype(float)
    fresh = first_alarms(values, 0.05)
    assert np.mean(fresh <= 3000) <= DELTA
    assert np.mean(fresh <= 3600) >= 0.95
    assert np.mean(first_alarms(values, 0.05, every=10_000) <= 3600) <= 0.5


@pytest.mark.parametrize("kind", ["violations", "losses"])
def test_confidence_sequence_holds_at_every_time(kind: str) -> None:
    """Of 300 sequences of 1,000 at most 5 % ever exclude the true mean, at any time."""
    rng, missed = np.random.default_rng(6), 0
    for _ in range(300):
        values = (rng.random(1000) < 0.1) if kind == "violations" else rng.beta(0.6, 5.4, 1000)
        low, high = confidence_sequence(np.asarray(values, float))
        missed += bool((low > 0.1).any() or (high < 0.1).any())
    assert stats.binom.sf(missed - 1, 300, DELTA) >= 1e-3
