"""The audit record: append-only lines of JSON, each bound to the one before it by its hash.

A record ``FILE`` has a head ``FILE.head`` (the last entry's number and hash, the size) and a lock
``FILE.lock``. An append writes one line, puts it onto the disk, then replaces the head; so at any
kill the head is at most one entry behind, and whatever else follows it is an append that was cut
off. The next append leaves those bytes where they are and begins with an entry ``recovered`` that
holds their number and hash: nothing is ever taken out of the file.

What this finds: any byte changed, any entry deleted, doubled, put in, moved or cut off, in the
record or in its head, by whoever does not write both again. What it cannot find: a person who may
write both files can compute a new chain and a new head with this program, or delete both; a head
one entry older with the last entry still there passes for an append that was cut off just before
its end. The chain is no signature. Against that, keep a hash elsewhere (``last_sha256``, printed by
``dosegym doctor --audit``; a colleague, another machine, a printed report) and give it to
:func:`verify` as ``anchor``, or keep the file where it can only be appended to.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError
from .audit_entry import RECOVERED, Entry, line_of, read_line
from .audit_head import BINARY, EMPTY, Head, beside, read_head, sync_folder, write_head
from .audit_lock import held
from .audit_verify import AuditReport, read_report, walk

__all__ = ["AuditReport", "Entry", "append", "verify"]


def append(path: str | Path, kind: str, payload: Mapping[str, Any]) -> Entry:
    """Add one entry to a record, beginning the record where there is none.

    Parameters
    ----------
    path : str or Path
        Its folder must exist. Any number of processes and threads may append at once.
    kind : str
        What happened, a lower-case word: ``certified``, ``recommended``, ``reviewed``.
    payload : mapping
        JSON values with text for keys; ids and hashes rather than a person's data.

    Returns
    -------
    Entry
        As it was written; it is on the disk when this returns.

    Raises
    ------
    InputError
        If the payload is not JSON, the file cannot be written, or the record's end is not what its
        head says: nothing is added to a broken record.
    """
    log = Path(path)
    if kind == RECOVERED:
        raise InputError(f"audit kind {RECOVERED!r} is the record's own; choose another")
    line_of(0, "", kind, payload, "")
    with held(beside(log, "lock")):
        try:
            head = _settled(log)
            return _add(log, head, kind, payload)[0]
        except OSError as error:
            raise InputError(f"audit record {log} cannot be written ({error.strerror})") from None


def verify(path: str | Path, *, anchor: str | None = None) -> AuditReport:
    """Read a whole record and say whether it is unbroken; changes nothing.

    Parameters
    ----------
    path : str or Path
    anchor : str, optional
        The hash of an entry, kept elsewhere: the record must still hold it.

    Returns
    -------
    AuditReport

    Raises
    ------
    InputError
        If there is no such record, or it cannot be read.
    """
    log = Path(path)
    lock = beside(log, "lock")
    # A record that was copied elsewhere has no lock, and nobody who writes it.
    with held(lock) if lock.exists() and os.access(lock, os.W_OK) else nullcontext():
        return read_report(log, anchor)


def _settled(log: Path) -> Head:
    """Return the head after making good what a killed append left behind."""
    head = read_head(log)
    size = log.stat().st_size if log.exists() else 0
    if head is None:
        if size:
            raise InputError(
                f"audit record {log} has no {beside(log, 'head').name}; restore it, or begin a new "
                "record"
            )
        write_head(log, EMPTY)
        return EMPTY
    if size < head.size:
        raise InputError(
            f"audit record {log} has {size} bytes, its head says {head.size}: its end was cut off; "
            "restore it, or begin a new record"
        )
    return head if size == head.size else _recovered(log, head)


def _recovered(log: Path, head: Head) -> Head:
    """Account for the bytes beyond the head: a finished entry, or an append that was cut off."""
    with log.open("rb") as file:
        file.seek(head.size)
        beyond = file.read()
    # Cut off just before its newline an entry is whole: a newline makes it one.
    if not beyond.endswith(b"\n") and read_line(beyond.rpartition(b"\n")[2] + b"\n"):
        _write(log, b"\n")
        beyond += b"\n"
    report = walk(BytesIO(beyond), head, start=head)
    if not report.ok:
        raise InputError(f"audit record {log} does not hold together: {report.reason}; verify it")
    if report.torn_bytes:
        return _add(log, head, RECOVERED, {}, torn=beyond)[1]
    head = Head(report.entries - 1, report.last_sha256, head.size + len(beyond))
    write_head(log, head)
    return head


def _add(
    log: Path, head: Head, kind: str, payload: Mapping[str, Any], *, torn: bytes = b""
) -> tuple[Entry, Head]:
    """Write one entry, then the head; the caller holds the lock.

    ``torn`` is what stands between the head's end and the end of the file.
    """
    ending = b"\n" if torn and not torn.endswith(b"\n") else b""
    if torn:
        digest = hashlib.sha256(torn + ending).hexdigest()
        payload = {"torn_bytes": len(torn + ending), "torn_sha256": digest}
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    line = line_of(head.seq + 1, now, kind, payload, head.sha256)
    _write(log, ending + line)
    if head == EMPTY:
        sync_folder(log.parent)
    entry = read_line(line)
    assert entry is not None
    new = Head(entry.seq, entry.sha256, head.size + len(torn + ending) + len(line))
    write_head(log, new)
    return entry, new


def _write(log: Path, data: bytes) -> None:
    """Add bytes to the end of the record and put them onto the disk."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | BINARY, 0o666)
    try:
        while data:
            data = data[os.write(handle, data) :]
        os.fsync(handle)
    finally:
        os.close(handle)
