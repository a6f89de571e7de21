"""Runs small enough for a test: a few lanes, a few rollouts, one day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ENV = "dosegym/Insulin-v0"
SHORT = {
    "n_envs": 8,
    "checkpoint_every": 64,
    "validation.every": 10_000,
    "validation.lanes": 2,
    "validation.days": 1,
}
OWN = {
    "ppo": {"n_steps": 8, "batch_size": 32, "n_epochs": 2, "net_arch": [8]},
    "recurrent_ppo": {
        "n_steps": 8, "batch_size": 32, "n_epochs": 1, "net_arch": [8], "lstm_hidden_size": 8
    },
    "a2c": {"n_steps": 8, "net_arch": [8]},
    "sac": {"batch_size": 16, "buffer_size": 96, "gradient_steps": 2, "net_arch": [8]},
    "td3": {"batch_size": 16, "buffer_size": 96, "gradient_steps": 2, "net_arch": [8]},
}  # fmt: skip


def short(algo: str, out: Path, **changes: Any) -> dict[str, Any]:
    """Return the arguments of ``train`` for a run of a second or two."""
    overrides = {**SHORT, **OWN[algo], **changes.pop("overrides", {})}
    return {
        "env_id": ENV,
        "algo": algo,
        "timesteps": 320,
        "out": out,
        "env_kwargs": {"days": 1},
        "overrides": overrides,
        "progress": False,
        **changes,
    }


@pytest.fixture
def arguments() -> Callable[..., dict[str, Any]]:
    """Hand the helper to tests, which cannot import a conftest."""
    return short
