"""The hot path: any Model compiled once by Numba into one batched fixed-step kernel.

The kernel's source is generated from the model's shape (states, inputs, parameters by position),
kept in the user's cache folder under a name that hashes everything it depends on, and compiled once
there. Patients lie in lanes of 64, so that LLVM vectorises over them; a lane's result does not
depend on the size of the batch it lies in.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .kernel_cache import cache_folder, identity, open_kernel
from .kernel_source import LANES
from .model import Model
from .stepper import not_admitted

__all__ = ["Engine", "cache_folder", "engine_for", "side_by_side"]

Array = NDArray[np.float64]
log = logging.getLogger("dosegym")

_engines: dict[tuple[Any, ...], Engine] = {}


class Engine:
    """A compiled model; ``advance`` and ``outputs`` work on batches of patients.

    Obtain one through :func:`engine_for`, which compiles each model once per process.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        start = time.perf_counter()
        module = open_kernel(model, self._warm_up)
        self.compile_seconds = time.perf_counter() - start
        self._advance: Callable[..., int | None] = module.advance
        self._outputs: Callable[..., None] = module.outputs

    def __reduce__(self) -> Any:
        return engine_for, (self.model,)

    def _warm_up(self, module: ModuleType) -> None:
        """Compile (or load from the cache) now, saying so when it takes noticeable time."""
        from numba.core.event import install_listener

        size = len(self.model.state_index)
        x = np.zeros((1, size))
        p = np.ones((1, len(self.model.parameters)))
        u = np.zeros((1, len(self.model.inputs), 1))
        with install_listener("numba:compile", _announcer(module.advance, self.model.name)):
            none = np.empty((0, size, 1))
            module.advance(x, p, u, 1, self.model.hold_every, none, none, 1, 0, 1)
        module.outputs(x, p, u[0], np.empty((1, len(self.model.outputs))))

    def advance(
        self,
        x: Array,
        p: Array,
        u: Array,
        *,
        substeps: int = 1,
        record: Array | None = None,
        seen: Array | None = None,
        every: int = 1,
        threads: int = 1,
    ) -> None:
        """Integrate all patients in place over ``len(u)`` held intervals by the model's stepper.

        Parameters
        ----------
        x : array (B, S)
            States and memory; overwritten with those at the end.
        p : array (B, P)
            Parameters.
        u : array (T, U, B)
            Inputs, each held over one interval of ``model.hold_every``.
        substeps : int
            Steps per interval.
        record : array (T, S, B), optional
            Receives the state at the end of each interval.
        seen : array (T // every, O, B), optional
            Receives the outputs at the end of the last one of each ``every`` intervals.
        every : int
            Intervals for each row of ``seen``.
        threads : int
            Patients are split over this many threads (no effect below two blocks of lanes).

        Raises
        ------
        InputError
            If ``x`` is not a C-contiguous array of float64, which could not be changed in place,
            ``seen`` has another length, or a person is beyond what an order-preserving stepper
            holds for; nobody is moved then.
        """
        if x.dtype != np.float64 or not x.flags.c_contiguous:
            raise InputError(
                f"states are {x.dtype} of strides {x.strides}; give a C-contiguous array of float64"
            )
        stores = _stores(x, len(u), record, seen, every)
        # Another memory layout would make Numba compile a second kernel, silently and for seconds.
        p, u = np.ascontiguousarray(p, np.float64), np.ascontiguousarray(u, np.float64)
        step = self.model.hold_every / substeps
        refused: list[int] = []

        def part(first: int, last: int) -> None:
            bad = self._advance(x, p, u, substeps, step, *stores, every, first, last)
            if bad is not None and bad >= 0:
                refused.append(bad)

        side_by_side(part, x.shape[0], threads)
        if refused:
            raise InputError(not_admitted(self.model, p[min(refused)], step))

    def outputs(self, x: Array, p: Array, u: Array) -> Array:
        """Return the outputs (B, O) of states (B, S) under inputs (U, B)."""
        y = np.empty((x.shape[0], len(self.model.outputs)))
        self._outputs(x, p, u, y)
        return y


def _stores(
    x: Array, intervals: int, record: Array | None, seen: Array | None, every: int
) -> tuple[Array, Array]:
    """Return where states and outputs go, empty where they are not asked for.

    Raises
    ------
    InputError
        If outputs do not fill ``seen``.
    """
    if every < 1:
        raise InputError(f"every is {every}; give at least 1")
    if seen is not None and len(seen) != intervals // every:
        raise InputError(
            f"seen has {len(seen)} rows; {intervals} intervals by {every} fill {intervals // every}"
        )
    none = np.empty((0, x.shape[1], x.shape[0]))
    return none if record is None else record, none if seen is None else seen


def side_by_side(
    job: Callable[[int, int], None], batch: int, threads: int, grain: int = LANES
) -> None:
    """Run ``job(first, last)`` over parts of a batch, each part in a thread of its own.

    Parameters
    ----------
    job : callable
        Must release the interpreter's lock to gain anything, and touch its own rows only.
    batch : int
        Rows in all.
    threads : int
        Parts; a batch below two grains stays whole.
    grain : int
        Parts are multiples of so many rows, the last one apart.
    """
    if threads <= 1 or batch < 2 * grain:
        job(0, batch)
        return
    chunk = -(-batch // (threads * grain)) * grain
    edges = [*range(0, batch, chunk), batch]
    waiting = [_pool(threads).submit(job, first, last) for first, last in pairwise(edges[1:])]
    job(0, edges[1])
    for one in waiting:
        one.result()


@lru_cache(maxsize=4)
def _pool_of(threads: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=max(1, threads - 1), thread_name_prefix="dosegym")


def _pool(threads: int) -> ThreadPoolExecutor:
    # The process id is part of the key: threads do not survive a fork.
    return _pool_of(threads, os.getpid())


def _announcer(kernel: Any, name: str) -> Any:
    """Return a listener that says so when Numba really begins to compile ``kernel``."""
    from numba.core.event import Event, Listener

    class Announcer(Listener):
        """Logs the compilation of one kernel; a kernel found in the cache triggers no event."""

        def on_start(self, event: Event) -> None:
            """Log the start."""
            if (event.data or {}).get("dispatcher") is kernel:
                log.info("compiling %s for this machine, once (some seconds)", name)

        def on_end(self, event: Event) -> None:
            """Log nothing at the end."""

    return Announcer()


def engine_for(model: Model) -> Engine:
    """Return the compiled engine of a model; one per model and options in each process."""
    key = identity(model)
    if key not in _engines:
        _engines[key] = Engine(model)
    return _engines[key]
