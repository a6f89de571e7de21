"""Finding twins on disk: by path, or by id in the folder that DOSEGYM_TWINS names."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from ..physiology.errors import InputError

FOLDER: Final = "DOSEGYM_TWINS"
SUFFIX: Final = ".json"
# A twin of a few hundred bodies is about a megabyte.
SIZE_LIMIT_BYTES: Final = 200_000_000
KINDS: Final = ("insulin", "pressure", "kinetics")


def twin_path(twin: str | Path) -> Path:
    """Return the file of a twin.

    Parameters
    ----------
    twin : str or Path
        The path of a file, or an id: the name, with or without ``.json``, of a file in the folder
        that the environment variable ``DOSEGYM_TWINS`` names.

    Raises
    ------
    InputError
        If it is neither.
    """
    if not isinstance(twin, (str, Path)) or not str(twin) or "\0" in str(twin):
        raise InputError(f"twin is {twin!r}; give the path of a twin's JSON file, or its id")
    path = Path(twin)
    if path.is_file():
        return path
    if path.name == str(twin) and path.name not in ("", ".", ".."):
        return _by_id(path.name)
    raise InputError(f"twin {str(twin)!r} is no file; give a path, or an id without slashes")


def _by_id(name: str) -> Path:
    folder = os.environ.get(FOLDER, "")
    if not folder:
        raise InputError(
            f"twin {name!r} is no file, and {FOLDER} names no folder of twins; give a path, or set "
            f"{FOLDER} and give the file's name as id"
        )
    for candidate in (Path(folder) / f"{name}{SUFFIX}", Path(folder) / name):
        if candidate.is_file():
            return candidate
    known = twin_ids(folder)
    listed = ", ".join(known[:8]) + (" and others" if len(known) > 8 else "") if known else "none"
    raise InputError(
        f"twin {name!r} is neither a file nor an id in {FOLDER}={folder}; it holds {listed}"
    )


def twin_ids(folder: str | Path | None = None) -> list[str]:
    """Return the ids in a folder of twins, sorted; the one of ``DOSEGYM_TWINS`` by default."""
    place = os.environ.get(FOLDER, "") if folder is None else folder
    if not place or not Path(place).is_dir():
        return []
    return sorted(item.stem for item in Path(place).glob(f"*{SUFFIX}") if item.is_file())


def read_twin(twin: str | Path) -> dict[str, Any]:
    """Return a twin's JSON as it stands in its file.

    Raises
    ------
    InputError
        If there is no such file, or it holds no JSON object.
    """
    path = twin_path(twin)
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            limit = f"{SIZE_LIMIT_BYTES / 1e6:.0f} MB"
            raise InputError(f"twin {path} is larger than {limit}; fit it again")
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read twin {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"twin {path} is not JSON ({error}); fit it again") from None
    if not isinstance(data, dict):
        raise InputError(f"twin {path} is not a JSON object; fit it again with `dosegym fit`")
    return data


def kind_of(data: dict[str, Any]) -> str:
    """Return what a twin is of: ``insulin`` (which does not say so), ``pressure``, ``kinetics``.

    Raises
    ------
    InputError
        If it is of something else.
    """
    kind = data.get("kind", "insulin")
    if kind not in KINDS:
        raise InputError(f"twin is of the kind {kind!r}; this version knows {', '.join(KINDS)}")
    return str(kind)


def read_kind(twin: str | Path, wanted: str) -> dict[str, Any]:
    """Return a twin's JSON, which must be of one kind.

    Raises
    ------
    InputError
        If it is of another kind, or cannot be read.
    """
    data = read_twin(twin)
    kind = kind_of(data)
    if kind != wanted:
        raise InputError(f"twin {str(twin)!r} is of the kind {kind!r}; give one of kind {wanted!r}")
    return data


def hash_of(data: dict[str, Any]) -> str:
    """Return the hash of a twin's JSON, its own ``sha256`` left out."""
    bare = {key: value for key, value in data.items() if key != "sha256"}
    text = json.dumps(bare, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(data: dict[str, Any]) -> dict[str, Any]:
    """Return a twin's JSON with its hash."""
    return {**data, "sha256": hash_of(data)}


def check_seal(data: dict[str, Any], twin: str | Path) -> None:
    """Refuse a twin whose file was changed after it was written.

    Raises
    ------
    InputError
        If the hash is missing or is not that of the content.
    """
    if data.get("sha256") != hash_of(data):
        raise InputError(
            f"twin {str(twin)!r} was changed after it was written (its hash does not match); "
            "fit it again"
        )
