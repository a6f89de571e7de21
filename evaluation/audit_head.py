"""The head of an audit record: a small file that says where the record ended when it was last left.

Cutting whole entries off the end leaves a chain that still holds; the head is what tells.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final, NamedTuple

from ..physiology.errors import InputError
from .audit_entry import GENESIS, canonical


class Head(NamedTuple):
    """Number and hash of the last entry, and the record's size in bytes."""

    seq: int
    sha256: str
    size: int


BINARY: Final = getattr(os, "O_BINARY", 0)
"""Keeps Windows from writing other newlines."""
EMPTY: Final = Head(-1, GENESIS, 0)


def beside(log: Path, ending: str) -> Path:
    """Return the path of a companion file of a record."""
    return log.with_name(f"{log.name}.{ending}")


def read_head(log: Path) -> Head | None:
    """Return the head of a record, None where there is no such file.

    Raises
    ------
    InputError
        If the file is there and is not, to the byte, what this program writes.
    """
    path = beside(log, "head")
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"audit head {path} cannot be read ({error.strerror})") from None
    try:
        head = Head(**json.loads(raw))
        right = type(head.seq) is int and type(head.size) is int and isinstance(head.sha256, str)
        right = right and canonical(head._asdict()) + b"\n" == raw
    except (TypeError, ValueError, RecursionError):
        head, right = None, False
    if head is None or not right:
        raise InputError(f"audit head {path} is damaged: it is not what was written; restore it")
    return head


def write_head(log: Path, head: Head) -> None:
    """Write the head whole or not at all, and onto the disk; the caller holds the lock."""
    path, scratch = beside(log, "head"), beside(log, "head.tmp")
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | BINARY, 0o666)
    try:
        os.write(handle, canonical(head._asdict()) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(scratch, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put a folder's names onto the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
