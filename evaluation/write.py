"""Files appear whole or not at all: a temporary name beside the target, then a rename."""

from __future__ import annotations

import os
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
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        scratch.write_bytes(data)
        scratch.replace(target)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise InputError(f"cannot write {target}: {error.strerror}; choose another path") from None
    return target


def write_text(path: str | Path, text: str) -> Path:
    """Write text whole, as UTF-8."""
    return write_bytes(path, text.encode("utf-8"))
