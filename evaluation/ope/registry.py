"""All estimators by name; who is here passes the battery of ``tests/families/test_estimators``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from ...physiology.errors import InputError
from .cumulative import CumulativeDistribution
from .cwpdis import ConsistentPerDecision
from .dr import DoublyRobust
from .estimate import Estimator
from .fqe import FittedQ
from .importance import ImportanceSampling
from .magic import Magic
from .pdis import PerDecision
from .wdr import WeightedDoublyRobust
from .wis import WeightedImportanceSampling

_MAKERS: dict[str, Callable[..., Any]] = {
    "is": ImportanceSampling,
    "wis": WeightedImportanceSampling,
    "pdis": PerDecision,
    "cwpdis": ConsistentPerDecision,
    "fqe": FittedQ,
    "dr": DoublyRobust,
    "wdr": WeightedDoublyRobust,
    "magic": Magic,
    "cd": CumulativeDistribution,
}
ESTIMATORS: Final[Mapping[str, Callable[..., Estimator]]] = MappingProxyType(_MAKERS)


def make_estimator(name: str, **options: object) -> Estimator:
    """Return an estimator by name.

    Raises
    ------
    InputError
        If the name or an option is unknown.
    """
    if name not in ESTIMATORS:
        raise InputError(f"estimator is {name!r}; choose one of {', '.join(ESTIMATORS)}")
    try:
        return ESTIMATORS[name](**options)
    except TypeError as error:
        raise InputError(f"estimator {name} cannot be made so: {error}") from None
