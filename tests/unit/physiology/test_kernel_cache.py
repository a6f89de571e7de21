"""The kernel cache: says when it compiles, and survives damage, bad folders and a second model."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology import Model, engine
from dosegym.physiology.engine import Engine
from dosegym.physiology.kernel_cache import cache_folder, cache_folders, fingerprint, identity
from dosegym.physiology.kernel_source import kernel_source


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOSEGYM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, logger="dosegym")

    def read() -> list[str]:
        messages = [r.getMessage() for r in caplog.records if r.name == "dosegym"]
        caplog.clear()
        return messages

    return read


def _half_after_14_min(built: Engine) -> bool:
    """Whether the kernel computes: 0.05/min halves an amount in 13.863 min."""
    x = np.array([[100.0, 0.0]])
    built.advance(x, np.array([[np.log(2.0) / 14.0]]), np.zeros((14, 1, 1)))
    return abs(float(x[0, 0]) - 50.0) < 1e-5


def test_compilation_is_announced_exactly_when_it_happens(
    decay: Callable[..., Model], folder: Path, said: Callable[[], list[str]]
) -> None:
    """A first kernel is announced, a cached one is not, a second model's beside it is."""
    first = Engine(decay(10.0))
    assert said() == ["compiling decay for this machine, once (some seconds)"]
    again = Engine(decay(10.0))
    assert said() == []
    assert again.compile_seconds < first.compile_seconds
    other = Engine(decay(0.01))
    assert said() == ["compiling decay for this machine, once (some seconds)"]
    assert _half_after_14_min(first)
    assert _half_after_14_min(again)
    assert not _half_after_14_min(other)


@pytest.mark.parametrize(
    "damage",
    [
        "index",
        "all empty",
        pytest.param("code", marks=pytest.mark.slow),
        pytest.param("source", marks=pytest.mark.slow),
    ],
)
def test_damaged_cache_is_mended(
    decay: Callable[..., Model], folder: Path, said: Callable[[], list[str]], damage: str
) -> None:
    """A cut-off index, code or source file is thrown away and compiled again, and then stays."""
    Engine(decay())
    said()
    for file in (folder / "kernels").rglob("*"):
        kind = {".nbi": "index", ".nbc": "code", ".py": "source"}.get(file.suffix)
        if kind == damage:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        elif damage == "all empty" and file.is_file():
            file.write_bytes(b"")
    assert _half_after_14_min(Engine(decay()))
    assert any("compiling decay" in line for line in said()) or damage == "source"
    assert _half_after_14_min(Engine(decay()))
    assert said() == []


def test_unusable_folder_is_passed_over(
    decay: Callable[..., Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the chosen folder cannot be written, kernels go to a temporary one."""
    blocked, spare = tmp_path / "a file", tmp_path / "spare"
    blocked.write_text("in the way")
    spare.mkdir()
    monkeypatch.setenv("DOSEGYM_CACHE", str(blocked / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    assert cache_folder().parent == spare
    assert _half_after_14_min(Engine(decay()))
    assert list(spare.rglob("decay_*.py"))


def test_folder_of_another_user_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled code in a shared temporary folder is used only if this user made the folder."""
    monkeypatch.setenv("DOSEGYM_CACHE", str(tmp_path / "chosen"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: 123_456, raising=False)
    candidates = list(cache_folders())
    assert tmp_path / "dosegym-cache-123456" not in candidates
    assert len(candidates) == 2


def test_fingerprint_tells_models_apart(decay: Callable[..., Model]) -> None:
    """Another captured constant or option makes another kernel; the same model the same one."""
    prints = [
        fingerprint(m, kernel_source(m)) for m in (decay(), decay(), decay(1.0), decay(a="b"))
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3
    assert identity(decay(0.3)) == identity(decay(0.3))
    assert identity(decay(0.3)) != identity(decay(0.4))


def test_faulty_equations_are_not_taken_for_a_damaged_cache(
    decay: Callable[..., Model], folder: Path, said: Callable[[], list[str]]
) -> None:
    """Equations that Numba cannot compile raise at once, with Numba's own words."""
    import dataclasses

    from numba.core.errors import NumbaError

    def equations(xp: object) -> Callable[..., object]:
        def rhs(x: object, u: object, p: object) -> object:
            return ("text".no_such_method(),)  # type: ignore[attr-defined]

        return rhs

    with pytest.raises(NumbaError, match="no_such_method"):
        Engine(dataclasses.replace(decay(), name="faulty", equations=equations))
    assert [line for line in said() if "unusable" in line] == []


SCRIPT = """
import logging
logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
from dosegym.physiology import load_model
from dosegym.physiology.engine import engine_for
print(engine_for(load_model()).compile_seconds)
"""


@pytest.mark.slow
def test_first_compilation_takes_at_most_15_s(tmp_path: Path) -> None:
    """In a fresh cache the insulin model compiles within 15 s and says so, then loads quicker."""
    seconds, spoken = [], []
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "DOSEGYM_CACHE": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        seconds.append(float(run.stdout))
        spoken.append(run.stderr.count("dosegym compiling uva_padova_2008"))
    assert spoken == [1, 0]
    assert seconds[0] <= 15.0
    assert seconds[1] < seconds[0] / 3.0


def test_chosen_folder_comes_first(folder: Path) -> None:
    """``DOSEGYM_CACHE`` is made where it is missing, and preferred."""
    assert not folder.exists()
    assert engine.cache_folder() == folder
    assert folder.is_dir()
