"""Where compiled kernels live: the cache folder, fingerprints, the mending of a damaged cache."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import logging
import marshal
import os
import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .kernel_source import kernel_source
from .model import Model

log = logging.getLogger("dosegym")

# What unpickling a damaged index, reading a cut-off source or writing to a full disk can raise.
_DAMAGE = (
    OSError,
    EOFError,
    ImportError,
    pickle.UnpicklingError,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def cache_folders() -> Iterator[Path]:
    """Yield writable folders for compiled kernels, the preferred one first.

    ``DOSEGYM_CACHE``, else the user's cache; then this user's own folder among the temporary ones;
    at last a fresh temporary folder.
    """
    chosen = os.environ.get("DOSEGYM_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    preferred = Path(chosen) if chosen else base / "dosegym"
    if _writable(preferred):
        yield preferred
    user = os.getuid() if hasattr(os, "getuid") else 0
    shared = Path(tempfile.gettempdir()) / f"dosegym-cache-{user}"
    # Compiled code is loaded from here: a folder that another user made must not be trusted.
    if _writable(shared) and (user == 0 or shared.stat().st_uid == user):
        yield shared
    yield Path(tempfile.mkdtemp(prefix="dosegym-cache-"))


def cache_folder() -> Path:
    """Return the folder in which compiled kernels are kept (see :func:`cache_folders`)."""
    return next(cache_folders())


def identity(model: Model) -> tuple[Any, ...]:
    """Return what tells two models' kernels apart in a process: name, options, code, constants."""
    pieces = _pieces(model)
    constants = tuple(_constants(piece) for piece in pieces)
    codes = tuple(getattr(piece, "__code__", piece) for piece in pieces)
    options = repr(sorted(model.options.items()))
    return (model.name, options, model.hold_every, model.stepper, codes, constants)


def _pieces(model: Model) -> tuple[Callable[..., Any], ...]:
    """Return the functions that are compiled, those that they have captured among them."""
    found: list[Callable[..., Any]] = []
    waiting = [model.equations, model.hold, model.observe, model.fastest]
    while waiting:
        piece = waiting.pop(0)
        if piece is None or piece in found:
            continue
        found.append(piece)
        if inspect.isfunction(piece):
            captured = inspect.getclosurevars(piece).nonlocals
            waiting += [v for _, v in sorted(captured.items()) if inspect.isfunction(v)]
    return tuple(found)


def _constants(piece: Callable[..., Any]) -> str:
    """Return the plain values a closure has captured; they are compiled into the kernel."""
    if not inspect.isfunction(piece):
        return ""
    captured = inspect.getclosurevars(piece).nonlocals
    plain = (bool, int, float, str, tuple, type(None))
    return repr(sorted((k, v) for k, v in captured.items() if isinstance(v, plain)))


def _text(piece: Any) -> bytes:
    try:
        return Path(inspect.getfile(piece)).read_bytes()
    except (OSError, TypeError):
        # Written at a prompt: there is no file, only the code object.
        return marshal.dumps(piece.__code__) if inspect.isfunction(piece) else repr(piece).encode()


def fingerprint(model: Model, source: str) -> str:
    """Return a hash of everything a compiled kernel depends on."""
    import numba

    from . import scalar

    pieces = _pieces(model)
    parts = [source, numba.__version__, np.__version__, repr(sorted(model.options.items()))]
    parts += [_constants(piece) for piece in pieces]
    digest = hashlib.sha256()
    for part in [*(p.encode() for p in parts), *(_text(piece) for piece in (*pieces, scalar))]:
        digest.update(part)
        digest.update(b"\0")
    return digest.hexdigest()[:20]


def _write(path: Path, text: str) -> None:
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


def _kernel_module(model: Model, source: str, path: Path) -> ModuleType:
    from . import scalar

    if not path.exists() or path.read_text(encoding="utf-8") != source:
        _write(path, source)
    spec = importlib.util.spec_from_file_location(f"dosegym_kernel_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load the kernel {path}")
    module = importlib.util.module_from_spec(spec)
    names: dict[str, Any] = {
        "Params": model.Params,
        "rhs": scalar.function(model.equations(scalar)),
        "hold": scalar.function(model.hold(scalar)),
        "observe": scalar.function(model.observe(scalar)),
        "maximum": scalar.maximum,
    }
    if model.fastest is not None:
        names["fastest"] = scalar.function(model.fastest(scalar))
    vars(module).update(names)
    # Numba's cache finds a kernel's module by name when it loads compiled code.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _discard(path: Path) -> None:
    for file in [path, *path.parent.glob(f"__pycache__/{path.stem}.*")]:
        file.unlink(missing_ok=True)


def open_kernel(model: Model, warm_up: Callable[[ModuleType], None]) -> ModuleType:
    """Return a model's kernel, loaded from the cache or compiled into it.

    A damaged entry is thrown away and compiled again; a folder that fails twice is passed over.

    Parameters
    ----------
    model : Model
    warm_up : callable
        Calls the kernel's functions once, so that they are compiled or loaded now.
    """
    source = kernel_source(model)
    stem = f"{model.name}_{fingerprint(model, source)}"
    failure: BaseException = RuntimeError("no folder for compiled kernels")
    for folder in cache_folders():
        path = folder / "kernels" / f"{stem}.py"
        for attempt in ("cached", "fresh"):
            try:
                path.parent.mkdir(exist_ok=True)
                module = _kernel_module(model, source, path)
                warm_up(module)
                return module
            except _DAMAGE as damage:
                log.warning("%s kernel %s is unusable: %s", attempt, path, damage)
                failure = damage
                if attempt == "cached":
                    _discard(path)
    raise failure
