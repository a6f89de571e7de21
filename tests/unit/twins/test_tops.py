"""Particles that start about several tops: a law told rightly, and shares that are right."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.special import logsumexp

from dosegym.twins.centred import Centred
from dosegym.twins.chart import chart_about
from dosegym.twins.likelihood import Likelihood
from dosegym.twins.mode import Mode, most_probable_vector
from dosegym.twins.sample import NU, PART
from dosegym.twins.simulated import first_days, simulated
from dosegym.twins.tempering import Student, bridge
from dosegym.twins.tops import MARGIN, Tops, distinct
from dosegym.twins.unknowns import Unknowns


@cache
def charts() -> tuple[Centred, Centred]:
    """Return a patient's chart about the top, and one about a place a little aside."""
    patient = simulated(np.random.default_rng(4))
    known = first_days(patient.seen, 1)
    likelihood = Likelihood.of(Unknowns.of(patient.truth.where, known), known)
    mode = most_probable_vector(likelihood, np.zeros(likelihood.unknowns.size))
    aside = mode.u.copy()
    aside[:3] += 0.5
    return tuple(  # type: ignore[return-value]
        Centred.of(replace(chart_about(likelihood, u), part=PART)) for u in (mode.u, aside)
    )


def test_the_density_of_a_mixture_is_that_of_its_draws() -> None:
    """Against the law about the first top alone, weights of the mixture's draws average to one."""
    start = Tops.of(charts(), (0.0, -1.0), NU)
    x = start.draw(4000, np.random.default_rng(0))
    ratio = start.law.log_density(x) - start.densities(x)[0]
    # E[q0 / q] over q is 1; the mixture holds a good part of q0, so that the ratio is bounded.
    assert np.exp(ratio).max() < 1.0 / np.exp(start.log_weight[0]) + 1e-9
    assert np.exp(ratio).mean() == pytest.approx(1.0, abs=0.03)
    assert np.exp(ratio).min() < 0.5


def test_one_top_alone_is_the_plain_law() -> None:
    """With a single chart the mixture is the Student-t in its coordinates."""
    start = Tops.of(charts()[:1], (3.0,), NU)
    x = start.draw(7, np.random.default_rng(0))
    law, ratio = start.densities(x)
    np.testing.assert_allclose(law, start.law.log_density(x))
    np.testing.assert_array_equal(x, start.law.draw(7, np.random.default_rng(0)))
    u, volume = start.chart(x)
    likelihood = start.chart.chart.likelihood
    np.testing.assert_allclose(law + ratio, likelihood(u) - 0.5 * (u**2).sum(axis=1) + volume)


def test_a_bridge_from_two_bumps_weighs_them() -> None:
    """Two bumps 12 standard deviations apart, started evenly, end with the shares they hold."""
    law, away = Student(8, NU), np.eye(8)[0] * 12.0

    class Both:
        """Half of the particles about each bump."""

        def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
            x = law.draw(n, rng)
            x[::2] += away
            return x

    def densities(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        each = [-0.5 * (x**2).sum(axis=1), -0.5 * ((x - away) ** 2).sum(axis=1)]
        target = logsumexp([each[0] + np.log(0.8), each[1] + np.log(0.2)], axis=0)
        start = logsumexp([law.log_density(x), law.log_density(x - away)], axis=0) + np.log(0.5)
        return np.asarray(start), np.asarray(target - start)

    found = bridge(Both(), densities, 2000, np.random.default_rng(1))
    assert float((found.z[:, 0] > 6.0).mean()) == pytest.approx(0.2, abs=0.05)


def test_tops_that_are_the_same_or_without_weight_are_left_out() -> None:
    """The largest evidence comes first; near ones and hopeless ones go."""
    here, there = np.zeros(3), np.array([2.0, 0.0, 0.0])

    def mode(u: np.ndarray, value: float) -> Mode:
        return Mode(u, np.eye(3), np.eye(3), value)

    kept = distinct([mode(here, 0.0), mode(there, 1.0), mode(here + 0.1, -0.5)])
    assert [m.value for m in kept] == [1.0, 0.0]
    assert len(distinct([mode(here, 0.0), mode(there, -MARGIN - 1.0)])) == 1
