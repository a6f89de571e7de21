"""The folder of an offline run: there whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...physiology.errors import InputError


def check_new(folder: Path) -> None:
    """Refuse a place that is taken.

    Raises
    ------
    InputError
        If it is a file, or a folder with anything in it.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out is {folder}, which is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"out is {folder}, which is not empty; choose another folder")


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside the place, which takes it when the block ends well.

    After a fault or Ctrl-C nothing is left.

    Raises
    ------
    InputError
        If the place is taken, or no folder can be made there.
    """
    check_new(folder)
    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        scratch.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"cannot make {folder}: {error.strerror}; choose another out") from None
    try:
        yield scratch
        if folder.is_dir():
            folder.rmdir()
        scratch.rename(folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
