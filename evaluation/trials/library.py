"""Finding a trial protocol by name or path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import yaml

from ...physiology.errors import InputError
from ..trial_protocol import TrialProtocol, parse_trial

_SUFFIX = ".yaml"
# Kept apart from the protocols, which nobody touches once they have been run.
_CAUSES = "causes.yml"


def list_trials() -> list[str]:
    """Return the names of the trials that come with the package, sorted."""
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in files("dosegym.evaluation.trials").iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def load_trial(name_or_path: str | Path) -> TrialProtocol:
    """Load a trial protocol.

    Parameters
    ----------
    name_or_path : str or Path
        A name from :func:`list_trials`, or the path of a YAML file.

    Raises
    ------
    InputError
        One line: an unknown name, an unreadable file, or what is wrong in it.
    """
    known = list_trials()
    if str(name_or_path) in known:
        entry = files("dosegym.evaluation.trials") / f"{name_or_path}{_SUFFIX}"
        return parse_trial(entry.read_text(encoding="utf-8"), str(name_or_path))
    if not isinstance(name_or_path, (str, Path)):
        raise InputError(f"trial is {name_or_path!r}; give a name or the path of a YAML file")
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"trial file {path} is not UTF-8 text; save it as UTF-8") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"trial {str(name_or_path)!r} is neither a readable file ({why}) nor one of "
            f"{', '.join(known)}; give one of these"
        ) from None
    return parse_trial(text, path.name)


def causes_of(protocol: TrialProtocol) -> dict[str, str]:
    """Return by endpoint why a shipped trial missed, as its misses were looked into afterwards.

    Empty for a protocol of another name; the number of people and the seed may differ.
    """
    entry = files("dosegym.evaluation.trials") / _CAUSES
    known: dict[str, dict[str, str]] = yaml.safe_load(entry.read_text(encoding="utf-8"))
    return dict(known.get(protocol.name, {}))
