"""Reading an audit record from its first byte to its last, and saying whether it is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..physiology.errors import InputError
from .audit_entry import GENESIS, RECOVERED, Entry, read_line
from .audit_head import EMPTY, Head, beside, read_head


@dataclass(frozen=True)
class AuditReport:
    """What was found in an audit record.

    Parameters
    ----------
    entries : int
        Entries that hold, from the first on without a break.
    ok : bool
        Nothing that was ever finished is changed, missing, added or out of order.
    first_bad : int or None
        Number of the first entry that does not hold; ``entries`` where the end is missing.
    reason : str
        One clause; empty where all is well and nothing was cut off.
    torn_bytes : int
        Bytes after the last finished entry: an append that was cut off, by a kill or a power cut.
        The record is sound; the next append accounts for them.
    last_sha256 : str
        Hash of the last entry that holds: keep it elsewhere, and ``anchor`` proves later that this
        record still begins with everything it holds now.
    """

    entries: int
    ok: bool
    first_bad: int | None
    reason: str
    torn_bytes: int
    last_sha256: str


@dataclass
class _Walk:
    """Where the reading has come to."""

    seq: int = 0
    last: str = GENESIS
    offset: int = 0
    gap: int = 0
    """Bytes since the last entry that are no entry."""
    fault: str = ""
    at_head: bool = False
    beyond: int = 0
    """Entries after the head."""
    met: bool = False


def walk(
    lines: Iterable[bytes], head: Head, anchor: str | None = None, start: Head = EMPTY
) -> AuditReport:
    """Check a record's lines (bytes with their newlines) against each other and against its head.

    Parameters
    ----------
    lines : iterable of bytes
    head : Head
    anchor : str, optional
        A hash seen earlier, which must be one of the chain's.
    start : Head
        Where the lines begin; the record's first byte by default.
    """
    w = _Walk(start.seq + 1, start.sha256, start.size, at_head=head == start)
    w.met = anchor in (None, start.sha256)
    gap_hash = hashlib.sha256()
    for raw in lines:
        entry = read_line(raw)
        if entry is None:
            w.gap += len(raw)
            gap_hash.update(raw)
            continue
        w.fault = _fault(w, entry, gap_hash.hexdigest())
        if w.fault:
            return _bad(w, w.fault)
        w.offset += w.gap + len(raw)
        w.seq, w.last, w.gap, gap_hash = entry.seq + 1, entry.sha256, 0, hashlib.sha256()
        w.beyond += w.at_head
        w.met |= w.last == anchor
        if entry.seq == head.seq:
            if (w.last, w.offset) != (head.sha256, head.size):
                return _bad(w, "is not the one that the head file names", back=1)
            w.at_head = True
    return _end(w, head, anchor)


def _fault(w: _Walk, entry: Entry, gap_sha256: str) -> str:
    """Return why an entry cannot stand here, or an empty text."""
    if entry.kind == RECOVERED or w.gap:
        told = (entry.payload.get("torn_bytes"), entry.payload.get("torn_sha256"))
        if entry.kind != RECOVERED or told != (w.gap, gap_sha256) or not w.gap:
            return "is changed, or bytes were put in or taken out before it"
    if entry.seq != w.seq:
        return f"is missing, doubled or out of place: number {entry.seq} stands there"
    if entry.previous != w.last:
        return "does not follow from the one before it"
    return ""


def _end(w: _Walk, head: Head, anchor: str | None) -> AuditReport:
    """Judge what the end of the file leaves open."""
    if not w.at_head:
        if w.gap:
            return _bad(w, "is changed or cut off")
        return _bad(w, f"is missing: the head file counts {head.seq + 1} entries")
    if w.beyond > 1 or (w.beyond and w.gap):
        return _bad(w, "comes after more than one append could leave behind the head file", back=1)
    if not w.met:
        return AuditReport(
            w.seq, False, None, f"no entry has the hash {str(anchor)[:12]} seen before", 0, w.last
        )
    torn = f"an append of {w.gap} bytes was cut off; the next append records it" if w.gap else ""
    return AuditReport(w.seq, True, None, torn, w.gap, w.last)


def _bad(w: _Walk, why: str, back: int = 0) -> AuditReport:
    number = w.seq - back
    return AuditReport(number, False, number, f"entry {number} {why}", 0, w.last)


def read_report(log: Path, anchor: str | None) -> AuditReport:
    """Return the report of a record on the disk; the caller holds the lock, where there is one.

    Raises
    ------
    InputError
        If there is no such record, or it cannot be read.
    """
    if not log.exists() and not beside(log, "head").exists():
        raise InputError(f"audit record {log} does not exist; give the file that was written")
    try:
        head = read_head(log)
    except InputError as error:
        return AuditReport(0, False, None, str(error), 0, GENESIS)
    if head is None:
        why = f"{beside(log, 'head').name} is missing, so that a cut end could not be told"
        return AuditReport(0, False, None, why, 0, GENESIS)
    try:
        with log.open("rb") as file:
            return walk(file, head, anchor)
    except FileNotFoundError:
        return walk((), head, anchor)
    except OSError as error:
        raise InputError(f"audit record {log} cannot be read ({error.strerror})") from None
