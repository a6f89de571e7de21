"""Certify a policy on virtual patients; exit 0 only on RELEASE."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

NOT_RELEASED = 1


def command(
    policy: Annotated[str, typer.Option(help="Built-in name, trained agent, or module:attribute.")],
    constraints: Annotated[
        str, typer.Option(help="Constraint set: a name or a YAML file.")
    ] = "insulin-v1",
    patients: Annotated[int, typer.Option(help="Virtual patients.")] = 3000,
    seed: Annotated[int | None, typer.Option(help="Seed of patients and days.")] = None,
    groups: Annotated[str, typer.Option(help="Age groups, comma-separated; all by default.")] = "",
    env_kwargs: Annotated[str, typer.Option(help="Environment keywords as JSON.")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the certificate.")] = None,
    trust: Annotated[
        bool, typer.Option(help="Accept an agent whose hash is not its manifest's.")
    ] = False,
) -> int:
    """Test a policy on independent virtual patients and print every bound beside its limit."""
    from ..evaluation.safety import SEED, certify
    from .options import bar, json_object

    keywords = json_object("--env-kwargs", env_kwargs)
    with bar("drawing virtual patients") as progress:
        case = certify(
            policy,
            constraints=constraints,
            patients=patients,
            seed=SEED if seed is None else seed,
            groups=[g.strip() for g in groups.split(",")] if groups else None,
            env_kwargs=keywords,
            trust=trust,
            progress=progress,
        )
    if json_file is not None:
        case.write_json(json_file)
    print_case(case)
    return 0 if case.passed else NOT_RELEASED


def print_case(case: Any) -> None:
    """Print the verdict, the bounds against their limits, the sentence and the assumptions."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    table = Table(
        "group", Column("constraint", no_wrap=True), "observed", "bound", "limit", "holds"
    )
    for group in dict.fromkeys(item.group for item in case.items):
        for item in (i for i in case.items if i.group == group):
            scale, unit = (100.0, "%") if item.type == "chance" else (1.0, item.unit)
            sign = -1.0 if item.type == "noninferiority" and item.harm == "below" else 1.0
            table.add_row(
                group,
                item.id,
                f"{scale * item.observed:.2f} {unit}",
                f"{scale * item.bound:.2f}",
                f"{sign * scale * item.limit:.2f}",
                "yes" if item.passed else "NO",
                style=None if item.passed else "bold red",
            )
        table.add_section()
    console.print(table)
    console.print(f"[bold]{case.verdict}[/bold]  {case.sentence}")
    for a in case.assumptions:
        console.print(f"  {a['id']}: {a['text']} ({a['status']})", highlight=False)
    if case.worst:
        w = case.worst[0]
        console.print(
            f"  worst patient: {w['patient']}, seed {w['seed']}: {w['time_below_54']:.1f} % below "
            f"54, lowest {w['min_glucose']:.0f} mg/dL",
            highlight=False,
        )
