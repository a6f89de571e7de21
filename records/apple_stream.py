"""Apple Health's export.xml, or the zip that holds it, as a stream of elements within limits."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError

from ..physiology.errors import InputError

LARGEST_BYTES: Final = 6_000_000_000
"""Ours: ten years of a watch are 2 to 3 GB of XML."""
LARGEST_RATIO: Final = 300.0
"""Ours: an export shrinks 20- to 40-fold in a zip; a bomb a thousandfold and more."""
SMALL_BYTES: Final = 50_000_000
MOST_ENTRIES: Final = 100_000
LONGEST_DOCTYPE: Final = 1_000_000
DEEPEST: Final = 32


class Limited:
    """A file that counts and hashes what is read, and skips Apple's document type.

    Some versions of iOS 16 write a document type that no parser accepts; nothing of it is needed.
    One that declares entities is refused.
    """

    def __init__(self, stream: IO[bytes], packed_bytes: int | None) -> None:
        self._stream = stream
        self._packed = packed_bytes
        self._size = 0
        self._digest = hashlib.sha256()
        self._rest: bytes | None = None

    @property
    def sha256(self) -> str:
        """Hash of what was read, in hexadecimal."""
        return self._digest.hexdigest()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most 1 MB of them."""
        if self._rest is None:
            self._rest = self._without_doctype()
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        return self._raw()

    def _raw(self) -> bytes:
        data = self._stream.read(1 << 20)
        self._size += len(data)
        self._digest.update(data)
        bomb = (
            self._packed is not None
            and self._size > SMALL_BYTES
            and self._size > LARGEST_RATIO * max(self._packed, 1)
        )
        if bomb or self._size > LARGEST_BYTES:
            raise InputError(
                f"Apple Health: the export unpacks to more than {LARGEST_BYTES / 1e9:g} GB or "
                f"{LARGEST_RATIO:g} times its size; it is refused"
            )
        return data

    def _without_doctype(self) -> bytes:
        head = self._raw()
        start = head.find(b"<!DOCTYPE")
        if start < 0:
            return head
        while (end := _doctype_end(head, start)) < 0:
            more = self._raw()
            if not more or len(head) > LONGEST_DOCTYPE:
                raise InputError("Apple Health: the document type never ends; export it again")
            head += more
        if b"<!ENTITY" in head[start:end].upper():
            raise InputError("Apple Health: the file declares entities, which no export does")
        return head[:start] + head[end:]


def _doctype_end(head: bytes, start: int) -> int:
    """Return where a document type ends, -1 where that is not yet in sight."""
    bracket, close = head.find(b"[", start), head.find(b">", start)
    if close >= 0 and (bracket < 0 or close < bracket):
        return close + 1
    end = head.find(b"]>", start) if bracket >= 0 else -1
    return end + 2 if end >= 0 else -1


def is_apple(path: Path) -> bool:
    """Tell whether a path is an Apple Health export: the XML, its zip, or its folder."""
    if path.is_dir():
        return (path / "export.xml").is_file() and is_apple(path / "export.xml")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if head.startswith(b"PK\x03\x04"):
                return bool(_inside(path))
    except (OSError, zipfile.BadZipFile):
        return False
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return text.startswith(b"<") and b"HealthData" in head


def _inside(path: Path) -> str:
    """Return the name of the export within a zip, empty where there is none."""
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
        if len(names) > MOST_ENTRIES:
            raise InputError(f"Apple Health: the zip holds {len(names)} files; give the export")
        found = [n for n in names if n.rsplit("/", 1)[-1].lower() in {"export.xml", "exportar.xml"}]
        if not found:  # in other languages the file has another name, beside export_cda.xml
            found = [n for n in names if n.lower().endswith(".xml") and "_cda" not in n.lower()]
            found = found if len(found) == 1 else []
        return min(found, key=len, default="")


@contextmanager
def opened(path: Path) -> Iterator[Limited]:
    """Open the export that a path is or holds."""
    place = path / "export.xml" if path.is_dir() else path
    try:
        with place.open("rb") as file:
            packed = file.read(4).startswith(b"PK")
            file.seek(0)
            if not packed:
                yield Limited(file, None)
                return
        with zipfile.ZipFile(place) as archive:
            name = _inside(place)
            with archive.open(name) as stream:
                size = archive.getinfo(name).compress_size
                yield Limited(stream, min(size, place.stat().st_size))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        raise InputError(
            f"Apple Health: '{place}' cannot be read, or its zip is damaged; export it again"
        ) from None


def elements(stream: Limited) -> Iterator[Any]:
    """Yield the elements below the root, each whole, and forget them again.

    Raises
    ------
    InputError
        When the XML breaks off, is malformed, nested too deep or not Apple Health's.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    depth = 0
    root: Any = None
    try:
        for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            if event == "start":
                depth += 1
                if depth > DEEPEST:
                    raise InputError("Apple Health: the XML is nested too deep; export it again")
                if root is None:
                    root = element
                    if element.tag != "HealthData":
                        raise InputError("Apple Health: the XML is not that of an export")
                continue
            depth -= 1
            if depth == 1:
                yield element
                root.clear()
    except ParseError as error:
        line, column = error.position
        raise InputError(
            f"Apple Health: the XML breaks off or is malformed at line {line}, column {column}; "
            "export it again"
        ) from None
    except (DefusedXmlException, ValueError, LookupError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("Apple Health: the XML uses what no export does; it is refused") from None
