"""What a trained agent is: the manifest beside its file, and writing the two together."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..evaluation.write import write_bytes, write_text

PACKAGES = ("dosegym", "stable-baselines3", "torch", "gymnasium", "numpy", "numba")
# The learner's place in its lanes is of no use to a policy, and would only make the file larger.
_NOT_THE_POLICY = (
    *("_last_obs", "_last_original_obs", "_last_episode_starts", "ep_info_buffer"),
    "episode_state",
)


@dataclass(frozen=True)
class Run:
    """What defines a run; equal runs give equal agents on the same machine and versions.

    Parameters
    ----------
    env_id, algo : str
    seed : int
    timesteps : int
        Environment steps asked for.
    env_kwargs : mapping
        Complete keywords of the training environment, those of the settings included.
    hyperparameters : mapping
        Complete settings.
    hyperparameters_sha256 : str
        Of the file they began from.
    """

    env_id: str
    algo: str
    seed: int
    timesteps: int
    env_kwargs: Mapping[str, Any]
    hyperparameters: Mapping[str, Any]
    hyperparameters_sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def manifest_of(run: Run, *, step: int, figures: Mapping[str, float] | None) -> dict[str, Any]:
    """Return the manifest of the agent a run had after so many steps, without its file's hash.

    Parameters
    ----------
    run : Run
    step : int
        Environment steps the agent was trained for.
    figures : mapping, optional
        Its validation.
    """
    validation = run.hyperparameters["validation"]
    return {
        "format": 1,
        "name": f"{run.algo}-{run.env_id.rpartition('/')[2]}-seed{run.seed}",
        **run.to_dict(),
        "timesteps": step,
        "timesteps_asked": run.timesteps,
        "purpose": "training",
        "streams": {
            "training": {"seed": run.seed},
            "validation": {"seed": validation["seed"]},
        },
        "spec": spec_json(run.env_id, run.env_kwargs),
        "validation": None if figures is None else dict(figures),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "written_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def spec_json(env_id: str, env_kwargs: Mapping[str, Any]) -> str:
    """Return Gymnasium's JSON of the environment with these keywords; it makes it again."""
    import gymnasium as gym

    spec = copy.deepcopy(gym.spec(env_id))
    spec.kwargs = {**spec.kwargs, **env_kwargs}
    return spec.to_json()


def write_agent(model: Any, path: Path, manifest: Mapping[str, Any]) -> None:
    """Write an agent's zip and, beside it with the suffix ``.json``, its manifest with the hash.

    A reader between the two writes meets an old manifest, and refuses the pair.
    """
    zipped = io.BytesIO()
    model.save(zipped, exclude=_NOT_THE_POLICY)
    data = zipped.getvalue()
    told = {**manifest, "sha256": hashlib.sha256(data).hexdigest()}
    write_bytes(path, data)
    write_text(path.with_suffix(".json"), json.dumps(told, indent=1) + "\n")
