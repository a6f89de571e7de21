"""Implicit Q-learning: the best of what was done, without ever asking what was not.

With u = min Q'(s, a) - V(s), Q' the slowly following critics, and the expectile e,

    value  = mean |e - 1(u < 0)| u^2
    critic = mean sum_i (r + gamma (1 - d) V(s') - Q_i(s, a))^2
    actor  = -mean min(exp(beta u), largest) log pi(a | s)

(Kostrikov, Nair and Levine 2022, arXiv 2110.06169). Actor and value are those of
``networks.blank_ppo``, the critics SB3's.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch

from .learner import Algorithm
from .networks import (
    actor_parameters,
    blank_ppo,
    bound_spread,
    critics,
    follow,
    least,
    value_parameters,
)
from .settings import IqlSettings
from .spaces import Spaces

if TYPE_CHECKING:
    from torch import Tensor, nn


class ImplicitQ:
    """A learner (``learner.Learner``) that learns values from the actions in the data alone.

    Parameters
    ----------
    spaces : Spaces
    settings : IqlSettings
    """

    kind = "ppo"

    def __init__(self, spaces: Spaces, settings: IqlSettings) -> None:
        self.spaces, self.settings = spaces, settings
        self.model = blank_ppo(spaces, settings.net_arch)
        self.critic = critics(spaces, settings.net_arch)
        self.target = copy.deepcopy(self.critic)

    def parameters(self) -> list[nn.Parameter]:
        """Return those of actor, value and critics."""
        policy = self.model.policy
        return [*actor_parameters(policy), *value_parameters(policy), *self.critic.parameters()]

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Return the losses of value, critics and actor."""
        settings, policy = self.settings, self.model.policy
        encoded = self.spaces.encode(batch.actions)
        value, log_prob, _ = policy.evaluate_actions(batch.observations, batch.actions)
        with torch.no_grad():
            next_value = policy.predict_values(batch.next_observations)
            aim = batch.rewards + settings.gamma * (1.0 - batch.dones) * next_value
            known = least(self.target, batch.observations, encoded)
        better = known - value
        weight = torch.where(better < 0.0, 1.0 - settings.expectile, settings.expectile)
        estimates = self.critic(batch.observations, encoded)
        most = math.log(settings.largest_weight)
        prefer = (settings.temperature * better.detach()).clamp(max=most).exp().squeeze(1)
        return {
            "value": (weight * better.square()).mean(),
            "critic": torch.stack([(aim - q).square().mean() for q in estimates]).sum(),
            "actor": -(prefer * log_prob).mean(),
        }

    def follow(self) -> None:
        """Let the targets follow, and keep the spread of actions within bounds."""
        follow(self.critic, self.target, self.settings.tau)
        bound_spread(self.model.policy)

    def q(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return the value (B, 1) of actions (B, A)."""
        return least(self.critic, observations, self.spaces.encode(actions))


IQL = Algorithm("iql", IqlSettings, ImplicitQ)
