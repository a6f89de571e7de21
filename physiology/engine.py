"""The hot path: any Model compiled once by Numba into one batched fixed-step Runge-Kutta kernel.

The kernel's source is generated from the model's shape (states, inputs, parameters by position), kept
in the user's cache folder under a name that hashes everything it depends on, and compiled once there.
Patients lie in lanes of 64, so that LLVM vectorises over them; a lane's result does not depend on the
size of the batch it lies in.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernel_source import LANES, kernel_source
from .model import Model

Array = NDArray[np.float64]
log = logging.getLogger("dosegym")

_engines: dict[tuple[Any, ...], Engine] = {}


def cache_folder() -> Path:
    """Return a writable folder for compiled kernels (``DOSEGYM_CACHE``, else the user's cache)."""
    chosen = os.environ.get("DOSEGYM_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in ([Path(chosen)] if chosen else [base / "dosegym"]) + [
        Path(tempfile.gettempdir()) / f"dosegym-cache-{os.getuid() if hasattr(os, 'getuid') else 0}"
    ]:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="dosegym-cache-"))


def _fingerprint(model: Model, source: str) -> str:
    import numba

    from . import scalar

    digest = hashlib.sha256()
    texts = [source, numba.__version__, np.__version__, repr(sorted(model.options.items()))]
    for piece in (model.equations, model.hold, model.observe, scalar):
        texts.append(Path(inspect.getfile(piece)).read_text(encoding="utf-8"))
    for text in texts:
        digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:20]


def _load_kernel(model: Model) -> ModuleType:
    from . import scalar

    source = kernel_source(model)
    folder = cache_folder() / "kernels"
    folder.mkdir(exist_ok=True)
    path = folder / f"{model.name}_{_fingerprint(model, source)}.py"
    if not path.exists():
        scratch = path.with_suffix(f".{os.getpid()}.tmp")
        scratch.write_text(source, encoding="utf-8")
        scratch.replace(path)
    spec = importlib.util.spec_from_file_location(f"dosegym_kernel_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    names: dict[str, Any] = {
        "Params": model.Params,
        "rhs": scalar.function(model.equations(scalar)),
        "hold": scalar.function(model.hold(scalar)),
        "observe": scalar.function(model.observe(scalar)),
    }
    vars(module).update(names)
    # Numba's cache finds a kernel's module by name when it loads compiled code.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Engine:
    """A compiled model; ``advance`` and ``outputs`` work on batches of patients.

    Obtain one through :func:`engine_for`, which compiles each model once per process.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._module = _load_kernel(model)
        self._advance: Callable[..., None] = self._module.advance
        self._outputs: Callable[..., None] = self._module.outputs
        self._warm_up()

    def _warm_up(self) -> None:
        """Compile (or load from the cache) now, saying so when it takes noticeable time."""
        from .scalar import maximum  # noqa: F401  (numba itself is imported here)

        cached = any(Path(self._module.__file__ or "").parent.glob("__pycache__/*.nbi"))
        if not cached:
            log.info("compiling %s for this machine, once (about ten seconds)", self.model.name)
        start = time.perf_counter()
        size = len(self.model.state_index)
        x = np.zeros((1, size))
        p = np.ones((1, len(self.model.parameters)))
        u = np.zeros((1, len(self.model.inputs), 1))
        self._advance(x, p, u, 1, self.model.hold_every, np.empty((0, size, 1)), 0, 1)
        self._outputs(x, p, u[0], np.empty((1, len(self.model.outputs))))
        self.compile_seconds = time.perf_counter() - start

    def advance(
        self,
        x: Array,
        p: Array,
        u: Array,
        *,
        substeps: int = 1,
        record: Array | None = None,
        threads: int = 1,
    ) -> None:
        """Integrate all patients in place over ``len(u)`` held intervals by classical Runge-Kutta.

        Parameters
        ----------
        x : array (B, S)
            States and memory; overwritten with those at the end.
        p : array (B, P)
            Parameters.
        u : array (T, U, B)
            Inputs, each held over one interval of ``model.hold_every``.
        substeps : int
            Runge-Kutta steps per interval.
        record : array (T, S, B), optional
            Receives the state at the end of each interval.
        threads : int
            Patients are split over this many threads (no effect below two blocks of lanes).
        """
        step = self.model.hold_every / substeps
        store = np.empty((0, x.shape[1], x.shape[0])) if record is None else record
        batch = x.shape[0]
        if threads <= 1 or batch < 2 * LANES:
            self._advance(x, p, u, substeps, step, store, 0, batch)
            return
        chunk = -(-batch // (threads * LANES)) * LANES
        edges = [*range(0, batch, chunk), batch]
        jobs = [
            _pool(threads).submit(self._advance, x, p, u, substeps, step, store, first, last)
            for first, last in zip(edges[1:-1], edges[2:], strict=True)
        ]
        self._advance(x, p, u, substeps, step, store, 0, edges[1])
        for job in jobs:
            job.result()

    def outputs(self, x: Array, p: Array, u: Array) -> Array:
        """Return the outputs (B, O) of states (B, S) under inputs (U, B)."""
        y = np.empty((x.shape[0], len(self.model.outputs)))
        self._outputs(x, p, u, y)
        return y


@lru_cache(maxsize=4)
def _pool_of(threads: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=max(1, threads - 1), thread_name_prefix="dosegym")


def _pool(threads: int) -> ThreadPoolExecutor:
    # The process id is part of the key: threads do not survive a fork.
    return _pool_of(threads, os.getpid())


def engine_for(model: Model) -> Engine:
    """Return the compiled engine of a model; one per model and options in each process."""
    key = (model.name, model.equations, model.hold, model.observe)
    if model.options:
        key = (model.name, tuple(sorted(model.options.items())), inspect.getfile(model.equations))
    if key not in _engines:
        _engines[key] = Engine(model)
    return _engines[key]
