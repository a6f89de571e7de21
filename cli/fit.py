"""Fit a twin to a person's record and tell how well it is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    record: Annotated[Path, typer.Argument(help="A person's export, or a folder of exports.")],
    out: Annotated[Path | None, typer.Option(help="Write the twin here, as JSON.")] = None,
    format: Annotated[
        str | None, typer.Option(help="Refuse the file unless it is of this.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="mg/dL or mmol/L, against the file's own.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name or offset.")] = None,
    weight_kg: Annotated[float | None, typer.Option(help="Body weight, if not recorded.")] = None,
    age_years: Annotated[float | None, typer.Option(help="Age, if not recorded.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the search's starts.")] = 0,
    population: Annotated[
        str | None, typer.Option(help="Of a table of doses and concentrations: name or JSON file.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Whose rows, where a file holds several people.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Follow a growing record, or a Nightscout https address."),
    ] = False,
    state: Annotated[
        Path | None, typer.Option(help="Keep the followed twin in this folder.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Follow for one poll only.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between polls.")] = 300.0,
    posterior: Annotated[
        str, typer.Option(help="smc: sampled; laplace: a normal law about the best, fast.")
    ] = "smc",
) -> None:
    """Find the most probable body for a record; print its error and what the record tells of it."""
    from rich.console import Console

    from ..clinic.person import with_person
    from ..evaluation.write import check_outputs, write_text
    from ..records import read_record
    from ..twins import fit_twin

    if follow:
        from .fit_follow import follow_record

        return follow_record(
            record, state=state, once=once, interval_s=interval, seed=seed, out=out,
            read=lambda: read_record(
                record, format=format, unit=unit, timezone=timezone, person=subject
            ),
            prepare=lambda timeline: with_person(timeline, weight_kg, age_years),
        )  # fmt: skip
    check_outputs(out, inputs=[record])
    kind = _kind(record, format, population)
    if kind == "events":
        from .fit_kinetics import fit_events

        return fit_events(record, out, population, subject, unit, seed)
    if kind == "pressure":
        from .fit_pressure import fit_pressures

        return fit_pressures(record, out, unit, timezone, weight_kg, age_years, seed)
    timeline = read_record(record, format=format, unit=unit, timezone=timezone, person=subject)
    timeline = with_person(timeline, weight_kg, age_years)
    with Console(stderr=True).status("fitting") as status:
        twin = fit_twin(timeline, seed=seed, progress=status.update, posterior=posterior)
    if out is not None:
        write_text(out, json.dumps(twin.to_dict(), indent=1) + "\n")
    _print(twin)


def _kind(record: Path, format: str | None, population: str | None) -> str:
    """Return which kind of record a path holds: events, pressure or glucose."""
    from ..records.read_events import is_events
    from ..records.read_pressure import kind_of_record

    if format is not None:
        return "glucose"
    return "events" if population or is_events(record) else kind_of_record(record)


def _print(twin: Any) -> None:
    """Print the error of the fit, of the held-out day, and how well each parameter is known."""
    from rich.console import Console
    from rich.table import Table

    quality, held = twin.quality, twin.quality["held_out_day"]
    error = Table("", "fit", "held-out day", title=f"{twin.subject}, fitted as {twin.group}")
    rows = (
        ("error, mg/dL (root mean square)", "rmse_mg_dl", 1),
        ("error, % of the reading", "mard_percent", 1),
        ("bias, mg/dL (reading - twin)", "bias_mg_dl", 1),
        ("readings in the 90 % band, %", "coverage_90", 0),
        ("readings", "readings", 0),
    )
    for words, key, digits in rows:
        scale = 100.0 if key == "coverage_90" else 1.0
        cells = [
            "" if part is None or key not in part else f"{scale * part[key]:.{digits}f}"
            for part in (quality, held)
        ]
        error.add_row(words, *cells)
    known = Table("parameter", "uncertainty left", "", caption="100 %: the record taught nothing")
    for row in twin.known():
        known.add_row(row["meaning"], f"{100 * min(row['sd'], 1.0):.0f} %", row["verdict"])
    console = Console()
    console.print(error)
    console.print(known)
    if held is None:
        console.print("No day was held out: the record is shorter than three days.")
    for note in twin.notes:
        console.print(f"note: {note}", highlight=False)
