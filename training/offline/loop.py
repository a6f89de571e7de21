"""The one loop of offline learning: draw, lower the losses, let targets follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...physiology.errors import InputError
from ..settings import LINEAR
from .learner import Learner
from .settings import OfflineSettings

Told = Callable[[int, Mapping[str, float]], None]
# Transitions that held-out losses are told of at most.
MOST_HELD_OUT = 4096


def fit(
    learner: Learner,
    buffer: Any,
    settings: OfflineSettings,
    steps: int,
    rng: np.random.Generator,
    *,
    held_out: Any = None,
    told: Told | None = None,
) -> None:
    """Train a learner in place on a replay buffer.

    Parameters
    ----------
    learner : Learner
    buffer : ReplayBuffer
    settings : OfflineSettings
    steps : int
        Gradient steps.
    rng : numpy.random.Generator
        Draws the batches. The learner's own chances are torch's global generator's.
    held_out : ReplayBuffer, optional
        Transitions of people who are not in ``buffer``.
    told : callable, optional
        Called with (step, losses by name) every ``settings.log_every`` steps and at the end.

    Raises
    ------
    InputError
        If a loss is no longer finite.
    """
    import torch

    parameters = learner.parameters()
    optimiser = torch.optim.Adam(parameters, fused=True)
    rate, falls = _rate(settings.learning_rate)
    fixed_rows = None if held_out is None else _some(held_out, rng)
    learner.model.policy.set_training_mode(True)
    for step in range(1, steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = rate * (1.0 - (step - 1) / steps) if falls else rate
        losses = learner.losses(draw(buffer, rng.integers(buffer.size(), size=settings.batch_size)))
        total: Any = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        learner.follow()
        if step % settings.log_every == 0 or step == steps:
            figures = _figures("training", losses, step)
            if fixed_rows is not None:
                with torch.no_grad():
                    apart = learner.losses(draw(held_out, fixed_rows))
                figures |= _figures("held_out", apart, step)
            if told is not None:
                told(step, figures)
    learner.model.policy.set_training_mode(False)
    learner.model.num_timesteps = steps


def draw(buffer: Any, rows: Any) -> Any:
    """Return rows of a replay buffer of one lane, as SB3's ``sample`` does."""
    return buffer._get_samples(rows)


def _some(buffer: Any, rng: np.random.Generator) -> Any:
    count = buffer.size()
    return rng.permutation(count)[:MOST_HELD_OUT]


def _rate(rate: float | str) -> tuple[float, bool]:
    """Return the first learning rate, and whether it falls to zero."""
    if isinstance(rate, str):
        return float(rate.removeprefix(LINEAR)), True
    return rate, False


def _figures(of: str, losses: Mapping[str, Any], step: int) -> dict[str, float]:
    """Return losses as numbers, after refusing what is not finite."""
    figures = {f"{of}/{name}": float(loss.detach()) for name, loss in losses.items()}
    for name, value in figures.items():
        if not np.isfinite(value):
            raise InputError(
                f"loss {name} is {value} after {step} steps; lower learning_rate or reward_scale"
            )
    return figures
