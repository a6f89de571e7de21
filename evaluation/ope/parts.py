"""Parts of logged patients that must never meet: to train, to select, to judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from ...physiology.errors import InputError
from ..logged import Logged
from .steps import people_of

Role = Literal["train", "selection", "gate"]
SHARES: Final[Mapping[Role, float]] = MappingProxyType(
    {"train": 0.5, "selection": 0.2, "gate": 0.3}
)
"""Project choice: the gate wants patients, for its effective sample is a fraction of them."""


@dataclass(frozen=True)
class Part:
    """Logged data with the one use it may be put to.

    Parameters
    ----------
    logged : Logged
    role : {"train", "selection", "gate"}
    """

    logged: Logged
    role: Role

    @property
    def people(self) -> frozenset[str]:
        """Hashes of its patients."""
        return people_of(self.logged)


def divide(
    logged: Logged, rng: np.random.Generator, shares: Mapping[Role, float] = SHARES
) -> dict[Role, Part]:
    """Divide logged data by patient into parts, each for one use.

    Raises
    ------
    InputError
        If the shares do not add up, or a part would hold nobody.
    """
    found = logged.split({str(role): share for role, share in shares.items()}, rng)
    parts: dict[Role, Part] = {role: Part(found[role], role) for role in shares}
    apart(parts)
    return parts


def apart(parts: Mapping[Role, Part]) -> None:
    """Refuse parts that share a patient.

    Raises
    ------
    InputError
        Naming the two parts and how many they share.
    """
    roles = list(parts)
    for i, one in enumerate(roles):
        for other in roles[i + 1 :]:
            refuse_overlap(parts[one].people, parts[other].people, one, other)


def refuse_overlap(
    some: frozenset[str], others: frozenset[str], name: str, other_name: str
) -> None:
    """Refuse two sets of people that share anyone.

    Raises
    ------
    InputError
        Saying how many they share.
    """
    shared = some & others
    if shared:
        raise InputError(
            f"{len(shared)} patients are both in {name} and in {other_name}: a policy may not be "
            "judged on those it was made from; divide by patient (ope.parts.divide)"
        )
