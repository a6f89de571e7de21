"""Texts that ship in a package's folder, found by name; or a user's own file, by path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..physiology.errors import InputError

SUFFIX = ".yaml"


def names_in(package: str) -> list[str]:
    """Return the names of the YAML files in a package's folder, sorted."""
    return sorted(
        entry.name.removesuffix(SUFFIX)
        for entry in files(package).iterdir()
        if entry.name.endswith(SUFFIX)
    )


def read_named(package: str, name_or_path: str | Path, what: str, word: str) -> tuple[str, str]:
    """Return a text and what to call it in messages.

    Parameters
    ----------
    package : str
        Whose folder ships the named ones.
    name_or_path : str or Path
        A name from :func:`names_in`, or the path of a YAML file.
    what, word : str
        What one is called in messages, whole and before "file": "constraint set", "constraint".

    Raises
    ------
    InputError
        One line: an unknown name, or a file that cannot be read.
    """
    if not isinstance(name_or_path, (str, Path)):
        raise InputError(f"{what} is {name_or_path!r}; give a name or the path of a YAML file")
    known = names_in(package)
    if str(name_or_path) in known:
        entry = files(package) / f"{name_or_path}{SUFFIX}"
        return entry.read_text(encoding="utf-8"), str(name_or_path)
    path = Path(name_or_path)
    try:
        return path.read_text(encoding="utf-8"), path.name
    except UnicodeDecodeError:
        raise InputError(f"{word} file {path} is not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"{what} {str(name_or_path)!r} is neither a readable file ({why}) nor one of "
            f"{', '.join(known)}; give one of these"
        ) from None
