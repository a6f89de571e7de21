"""Conservative Q-learning over numbers: a soft actor-critic that distrusts what it never saw.

With a' drawn from the actor at s' and Q' the slowly following critics,

    critic = sum_i mean (r + gamma (1 - d) min Q'(s', a') - Q_i(s, a))^2
             + alpha sum_i mean [log integral exp Q_i(s, x) dx - Q_i(s, a)]
    actor  = mean [c log pi(a~ | s) - min Q(s, a~)],  a~ drawn from the actor at s

The integral is estimated by importance sampling from uniform actions and from the actor's at s and
at s', a third each (Kumar, Zhou, Tucker and Levine 2020, arXiv 2006.04779, equation 4 and appendix
F); the target holds no entropy, as there. Actor and critics are those of SB3's SAC.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from .cql_levels import ConservativeLevels
from .learner import Algorithm, Learner
from .networks import blank_sac, fixed, follow, least
from .settings import CqlSettings
from .spaces import Spaces

if TYPE_CHECKING:
    from torch import Tensor, nn


class ConservativeNumbers:
    """A learner (``learner.Learner``) whose critics are low where the data are thin.

    Parameters
    ----------
    spaces : Spaces
        Of actions that are numbers.
    settings : CqlSettings
    """

    kind = "sac"

    def __init__(self, spaces: Spaces, settings: CqlSettings) -> None:
        self.spaces, self.settings = spaces, settings
        self.model = blank_sac(spaces, settings.net_arch)

    def parameters(self) -> list[nn.Parameter]:
        """Return those of actor and critics."""
        return [*self.model.actor.parameters(), *self.model.critic.parameters()]

    def losses(self, batch: Any) -> dict[str, Tensor]:
        """Return the losses of critics and actor; ``conservative`` is the critics' second part."""
        settings, model = self.settings, self.model
        here, there = batch.observations, batch.next_observations
        action, log_prob = model.actor.action_log_prob(here)
        with fixed(model.critic):
            gained = least(model.critic, here, action).squeeze(1)
        with torch.no_grad():
            next_action, _ = model.actor.action_log_prob(there)
            next_value = least(model.critic_target, there, next_action)
            aim = batch.rewards + settings.gamma * (1.0 - batch.dones) * next_value
        estimates = model.critic(here, batch.actions)
        losses = {
            "critic": torch.stack([(aim - q).square().mean() for q in estimates]).sum(),
            "actor": (settings.ent_coef * log_prob - gained).mean(),
        }
        if settings.conservative > 0.0:
            gaps = self._log_integrals(here, there) - torch.cat(estimates, dim=1)
            losses["conservative"] = settings.conservative * gaps.mean(dim=0).sum()
        return losses

    def _log_integrals(self, here: Tensor, there: Tensor) -> Tensor:
        """Return log of the integral of exp Q_i(s, x) over actions x, (B, critics)."""
        n, size, count = self.settings.actions, self.spaces.action.shape[0], len(here)
        states = here.repeat_interleave(n, dim=0)
        with torch.no_grad():
            drawn = [2.0 * torch.rand(count * n, size) - 1.0]
            density = [torch.full((count * n,), -size * math.log(2.0))]
            for seen in (here, there):
                action, log_prob = self.model.actor.action_log_prob(seen.repeat_interleave(n, 0))
                drawn.append(action)
                density.append(log_prob)
        values = self.model.critic(states.repeat(3, 1), torch.cat(drawn))
        weighed = torch.cat(values, dim=1) - torch.cat(density)[:, None]
        parts = weighed.view(3, count, n, len(values)).permute(1, 0, 2, 3).flatten(1, 2)
        return torch.logsumexp(parts, dim=1) - math.log(3 * n)

    def follow(self) -> None:
        """Let the targets follow."""
        follow(self.model.critic, self.model.critic_target, self.settings.tau)

    def q(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Return the value (B, 1) of actions (B, A)."""
        return least(self.model.critic, observations, actions)


def conservative(spaces: Spaces, settings: CqlSettings) -> Learner:
    """Return the learner for this kind of actions."""
    return (ConservativeLevels if spaces.levels else ConservativeNumbers)(spaces, settings)


CQL = Algorithm("cql", CqlSettings, conservative)
