"""Keeps compiled kernels honest: what was frozen from files that have changed since is forgotten.

Numba recompiles a cached kernel when its own file changes, not when a constant or a function it
froze from another file does. So each module of kernels compiles a stamp of those files beside its
kernels and compares it at import.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any


def fingerprint(modules: Iterable[ModuleType]) -> int:
    """Return a number of 56 bits that changes with the source of any of the modules."""
    digest = hashlib.sha256()
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
        digest.update(b"\0")
    return int.from_bytes(digest.digest()[:7], "big")


def forget_stale(stamp: Any, now: int, kernels: Iterable[Any]) -> bool:
    """Empty the caches of kernels whose compiled ``stamp`` is not the fingerprint of ``now``.

    Parameters
    ----------
    stamp : compiled function
        Returns the fingerprint frozen when it was compiled; it is compiled anew.
    now : int
    kernels : iterable of compiled functions
        Not called yet in this process: their next call compiles them anew.

    Returns
    -------
    bool
        Whether they were stale.
    """
    if stamp() == now:
        return False
    for kernel in (stamp, *kernels):
        kernel.recompile()
    return True
