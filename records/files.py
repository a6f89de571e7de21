"""Bytes on disk into text, JSON values and CSV rows, or one clear line why not."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..physiology.errors import InputError

SIZE_LIMIT_BYTES = 200_000_000
FILE_LIMIT = 200
SUFFIXES = (".json", ".csv", ".txt")


@dataclass(frozen=True)
class Source:
    """One file's name and content.

    Parameters
    ----------
    name : str
        For messages only; it may hold a person's name and never enters a timeline.
    data : bytes
    """

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Hash of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes are UTF-8, with or without a mark."""
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True


def is_consent_name(name: str) -> bool:
    """Tell whether a file is a consent document by its name, and so no part of a record."""
    return name.lower() == "consent.json" or name.lower().endswith(".consent.json")


def load(path: Path) -> list[Source]:
    """Read a file, or the JSON and CSV files of a folder.

    Raises
    ------
    InputError
        When there is no such file, it is empty, or it is larger than 200 MB.
    """
    if path.is_dir():
        chosen = sorted(item for item in path.iterdir() if item.suffix.lower() in SUFFIXES)
        chosen = [item for item in chosen if item.is_file() and item.name[0] != "."]
        chosen = [item for item in chosen if not is_consent_name(item.name)]
        if not chosen:
            raise InputError(f"record: the folder '{path}' holds no JSON or CSV file")
        if len(chosen) > FILE_LIMIT:
            raise InputError(
                f"record: the folder '{path}' holds {len(chosen)} JSON and CSV files, more than "
                f"{FILE_LIMIT}; give one person's exports"
            )
        _check_size(path, sum(item.stat().st_size for item in chosen))
        return [source for source in map(_load_file, chosen) if source.data.strip()]
    if not path.is_file():
        raise InputError(f"record: there is no file or folder '{path}'; give the path of an export")
    source = _load_file(path)
    if not source.data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise InputError(f"record: the file '{path}' is empty; export it again")
    return [source]


def _load_file(path: Path) -> Source:
    try:
        _check_size(path, path.stat().st_size)
        return Source(path.name, path.read_bytes())
    except OSError as error:
        raise InputError(f"record: '{path}' cannot be read ({error.strerror})") from None


def _check_size(path: Path, size: int) -> None:
    if size > SIZE_LIMIT_BYTES:
        raise InputError(
            f"record: '{path}' has {size / 1e6:.0f} MB, more than {SIZE_LIMIT_BYTES / 1e6:.0f} MB; "
            "export a shorter period"
        )


def combined_sha256(sources: Sequence[Source]) -> str:
    """Return one file's hash, or for several the hash of their sorted hashes."""
    hashes = sorted({source.sha256 for source in sources})
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def is_json(source: Source) -> bool:
    """Tell whether the content starts as a JSON object or array."""
    return text_of(source).lstrip("\ufeff \t\r\n")[:1] in {"{", "["}


def text_of(source: Source) -> str:
    """Decode a file: UTF-8, UTF-16 with its mark, else Latin-1 where the text is plain.

    Only names and notes carry accents in these formats and neither is used, so Latin-1 cannot
    change a value.

    Raises
    ------
    InputError
        When the bytes are not text.
    """
    data = source.data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(mark in text for mark in ("\x00", "\x01", "\x02", "\x03")):
            return text
    raise InputError(
        f"record: '{source.name}' is not text (neither UTF-8 nor UTF-16); export it as CSV or JSON"
    )


def json_of(source: Source) -> object:
    """Parse a JSON file.

    Raises
    ------
    InputError
        When it breaks off, is malformed, or is nested beyond reason.
    """
    text = text_of(source).lstrip("\ufeff")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated")
        fault = "breaks off" if at_end else "is malformed"
        raise InputError(
            f"record: the JSON of '{source.name}' {fault} at line {error.lineno}, column "
            f"{error.colno} ({error.msg}); export it again"
        ) from None
    except (RecursionError, ValueError):
        raise InputError(
            f"record: the JSON of '{source.name}' is nested too deep or holds an endless number; "
            "export it again"
        ) from None


def csv_rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells of a comma-, semicolon- or tab-separated file.

    Raises
    ------
    InputError
        When the quoting is broken.
    """
    text = text_of(source).lstrip("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(
            f"record: line {reader.line_num} of '{source.name}' is not CSV ({error}); "
            "export it again"
        ) from None


def delimiter_of(text: str) -> str:
    """Return the separator that the first line without a leading ``#`` uses most."""
    lines = (line for line in text[:65536].splitlines() if line.strip())
    header = next((line for line in lines if not line.lstrip().startswith("#")), "")
    return max(",;\t", key=header.count)
