"""Conservative Q-learning over levels: one value for each level of each entry of the action.

The value of an action is the sum of its entries' values, Q(s, a) = sum_h Q_h(s, a_h), so that the
best action and the sum over all actions split into entries (Tang, Makar, Sjoding, Doshi-Velez and
Wiens 2022, arXiv 2305.01738): levels that only pay together are not told apart from their sum. With
a* the levels best by Q at s' and Q' the slowly following network (van Hasselt 2016, arXiv
1509.06461),

    critic = mean (r + gamma (1 - d) Q'(s', a*) - Q(s, a))^2
    conservative = alpha mean [sum_h log sum_x exp Q_h(s, x) - Q(s, a)]

(Kumar 2020, arXiv 2006.04779, equation 4). Q is the network that in an SB3 PPO gives the logits:
its likeliest levels are the best ones, and it is saved, loaded and asked as any PPO.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from .networks import actor_parameters, blank_ppo, follow
from .settings import CqlSettings
from .spaces import Spaces

if TYPE_CHECKING:
    from torch import Tensor, nn


class ConservativeLevels:
    """A learner (``learner.Learner``) whose values are low where the data are thin.

    Parameters
    ----------
    spaces : Spaces
        Of actions that are levels.
    settings : CqlSettings
    """

    kind = "ppo"

    def __init__(self, spaces: Spaces, settings: CqlSettings) -> None:
        self.spaces, self.settings = spaces, settings
        self.model = blank_ppo(spaces, settings.net_arch)
        self.target = copy.deepcopy(self.model.policy)

    def parameters(self) -> list[nn.Parameter]:
        """Return those of the values."""
        return actor_parameters(self.model.policy)

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Return the two parts of the values' loss."""
        settings = self.settings
        each = self._each(self.model.policy, batch.observations)
        value = self._of(each, batch.actions)
        with torch.no_grad():
            ahead = self._each(self.model.policy, batch.next_observations)
            best = torch.stack([entry.argmax(dim=1) for entry in ahead], dim=1)
            next_value = self._of(self._each(self.target, batch.next_observations), best)
            aim = batch.rewards + settings.gamma * (1.0 - batch.dones) * next_value
        losses = {"critic": (aim - value).square().mean()}
        if settings.conservative > 0.0:
            over = torch.stack([entry.logsumexp(dim=1) for entry in each]).sum(dim=0)
            losses["conservative"] = settings.conservative * (over - value.squeeze(1)).mean()
        return losses

    def _each(self, policy: Any, observations: Tensor) -> tuple[Tensor, ...]:
        """Return the values of each entry's levels, tensors (B, levels)."""
        latent = policy.mlp_extractor.forward_actor(policy.extract_features(observations))
        return policy.action_net(latent).split(self.spaces.levels, dim=1)

    @staticmethod
    def _of(each: tuple[Tensor, ...], actions: Tensor) -> Tensor:
        """Return the value (B, 1) of actions (B, A) from that of each level."""
        chosen = [e.gather(1, a[:, None]) for e, a in zip(each, actions.unbind(1), strict=True)]
        return torch.cat(chosen, dim=1).sum(dim=1, keepdim=True)

    def follow(self) -> None:
        """Let the target follow."""
        follow(self.model.policy, self.target, self.settings.tau)

    def q(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return the value (B, 1) of actions (B, A)."""
        return self._of(self._each(self.model.policy, observations), actions)
