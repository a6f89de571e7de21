"""Finding a trial protocol by name or path."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import yaml

from ..shelf import names_in, read_named
from ..trial_protocol import TrialProtocol, parse_trial

_PACKAGE = "dosegym.evaluation.trials"
# Kept apart from the protocols, which nobody touches once they have been run.
_CAUSES = "causes.yml"


def list_trials() -> list[str]:
    """Return the names of the trials that come with the package, sorted."""
    return names_in(_PACKAGE)


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
    text, name = read_named(_PACKAGE, name_or_path, "trial", "trial")
    return parse_trial(text, name)


def causes_of(protocol: TrialProtocol) -> dict[str, str]:
    """Return by endpoint why a shipped trial missed, as its misses were looked into afterwards.

    Empty for a protocol of another name; the number of people and the seed may differ.
    """
    entry = files(_PACKAGE) / _CAUSES
    known: dict[str, dict[str, str]] = yaml.safe_load(entry.read_text(encoding="utf-8"))
    return dict(known.get(protocol.name, {}))
