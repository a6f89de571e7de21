"""Trained agents from disk: any Stable-Baselines3 algorithm behind its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.scenario import load_scenario
from ..therapy.view import INSULIN_VIEW
from .card import read_manifest, sha256_of

ALGORITHMS = ("ppo", "sac", "td3", "a2c", "recurrent_ppo")
WANTED = ("action", "step_min")


def algorithm(name: str) -> Any:
    """Return the SB3 class of an algorithm's name.

    Raises
    ------
    InputError
        If the name is unknown, or needs sb3-contrib and that is not installed.
    """
    key = name.lower()
    if key == "recurrent_ppo":
        try:
            from sb3_contrib import RecurrentPPO
        except ImportError:
            raise InputError(
                "algorithm recurrent_ppo needs sb3-contrib; install the extra dosegym[recurrent]"
            ) from None
        return RecurrentPPO
    import stable_baselines3 as sb3

    known = {"ppo": sb3.PPO, "sac": sb3.SAC, "td3": sb3.TD3, "a2c": sb3.A2C}
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
    """

    def __init__(self, model: Any, manifest: Mapping[str, Any], sha256: str) -> None:
        self.model = model
        self.manifest = dict(manifest)
        self.sha256 = sha256
        self.name = str(manifest.get("name", "learned"))

    @property
    def wants(self) -> dict[str, Any]:
        """What changes its actions' meaning, as trained, and whether it was told of meals."""
        trained = self.manifest.get("env_kwargs", {})
        day = load_scenario(trained.get("scenario", "unannounced"))
        told = {"announced": day.announced, "lead_min": day.lead_min}
        return {k: trained[k] for k in WANTED if k in trained} | told

    @property
    def card(self) -> dict[str, Any]:
        """What the agent is, in JSON."""
        keys = ("algo", "env_id", "env_kwargs", "seed", "timesteps", "purpose")
        told = {k: self.manifest[k] for k in keys if k in self.manifest}
        return {"policy": self.name, "kind": "learned", "sha256": self.sha256, **told}

    def predict(
        self,
        observation: NDArray[np.float32],
        state: Any = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[NDArray[np.float32], Any]:
        """Return SB3's own prediction."""
        action, state = self.model.predict(observation, state, episode_start, deterministic)
        return action, state


def load_agent(path: str | Path, *, trust: bool = False) -> LearnedPolicy:
    """Load a trained agent from its zip file or its folder.

    Raises
    ------
    InputError
        If nothing is there, the file's hash is not its manifest's, or it is no SB3 agent.
    """
    place = Path(path)
    model = place / "agent.zip" if place.is_dir() else place
    if not model.exists() and model.with_suffix(".zip").exists():
        model = model.with_suffix(".zip")
    if not model.exists():
        raise InputError(f"no trained agent at {path}; give the folder or zip that training wrote")
    manifest = read_manifest(model, trust=trust)
    kind = algorithm(str(manifest.get("algo", "ppo")))
    try:
        # Without these SB3 would reseed every global generator and set aside a replay buffer.
        agent = kind.load(model, device="cpu", seed=None, buffer_size=1)
    except (BadZipFile, ValueError, KeyError, AssertionError) as error:
        raise InputError(f"agent {model} is not a readable SB3 file: {error}") from None
    shape = agent.observation_space.shape
    if shape != (len(INSULIN_VIEW.features),):
        raise InputError(
            f"agent {model} observes {shape}, this version's view has "
            f"{len(INSULIN_VIEW.features)} features; train it again"
        )
    return LearnedPolicy(agent, manifest, sha256_of(model))
