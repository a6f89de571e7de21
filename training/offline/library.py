"""Which offline algorithms there are."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ...physiology.errors import InputError
from .bc import BC
from .cql import CQL
from .iql import IQL
from .learner import Algorithm

OFFLINE: Final = MappingProxyType({entry.name: entry for entry in (BC, IQL, CQL)})


def offline_algorithm(name: str) -> Algorithm:
    """Return an offline algorithm.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    key = str(name).lower()
    if key not in OFFLINE:
        raise InputError(
            f"algorithm is {name!r}; from logged data choose one of {', '.join(OFFLINE)}"
        )
    return OFFLINE[key]
