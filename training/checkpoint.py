"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file.

The file is a pickle: continue only runs whose folder you trust, as with any Stable-Baselines3 file.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np

from ..envs.sb3 import DoseVecEnv
from ..evaluation.write import write_bytes
from ..physiology.errors import InputError
from .build import learners_view
from .learners import learner
from .settings import Settings

CHECKPOINT = "checkpoint.pkl"
_FORMAT = b"dosegym checkpoint 2\n"
_HASH_BYTES = 32


def write_checkpoint(folder: Path, model: Any, env: DoseVecEnv, progress: dict[str, Any]) -> Path:
    """Write the state of a run between two rollouts; the file appears whole or not at all.

    Parameters
    ----------
    folder : Path
    model : SB3 algorithm
    env : DoseVecEnv
        The lanes it learns on.
    progress : dict
        The run's own counters.

    Returns
    -------
    Path
    """
    zipped = io.BytesIO()
    model.save(zipped)
    body = pickle.dumps(
        {
            "model": zipped.getvalue(),
            "memory": getattr(model, "_last_lstm_states", None),
            "replay": _replay_of(model),
            "lanes": _lanes_of(env),
            "masks": env._masks,
            "chance": _chance_of(model),
            "progress": progress,
        }
    )
    return write_bytes(folder / CHECKPOINT, _FORMAT + hashlib.sha256(body).digest() + body)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Return the contents of a run's checkpoint, or None where there is none.

    Raises
    ------
    InputError
        If the file is not whole.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    data = path.read_bytes()
    start = len(_FORMAT) + _HASH_BYTES
    told, body = data[len(_FORMAT) : start], data[start:]
    if not data.startswith(_FORMAT) or hashlib.sha256(body).digest() != told:
        raise InputError(f"checkpoint {path} is damaged; delete it and train from the beginning")
    contents: dict[str, Any] = pickle.loads(body)
    return contents


def restore(algo: str, contents: dict[str, Any], env: DoseVecEnv, settings: Settings) -> Any:
    """Return the SB3 model of a checkpoint and put its lanes and every source of chance back.

    Parameters
    ----------
    algo : str
    contents : dict
        Of ``read_checkpoint``.
    env : DoseVecEnv
        Freshly made; its lanes are overwritten.
    settings : Settings

    Returns
    -------
    SB3 algorithm
    """
    zipped = io.BytesIO(contents["model"])
    view = learners_view(env, settings)
    model = learner(algo).load(zipped, env=view, device="cpu", force_reset=False)
    env._reset_seeds()
    if contents["memory"] is not None:
        model._last_lstm_states = contents["memory"]
    _put_replay(model, contents["replay"])
    lanes = env.lanes
    lanes.generators, lanes.streams, lanes.episode, lanes.state = contents["lanes"]
    env._masks = contents["masks"]
    _put_chance(model, contents["chance"])
    return model


def _lanes_of(env: DoseVecEnv) -> tuple[Any, ...]:
    lanes = env.lanes
    return lanes.generators, lanes.streams, lanes.episode, lanes.state


_REPLAY_ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def _replay_of(model: Any) -> dict[str, Any] | None:
    """Return the filled part of a replay buffer."""
    buffer = getattr(model, "replay_buffer", None)
    if buffer is None:
        return None
    filled = buffer.size()
    arrays = {name: getattr(buffer, name)[:filled] for name in _REPLAY_ARRAYS}
    return {"arrays": arrays, "pos": buffer.pos, "full": buffer.full}


def _put_replay(model: Any, kept: dict[str, Any] | None) -> None:
    if kept is None:
        return
    buffer = model.replay_buffer
    for name, rows in kept["arrays"].items():
        getattr(buffer, name)[: len(rows)] = rows
    buffer.pos, buffer.full = kept["pos"], kept["full"]


def _chance_of(model: Any) -> dict[str, Any]:
    """Return the state of every generator SB3 draws from: its own are the global ones."""
    import torch

    return {
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(),  # noqa: NPY002
        "python": random.getstate(),
        "actions": model.action_space.np_random.bit_generator.state,
    }


def _put_chance(model: Any, kept: dict[str, Any]) -> None:
    import torch

    torch.set_rng_state(kept["torch"])
    np.random.set_state(kept["numpy"])  # noqa: NPY002
    random.setstate(kept["python"])
    model.action_space.np_random.bit_generator.state = kept["actions"]
