"""Evaluate a policy: consensus metrics per patient, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

SHOWN = (
    ("time_in_range", "70-180, %"),
    ("time_below_70", "<70, %"),
    ("time_below_54", "<54, %"),
    ("time_above_180", ">180, %"),
    ("time_above_250", ">250, %"),
    ("mean_glucose", "mean, mg/dL"),
    ("magni_risk", "Magni risk"),
    ("failure", "episodes <40 or >600, %"),
)


def command(
    environment: Annotated[str, typer.Argument(help="Environment id, e.g. dosegym/Insulin-v0.")],
    policy: Annotated[str, typer.Option(help="Built-in name, trained agent, or module:attribute.")],
    episodes: Annotated[int, typer.Option(help="Episodes per patient.")] = 5,
    days: Annotated[int, typer.Option(help="Days per episode.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the days.")] = 0,
    env_kwargs: Annotated[str, typer.Option(help="Environment keywords as JSON.")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all results.")] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write one line per episode.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the modal day by group as PNG.")] = None,
    trust: Annotated[
        bool, typer.Option(help="Accept an agent whose hash is not its manifest's.")
    ] = False,
) -> None:
    """Let a policy dose every patient of the environment and print what came of it."""
    from ..evaluation import evaluate
    from ..policies import load_policy
    from .options import bar, json_object

    keywords = json_object("--env-kwargs", env_kwargs)
    chosen = load_policy(policy, trust=trust)
    with bar(f"evaluating {policy}") as progress:
        result = evaluate(
            chosen,
            environment,
            episodes=episodes,
            days=days,
            seed=seed,
            env_kwargs=keywords,
            keep_rollouts=plot is not None,
            progress=progress,
        )
    if json_file is not None:
        result.write_json(json_file)
    if csv_file is not None:
        result.write_csv(csv_file)
    if plot is not None:
        from ..evaluation.plots import modal_day_png

        modal_day_png(result.rollouts, plot, title=f"{policy} on {environment}")
    print_summary(result.summary, f"{policy}, {episodes} x {days} days per patient, seed {seed}")


def print_summary(summary: dict[str, Any], title: str) -> None:
    """Print mean and 95 % interval over patients, one column a group."""
    from rich.console import Console
    from rich.table import Table

    from .options import interval

    table = Table("", *summary, title=title, caption="mean over patients [95 % bootstrap interval]")
    for metric, label in SHOWN:
        digits = 2 if "below" in metric else 1
        table.add_row(label, *(interval(summary[g][metric], digits) for g in summary))
    table.add_row("patients", *(str(int(summary[g]["time_in_range"]["n"])) for g in summary))
    Console().print(table)
