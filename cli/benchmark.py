"""Run a benchmark protocol: policies compared on the same days."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    protocol: Annotated[
        str, typer.Argument(help="Protocol, e.g. t1d-bench-v1, or a YAML file of your own.")
    ],
    policy: Annotated[
        list[str] | None,
        typer.Option(help="Policy; repeat for several. The protocol's baselines by default."),
    ] = None,
    episodes: Annotated[
        int | None, typer.Option(help="Episodes per patient instead of the protocol's.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all results.")] = None,
    trust: Annotated[
        bool, typer.Option(help="Accept an agent whose hash is not its manifest's.")
    ] = False,
) -> None:
    """Let every policy treat the same patients on the same days and print what came of it."""
    from ..evaluation import benchmark
    from ..evaluation.write import check_outputs
    from .options import bar

    check_outputs(json_file, inputs=[protocol, *(policy or ())])
    with bar("composing the tasks") as progress:
        result = benchmark(
            protocol, policy or (), episodes=episodes, trust=trust, progress=progress
        )
    if json_file is not None:
        result.write_json(json_file)
    print_result(result)


def print_result(result: Any) -> None:
    """Print one table per task and group, then what the protocol says of itself."""
    from rich.console import Console

    console = Console()
    plan = result.protocol
    console.print(f"[bold]{plan.name}[/bold]: {plan.title}, seed {plan.seed}", highlight=False)
    for task in result.tasks:
        first = next(iter(task.evaluations.values()))
        for group in first.summary:
            console.print(_table(task, group, plan.metrics))
    console.print(
        f"mean over patients \\[95 % stratified bootstrap interval], {plan.episodes} episodes per "
        "patient averaged first; differences are paired by patient",
        highlight=False,
    )
    for line in plan.differs:
        console.print(f"  differs from its source: {line}", highlight=False)


def _table(task: Any, group: str, metrics: tuple[str, ...]) -> Any:
    """Return one group's table: a column per policy, then one per difference."""
    from rich.table import Column, Table

    evaluations, differences = task.evaluations, task.differences
    first = next(iter(evaluations))
    n = int(evaluations[first].summary[group][metrics[0]]["n"])
    headings = [*evaluations, *(f"{name} - {first}" for name in differences)]
    table = Table(Column("", no_wrap=True), *headings, title=f"{task.name}: {group}, {n} patients")
    tables = [*(e.summary for e in evaluations.values()), *differences.values()]
    for metric in metrics:
        table.add_row(metric, *(_cell(t[group][metric], metric) for t in tables))
    return table


def _cell(entry: Mapping[str, float], metric: str) -> str:
    """Return a mean with its interval, finer where the numbers are small."""
    from .options import interval

    return interval(dict(entry), 2 if "below" in metric else 1)
