"""Finding a constraint set by name or path."""

from __future__ import annotations

from pathlib import Path

from ...therapy.constraint import ConstraintSet
from ...therapy.constraint_file import parse_constraints
from ..shelf import names_in, read_named

_PACKAGE = "dosegym.evaluation.constraints"


def list_constraints() -> list[str]:
    """Return the names of the constraint sets that come with the package, sorted."""
    return names_in(_PACKAGE)


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
    text, name = read_named(_PACKAGE, name_or_path, "constraint set", "constraint")
    return parse_constraints(text, name)
