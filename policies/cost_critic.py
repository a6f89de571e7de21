"""The network of a constrained agent: Stable-Baselines3's actor and critic with a cost critic.

It lives here and not beside the learner, so that an agent trained under constraints is read from
its file as plain PPO, without any training code.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn


class ActorCostCriticPolicy(ActorCriticPolicy):
    """SB3's ``ActorCriticPolicy`` with one more network that foresees costs, a head for each.

    The cost critic shares no weight with actor and critic, and its weights are drawn after theirs:
    seeded alike, both policies begin with the same actor. One optimiser holds all parameters; a
    parameter without a gradient is left alone by its step, so that the two losses stay apart.

    Parameters
    ----------
    *args
        As ``ActorCriticPolicy``.
    n_costs : int
        Costs foreseen, K.
    **kwargs
        As ``ActorCriticPolicy``.
    """

    def __init__(self, *args: Any, n_costs: int = 1, **kwargs: Any) -> None:
        # SB3 builds the networks within its own __init__.
        self.n_costs = n_costs
        super().__init__(*args, **kwargs)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "n_costs": self.n_costs}

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        layers = self.net_arch["vf"] if isinstance(self.net_arch, dict) else self.net_arch
        widths = [self.features_dim, *layers]
        trunk: list[nn.Module] = []
        for before, after in pairwise(widths):
            trunk += [nn.Linear(before, after), self.activation_fn()]
        self.cost_net = nn.Sequential(*trunk)
        self.cost_value_net = nn.Linear(widths[-1], self.n_costs)
        if self.ortho_init:
            self.cost_net.apply(lambda part: self.init_weights(part, gain=np.sqrt(2)))
            # At first no cost is expected from any state.
            self.init_weights(self.cost_value_net, gain=0.01)
        kind: Any = self.optimizer_class
        self.optimizer = kind(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def predict_cost_values(self, observation: torch.Tensor) -> torch.Tensor:
        """Return the discounted costs (B, K) expected from observations (B, n) on."""
        features = super(ActorCriticPolicy, self).extract_features(
            observation, self.vf_features_extractor
        )
        values: torch.Tensor = self.cost_value_net(self.cost_net(features))
        return values
