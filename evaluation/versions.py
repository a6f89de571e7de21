"""What software produced a result."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("dosegym", "numpy", "scipy", "numba", "gymnasium", "stable-baselines3", "torch", "cma")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
