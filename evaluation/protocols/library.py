"""Finding a benchmark protocol by name or path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ...physiology.errors import InputError
from ..protocol import Protocol, parse_protocol

_SUFFIX = ".yaml"


def list_protocols() -> list[str]:
    """Return the names of the protocols that come with the package, sorted."""
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in files("dosegym.evaluation.protocols").iterdir()
        if entry.name.endswith(_SUFFIX)
    )


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
    known = list_protocols()
    if str(name_or_path) in known:
        entry = files("dosegym.evaluation.protocols") / f"{name_or_path}{_SUFFIX}"
        return parse_protocol(entry.read_text(encoding="utf-8"), str(name_or_path))
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"protocol file {path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise InputError(
            f"protocol {str(name_or_path)!r} is neither a readable file ({error.strerror}) nor one "
            f"of {', '.join(known)}; give one of these"
        ) from None
    return parse_protocol(text, path.name)
