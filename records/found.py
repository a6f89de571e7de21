"""One file with what it was found to hold."""

from __future__ import annotations

from dataclasses import dataclass

from .files import Source


@dataclass(frozen=True)
class Found:
    """One file with what it holds; `part` says which piece of its format it is."""

    source: Source
    format: str
    part: str = ""
    document: object = None
