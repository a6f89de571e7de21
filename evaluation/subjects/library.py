"""Finding the subject of an environment, a task or a policy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from ...physiology.errors import InputError
from ..subject import Subject

#: Task name and module by environment id; the module's ``SUBJECT`` is the subject.
_PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "dosegym/Insulin-v0": ("Insulin", "dosegym.evaluation.subjects.insulin"),
    "dosegym/BloodPressure-v0": ("BloodPressure", "dosegym.evaluation.subjects.blood_pressure"),
}
DEFAULT: Final = "dosegym/Insulin-v0"


@cache
def subject_of(env_id: str) -> Subject:
    """Return the subject of an environment id.

    Raises
    ------
    InputError
        If no environment of that id can be evaluated.
    """
    if env_id not in _PLACES:
        raise InputError(f"environment id is {env_id!r}; choose one of {', '.join(_PLACES)}")
    found: Subject = import_module(_PLACES[env_id][1]).SUBJECT
    return found


def subject_of_task(task: Any) -> Subject:
    """Return the subject of a composed task, by its name.

    Raises
    ------
    InputError
        If no subject speaks of such a task.
    """
    for env_id, (name, _) in _PLACES.items():
        if task.name == name:
            return subject_of(env_id)
    known = ", ".join(name for name, _ in _PLACES.values())
    raise InputError(f"task is {task.name!r}; evaluation knows {known}")


def environment_of(policy: Any, env_id: str | None = None) -> str:
    """Return the environment that a policy is to be judged in.

    Parameters
    ----------
    policy : object
        Its ``env_id``, or its card's, says what it was made for; without either any will do.
    env_id : str, optional
        What the caller asks for; by default the policy's own, else the insulin environment.

    Raises
    ------
    InputError
        If the environment is unknown, or not the one that the policy was made for.
    """
    card = getattr(policy, "card", None)
    stated = card.get("env_id") if isinstance(card, Mapping) else None
    own = getattr(policy, "env_id", None) or stated
    asked = env_id or own or DEFAULT
    subject_of(asked)
    if own is not None and own != asked:
        name = card.get("policy", "given") if isinstance(card, Mapping) else "given"
        raise InputError(
            f"policy {name} is for {own}, not for {asked}; choose that environment or another "
            "policy"
        )
    return str(asked)
