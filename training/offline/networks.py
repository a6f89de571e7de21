"""Stable-Baselines3's networks made from spaces alone, without an environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.torch_layers import FlattenExtractor
from torch import Tensor, nn

from .spaces import Spaces

# Bounds of a logarithm of a standard deviation that the data alone would take to minus infinity.
LOG_STD = (-5.0, 1.0)


def blank_ppo(spaces: Spaces, net_arch: Sequence[int], *, log_std: float = -1.0) -> Any:
    """Return an SB3 PPO whose policy has an actor and a value, untrained.

    Its actor is Gaussian where actions are numbers (and clipped when it acts), else categorical in
    each entry. Nothing of PPO's learning is used: the class is a container that SB3 saves, loads
    and predicts with.

    Parameters
    ----------
    spaces : Spaces
    net_arch : sequence of int
        Hidden layers, the same for actor and value, which share none.
    log_std : float
        Logarithm of the first standard deviation, where actions are numbers.
    """
    layers = list(net_arch)
    options: dict[str, Any] = {
        "net_arch": {"pi": layers, "vf": layers}, "activation_fn": nn.ReLU
    }  # fmt: skip
    if not spaces.levels:
        options["log_std_init"] = log_std
    return _blank(PPO, spaces, options, n_steps=1)


def blank_sac(spaces: Spaces, net_arch: Sequence[int], *, log_std: float = -1.0) -> Any:
    """Return an SB3 SAC with squashed Gaussian actor, two critics and their targets, untrained."""
    options = {"net_arch": list(net_arch)}
    size = -float(spaces.action.shape[0])
    model = _blank(SAC, spaces, options, buffer_size=1, ent_coef=0.0, target_entropy=size)
    with torch.no_grad():
        model.actor.log_std.bias.fill_(log_std)
    return model


def _blank(kind: Any, spaces: Spaces, policy_kwargs: dict[str, Any], **options: Any) -> Any:
    model = kind(
        "MlpPolicy",
        None,
        policy_kwargs=policy_kwargs,
        device="cpu",
        _init_setup_model=False,
        **options,
    )
    model.observation_space, model.action_space = spaces.observation, spaces.action
    model.n_envs = 1
    model._setup_model()
    return model


def critics(spaces: Spaces, net_arch: Sequence[int]) -> Any:
    """Return two of SB3's critics of encoded actions (``Spaces.encode``)."""
    extractor = FlattenExtractor(spaces.observation)
    return ContinuousCritic(
        spaces.observation,
        spaces.encoded,
        list(net_arch),
        extractor,
        extractor.features_dim,
        share_features_extractor=False,
    )


def least(critic: Any, observations: Tensor, encoded: Tensor) -> Tensor:
    """Return the smaller of the critics' values, (B, 1)."""
    return torch.cat(critic(observations, encoded), dim=1).min(dim=1, keepdim=True).values


def actor_parameters(policy: Any) -> list[nn.Parameter]:
    """Return what moves the actions of an SB3 actor-critic policy."""
    parts = [*policy.mlp_extractor.policy_net.parameters(), *policy.action_net.parameters()]
    return [*parts, policy.log_std] if hasattr(policy, "log_std") else parts


def value_parameters(policy: Any) -> list[nn.Parameter]:
    """Return what moves the value of an SB3 actor-critic policy."""
    return [*policy.mlp_extractor.value_net.parameters(), *policy.value_net.parameters()]


def bound_spread(policy: Any) -> None:
    """Keep the standard deviation of a Gaussian actor within bounds, in place."""
    if hasattr(policy, "log_std"):
        with torch.no_grad():
            policy.log_std.clamp_(*LOG_STD)


def follow(network: nn.Module, target: nn.Module, tau: float) -> None:
    """Move a target's parameters towards a network's by the share tau, in place."""
    with torch.no_grad():
        for kept, now in zip(target.parameters(), network.parameters(), strict=True):
            kept.lerp_(now, tau)


@contextmanager
def fixed(network: nn.Module) -> Iterator[None]:
    """Let no gradient reach a network's parameters from what is computed inside."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
