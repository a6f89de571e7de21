"""Finished parts of a certification on disk, so that a killed one goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ...physiology.errors import InputError
from ..write import write_bytes, write_text

Arrays = dict[str, NDArray[Any]]

REQUEST: Final = "request.json"


class Store:
    """Named parts of one request; without a folder nothing is kept.

    Parameters
    ----------
    folder : Path or None
        Made where it does not exist.
    request : mapping
        All that the parts follow from, in JSON: parts of another request are never taken.

    Raises
    ------
    InputError
        If the folder holds the parts of another request, or cannot be used.
    """

    def __init__(self, folder: Path | None, request: Mapping[str, Any]) -> None:
        self.folder = folder
        if folder is None:
            return
        text = json.dumps(request, indent=1, sort_keys=True, default=str) + "\n"
        kept = folder / REQUEST
        try:
            folder.mkdir(parents=True, exist_ok=True)
            known = kept.read_text(encoding="utf-8") if kept.exists() else None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"work folder {folder} cannot be used ({error}); choose another"
            ) from None
        if known is None and any(folder.iterdir()):
            raise InputError(
                f"work folder {folder} holds other files; give an empty one, or one that does not "
                "exist"
            )
        if known not in (None, text):
            raise InputError(
                f"work folder {folder} holds another certification; give another folder, or remove "
                "this one"
            )
        if known is None:
            write_text(kept, text)

    def part(self, name: str, make: Callable[[], Mapping[str, NDArray[Any]]]) -> Arrays:
        """Return a part: the kept one, or a new one, which is kept whole.

        Parameters
        ----------
        name : str
        make : callable
            () -> arrays by name.
        """
        if self.folder is None:
            return dict(make())
        file = self.folder / f"{_plain(name)}.npz"
        found = _read(file)
        if found is None:
            found = {k: np.asarray(v) for k, v in make().items()}
            buffer = BytesIO()
            np.savez(buffer, **found)  # type: ignore[arg-type]
            write_bytes(file, buffer.getvalue())
        return found


def _plain(name: str) -> str:
    """Return a file's name: readable, and another for every part."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return "".join(c if c.isalnum() else "-" for c in name)[:80] + f"-{digest}"


def _read(file: Path) -> Arrays | None:
    """Return a kept part; one that cannot be read is made again."""
    if not file.exists():
        return None
    try:
        with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as parts:
            return {k: parts[k] for k in parts.files}
    except (OSError, ValueError, EOFError, KeyError, AttributeError, BadZipFile):
        return None
