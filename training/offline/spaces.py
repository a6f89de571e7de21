"""The two spaces that an offline learner works between, and levels as critics see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.spaces import Box, MultiDiscrete

from ...physiology.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Spaces:
    """What is observed and what is chosen.

    Parameters
    ----------
    observation : Box
        Of shape (O,).
    action : Box or MultiDiscrete
        Numbers from -1 to 1, or levels, of shape (A,).

    Raises
    ------
    InputError
        If either is of another kind.
    """

    observation: Box
    action: Box | MultiDiscrete

    def __post_init__(self) -> None:
        if not isinstance(self.observation, Box) or len(self.observation.shape) != 1:
            raise InputError(
                f"observations are of {self.observation}; offline learning takes a flat Box"
            )
        if isinstance(self.action, Box):
            unit = np.all(self.action.low == -1.0) and np.all(self.action.high == 1.0)
            if len(self.action.shape) == 1 and unit:
                return
        elif isinstance(self.action, MultiDiscrete) and len(self.action.shape) == 1:
            return
        raise InputError(
            f"actions are of {self.action}; offline learning takes numbers from -1 to 1 (Box) or "
            "levels (MultiDiscrete)"
        )

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels of each entry of the action; empty where actions are numbers."""
        return () if isinstance(self.action, Box) else tuple(int(n) for n in self.action.nvec)

    @property
    def encoded(self) -> Box:
        """The space of :meth:`encode`."""
        if isinstance(self.action, Box):
            return self.action
        return Box(0.0, 1.0, (sum(self.levels),), np.float32)

    def encode(self, actions: Tensor) -> Tensor:
        """Return actions (B, A) as critics take them: numbers as they are, levels as 0 or 1.

        Returns
        -------
        Tensor (B, A) or (B, sum of levels)
        """
        if not self.levels:
            return actions
        import torch
        from torch.nn.functional import one_hot

        columns = actions.long().unbind(dim=1)
        each = [one_hot(column, n) for column, n in zip(columns, self.levels, strict=True)]
        return torch.cat(each, dim=1).float()


def spaces_of(env_id: str, env_kwargs: Any) -> Spaces:
    """Return the spaces of a registered environment under these keywords.

    Raises
    ------
    InputError
        If the environment refuses its id or a keyword.
    """
    from ...envs.registry import make_task

    task: Any = make_task(env_id, **env_kwargs)
    return Spaces(task.observation_space, task.action_space)
