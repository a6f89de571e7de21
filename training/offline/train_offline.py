"""One offline run: from logged data to a folder with an agent."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...evaluation.logged import Logged, logged_hash
from ...evaluation.ope.parts import Part
from ...evaluation.ope.steps import people_of
from ...evaluation.write import write_text
from ...physiology.streams import stream
from ...policies.card import MANIFEST
from ...policies.threads import one_thread
from ..config import read_settings
from ..folder import AGENT, RUN
from ..manifest import PACKAGES, spec_json, write_agent
from ..progress import Bar, Silent
from ..train import check_run
from .admit import admit
from .folder import check_new, whole
from .learner import Algorithm, Learner
from .library import OFFLINE, offline_algorithm
from .loop import fit
from .settings import OfflineSettings
from .spaces import Spaces, spaces_of
from .transitions import to_buffer


@dataclass(frozen=True)
class _Plan:
    """A run's checked arguments."""

    algorithm: Algorithm
    settings: OfflineSettings
    settings_sha256: str
    steps: int
    seed: int
    logged: Logged


def train_offline(
    dataset: str | Path | Logged | Part,
    *,
    algo: str = "iql",
    timesteps: int | None = None,
    seed: int = 0,
    out: str | Path,
    overrides: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> Path:
    """Train an agent from logged data and write it with its manifest into a folder.

    No environment is stepped: it only tells what its observations and actions are.

    Parameters
    ----------
    dataset : str, Path, Logged or Part
        Logged treatment (``dosegym.evaluation.logged``), or its part for training
        (``dosegym.evaluation.ope.divide``).
    algo : str
        bc, iql or cql.
    timesteps : int, optional
        Gradient steps; by default those of the hyperparameter file.
    seed : int
        The same seed gives the same agent on the same machine and versions.
    out : str or Path
        Folder to write, new or empty.
    overrides : mapping, optional
        Hyperparameters by name: ``{"expectile": 0.8}``.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    Path
        The folder, which ``dosegym.policies.load_policy`` loads.

    Raises
    ------
    InputError
        On anything unknown or out of range, on data kept for judging, or when a loss breaks down;
        then, and after Ctrl-C, there is no folder.
    """
    folder = Path(out)
    check_new(folder)
    plan = _plan(dataset, algo, timesteps, seed, overrides)
    logged, settings = plan.logged, plan.settings
    spaces = spaces_of(logged.env_id, logged.env_kwargs)
    rng = stream(plan.seed, "training")
    taught, apart = _parts(logged, settings, rng)
    buffers = [
        None if part is None else _buffer(part, spaces, settings) for part in (taught, apart)
    ]
    with one_thread(), whole(folder) as scratch:
        write_text(scratch / RUN, json.dumps(_told(plan), indent=1) + "\n")
        learner, figures = _learn(plan, spaces, buffers, rng, scratch, progress)
        _write(scratch, learner, plan, figures, taught)
    return folder


def _plan(
    dataset: Any, algo: str, timesteps: int | None, seed: int, overrides: Mapping[str, Any] | None
) -> _Plan:
    """Check the arguments and complete them from the hyperparameter file."""
    algorithm = offline_algorithm(algo)
    logged = admit(dataset)
    table = {name: entry.settings for name, entry in OFFLINE.items()}
    settings, sha256 = read_settings(table, algorithm.name, logged.env_id, overrides)
    steps = settings.timesteps if timesteps is None else timesteps
    check_run(steps, seed)
    return _Plan(algorithm, settings, sha256, steps, seed, logged)


def _parts(
    logged: Logged, settings: OfflineSettings, rng: np.random.Generator
) -> tuple[Logged, Logged | None]:
    """Divide the people into those learned from and those on whom losses are told."""
    if settings.held_out == 0.0:
        return logged, None
    shares = {"taught": 1.0 - settings.held_out, "apart": settings.held_out}
    parts = logged.split(shares, rng)
    return parts["taught"], parts["apart"]


def _buffer(logged: Logged | None, spaces: Spaces, settings: OfflineSettings) -> Any:
    if logged is None:
        return None
    return to_buffer(
        logged,
        spaces,
        cost_penalties=settings.cost_penalties,
        reward_scale=settings.reward_scale,
    )


def _learn(
    plan: _Plan,
    spaces: Spaces,
    buffers: list[Any],
    rng: np.random.Generator,
    scratch: Path,
    progress: bool,
) -> tuple[Learner, dict[str, float]]:
    """Return the trained learner and its last losses; torch's own chances are put back."""
    import torch
    from stable_baselines3.common.logger import configure

    figures: dict[str, float] = {}
    logger = configure(str(scratch / "tensorboard"), ["tensorboard"])
    show = Bar(plan.algorithm.name, plan.steps, 0, _brief) if progress else Silent()

    def told(step: int, losses: Mapping[str, float]) -> None:
        figures.clear()
        figures.update(losses)
        for name, value in losses.items():
            logger.record(name, value)
        logger.dump(step)
        show.at(step)
        show.validated(losses)

    try:
        with torch.random.fork_rng(devices=[]), show:
            torch.manual_seed(int(rng.integers(2**63)))
            learner = plan.algorithm.build(spaces, plan.settings)
            fit(learner, buffers[0], plan.settings, plan.steps, rng, held_out=buffers[1], told=told)
    finally:
        logger.close()
    return learner, figures


def _brief(figures: Mapping[str, float]) -> str:
    """Return the training losses in a few words."""
    training = {k.partition("/")[2]: v for k, v in figures.items() if k.startswith("training/")}
    return " ".join(f"{name} {value:.3g}" for name, value in training.items())


def _told(plan: _Plan) -> dict[str, Any]:
    """Return what defines the run, in JSON."""
    logged = plan.logged
    return {
        "env_id": logged.env_id,
        "algo": plan.algorithm.name,
        "seed": plan.seed,
        "timesteps": plan.steps,
        "env_kwargs": dict(logged.env_kwargs),
        "hyperparameters": plan.settings.model_dump(mode="json"),
        "hyperparameters_sha256": plan.settings_sha256,
        "dataset": {
            "sha256": logged_hash(logged),
            "episodes": len(logged),
            "patients": len(logged.patients()),
            "decisions": sum(len(episode) for episode in logged.episodes),
            "behaviour": dict(logged.behaviour),
        },
    }


def _write(
    folder: Path, learner: Learner, plan: _Plan, figures: Mapping[str, float], taught: Logged
) -> None:
    """Write the agent and its manifest."""
    told = _told(plan)
    env_id = plan.logged.env_id
    manifest = {
        "format": 1,
        "name": f"{plan.algorithm.name}-{env_id.rpartition('/')[2]}-seed{plan.seed}",
        **told,
        "sb3": learner.kind,
        "purpose": "training",
        "streams": {"training": {"seed": plan.seed}},
        "spec": spec_json(env_id, plan.logged.env_kwargs),
        "validation": None,
        "losses": dict(figures),
        "patients_learned_from": len(taught.patients()),
        # Of all in the data: what ``evaluation.ope`` takes as ``trained_on``.
        "people": sorted(people_of(plan.logged)),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "written_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_agent(learner.model, folder / AGENT, manifest)
    (folder / AGENT).with_suffix(".json").rename(folder / MANIFEST)
