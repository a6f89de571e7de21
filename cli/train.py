"""Train an agent and write it with its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED = 130


def command(
    env_id: Annotated[
        str, typer.Argument(metavar="ENV", help="Environment id, e.g. dosegym/Insulin-v0.")
    ],
    algo: Annotated[
        str, typer.Option(help="ppo, sac, td3, a2c, ppo_lagrangian, recurrent_ppo or maskable_ppo.")
    ] = "ppo",
    timesteps: Annotated[
        int | None, typer.Option(help="Environment steps, all lanes together.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every chance in the run.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write; runs/ALGO-ENV-seedS by default.", show_default=False),
    ] = None,
    env_kwargs: Annotated[
        str, typer.Option(help="Keywords of the environment, as JSON.", metavar="JSON")
    ] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A hyperparameter, as key=value.", metavar="KEY=VALUE"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a stopped run.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar.")] = False,
) -> int:
    """Train an agent; the exit status is 130 when Ctrl-C stopped it after a checkpoint."""
    from ..training import TrainingInterrupted, train
    from ..training.config import check_algo, parse_assignments
    from .options import json_object

    folder = out or Path("runs") / f"{check_algo(algo)}-{env_id.rpartition('/')[2]}-seed{seed}"
    try:
        train(
            env_id,
            algo=algo,
            timesteps=timesteps,
            seed=seed,
            out=folder,
            env_kwargs=json_object("--env-kwargs", env_kwargs),
            overrides=parse_assignments(settings or ()),
            resume=resume,
            progress=not quiet,
        )
    except TrainingInterrupted as stop:
        typer.echo(str(stop), err=True)
        return INTERRUPTED
    _report(folder)
    return 0


def _report(folder: Path) -> None:
    """Say where the agent lies and how it did in validation."""
    from ..training.aim import aim_of

    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    words = aim_of(told["env_id"]).sentence(told["validation"])
    typer.echo(f"{folder}: best agent after {told['timesteps']:,} steps; in validation {words}")
