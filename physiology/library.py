"""Models by name."""

from __future__ import annotations

from importlib import import_module

from .errors import InputError
from .model import Model

MODELS = ("uva_padova_2008", "uva_padova_gains", "hovorka_2004", "dosegym_bp_2026")


def load_model(name: str = "uva_padova_2008", **options: str) -> Model:
    """Return a model by name.

    Parameters
    ----------
    name : str
        One of ``MODELS``.
    **options
        The model's own options, e.g. ``gut="simglucose_legacy"``.

    Raises
    ------
    InputError
        If the name or an option is unknown.
    """
    if not isinstance(name, str) or name not in MODELS:
        raise InputError(f"physiology is {name!r}; choose one of {', '.join(MODELS)}")
    build = import_module(f".models.{name}", __package__).build
    try:
        model: Model = build(**options)
    except TypeError:
        raise InputError(f"{name} does not know the option among {', '.join(options)}") from None
    return model
