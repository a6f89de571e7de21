"""Finding a constraint set by name or path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ...physiology.errors import InputError
from ...therapy.constraint import ConstraintSet
from ...therapy.constraint_file import parse_constraints

_SUFFIX = ".yaml"


def list_constraints() -> list[str]:
    """Return the names of the constraint sets that come with the package, sorted."""
    folder = files("dosegym.evaluation.constraints")
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in folder.iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def load_constraints(name_or_path: str | Path) -> ConstraintSet:
    """Load a constraint set.

    Parameters
    ----------
    name_or_path : str or Path
        A name from :func:`list_constraints`, or the path of a YAML file.

    Returns
    -------
    ConstraintSet
        Its ``sha256`` identifies the content.

    Raises
    ------
    InputError
        One line: an unknown name, an unreadable file, or what is wrong in it.
    """
    known = list_constraints()
    if str(name_or_path) in known:
        entry = files("dosegym.evaluation.constraints") / f"{name_or_path}{_SUFFIX}"
        return parse_constraints(entry.read_text(encoding="utf-8"), str(name_or_path))
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"constraint file {path} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise InputError(
            f"constraint set {str(name_or_path)!r} is neither a readable file "
            f"({error.strerror}) nor one of {', '.join(known)}; give one of these"
        ) from error
    return parse_constraints(text, path.name)
