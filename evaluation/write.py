"""Files appear whole or not at all: a temporary name beside the target, then a rename."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..physiology.errors import InputError


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write bytes whole.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written.
    """
    target = Path(path)
    scratch = _scratch(target)
    try:
        scratch.write_bytes(data)
        scratch.replace(target)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise _cannot(target, error) from None
    return target


def check_outputs(*outputs: str | Path | None, inputs: Iterable[str | Path | None] = ()) -> None:
    """Refuse files that could not be written, before the work that they are to hold is done.

    Parameters
    ----------
    *outputs : str, Path or None
        Files to be written; None is left out.
    inputs : iterable of str, Path or None
        Files that are read, which no output may overwrite.

    Raises
    ------
    InputError
        If a folder is missing or cannot be written, a path is a folder, or two are the same file.
    """
    taken = {Path(path).resolve(): "what is read" for path in inputs if path is not None}
    for target in (Path(path) for path in outputs if path is not None):
        place = target.resolve()
        if place in taken:
            raise InputError(f"cannot write {target}: it is {taken[place]}; choose another path")
        taken[place] = "written already"
        scratch = _scratch(target)
        try:
            scratch.write_bytes(b"")
            scratch.unlink()
        except OSError as error:
            raise _cannot(target, error) from None


def _scratch(target: Path) -> Path:
    if not target.name or os.path.isdir(target):
        raise InputError(f"cannot write {target}: it is a folder; choose another path")
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def _cannot(target: Path, error: OSError) -> InputError:
    return InputError(f"cannot write {target}: {error.strerror}; choose another path")


def write_text(path: str | Path, text: str) -> Path:
    """Write text whole, as UTF-8."""
    return write_bytes(path, text.encode("utf-8"))
