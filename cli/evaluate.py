"""Evaluate a policy: metrics per patient, with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    environment: Annotated[
        str, typer.Argument(help="Environment id; that of the policy by default.")
    ] = "",
    policy: Annotated[
        str, typer.Option(help="Built-in name, trained agent, or module:attribute.")
    ] = ...,  # type: ignore[assignment]
    env: Annotated[str, typer.Option(help="Environment id, instead of the argument.")] = "",
    episodes: Annotated[int | None, typer.Option(help="Episodes per patient; 5.")] = None,
    days: Annotated[
        int | None, typer.Option(help="Days per episode; insulin 10, blood pressure 364.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the days.")] = 0,
    env_kwargs: Annotated[str, typer.Option(help="Environment keywords as JSON.")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all results.")] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write one line per episode.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw time courses by group as PNG.")] = None,
    trust: Annotated[
        bool, typer.Option(help="Accept an agent whose hash is not its manifest's.")
    ] = False,
) -> None:
    """Let a policy dose every patient of the environment and print what came of it."""
    from ..evaluation import evaluate
    from ..evaluation.subjects import subject_of
    from ..evaluation.write import check_outputs
    from ..policies import load_policy
    from .options import bar, json_object, one_of

    check_outputs(json_file, csv_file, plot, inputs=[policy])
    keywords = json_object("--env-kwargs", env_kwargs)
    asked = one_of("environment", environment, "--env", env)
    chosen = load_policy(policy, trust=trust)
    with bar(f"evaluating {policy}") as progress:
        result = evaluate(
            chosen,
            asked or None,
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
        title = f"{policy} on {result.env_id}"
        subject_of(result.env_id).draw(result.rollouts, plot, title)
    lasted = result.env_kwargs["days"]
    per_patient = len(result.rows) // len({row["patient"] for row in result.rows})
    print_summary(result, f"{policy}, {per_patient} x {lasted} days per patient, seed {seed}")


def print_summary(result: Any, title: str) -> None:
    """Print mean and 95 % interval over patients, one column a group."""
    from rich.console import Console
    from rich.table import Table

    from ..evaluation.subjects import subject_of
    from .options import interval

    summary, shown = result.summary, subject_of(result.env_id).shown
    table = Table("", *summary, title=title, caption="mean over patients [95 % bootstrap interval]")
    for column in shown:
        cells = (interval(summary[g][column.metric], column.digits) for g in summary)
        table.add_row(column.label, *cells)
    table.add_row("patients", *(str(int(summary[g][shown[0].metric]["n"])) for g in summary))
    Console().print(table)
