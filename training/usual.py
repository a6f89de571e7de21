"""Where learning starts: at the therapy the patient is on, not at a random dose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.dosing import DosingMap
from .settings import Settings

# A squashed head reaches its bound only at infinity.
_BOUND = 0.99


def usual_action(task: Any) -> NDArray[np.float64]:
    """Return the action (A,) that asks for the prescribed therapy.

    The prescribed basal rate and no bolus; in ``meal_bolus`` the carb-ratio bolus.
    """
    dosing: DosingMap = task.dosing
    bolus = 1.0 if dosing.mode == "meal_bolus" else 0.0
    action = dosing.encode(1.0, bolus, scheduled_u_per_h=1.0, daily_dose_u=24.0, told_g=1.0)
    return np.asarray(action[0], np.float64)


def begin_at_usual_dose(model: Any, task: Any, settings: Settings) -> None:
    """Set the first weights of the heads of an SB3 model in place.

    The action head is biased to the usual dose with its weights scaled down, a standard deviation
    that depends on the state begins at ``start.log_std``, the value at the return of
    ``start.mean_reward``.
    """
    import torch

    start = settings.start
    value = start.mean_reward * settings.reward_scale / (1.0 - settings.gamma)
    with torch.no_grad():
        if hasattr(model, "actor"):
            _begin_squashed(model, task, settings)
            for critic in (model.critic, model.critic_target):
                for head in critic.q_networks:
                    head[-1].bias.add_(value)
            return
        if start.usual_dose:
            head = model.policy.action_net
            head.weight.mul_(start.head_scale)
            head.bias.copy_(torch.from_numpy(usual_action(task)))
        model.policy.value_net.bias.add_(value)


def _begin_squashed(model: Any, task: Any, settings: Settings) -> None:
    """Do the same for SAC and TD3, whose actions pass through a hyperbolic tangent."""
    import torch

    start = settings.start
    if not start.usual_dose:
        return
    aim = torch.from_numpy(np.arctanh(np.clip(usual_action(task), -_BOUND, _BOUND)))
    targets = [model.actor_target] if hasattr(model, "actor_target") else []
    for actor in (model.actor, *targets):
        head = actor.mu if hasattr(actor, "log_std") else actor.mu[-2]
        head.weight.mul_(start.head_scale)
        head.bias.copy_(aim)
    if hasattr(model.actor, "log_std"):
        model.actor.log_std.weight.mul_(start.head_scale)
        model.actor.log_std.bias.fill_(start.log_std)
