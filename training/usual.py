"""Where learning starts: at usual care, not at a random dose."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import MultiDiscrete
from numpy.typing import NDArray

from .settings import Settings

# A squashed head reaches its bound only at infinity.
_BOUND = 0.99


def begin_at_usual_dose(model: Any, usual: NDArray[np.float64], settings: Settings) -> None:
    """Set the first weights of the heads of an SB3 model in place.

    The action head is biased to the usual dose with its weights scaled down, a standard deviation
    that depends on the state begins at ``start.log_std``, the value at the return of
    ``start.mean_reward``. Levels to choose from become the less likely, by the factor
    exp(``start.level_logit``) each, the farther they are from the usual one.

    Parameters
    ----------
    model : SB3 algorithm
    usual : array (A,)
        Action that asks for usual care.
    settings : Settings
    """
    import torch

    start = settings.start
    value = start.mean_reward * settings.reward_scale / (1.0 - settings.gamma)
    with torch.no_grad():
        if hasattr(model, "actor"):
            _begin_squashed(model, usual, settings)
            for critic in (model.critic, model.critic_target):
                for head in critic.q_networks:
                    head[-1].bias.add_(value)
            return
        if start.usual_dose:
            head = model.policy.action_net
            head.weight.mul_(start.head_scale)
            space = model.action_space
            levels = isinstance(space, MultiDiscrete)
            aim = _logits(space, usual, start.level_logit) if levels else usual
            head.bias.copy_(torch.from_numpy(aim))
        model.policy.value_net.bias.add_(value)


def _logits(space: MultiDiscrete, usual: NDArray[Any], slope: float) -> NDArray[np.float64]:
    """Return the first logits (sum of nvec,) of levels: falling with the distance from usual."""
    each = [-slope * np.abs(np.arange(n) - u) for n, u in zip(space.nvec, usual, strict=True)]
    return np.concatenate(each)


def _begin_squashed(model: Any, usual: NDArray[np.float64], settings: Settings) -> None:
    """Do the same for SAC and TD3, whose actions pass through a hyperbolic tangent."""
    import torch

    start = settings.start
    if not start.usual_dose:
        return
    aim = torch.from_numpy(np.arctanh(np.clip(usual, -_BOUND, _BOUND)))
    targets = [model.actor_target] if hasattr(model, "actor_target") else []
    for actor in (model.actor, *targets):
        head = actor.mu if hasattr(actor, "log_std") else actor.mu[-2]
        head.weight.mul_(start.head_scale)
        head.bias.copy_(aim)
    if hasattr(model.actor, "log_std"):
        model.actor.log_std.weight.mul_(start.head_scale)
        model.actor.log_std.bias.fill_(start.log_std)
