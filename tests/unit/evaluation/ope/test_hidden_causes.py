"""Hidden causes of treatment: the worst they can do is found, and it holds what they did."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from tabular import BEHAVIOUR, TARGET, Process, Table

from dosegym.evaluation.logged import Logged, LoggedEpisode
from dosegym.evaluation.ope import Evidence, hidden_causes, make_estimator
from dosegym.evaluation.ope.hidden_causes import FACTORS, worst_factors
from dosegym.physiology.errors import InputError

# Prescribers who know what the log does not: a milder course gets the second act with 0.7, not 0.5.
KNOWING, LOGGED = 0.7, 0.5
MISSTATED = max(LOGGED / (1.0 - KNOWING), KNOWING / LOGGED)


def one_decision(n: int, rng: np.random.Generator) -> Logged:
    """Return courses of one decision whose hidden cause moves both the act and the outcome."""
    mild = rng.random(n) < 0.5
    act = (rng.random(n) < np.where(mild, KNOWING, 1.0 - KNOWING)).astype(np.int64)
    reward = 0.3 * act + 1.0 * mild + 0.3 * rng.standard_normal(n)
    courses = tuple(
        LoggedEpisode(
            observations=np.eye(3)[[0, 0]],
            actions=act[i : i + 1, None],
            rewards=reward[i : i + 1],
            costs=np.zeros((1, 0)),
            time_min=np.arange(2.0),
            log_prob=np.log([LOGGED]),
            proposed=act[i : i + 1, None],
            shielded=np.zeros(1, bool),
            terminated=False,
            truncated=True,
            patient=f"p{i}",
            group="all",
            seed=i,
        )
        for i in range(n)
    )
    return Logged(courses, "tests/Hidden", {}, (), {"policy": "knowing"}, 1.0)


def test_the_worst_factors_are_the_worst_of_all() -> None:
    """Of all factors at either end, none makes the weighted mean smaller."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        bottom = rng.exponential(size=8) * (rng.random(8) < 0.8)
        top = bottom * rng.normal(size=8)
        if not bottom.any():
            continue
        own = worst_factors(top, bottom, 1.7)
        each = [np.array(f) for f in product((1.7, 1.0 / 1.7), repeat=8)]
        least = min(float(f @ top) / float(f @ bottom) for f in each)
        assert float(own @ top) / float(own @ bottom) == pytest.approx(least)


def test_what_hidden_causes_did_is_within_the_bounds() -> None:
    """An interval that trusts the log misses the truth; one at the true factor holds it."""
    target, truth = Table(((0.1, 0.9),) * 3), 0.3 * 0.9 + 0.5
    trusting, aware, runs = 0, 0, 20
    for seed in range(runs):
        log = one_decision(300, np.random.default_rng(seed))
        told = hidden_causes(Evidence(log, target), 1.1, rng=np.random.default_rng(seed))
        at = next(i for i, factor in enumerate(FACTORS) if factor >= MISSTATED)
        trusting += told.low[0] <= truth <= told.high[0]
        aware += told.low[at] <= truth <= told.high[at]
    assert trusting < 0.3 * runs
    assert aware >= 0.95 * runs


def test_without_hidden_causes_it_is_the_interval_of_wis_and_grows() -> None:
    """At factor 1 nothing is added; each larger factor holds the smaller one's interval."""
    evidence = Evidence(Process().log(BEHAVIOUR, 600, np.random.default_rng(1)), TARGET)
    told = hidden_causes(evidence, 0.0, rng=np.random.default_rng(3))
    plain = make_estimator("wis")(evidence, rng=np.random.default_rng(4))
    noise = 0.1 * (plain.high - plain.low)
    assert told.low[0] == pytest.approx(plain.low, abs=noise)
    assert told.high[0] == pytest.approx(plain.high, abs=noise)
    assert list(told.low) == sorted(told.low, reverse=True)
    assert list(told.high) == sorted(told.high)


def test_the_largest_factor_is_where_the_word_turns() -> None:
    """At it the interval ends at the limit, and more distant limits take more."""
    evidence = Evidence(Process().log(BEHAVIOUR, 600, np.random.default_rng(1)), TARGET)
    first = hidden_causes(evidence, 0.0, rng=np.random.default_rng(3))
    near, far = first.high[2], first.high[3]
    told = [hidden_causes(evidence, x, rng=np.random.default_rng(3)) for x in (near, far)]
    assert [t.says for t in told] == ["below", "below"]
    assert told[0].holds_to == pytest.approx(FACTORS[2], rel=0.01)
    assert told[1].holds_to == pytest.approx(FACTORS[3], rel=0.01)
    assert "misstate the probability" in told[0].sentence
    above = hidden_causes(evidence, first.low[2], rng=np.random.default_rng(3))
    assert above.says == "not below"
    assert above.holds_to == pytest.approx(FACTORS[2], rel=0.01)


def test_what_decides_nothing_is_overturned_by_nothing() -> None:
    """A limit within the interval leaves a factor of 1 and says so; no number is refused."""
    evidence = Evidence(Process().log(BEHAVIOUR, 200, np.random.default_rng(1)), TARGET)
    first = hidden_causes(evidence, 0.0, rng=np.random.default_rng(3))
    middle = 0.5 * (first.low[0] + first.high[0])
    told = hidden_causes(evidence, middle, rng=np.random.default_rng(3))
    assert (told.says, told.holds_to) == ("neither", 1.0)
    assert "already without any" in told.sentence
    assert told.to_dict()["factor"] == list(FACTORS)
    assert told.to_dict()["low"] == list(told.low)
    untold = replace(told, high=(*told.high[:-1], float("nan")))
    assert untold.to_dict()["high"] == [*told.high[:-1], None]
    with pytest.raises(InputError, match="limit is nan"):
        hidden_causes(evidence, float("nan"), rng=np.random.default_rng(3))
