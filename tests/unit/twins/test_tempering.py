"""Tempered sampling finds posteriors that are known in closed form, and its pieces are exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.twins.pressure_weights import (
    Noise,
    effective_size,
    resample,
    value_likelihood,
    visit_likelihood,
    weighted_sd,
    weights_of,
)
from dosegym.twins.tempering import Effort, Reach, Student, Walk, bridge, moved, temper


def test_gaussian_posterior_is_found() -> None:
    """A linear reading of a standard normal gives the conjugate mean and standard deviation."""
    noise, reading, n = 0.1, 1.5, 2000

    def likelihood(z: np.ndarray) -> np.ndarray:
        return -0.5 * ((z[:, 0] + z[:, 1] - reading) / noise) ** 2

    found = temper(likelihood, n, 5, np.random.default_rng(1))
    total = found.z[:, 0] + found.z[:, 1]
    gain = 2.0 / (2.0 + noise**2)
    assert total.mean() == pytest.approx(gain * reading, abs=0.02)
    assert total.std() == pytest.approx(np.sqrt(2.0 * noise**2 / (2.0 + noise**2)), rel=0.1)
    # What the reading does not speak of stays as the prior had it.
    assert found.z[:, 2:].mean() == pytest.approx(0.0, abs=0.1)
    assert found.z[:, 2:].std() == pytest.approx(1.0, abs=0.08)
    assert (found.z[:, 0] - found.z[:, 1]).std() == pytest.approx(np.sqrt(2.0), rel=0.1)


def test_no_information_leaves_the_prior() -> None:
    """A flat likelihood needs one stage and every move is accepted as often as the prior asks."""
    found = temper(lambda z: np.zeros(len(z)), 1000, 3, np.random.default_rng(2))
    assert found.stages == 1
    assert found.z.std() == pytest.approx(1.0, abs=0.05)


def test_two_bumps_are_both_kept() -> None:
    """A posterior of two equal bumps keeps about half of the particles in each."""

    def likelihood(z: np.ndarray) -> np.ndarray:
        near = (np.abs(z[:, 0]) - 1.5) / 0.2
        return -0.5 * near**2

    found = temper(likelihood, 1000, 2, np.random.default_rng(3))
    assert 0.4 < float((found.z[:, 0] > 0).mean()) < 0.6


def test_moves_leave_a_bent_law_as_it_is() -> None:
    """Exact draws of a banana in ten dimensions keep their moments over 150 moves of both kinds."""
    d, bend, thin, n = 10, 0.5, 0.3, 1500
    rng = np.random.default_rng(0)
    start = Student(d, 10.0)

    def densities(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        across = (x[:, 1] - bend * (x[:, 0] ** 2 - 1.0)) / thin
        log_target = -0.5 * (x[:, 0] ** 2 + across**2 + (x[:, 2:] ** 2).sum(axis=1))
        law = start.log_density(x)
        return law, np.asarray(log_target - law)

    z = rng.standard_normal((n, d))
    z[:, 1] = bend * (z[:, 0] ** 2 - 1.0) + thin * z[:, 1]
    began, (law, known) = z.copy(), densities(z)
    walk = Walk(Reach.of(Effort(blocks=True)))
    for _ in range(150):
        z, law, known, rate = moved(densities, z, law, known, 1.0, walk, rng)
        walk = walk.after(rate)
    assert abs(np.corrcoef(z[:, 1], began[:, 1])[0, 1]) < 0.3
    assert z[:, 0].std() == pytest.approx(1.0, rel=0.06)
    assert z[:, 1].std() == pytest.approx(np.sqrt(2.0 * bend**2 + thin**2), rel=0.12)
    assert z[:, 2:].std() == pytest.approx(1.0, rel=0.03)


def moved_normal(d: int, effort: Effort, moves: int, flat: float) -> tuple[np.ndarray, np.ndarray]:
    """Return exact draws of the standard normal in d dimensions, and the same after moves."""
    start, rng = Student(d, 10.0), np.random.default_rng(1)

    def densities(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        law = start.log_density(x)
        return law, np.asarray(-0.5 * (x**2).sum(axis=1) - law)

    began = rng.standard_normal((1500, d))
    z, (law, known), walk = began, densities(began), Walk(Reach.of(effort))
    for _ in range(moves):
        z, law, known, rate = moved(densities, z, law, known, 1.0, walk, rng, flat)
        walk = walk.after(rate)
    assert densities(z)[1] == pytest.approx(known)
    return began, z


def test_moves_under_a_flattened_target_spread_by_its_root() -> None:
    """Exact draws of a normal law to the power 0.5 stay so: its spread is the root of 2."""
    _, z = moved_normal(6, Effort(blocks=True), 60, 0.5)
    assert z.std() == pytest.approx(np.sqrt(2.0), rel=0.03)


def test_held_coordinates_stay_and_the_others_keep_their_law() -> None:
    """Of a normal law, two coordinates stay as they were; the other draws stay draws of it."""
    began, z = moved_normal(5, Effort(blocks=True, held=(0, 3)), 40, 1.0)
    np.testing.assert_array_equal(z[:, [0, 3]], began[:, [0, 3]])
    loose = z[:, [1, 2, 4]]
    assert abs(np.corrcoef(loose.ravel(), began[:, [1, 2, 4]].ravel())[0, 1]) < 0.1
    assert loose.std() == pytest.approx(1.0, rel=0.04)


def test_hot_moves_come_first_in_the_last_stage_alone() -> None:
    """Two hot moves of five: half the target's power first, the target itself after them."""
    effort = Effort(moves=3, last=5, hot=2)
    assert list(effort.powers(final=False)) == [1.0] * 3
    assert list(effort.powers(final=True)) == [0.5, 0.5, 1.0, 1.0, 1.0]


def test_a_bridge_with_hot_moves_ends_in_the_target() -> None:
    """In 25 dimensions of unlike spread, particles end as wide as the target, not as its root."""
    start, wide = Student(25, 10.0), np.linspace(0.2, 1.0, 25)

    def densities(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        law = start.log_density(x)
        return law, np.asarray(-0.5 * ((x / wide) ** 2).sum(axis=1) - law)

    effort = Effort(moves=6, last=120, hot=20, blocks=True)
    found = bridge(start, densities, 512, np.random.default_rng(4), effort)
    assert (found.z / wide).std() == pytest.approx(1.0, rel=0.04)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40))
def test_weights_sum_to_one(scores: list[float]) -> None:
    """Weights are a distribution whose effective size lies between 1 and their number."""
    weights = weights_of(np.array(scores))
    assert weights.sum() == pytest.approx(1.0)
    assert 1.0 - 1e-9 <= effective_size(weights) <= len(scores) + 1e-6


@given(st.integers(0, 10_000))
def test_resampling_keeps_proportions(seed: int) -> None:
    """Systematic resampling takes each person its weight's number of times, up or down to one."""
    weights = np.array([0.5, 0.25, 0.2, 0.05])
    rows = resample(weights, 100, np.random.default_rng(seed))
    assert np.all(np.abs(np.bincount(rows, minlength=4) - 100 * weights) <= 1.0)


def test_visit_likelihood_is_bivariate_normal() -> None:
    """The log-density of a visit equals SciPy's, up to the constant left out."""
    from scipy.stats import multivariate_normal

    noise = Noise(np.array([0.08]), np.array([0.07]), np.array([0.7]), 3.0)
    mean = (np.array([[150.0]]), np.array([[90.0]]))
    found = visit_likelihood(np.array([161.0]), np.array([88.0]), mean, noise)[0, 0]
    a, b = 0.08 * 150.0, 0.07 * 90.0
    cov = [[a**2 + 9.0, 0.7 * a * b], [0.7 * a * b, b**2 + 9.0]]
    exact = multivariate_normal([150.0, 90.0], cov).logpdf([161.0, 88.0])
    assert found - np.log(2.0 * np.pi) == pytest.approx(exact)


def test_value_likelihood_is_normal() -> None:
    """The log-density of a laboratory result equals SciPy's, up to the constant left out."""
    from scipy.stats import norm

    found = value_likelihood(np.array([4.9]), np.array([[4.4]]), np.array([[0.2]]))[0, 0]
    assert found - 0.5 * np.log(2.0 * np.pi) == pytest.approx(norm(4.4, 0.2).logpdf(4.9))


def test_weighted_sd_of_equal_weights_is_the_plain_one() -> None:
    """With equal weights the weighted standard deviation is NumPy's."""
    values = np.array([1.0, 4.0, 9.0, 2.0])
    assert weighted_sd(values, np.full(4, 0.25)) == pytest.approx(values.std())
