"""Write a report with proposed doses, or with why there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

REFUSED = 3


def command(
    record: Annotated[Path, typer.Argument(help="A person's export, or a folder of exports.")],
    policy: Annotated[str, typer.Option(help="Built-in name, trained agent, or module:attribute.")],
    out: Annotated[Path, typer.Option(help="Write the report here, as HTML.")] = Path(
        "report.html"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the facts here.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Of `dosegym certify`.")] = None,
    twin: Annotated[Path | None, typer.Option(help="Of `dosegym fit`; else fitted now.")] = None,
    hours: Annotated[int, typer.Option(help="How far ahead, 1 to 72.")] = 24,
    draws: Annotated[int, typer.Option(help="Possible bodies simulated.")] = 200,
    format: Annotated[
        str | None, typer.Option(help="Refuse the file unless it is of this.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="mg/dL or mmol/L, against the file's own.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name or offset.")] = None,
    weight_kg: Annotated[float | None, typer.Option(help="Body weight, if not recorded.")] = None,
    age_years: Annotated[float | None, typer.Option(help="Age, if not recorded.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the fit and of the forecast.")] = 0,
    trust: Annotated[
        bool, typer.Option(help="Accept an agent that differs from its manifest.")
    ] = False,
) -> int:
    """Write a report with proposed doses of the next hours beside the current ones, or why not."""
    from rich.console import Console

    from ..clinic import recommend, write_report
    from ..policies import load_policy
    from ..records import read_record

    timeline = read_record(record, format=format, unit=unit, timezone=timezone)
    with Console(stderr=True).status("reading") as status:
        found = recommend(
            timeline,
            load_policy(policy, trust=trust),
            certificate=certificate,
            twin=twin,
            hours=hours,
            seed=seed,
            draws=draws,
            weight_kg=weight_kg,
            age_years=age_years,
            progress=status.update,
        )
        status.update("writing the report")
        write_report(found, out, json_file)
    _print(found, out)
    return REFUSED if found.refused else 0


def _print(found: Any, out: Path) -> None:
    """Print the verdict with its reasons in short, and where the report is."""
    from rich.console import Console

    console = Console(highlight=False)
    if found.refused:
        console.print("[bold red]No recommendation.[/bold red] The current regimen stays as it is.")
    else:
        console.print(
            f"[bold green]Proposal for the next {found.hours} h[/bold green], for review by a "
            "clinician."
        )
    for reason in found.reasons:
        console.print(f"  {reason}", markup=False)
    console.print(f"Report: {out}", markup=False)
