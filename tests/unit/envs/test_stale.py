"""Compiled kernels are forgotten when a file they froze values from has changed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from dosegym.envs import kernels
from dosegym.envs.stale import fingerprint, forget_stale

KERNELS = """
from numba import njit
from dosegym.envs import stale
import {constants} as constants

VALUE, FROZEN = constants.VALUE, stale.fingerprint((constants,))


@njit(cache=True)
def double(x):
    return x * VALUE


@njit(cache=True)
def stamp():
    return FROZEN


STALE = stale.forget_stale(stamp, FROZEN, (double,))
"""


def load(path: Path) -> ModuleType:
    """Import a file afresh, as a new process would."""
    sys.modules.pop(path.stem, None)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_a_changed_constant_reaches_cached_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the stamp Numba would go on with the old value; with it the new one is compiled."""
    monkeypatch.syspath_prepend(str(tmp_path))
    constants, path = tmp_path / "frozen_constants.py", tmp_path / "cached_kernels.py"
    path.write_text(KERNELS.format(constants="frozen_constants"))
    constants.write_text("VALUE = 2.0\n")
    load(constants)
    first = load(path)
    assert not first.STALE
    assert first.double(3.0) == 6.0
    again = load(path)
    assert not again.STALE
    assert again.double(3.0) == 6.0
    assert sum(again.double.stats.cache_hits.values()) == 1
    constants.write_text("VALUE = 5.0\n")
    load(constants)
    changed = load(path)
    assert changed.STALE
    assert changed.double(3.0) == 15.0
    after = load(path)
    assert not after.STALE
    assert after.double(3.0) == 15.0
    assert sum(after.double.stats.cache_hits.values()) == 1


def test_the_insulin_kernels_are_fresh() -> None:
    """What is compiled in this process was frozen from the files as they are now."""
    assert kernels.frozen_from() == kernels._FROZEN
    assert not forget_stale(kernels.frozen_from, kernels._FROZEN, ())


def test_fingerprints_tell_files_apart() -> None:
    """The fingerprint follows content and order, and fits a signed 64-bit number."""
    from dosegym.therapy import dosing, pump

    assert fingerprint((dosing, pump)) == fingerprint((dosing, pump))
    assert fingerprint((dosing, pump)) != fingerprint((pump, dosing))
    assert 0 <= fingerprint((dosing,)) < 2**56
