"""The compiled scalar functions equal the ones of the mathematics library."""

import math

import numpy as np
import pytest

from dosegym.physiology import scalar
from dosegym.physiology.namespace import NUMPY, TORCH


def test_tanh_error_is_below_1e_13() -> None:
    """The polynomial tanh, which LLVM can vectorise, keeps the accuracy its docstring states."""
    points = np.concatenate(
        [np.linspace(-30, 30, 20001), np.logspace(-12, 1, 500), [0.0, -0.0, 1e300, -1e300]]
    )
    error = max(abs(scalar.tanh(x) - math.tanh(x)) for x in points)
    assert error < 1e-13


def test_tanh_is_odd_and_saturates() -> None:
    """The sign is exact and far arguments give exactly one."""
    assert scalar.tanh(-0.7) == -scalar.tanh(0.7)
    assert scalar.tanh(1e6) == 1.0


def test_exp_error_is_below_1e_13() -> None:
    """The polynomial exp keeps within [-5, 5] the relative error its docstring states."""
    points = np.concatenate([np.linspace(-5, 5, 20001), [0.0, -0.0, 1e-300, 1e-17, -1e-17]])
    error = max(abs(scalar.exp(x) / math.exp(x) - 1.0) for x in points)
    assert error < 1e-13
    assert scalar.exp(0.0) == 1.0


def test_exp_is_accurate_and_rising_over_its_range() -> None:
    """Up to +-60 the relative error stays below 2e-12, and more never gives less."""
    points = np.linspace(-60, 60, 20001)
    values = np.array([scalar.exp(x) for x in points])
    assert np.abs(values / np.exp(points) - 1.0).max() < 2e-12
    assert (np.diff(values) > 0.0).all()


def test_exp_stops_at_its_ends() -> None:
    """Beyond 60 it stays at exp(60), below -60 at exp(-60): no infinity, no zero."""
    assert scalar.exp(1e9) == scalar.exp(math.inf) == scalar.exp(60.0) < math.inf
    assert scalar.exp(-1e9) == scalar.exp(-math.inf) == scalar.exp(-60.0) > 0.0


@pytest.mark.parametrize("x", [1e-3, 0.5, 1.0, 7.25])
def test_log_and_exp_agree_in_all_namespaces(x: float) -> None:
    """Every namespace computes the same logarithm and exponential."""
    import torch

    point = torch.tensor(x, dtype=torch.float64)
    assert scalar.log(x) == pytest.approx(NUMPY.log(x), rel=1e-15)
    assert scalar.exp(x) == pytest.approx(NUMPY.exp(x), rel=1e-13)
    assert float(TORCH.log(point)) == pytest.approx(math.log(x), rel=1e-15)
    assert float(TORCH.exp(point)) == pytest.approx(math.exp(x), rel=1e-15)


def test_choices_agree_in_all_namespaces() -> None:
    """Maximum, minimum and where mean the same for numbers, arrays and tensors."""
    import torch

    a, b = 2.0, -3.0
    tensor = torch.tensor(a, dtype=torch.float64)
    assert scalar.maximum(a, b) == NUMPY.maximum(a, b) == float(TORCH.maximum(tensor, b)) == 2.0
    assert scalar.minimum(a, b) == NUMPY.minimum(a, b) == float(TORCH.minimum(b, tensor)) == -3.0
    assert scalar.where(a < b, a, b) == float(NUMPY.where(a < b, a, b)) == -3.0
    assert float(TORCH.where(tensor < b, tensor, tensor + 1.0)) == 3.0
