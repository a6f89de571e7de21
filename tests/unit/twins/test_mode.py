"""The climb to the most probable vector, readings at the sensor's limits included."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from dosegym.twins.calibration import part_of
from dosegym.twins.likelihood import Likelihood
from dosegym.twins.mode import log_posterior, most_probable_vector, slope_and_curvature
from dosegym.twins.noise import LARGEST_RHO
from dosegym.twins.probable import MOST_TOPS, most_probable, tops
from dosegym.twins.search import starting_points
from dosegym.twins.simulated import first_days, simulated
from dosegym.twins.unknowns import Unknowns

Array = NDArray[np.float64]

# Of these virtual patients, 12-60 % of the readings lie at the sensor's upper limit.
CENSORED = (2, 25)


@cache
def patient(seed: int) -> tuple[Likelihood, Array, Array]:
    """Return a day's likelihood, where the fit begins its climb, and the truth."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 20260302]))
    lived = simulated(rng)
    seen, where = first_days(lived.seen, 1), lived.truth.where
    found = most_probable(where, seen, starting_points(8, rng), largest_rho=LARGEST_RHO)
    unknowns = Unknowns.of(where, seen)
    first = unknowns.standardised(found.z, found.noise, found.variation, found.effect)
    return Likelihood.of(unknowns, seen), first, part_of(lived.truth, lived.u, unknowns)


@pytest.mark.parametrize("seed", CENSORED)
def test_slope_is_that_of_the_posterior(seed: int) -> None:
    """It agrees with differences where readings are censored too, which once counted as silent."""
    likelihood, _, u = patient(seed)
    assert np.mean(likelihood.seen.censored != 0) > 0.05
    step = 1e-4 * np.eye(len(u))
    measured = (log_posterior(likelihood, u + step) - log_posterior(likelihood, u - step)) / 2e-4
    pull, curvature = slope_and_curvature(likelihood, u)
    spread = np.sqrt(np.diag(np.linalg.inv(curvature)))
    free = np.delete(np.arange(len(u)), likelihood.unknowns.spreads)
    # In units that matter: a step of one posterior standard deviation.
    assert np.abs((pull - measured) * spread)[free].max() < 0.05 * np.abs(measured * spread).max()


@pytest.mark.parametrize("seed", CENSORED)
def test_the_climb_ends_at_a_top(seed: int) -> None:
    """It comes as high as a climb from the truth does, and nothing near is higher."""
    likelihood, first, truth = patient(seed)
    mode = most_probable_vector(likelihood, first)
    assert mode.value > most_probable_vector(likelihood, truth).value - 3.0
    away = 0.03 * mode.root.T
    near = np.concatenate([mode.u + away, mode.u - away])
    # Spreads stay where the fit had them.
    near[:, likelihood.unknowns.spreads] = mode.u[likelihood.unknowns.spreads]
    assert log_posterior(likelihood, near).max() < mode.value + 0.05


def test_tops_are_distinct_and_the_best_come_first() -> None:
    """Searches that ended at the same place count once; no more than a few are climbed."""
    ends = np.array([[0.0, 0.0], [2.0, 0.0], [0.1, 0.1], [0.0, 2.0], [3.0, 3.0]])
    kept = tops(ends, np.array([5.0, 1.0, 4.0, 2.0, 9.0]))
    assert [k.tolist() for k in kept] == [[2.0, 0.0], [0.0, 2.0], [0.1, 0.1]]
    assert len(kept) == MOST_TOPS


def test_the_likelier_top_is_kept() -> None:
    """Where the search's lowest end is the wrong one, the evidence tells (a patient of two)."""
    likelihood, first, truth = patient(41)
    ours, best = (most_probable_vector(likelihood, u) for u in (first, truth))
    evidence = [m.value + np.log(np.diag(m.root)).sum() for m in (ours, best)]
    assert evidence[0] > evidence[1] - 1.0
