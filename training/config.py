"""Reading hyperparameters: an algorithm's file, the caller's changes, one line for a fault."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ..physiology.errors import InputError
from .settings import SETTINGS, Settings

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Loaded:
    """Settings and the hash of the file they came from.

    Parameters
    ----------
    settings : Settings
    sha256 : str
        Of the YAML file, before the caller's changes.
    """

    settings: Settings
    sha256: str


def check_algo(algo: str) -> str:
    """Return the algorithm's key.

    Raises
    ------
    InputError
        If there is no such algorithm.
    """
    key = str(algo).lower()
    if key not in SETTINGS:
        raise InputError(f"algorithm is {algo!r}; choose one of {', '.join(SETTINGS)}")
    return key


def environments_of(algo: str) -> tuple[str, ...]:
    """Return the environment ids that an algorithm has hyperparameters for.

    Raises
    ------
    InputError
        If there is no such algorithm.
    """
    return tuple(_read(check_algo(algo))[1])


def _read(key: str) -> tuple[str, dict[str, Any]]:
    """Return an algorithm's file as text and as a mapping."""
    text = resources.files("dosegym.training.hyperparams").joinpath(f"{key}.yml").read_text("utf-8")
    return text, yaml.safe_load(text)


def load_settings(algo: str, env_id: str, overrides: Mapping[str, Any] | None = None) -> Loaded:
    """Return the hyperparameters of an algorithm for an environment.

    Parameters
    ----------
    algo : str
        One of ppo, sac, td3, a2c, ppo_lagrangian, recurrent_ppo, maskable_ppo.
    env_id : str
        Key in the algorithm's file.
    overrides : mapping, optional
        Changes by name; a dot reaches inside, e.g. ``{"validation.days": 2}``.

    Returns
    -------
    Loaded

    Raises
    ------
    InputError
        One line naming the unknown or unacceptable key.
    """
    return Loaded(*read_settings(SETTINGS, check_algo(algo), env_id, overrides))


def read_settings(
    kinds: Mapping[str, type[Model]],
    key: str,
    env_id: str,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Model, str]:
    """Return checked settings of one of several algorithms, and the hash of their file.

    Parameters
    ----------
    kinds : mapping of algorithm to the type of its settings
    key : str
        Key in it; its file is ``hyperparams/KEY.yml``.
    env_id, overrides
        As :func:`load_settings`.

    Raises
    ------
    InputError
        As :func:`load_settings`.
    """
    text, table = _read(key)
    if env_id not in table:
        raise InputError(f"{key} has no hyperparameters for {env_id!r}; it has {', '.join(table)}")
    values = dict(table[env_id])
    for name, value in (overrides or {}).items():
        _put(values, str(name), value, key)
    return _parse(kinds[key], key, values), hashlib.sha256(text.encode()).hexdigest()


def parse_settings(algo: str, values: Mapping[str, Any]) -> Settings:
    """Return checked settings from plain values.

    Raises
    ------
    InputError
        As :func:`load_settings`.
    """
    return _parse(SETTINGS[check_algo(algo)], algo, values)


def _parse(kind: type[Model], algo: str, values: Mapping[str, Any]) -> Model:
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(_line(algo, kind, error)) from None


def parse_assignments(pairs: Iterable[str]) -> dict[str, Any]:
    """Return ``key=value`` pairs as a mapping; values are read as YAML.

    Raises
    ------
    InputError
        If a pair has no equals sign, or its value is not YAML.
    """
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            raise InputError(f"--set is {pair!r}; write key=value, e.g. --set n_epochs=4")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InputError(f"--set {name.strip()} is {value!r}, which is not YAML") from None
    return found


def json_mapping(value: Any, name: str) -> dict[str, Any]:
    """Return a mapping as JSON reads it back, so that what is recorded is what was used.

    Raises
    ------
    InputError
        If it is no mapping, or holds what JSON cannot.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is {value!r}; give a mapping of keywords to values")
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} cannot be written as JSON ({error}); use plain values") from None
    return plain


def _put(values: dict[str, Any], name: str, value: Any, algo: str) -> None:
    """Set a dotted name inside nested mappings."""
    *path, last = name.split(".")
    place = values
    for part in path:
        inner = place.get(part, {})
        if not isinstance(inner, Mapping):
            raise InputError(f"{algo} hyperparameter {part!r} has no parts; set it whole")
        place[part] = dict(inner)
        place = place[part]
    place[last] = value


def _line(algo: str, kind: type[BaseModel], error: ValidationError) -> str:
    """Return the first fault in one line."""
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known(kind, first["loc"])
        near = difflib.get_close_matches(str(first["loc"][-1]), known, 1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{algo} has no hyperparameter {place!r}; {hint}it has {', '.join(known)}"
    said = str(first["msg"]).removeprefix("Value error, ")
    if not place:
        return f"{algo}: {said}"
    if first["type"] == "missing":
        return f"{algo} hyperparameter {place} is missing; set it"
    return f"{algo} hyperparameter {place} is {first['input']!r}: {said}"


def _known(kind: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the names allowed at a place."""
    model: Any = kind
    for part in place[:-1]:
        model = model.model_fields[str(part)].annotation
    return list(model.model_fields)
