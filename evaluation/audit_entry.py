"""One line of an audit record: its canonical text, and reading it back strictly."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ..physiology.errors import InputError

GENESIS: Final = "0" * 64
"""What the first entry names as its predecessor."""
RECOVERED: Final = "recovered"
"""Kind of the entry that accounts for an append that was cut off."""
_KEYS: Final = frozenset(("seq", "time", "kind", "payload", "previous", "sha256"))
_KIND: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")


class Entry(NamedTuple):
    """An entry as read: its number, its kind, what it tells, its predecessor's hash and its own."""

    seq: int
    time: str
    kind: str
    payload: Mapping[str, Any]
    previous: str
    sha256: str


def canonical(content: Mapping[str, Any]) -> bytes:
    """Return the one text that content has: sorted keys, no spaces, ASCII, no NaN."""
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return text.encode("ascii")


def line_of(seq: int, time: str, kind: str, payload: Mapping[str, Any], previous: str) -> bytes:
    """Return the line of an entry, newline included.

    Raises
    ------
    InputError
        If the kind is no short lower-case word, or the payload is not JSON that reads back as
        itself.
    """
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise InputError(
            f"audit kind is {kind!r}; give a lower-case word of letters, digits, '.', '_' and '-'"
        )
    body = {"seq": seq, "time": time, "kind": kind, "payload": payload, "previous": previous}
    try:
        text = canonical(body)
        same = _plain(payload) and canonical(json.loads(text)) == text
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"audit payload is not JSON ({error}); give plain finite values") from None
    if not same:
        raise InputError("audit payload is not JSON; give a mapping whose keys are all text")
    return canonical({**body, "sha256": hashlib.sha256(text).hexdigest()}) + b"\n"


def _plain(value: Any, top: bool = True) -> bool:
    """Return whether every mapping inside has text for keys, and the outermost is one."""
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and _plain(v, False) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return not top and all(_plain(v, False) for v in value)
    return not top


def read_line(raw: bytes) -> Entry | None:
    """Return the entry of a line, or None for anything but the canonical line of an entry.

    Every byte counts: spaces, key order, another spelling of a number or a repeated key are refused
    although they would mean the same.
    """
    if not raw.endswith(b"\n"):
        return None
    try:
        content = json.loads(raw)
        if not isinstance(content, dict) or content.keys() != _KEYS:
            return None
        if canonical(content) + b"\n" != raw:
            return None
        stated = content.pop("sha256")
        if hashlib.sha256(canonical(content)).hexdigest() != stated:
            return None
    except (ValueError, RecursionError):
        return None
    seq, payload = content["seq"], content["payload"]
    if type(seq) is not int or not isinstance(payload, dict):
        return None
    if not all(isinstance(content[k], str) for k in ("time", "kind", "previous")):
        return None
    return Entry(**content, sha256=stated)
