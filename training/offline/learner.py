"""What an offline algorithm is to the loop that trains it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .settings import OfflineSettings
from .spaces import Spaces

if TYPE_CHECKING:
    from torch import Tensor, nn


class Learner(Protocol):
    """Networks, and the losses that move them.

    ``model`` is the SB3 algorithm that acts: what is saved. ``kind`` is its name in
    ``policies.learned.algorithm``: what it is loaded as.
    """

    model: Any
    kind: str

    def parameters(self) -> list[nn.Parameter]:
        """Return what is trained."""
        ...

    def losses(self, batch: Any) -> Mapping[str, Tensor]:
        """Return the losses of a batch of SB3's replay buffer.

        Each network has its own loss, and the gradient of their sum is for each that of its own.
        """
        ...

    def follow(self) -> None:
        """Do what comes after a gradient step: targets follow."""


@dataclass(frozen=True)
class Algorithm:
    """One way to learn from logged data.

    Parameters
    ----------
    name : str
    settings : type
    build : callable
        From spaces and settings to a fresh learner.
    improves : bool
        Whether it seeks more reward than the behaviour had; cloning does not.
    """

    name: str
    settings: type[OfflineSettings]
    build: Callable[[Spaces, Any], Learner]
    improves: bool = True
