"""What an agent of each environment aims at: where it starts, what is watched, its score."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import entry_of
from ..physiology.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Watched:
    """A figure of the training lanes: the mean of something in their logs.

    Parameters
    ----------
    name : str
    column : str
        Log column.
    value : callable
        From the column (B,) to what is averaged.
    """

    name: str
    column: str
    value: Callable[[Array], Array]


@dataclass(frozen=True)
class Aim:
    """What training has to know of an environment.

    Parameters
    ----------
    watched : tuple of Watched
        Written to TensorBoard beside the costs.
    reported : tuple of str
        Metrics of the environment's evaluation that a validation tells of, in this order.
    score : callable
        From their means to one number that says which of two agents is the better.
    brief : callable
        From the figures of a validation to a few words for the progress bar.
    sentence : callable
        From those figures to the words that end ``dosegym train``.
    usual : callable
        From the task to the action (A,) that asks for usual care: where learning starts.
    """

    watched: tuple[Watched, ...]
    reported: tuple[str, ...]
    score: Callable[[Mapping[str, float]], float]
    brief: Callable[[Mapping[str, float]], str]
    sentence: Callable[[Mapping[str, float]], str]
    usual: Callable[[Any], Array]

    def figures(self, metrics: Mapping[str, Array]) -> dict[str, float]:
        """Return the means over episodes of what is reported, after their ``score``.

        Parameters
        ----------
        metrics : mapping of str to array (B,)
            One value per episode.
        """
        means = {name: float(np.mean(metrics[name])) for name in self.reported}
        return {"score": self.score(means), **means}


_MODULES: Final = MappingProxyType(
    {"dosegym/Insulin-v0": "aim_insulin", "dosegym/BloodPressure-v0": "aim_pressure"}
)


def aim_of(env_id: str) -> Aim:
    """Return the aim of an environment.

    Raises
    ------
    InputError
        If the id is unknown, or nothing is trained on it.
    """
    entry_of(env_id)
    if env_id not in _MODULES:
        raise InputError(f"training knows no aim for {env_id!r}; it knows {', '.join(_MODULES)}")
    aim: Aim = import_module(f"{__package__}.{_MODULES[env_id]}").AIM
    return aim
