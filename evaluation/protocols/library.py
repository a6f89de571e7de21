"""Finding a benchmark protocol by name or path."""

from __future__ import annotations

from pathlib import Path

from ..protocol import Protocol, parse_protocol
from ..shelf import names_in, read_named

_PACKAGE = "dosegym.evaluation.protocols"


def list_protocols() -> list[str]:
    """Return the names of the protocols that come with the package, sorted."""
    return names_in(_PACKAGE)


def load_protocol(name_or_path: str | Path) -> Protocol:
    """Load a benchmark protocol.

    Parameters
    ----------
    name_or_path : str or Path
        A name from :func:`list_protocols`, or the path of a YAML file.

    Raises
    ------
    InputError
        One line: an unknown name, an unreadable file, or what is wrong in it.
    """
    text, name = read_named(_PACKAGE, name_or_path, "protocol", "protocol")
    return parse_protocol(text, name)
