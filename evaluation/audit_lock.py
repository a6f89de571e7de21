"""One writer at a time: a lock beside a file, which a killed process does not keep."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError

try:
    import fcntl

    _fcntl: Any = fcntl
except ImportError:  # Windows
    _fcntl = None

_PAUSE_S = 0.005


@contextmanager
def held(path: Path, *, wait_s: float = 30.0) -> Iterator[None]:
    """Hold a lock while the block runs.

    With ``fcntl`` the kernel holds it and drops it when the process ends, however it ends. Without,
    the lock is a file that must not exist yet, and one left by a killed process has to be removed
    by hand: the error says so. Neither is sure on network file systems.

    Parameters
    ----------
    path : Path
        The lock's own file; its folder must exist.
    wait_s : float
        Longest wait, s.

    Raises
    ------
    InputError
        If the lock cannot be made, or another process keeps it too long.
    """
    with _by_kernel(path, wait_s) if _fcntl is not None else _by_file(path, wait_s):
        yield


@contextmanager
def _by_kernel(path: Path, wait_s: float) -> Iterator[None]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _cannot(path, error) from None
    try:
        until = time.monotonic() + wait_s
        while not _try_lock(handle):
            _pause(path, until, "another process holds it")
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        _fcntl.flock(handle, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _by_file(path: Path, wait_s: float) -> Iterator[None]:
    until = time.monotonic() + wait_s
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            break
        except FileExistsError:
            _pause(path, until, "if no other process writes, remove this file")
        except OSError as error:
            raise _cannot(path, error) from None
    os.close(handle)
    try:
        yield
    finally:
        path.unlink()


def _pause(path: Path, until: float, why: str) -> None:
    if time.monotonic() > until:
        raise InputError(f"audit lock {path} is not free ({why}); try again")
    time.sleep(_PAUSE_S)


def _cannot(path: Path, error: OSError) -> InputError:
    return InputError(f"audit lock {path} cannot be made ({error.strerror}); choose another folder")
