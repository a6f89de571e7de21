"""The monitor of a released policy: evidence by its integral, state, JSON, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import integrate, stats

from dosegym.evaluation.sequential import ViolationMonitor, confidence_sequence, log_evidence
from dosegym.physiology.errors import InputError


def watch(values: np.ndarray, **words: float) -> ViolationMonitor:
    monitor = ViolationMonitor(**{"limit": 0.05, "delta": 0.05, **words})
    for value in values:
        monitor = monitor.update(value)
    return monitor


@pytest.mark.parametrize(("total", "n"), [(0, 0), (0, 40), (7, 40), (2.5, 31)])
def test_evidence_is_the_mixed_likelihood_ratio(total: float, n: int) -> None:
    """The closed form equals the integral of the ratio over the prior cut at the limit."""
    limit = 0.05
    prior = stats.beta(1, 1 / limit - 1)

    def weighed(p: float) -> float:
        return (p / limit) ** total * ((1 - p) / (1 - limit)) ** (n - total) * prior.pdf(p)

    mixed = integrate.quad(weighed, limit, 1, epsabs=1e-12)[0] / prior.sf(limit)
    assert float(log_evidence(total, n, limit)) == pytest.approx(np.log(mixed), abs=1e-7)


def test_evidence_is_fair_at_the_limit_and_falls_below_it() -> None:
    """Averaged over all outcomes the evidence is 1 at the limit, less below, more above."""
    counts = np.arange(61)
    evidence = np.exp(log_evidence(counts, np.full(61, 60), 0.1))
    mean = {p: float(stats.binom.pmf(counts, 60, p) @ evidence) for p in (0.05, 0.1, 0.2)}
    assert mean[0.1] == pytest.approx(1.0, abs=1e-9)
    assert mean[0.05] < 0.6 < 2.0 < mean[0.2]


def test_starts_share_the_evidence() -> None:
    """The monitor's evidence is the weighted sum of its starts, those to come counting 1."""
    values = np.random.default_rng(0).random(25) < 0.3
    monitor = watch(values, restart_every=10)
    parts = [
        np.exp(float(log_evidence(values[start:].sum(), 25 - start, 0.05))) for start in (0, 10, 20)
    ]
    expected = parts[0] / 2 + parts[1] / 6 + parts[2] / 12 + 1 / 4
    assert monitor.e_value == pytest.approx(expected, rel=1e-9)
    assert monitor.starts == (0.0, float(values[:10].sum()), float(values[:20].sum()))


def test_a_monitor_is_never_changed_and_never_forgives() -> None:
    """Update returns a new state; once revoked it stays so, and the p-value stays small."""
    fresh = ViolationMonitor(0.05, 0.05)
    assert (fresh.e_value, fresh.p_value, fresh.revoked) == (pytest.approx(1.0), 1.0, False)
    bad = watch(np.ones(8))
    assert fresh.n == 0
    assert bad.revoked
    good = bad
    for _ in range(300):
        good = good.update(False)
    assert good.e_value < 1.0
    assert good.revoked
    assert good.p_value == bad.p_value <= 0.05


def test_fractions_count_as_losses() -> None:
    """Losses between 0 and 1 add up; half losses at the limit's rate are no evidence."""
    losses = watch(np.full(200, 0.05))
    assert losses.total == pytest.approx(10.0)
    assert losses.e_value < 1.0
    assert watch(np.full(200, 0.3)).revoked


def test_json_keeps_the_whole_state() -> None:
    """A saved monitor goes on exactly as if it had never been saved."""
    values = np.random.default_rng(1).random(60) < 0.1
    whole = watch(values, restart_every=16)
    half = watch(values[:31], restart_every=16)
    again = ViolationMonitor.from_json(half.to_json())
    assert again == half
    for value in values[31:]:
        again = again.update(value)
    assert again == whole
    assert json.loads(whole.to_json())["n"] == 60


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "other"}', '{"format": "dosegym-violation-monitor-1"}']
)
def test_other_texts_are_refused(text: str) -> None:
    """What to_json did not write is refused in one line."""
    with pytest.raises(InputError, match="text is no saved dosegym-violation-monitor-1"):
        ViolationMonitor.from_json(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limit": 1.0}, "limit is 1"),
        ({"delta": 0.0}, "delta is 0"),
        ({"total": 9.0}, "9 violations in 3"),
        ({"starts": [0.0, 1.0]}, "3 observations has 2 starts"),
    ],
)
def test_impossible_states_are_refused(change: dict, message: str) -> None:
    """A tampered file with an impossible state is refused by what is wrong with it."""
    state = {**json.loads(watch(np.zeros(3)).to_json()), **change}
    with pytest.raises(InputError, match=message):
        ViolationMonitor.from_json(json.dumps(state))


@pytest.mark.parametrize("violated", [-0.1, 1.5, np.nan])
def test_a_missing_observation_is_no_good_news(violated: float) -> None:
    """A loss outside 0 to 1, or missing, is refused."""
    with pytest.raises(InputError, match="give true, false or a loss from 0 to 1"):
        ViolationMonitor(0.05, 0.05).update(violated)


def test_confidence_sequence_narrows_around_the_rate() -> None:
    """Ends never widen, meet the evidence's edge, and close in on the rate."""
    values = (np.random.default_rng(2).random(4000) < 0.1).astype(float)
    low, high = confidence_sequence(values)
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) <= 0).all()
    assert low[-1] < 0.1 < high[-1] < low[-1] + 0.05
    assert confidence_sequence([0.0])[0][0] == 0.0
    assert confidence_sequence([1.0])[1][0] == 1.0
    # One loss of 1: Robbins's bound 1/2 p^-1 reaches 20 at p = 1/40.
    assert confidence_sequence([1.0])[0][0] == pytest.approx(1 / 40, abs=1e-9)


def test_confidence_sequence_needs_values_in_its_range() -> None:
    """Percent or negative values are refused, not scaled by guess."""
    with pytest.raises(InputError, match="outside 0 to 1"):
        confidence_sequence([30.0])
    with pytest.raises(InputError, match="at least 1"):
        confidence_sequence([])
