"""The fit's compiled loops equal the general functions and plain array arithmetic they replace."""

import numpy as np
import pytest
from scipy.linalg import solve_triangular
from scipy.special import stdtr, stdtrit

from dosegym.twins.censored_kernel import FREEDOM, bound_errors, tail_and_median
from dosegym.twins.inputs_kernel import lay_out, serve
from dosegym.twins.noise import STUDENT_NU
from dosegym.twins.triangles import solved

LEAST = 1e-12


def test_the_closed_form_is_of_the_noise_that_is_believed() -> None:
    """The tail in closed form has as many degrees of freedom as the noise."""
    assert FREEDOM == STUDENT_NU


@pytest.mark.parametrize(
    "x",
    [*np.linspace(-60.0, 60.0, 121), *np.logspace(-4, 4, 41), *(-np.logspace(-4, 4, 41))],
)
def test_tail_and_median_are_those_of_scipy(x: float) -> None:
    """Probability above a point and the median beyond it agree with SciPy's to 13 digits."""
    probability, median = tail_and_median(x, LEAST)
    wanted = max(float(stdtr(STUDENT_NU, -x)), LEAST)
    assert probability == pytest.approx(wanted, rel=1e-12)
    assert median == pytest.approx(-float(stdtrit(STUDENT_NU, 0.5 * wanted)), rel=1e-12, abs=1e-13)


def test_errors_of_censored_readings_follow_one_from_the_other() -> None:
    """Medians are relative to the error before, itself a median where it is not known."""
    rng = np.random.default_rng(0)
    error = 20.0 * rng.standard_normal((5, 3))
    side = np.array([1, 0, -1, -1, 0], dtype=np.int8)
    keep, scale = rng.uniform(0.5, 0.9, (3, 3)), rng.uniform(3.0, 9.0, (3, 3))
    known, bound, told = error.copy(), np.zeros_like(error), np.zeros(3)
    bound_errors(known, bound, told, side, keep, scale, LEAST)
    wanted, log_probability = error.copy(), np.zeros(3)
    for row, i in enumerate(np.flatnonzero(side)):
        before = keep[row] * wanted[i - 1] if i else np.zeros(3)
        least = side[i] * (error[i] - before) / scale[row]
        above = stdtr(STUDENT_NU, -least)
        log_probability += np.log(above)
        wanted[i] = before - side[i] * scale[row] * stdtrit(STUDENT_NU, 0.5 * above)
        np.testing.assert_allclose(bound[i], least, rtol=1e-12)
    np.testing.assert_allclose(known, wanted, rtol=1e-12)
    np.testing.assert_allclose(told, log_probability, rtol=1e-12)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("size", [1, 2, 9, 40])
def test_triangles_are_solved(transposed: bool, size: int) -> None:
    """Solutions equal LAPACK's, and what stands above the diagonal is not read."""
    rng = np.random.default_rng(size)
    root = rng.standard_normal((6, size, size)) / size + 2.0 * np.eye(size)
    right = rng.standard_normal((6, size))
    kept = right.copy()
    found = solved(root, right, transposed)
    for k in range(6):
        wanted = solve_triangular(root[k], right[k], lower=True, trans=int(transposed))
        np.testing.assert_allclose(found[k], wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(right, kept)


def test_a_record_is_laid_out_for_each_body() -> None:
    """Carbohydrate is recorded times the body's factor times the meal's; insulin has its basal."""
    rng = np.random.default_rng(1)
    carbs, insulin = rng.uniform(0.0, 5.0, 20), rng.uniform(0.0, 1.0, 20)
    meal = np.repeat([-1, 0, -1, 1], 5)
    factor, own, basal = rng.uniform(0.5, 2.0, 4), rng.uniform(0.5, 2.0, (2, 4)), rng.random(4)
    u = np.empty((20, 2, 4))
    lay_out(u, carbs, meal, insulin, factor, own, basal)
    share = np.where(meal[:, None] >= 0, own[np.maximum(meal, 0)], 1.0)
    np.testing.assert_array_equal(u[:, 0], carbs[:, None] * factor * share)
    np.testing.assert_array_equal(u[:, 1], insulin[:, None] + basal)


def _eaten(minutes: np.ndarray, onset: float, grams: float) -> np.ndarray:
    return np.clip(5.0 * (minutes - onset), 0.0, grams)


@pytest.mark.parametrize("onset", [-30.0, -2.3, 0.0, 7.5, 9.9, 17.25, 40.0])
@pytest.mark.parametrize("grams", [0.0, 0.2, 5.0, 33.3])
def test_a_meal_is_served_whole(onset: float, grams: float) -> None:
    """What is eaten in each minute of a stretch adds up, whichever part of a meal lies in it."""
    u = np.ones((20, 2, 2))
    both = np.array([[100.0 + onset], [103.0]]), np.array([[grams], [12.0]])
    serve(u, 100.0, *both, 5.0)
    edges = 100.0 + np.arange(21)
    for j, (at, size) in enumerate(((100.0 + onset, grams), (103.0, 12.0))):
        np.testing.assert_allclose(u[:, 0, j], 1.0 + np.diff(_eaten(edges, at, size)), atol=1e-12)
    np.testing.assert_array_equal(u[:, 1], 1.0)


def test_each_of_several_meals_is_served() -> None:
    """A body may eat more than once in a stretch, and begin between two minutes."""
    u = np.zeros((60, 2, 1))
    serve(u, 0.0, np.array([[5.0, 30.5]]), np.array([[20.0, 7.0]]), 5.0)
    assert u[:, 0].sum() == pytest.approx(27.0)
    assert u[30:32, 0, 0] == pytest.approx([2.5, 4.5])
