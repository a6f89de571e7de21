"""Numba's ``njit``, told to fill the widest registers of processors that lose nothing by it.

LLVM keeps to vectors of 256 bits on every processor with AVX-512, since the first ones slowed their
clock down under wider ones. From Sapphire Rapids on they hardly do. Patients lie in separate lanes
of a vector, so that its width changes no number. ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` go
before this; where a program compiled with Numba before it imported this module, Numba has already
made its choice.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numba.core import codegen, config

__all__ = ["njit", "widened"]

# Arithmetic of 16 bits came with Sapphire Rapids; no earlier processor has it.
_TOLD_BY = "+avx512fp16"
_NARROW = "-prefer-256-bit"


def widened(features: str) -> str | None:
    """Return the features to compile for, given the machine's own; None to leave them alone."""
    return f"{features},{_NARROW}" if _TOLD_BY in features.split(",") else None


def _choose(settings: Any, machine: Any) -> None:
    """Set what Numba compiles for, where its user has not."""
    if settings.CPU_NAME is None and settings.CPU_FEATURES is None:
        settings.CPU_FEATURES = widened(machine.get_host_cpu_features())


_choose(config, codegen)
