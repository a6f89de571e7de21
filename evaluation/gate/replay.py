"""Certifying once more what a certificate says was certified, to see the same bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ...physiology.errors import InputError
from ..safety import examine
from ..safety_case import SafetyCase

# What says when and where it was computed, not what.
ASIDE: Final = ("created", "expires", "versions", "sha256")


@dataclass(frozen=True)
class Replayed:
    """A certification and its repetition.

    Parameters
    ----------
    case : SafetyCase
        The repetition.
    differences : tuple of str
        Where it differs, each as a path with both values; empty if it is the same bit for bit.
    """

    case: SafetyCase
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether verdict, bounds, lanes and all they rest on are the same."""
        return not self.differences


def replay(
    case: SafetyCase,
    policy: Any = None,
    *,
    trust: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Replayed:
    """Repeat a certification from what its certificate says of the request.

    Parameters
    ----------
    case : SafetyCase
    policy : str, Path or object, optional
        By default as the certificate names it.
    trust : bool
        Accept an agent file that differs from its manifest.
    progress : callable, optional

    Raises
    ------
    InputError
        If the policy cannot be found.
    """
    asked = case.request
    chosen = policy if policy is not None else asked["policy"]
    if chosen == "":
        raise InputError(
            "the certificate was made for a policy given as an object; name it with --policy"
        )
    again = examine(
        chosen,
        constraints=asked["constraints"],
        patients=asked["patients"],
        seed=asked["seed"],
        groups=asked["groups"],
        env_kwargs=asked["env_kwargs"],
        logged=asked.get("logged"),
        trust=trust,
        progress=progress,
        created=datetime.fromisoformat(case.created),
    )
    old, new = case.to_dict(), again.to_dict()
    if policy is not None:
        # Where it lies may have changed; what it is stands in its hash.
        new["request"] = {**new["request"], "policy": old["request"]["policy"]}
    for key in ASIDE:
        old.pop(key)
        new.pop(key)
    # What it is comes before how it fared.
    found = sorted(_differences("", old, new), key=lambda line: line.startswith(("lanes", "items")))
    return Replayed(again, tuple(found))


def _differences(place: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return [d for k in old for d in _differences(f"{place}.{k}".lstrip("."), old[k], new[k])]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [
            d
            for i, (a, b) in enumerate(zip(old, new, strict=True))
            for d in _differences(f"{place}[{i}]", a, b)
        ]
    return [] if old == new else [f"{place}: {_short(old)} then, {_short(new)} now"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
