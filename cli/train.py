"""Train an agent and write it with its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED = 130
# Algorithms of ``training.offline``, named here because torch waits until it is wanted.
LOGGED = ("bc", "iql", "cql")


def command(
    env_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ENV", help="Environment id, e.g. dosegym/Insulin-v0; with --data, its own."
        ),
    ] = None,
    algo: Annotated[
        str,
        typer.Option(
            help="ppo, ppo_lagrangian, sac, td3, a2c, recurrent_ppo or maskable_ppo; with --data "
            "bc, iql or cql."
        ),
    ] = "ppo",
    data: Annotated[
        Path | None,
        typer.Option(help="Logged treatment to learn from instead.", show_default=False),
    ] = None,
    timesteps: Annotated[
        int | None,
        typer.Option(
            help="Environment steps, all lanes together; with --data, gradient steps.",
            show_default=False,
        ),
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
    from ..physiology.errors import InputError

    if data is not None:
        if env_id is not None or env_kwargs or resume:
            raise InputError(
                "--data says what was treated, and such a run is not resumed; leave ENV, "
                "--env-kwargs and --resume out"
            )
        return _learn_from(data, algo, timesteps, seed, out, settings or (), quiet)
    if env_id is None:
        raise InputError("no environment is named; give ENV, or logged treatment with --data FILE")
    if algo.lower() in LOGGED:
        raise InputError(f"{algo} learns from logged treatment; give --data FILE instead of ENV")
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


def _learn_from(
    data: Path,
    algo: str,
    timesteps: int | None,
    seed: int,
    out: Path | None,
    settings: Iterable[str],
    quiet: bool,
) -> int:
    """Train from logged treatment and say what came of it."""
    from ..training.config import parse_assignments
    from ..training.offline import offline_algorithm, train_offline

    folder = out or Path("runs") / f"{offline_algorithm(algo).name}-{data.stem}-seed{seed}"
    overrides = parse_assignments(settings)
    train_offline(
        data,
        algo=algo,
        timesteps=timesteps,
        seed=seed,
        out=folder,
        overrides=overrides,
        progress=not quiet,
    )
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    losses = ", ".join(f"{name} {value:.3g}" for name, value in told["losses"].items())
    typer.echo(
        f"{folder}: agent after {told['timesteps']:,} gradient steps on "
        f"{told['dataset']['decisions']:,} decisions; {losses}; not judged yet: evaluate it on "
        "people it has not learned from"
    )
    return 0


def _report(folder: Path) -> None:
    """Say where the agent lies and how it did in validation."""
    from ..training.aim import aim_of

    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    words = aim_of(told["env_id"]).sentence(told["validation"])
    typer.echo(f"{folder}: best agent after {told['timesteps']:,} steps; in validation {words}")
