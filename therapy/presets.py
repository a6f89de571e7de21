"""Named presets: choose one by name and change some of its fields, refusing what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from ..physiology.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
D = TypeVar("D", bound="DataclassInstance")


def choose(
    what: str, asked: str | Mapping[str, Any], presets: Mapping[str, T], default: str
) -> tuple[T, dict[str, Any]]:
    """Return the preset asked for and the changes to make to it.

    Parameters
    ----------
    what : str
        What is being chosen, for messages (``sensor``).
    asked : str or mapping
        A preset's name, or ``{"preset": name, field: value, ...}``.
    presets : mapping of str to T
        What there is.
    default : str
        The preset of a mapping that names none.

    Raises
    ------
    InputError
        If there is no such preset, or ``asked`` is neither a name nor a mapping.
    """
    if isinstance(asked, str):
        name, changes = asked, dict[str, Any]()
    elif isinstance(asked, Mapping):
        changes = dict(asked)
        name = changes.pop("preset", default)
    else:
        raise InputError(f"{what} is {asked!r}; give a preset's name or a mapping with 'preset'")
    if not isinstance(name, str) or name not in presets:
        raise InputError(f"{what} is {name!r}; choose one of {', '.join(presets)}")
    return presets[name], changes


def known_fields(record: DataclassInstance) -> tuple[str, ...]:
    """Return the names a preset's fields may be changed by."""
    return tuple(f.name for f in fields(record))


def verify(what: str, record: DataclassInstance, changes: Mapping[str, Any]) -> None:
    """Refuse changes to fields a record does not have, or to values of another type.

    Raises
    ------
    InputError
        Naming the field and what it takes.
    """
    for key, value in changes.items():
        if key not in known_fields(record):
            raise InputError(
                f"{what} has no setting {key!r}; it has {', '.join(known_fields(record))}"
            )
        _check_type(f"{what} {key}", value, getattr(record, key))


def amend(what: str, record: D, changes: Mapping[str, Any]) -> D:
    """Return a frozen dataclass with some fields changed, each of the type it had.

    Raises
    ------
    InputError
        If a field is unknown or its new value is of another type.
    """
    verify(what, record, changes)
    return replace(record, **changes)


def _check_type(label: str, value: Any, current: Any) -> None:
    if isinstance(current, bool):
        right, wanted = isinstance(value, bool), "true or false"
    elif isinstance(current, (int, float)):
        right, wanted = _is_number(value), "a finite number"
    elif isinstance(current, str):
        right, wanted = isinstance(value, str), "a text"
    elif current and all(map(_is_number, current)):
        right = isinstance(value, (list, tuple)) and all(map(_is_number, value))
        wanted = "a list of finite numbers"
    else:
        right, wanted = isinstance(value, (list, tuple)), "a list"
    if not right:
        raise InputError(f"{label} is {value!r}; it must be {wanted}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def check(label: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a number outside [low, high].

    Raises
    ------
    InputError
        Naming the quantity, the value and the bounds.
    """
    if not low <= value <= high:
        unit = f" {unit}" if unit else ""
        raise InputError(
            f"{label} is {value:g}{unit}; give a value between {low:g} and {high:g}{unit}"
        )
