"""The tail's shape is found where it is known, and decides as it should."""

import numpy as np
import pytest

from dosegym.twins.pareto import pareto_k, tail_fit


@pytest.mark.parametrize("k", [-0.3, 0.2, 0.7])
def test_shape_and_scale_of_a_pareto_tail_are_found(k: float) -> None:
    """Draws by the generalised Pareto's closed-form quantiles give back its shape and scale."""
    u = (np.arange(4000) + 0.5) / 4000
    shape, scale = tail_fit(2.0 / k * ((1.0 - u) ** -k - 1.0))
    assert shape == pytest.approx(k, abs=0.04)
    assert scale == pytest.approx(2.0, rel=0.06)


def test_weights_of_a_narrow_proposal_are_distrusted() -> None:
    """A normal of standard deviation s for one of 1 has weights whose tail has k = 1 - s^2."""
    rng = np.random.default_rng(3)
    for sd, low, high in ((0.5, 0.6, 0.95), (0.9, 0.0, 0.5)):
        x = sd * rng.standard_normal(40_000)
        k = pareto_k(-0.5 * x**2 + 0.5 * (x / sd) ** 2)
        assert low < k < high


def test_equal_weights_have_no_tail_and_few_cannot_tell() -> None:
    """Weights all alike are as good as can be; a handful says nothing."""
    assert pareto_k(np.zeros(500)) == float("-inf")
    assert pareto_k(np.zeros(5)) == float("inf")
