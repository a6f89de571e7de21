"""Any twin by path or id: the file says of what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .shelf import kind_of, read_twin, twin_path

if TYPE_CHECKING:
    from .kinetics_twin import KineticTwin
    from .pressure import PressureTwin
    from .twin import Twin


def open_twin(twin: str | Path) -> Twin | PressureTwin | KineticTwin:
    """Return a twin of insulin, blood pressure or kinetics.

    Parameters
    ----------
    twin : str or Path
        A path, or an id in the folder that ``DOSEGYM_TWINS`` names.

    Raises
    ------
    InputError
        If there is none, or it is broken or of another version.
    """
    kind, path = kind_of(read_twin(twin)), twin_path(twin)
    if kind == "kinetics":
        from .kinetics_file import load_kinetic_twin

        return load_kinetic_twin(path)
    if kind == "pressure":
        from .pressure_file import load_pressure_twin

        return load_pressure_twin(path)
    from .twin import load_twin

    return load_twin(path)
