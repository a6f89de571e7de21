"""Trained agents from disk: any Stable-Baselines3 algorithm behind its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.pressure_view import PRESSURE_VIEW
from ..therapy.scenario import load_scenario
from ..therapy.view import INSULIN_VIEW, View
from .card import read_manifest, sha256_of
from .pressure_mask import action_mask, screened

CONTRIB: Final = MappingProxyType({"recurrent_ppo": "RecurrentPPO", "maskable_ppo": "MaskablePPO"})
ALGORITHMS: Final = ("ppo", "sac", "td3", "a2c", "ppo_lagrangian", *CONTRIB)
INSULIN, PRESSURE = "dosegym/Insulin-v0", "dosegym/BloodPressure-v0"
VIEWS: Final = MappingProxyType({INSULIN: INSULIN_VIEW, PRESSURE: PRESSURE_VIEW})
# Keywords that change what an action means.
WANTED: Final = MappingProxyType(
    {
        INSULIN: ("action", "step_min"),
        PRESSURE: ("formulary", "action", "interval_days"),
    }
)


def algorithm(name: str) -> Any:
    """Return the SB3 class of an algorithm's name, to act with.

    What PPO learned under constraints is plain PPO, with the network of ``cost_critic``.

    Raises
    ------
    InputError
        If the name is unknown, or needs sb3-contrib and that is not installed.
    """
    key = name.lower()
    if key in CONTRIB:
        try:
            import sb3_contrib
        except ImportError:
            raise InputError(
                f"algorithm {key} needs sb3-contrib; install the extra dosegym[contrib]"
            ) from None
        return getattr(sb3_contrib, CONTRIB[key])
    import stable_baselines3 as sb3

    known = {
        "ppo": sb3.PPO, "ppo_lagrangian": sb3.PPO, "sac": sb3.SAC, "td3": sb3.TD3, "a2c": sb3.A2C,
    }  # fmt: skip
    if key not in known:
        raise InputError(f"algorithm is {name!r}; choose one of {', '.join(ALGORITHMS)}")
    return known[key]


class LearnedPolicy:
    """An SB3 agent with its manifest.

    Parameters
    ----------
    model : SB3 algorithm
    manifest : mapping
        As written by ``dosegym train``.
    sha256 : str
        Hash of the agent's file.
    env_id : str
        Environment it was trained for.
    """

    def __init__(
        self, model: Any, manifest: Mapping[str, Any], sha256: str, env_id: str = INSULIN
    ) -> None:
        self.model = model
        self.manifest = dict(manifest)
        self.sha256 = sha256
        self.env_id = env_id
        self.name = str(manifest.get("name", "learned"))
        self._trained: dict[str, Any] = dict(self.manifest.get("env_kwargs", {}))
        self._masked = self.manifest.get("algo") == "maskable_ppo"

    @property
    def wants(self) -> dict[str, Any]:
        """What changes its actions' meaning, as trained, and whether it was told of meals."""
        wanted: dict[str, Any] = {
            k: self._trained[k] for k in WANTED[self.env_id] if k in self._trained
        }
        if self.env_id != INSULIN:
            return wanted
        day = load_scenario(self._trained.get("scenario", "unannounced"))
        return wanted | {"announced": day.announced, "lead_min": day.lead_min}

    @property
    def card(self) -> dict[str, Any]:
        """What the agent is, in JSON."""
        keys = ("algo", "env_id", "env_kwargs", "seed", "timesteps", "purpose", "dataset")
        told = {k: self.manifest[k] for k in keys if k in self.manifest}
        return {"policy": self.name, "kind": "learned", "sha256": self.sha256, **told}

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[Any], Any]:
        """Return SB3's own prediction; of tablets, none that is contraindicated."""
        if self.env_id != PRESSURE:
            return self.model.predict(observation, state, episode_start, deterministic)
        tablets = self._trained.get("formulary", "default")
        masks = {}
        if self._masked:
            choices = int(np.sum(self.model.action_space.nvec))
            masks["action_masks"] = action_mask(observation, tablets, choices)
        action, state = self.model.predict(
            observation, state, episode_start, deterministic, **masks
        )
        return screened(observation, action, tablets), state


def load_agent(path: str | Path, *, trust: bool = False) -> LearnedPolicy:
    """Load a trained agent from its zip file or its folder.

    Raises
    ------
    InputError
        If nothing is there, the file's hash is not its manifest's, it is no SB3 agent, or it
        observes something else than this version's environment shows.
    """
    place = Path(path)
    file = place / "agent.zip" if place.is_dir() else place
    if not file.exists() and file.with_suffix(".zip").exists():
        file = file.with_suffix(".zip")
    if not file.exists():
        raise InputError(f"no trained agent at {path}; give the folder or zip that training wrote")
    manifest = read_manifest(file, trust=trust)
    # Agents of other algorithms than SB3's say as which of those they are kept.
    model = _read(algorithm(str(manifest.get("sb3", manifest.get("algo", "ppo")))), file)
    env_id = _environment_of(model, manifest, file)
    return LearnedPolicy(model, manifest, sha256_of(file), env_id)


def _read(kind: Any, file: Path) -> Any:
    """Return the SB3 model of a zip; no generator moves, and its buffers hold one step."""
    import torch

    # SB3 sets up a whole learner: these would reseed every global generator and size its buffers.
    bare = {"seed": None, "buffer_size": 1, "n_steps": 1, "n_envs": 1}
    try:
        # The networks are drawn at random before the kept parameters replace them.
        with torch.random.fork_rng(devices=[]):
            return kind.load(file, device="cpu", **bare)
    except (BadZipFile, ValueError, KeyError, AssertionError) as error:
        raise InputError(f"agent {file} is not a readable SB3 file: {error}") from None


def _environment_of(model: Any, manifest: Mapping[str, Any], file: Path) -> str:
    """Return the environment an agent is for; without a manifest, the one whose view it fits."""
    shape = model.observation_space.shape
    fitting = [name for name, view in VIEWS.items() if shape == _shape(view)]
    env_id = manifest.get("env_id", fitting[0] if fitting else INSULIN)
    if env_id not in VIEWS:
        raise InputError(
            f"agent {file} is for {env_id!r}, which this version does not know; it knows "
            f"{', '.join(VIEWS)}"
        )
    if env_id not in fitting:
        raise InputError(
            f"agent {file} observes {shape}, this version's view of {env_id} has "
            f"{len(VIEWS[env_id].features)} features; train it again"
        )
    return str(env_id)


def _shape(view: View) -> tuple[int]:
    return (len(view.features),)
