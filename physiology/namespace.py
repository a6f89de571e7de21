"""Namespaces in which a model's one source runs: NumPy arrays, torch tensors, compiled scalars."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import numpy as np


class Namespace(Protocol):
    """The functions a right-hand side may call, and ``function`` to prepare its helpers."""

    maximum: Callable[[Any, Any], Any]
    minimum: Callable[[Any, Any], Any]
    where: Callable[[Any, Any, Any], Any]
    tanh: Callable[[Any], Any]
    log: Callable[[Any], Any]
    exp: Callable[[Any], Any]
    function: Callable[[Callable[..., Any]], Any]


class _NumpyNamespace:
    """NumPy: arrays over patients."""

    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)
    where = staticmethod(np.where)
    tanh = staticmethod(np.tanh)
    log = staticmethod(np.log)
    exp = staticmethod(np.exp)

    @staticmethod
    def function(pure: Callable[..., Any]) -> Callable[..., Any]:
        """Return the helper as it is."""
        return pure


class _TorchNamespace:
    """Torch: differentiable tensors over patients; numbers are lifted where torch needs tensors."""

    @staticmethod
    def function(pure: Callable[..., Any]) -> Callable[..., Any]:
        """Return the helper as it is."""
        return pure

    @staticmethod
    def _lift(a: Any, b: Any) -> tuple[Any, Any]:
        import torch

        like = a if isinstance(a, torch.Tensor) else b
        return torch.as_tensor(a, dtype=like.dtype), torch.as_tensor(b, dtype=like.dtype)

    def maximum(self, a: Any, b: Any) -> Any:
        """Return the elementwise maximum."""
        import torch

        return torch.maximum(*self._lift(a, b))

    def minimum(self, a: Any, b: Any) -> Any:
        """Return the elementwise minimum."""
        import torch

        return torch.minimum(*self._lift(a, b))

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """Select elementwise; both branches must be finite for the gradient to be."""
        import torch

        return torch.where(condition, a, b)

    def tanh(self, x: Any) -> Any:
        """Return the hyperbolic tangent."""
        return x.tanh()

    def log(self, x: Any) -> Any:
        """Return the natural logarithm."""
        return x.log()

    def exp(self, x: Any) -> Any:
        """Return the exponential."""
        return x.exp()


NUMPY: Any = _NumpyNamespace()
TORCH: Any = _TorchNamespace()


def scalar() -> ModuleType:
    """Return the compiled scalar namespace (imports Numba on first use)."""
    from . import scalar as module

    return module
