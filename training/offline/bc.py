"""Behaviour cloning: to act as was acted, by maximum likelihood.

The actor is that of ``networks.blank_ppo``; loss

    actor = -mean log pi(a | s)

(Pomerleau 1991, doi:10.1162/neco.1991.3.1.88).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .learner import Algorithm
from .networks import actor_parameters, blank_ppo, bound_spread
from .settings import BcSettings
from .spaces import Spaces

if TYPE_CHECKING:
    from torch import Tensor, nn


class Cloning:
    """A learner (``learner.Learner``) that imitates.

    Parameters
    ----------
    spaces : Spaces
    settings : BcSettings
    """

    kind = "ppo"

    def __init__(self, spaces: Spaces, settings: BcSettings) -> None:
        self.model = blank_ppo(spaces, settings.net_arch)

    def parameters(self) -> list[nn.Parameter]:
        """Return the actor's."""
        return actor_parameters(self.model.policy)

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Return the actor's loss."""
        policy = self.model.policy
        told = policy.get_distribution(batch.observations).log_prob(batch.actions)
        return {"actor": -told.mean()}

    def follow(self) -> None:
        """Keep the spread of actions within bounds."""
        bound_spread(self.model.policy)


BC = Algorithm("bc", BcSettings, Cloning, improves=False)
