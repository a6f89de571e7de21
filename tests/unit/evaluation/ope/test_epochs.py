"""Coarser decisions: held acts seen as one decision each, without loss."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.evaluation.collect import collect
from dosegym.evaluation.logged import Logged
from dosegym.evaluation.ope import Evidence, coarsen, make_estimator
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.held import Held
from dosegym.policies.noisy import NoisyClinician
from dosegym.policies.smoothed import Smoothed

INSULIN = "dosegym/Insulin-v0"
PEOPLE = {"population": "virtual", "size": 40, "purpose": "test", "seed": 4}
EVERY = 72


def held_log() -> Logged:
    """Return a day of insulin whose rate is decided four times."""
    clinician = NoisyClinician(load_policy("constant_basal"), sd=0.08)
    keep = {"env_kwargs": {"days": 1}, "discount": 0.999}
    return collect(INSULIN, Held(clinician, EVERY), PEOPLE, 1, **keep)


def test_coarse_logs_keep_returns_costs_times_and_odds() -> None:
    """Four decisions a day have the returns, costs, times and odds of the 288 they stand for."""
    fine = held_log()
    coarse = coarsen(fine, EVERY)
    np.testing.assert_allclose(coarse.returns(), fine.returns(), rtol=1e-12)
    for one, other in zip(fine.episodes, coarse.episodes, strict=True):
        assert len(other) == 4
        np.testing.assert_allclose(other.costs.sum(axis=0), one.costs.sum(axis=0))
        np.testing.assert_array_equal(other.time_min, one.time_min[::EVERY])
        assert other.log_prob.sum() == pytest.approx(one.log_prob.sum())
        np.testing.assert_array_equal(other.proposed, one.proposed[::EVERY])


def test_hundreds_of_decisions_tell_nothing_and_four_do() -> None:
    """The same contrast is hopeless at 288 decisions a day, and seen at four."""
    basal = load_policy("constant_basal")
    calm = Smoothed(basal, sd=0.06)
    coarse = Evidence(coarsen(held_log(), EVERY), calm)
    keep = {"env_kwargs": {"days": 1}, "discount": 0.999}
    fine = Evidence(collect(INSULIN, NoisyClinician(basal, sd=0.08), PEOPLE, 1, **keep), calm)
    assert fine.diagnostics["ess"] < 5.0
    assert coarse.diagnostics["ess"] > 15.0
    found = make_estimator("wis")(coarse, rng=np.random.default_rng(0))
    assert found.low < found.value < found.high


def test_acts_that_were_not_held_are_refused() -> None:
    """A block in which the act changes hides decisions: refused, with the mend."""
    noisy = NoisyClinician(load_policy("pid"), sd=0.1)
    log = collect(INSULIN, noisy, ["adult#001"], 1, env_kwargs={"days": 1})
    with pytest.raises(InputError, match="within a block of 36"):
        coarsen(log, 36)
    with pytest.raises(InputError, match="every is 0"):
        coarsen(held_log(), 0)
    with pytest.raises(InputError, match=r"every is 1\.5"):
        Held(load_policy("pid"), 1.5)
