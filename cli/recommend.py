"""Write a report: a proposed treatment, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..physiology.errors import InputError

REFUSED = 3
# Options that only one kind of record has a use for.
OF_GLUCOSE = ("twin", "hours", "format", "subject")
OF_PRESSURE = ("days",)


def command(
    record: Annotated[
        Path, typer.Argument(help="Glucose or pressure record: an export, FHIR R4, or a folder.")
    ],
    policy: Annotated[
        str | None,
        typer.Option(
            help="Built-in name, trained agent, or module:attribute. [pressure: acc_aha_2025]"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Write the report here, as HTML.")] = Path(
        "report.html"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the facts here.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Of `dosegym certify`.")] = None,
    watch: Annotated[
        Path | None, typer.Option(help="Harms counted since the release of the certificate.")
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Append what was answered to this audit record.")
    ] = None,
    twin: Annotated[
        Path | None, typer.Option(help="Glucose: of `dosegym fit`; else fitted now.")
    ] = None,
    hours: Annotated[int | None, typer.Option(help="Glucose: how far ahead, 1 to 72. [24]")] = None,
    days: Annotated[
        int | None, typer.Option(help="Pressure: how far ahead, 28 to 364. [84]")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(help="Possible bodies simulated. [glucose 200, pressure 400]")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Glucose: refuse the file unless it is of this.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Glucose: whose rows, where a file holds several people.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="mg/dL, mmol/L, mmHg or kPa, against the file's own.")
    ] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name or offset.")] = None,
    dates: Annotated[
        str | None, typer.Option(help="dmy or mdy, where dates may be read both ways.")
    ] = None,
    weight_kg: Annotated[float | None, typer.Option(help="Body weight, if not recorded.")] = None,
    age_years: Annotated[float | None, typer.Option(help="Age, if not recorded.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the fit and of the forecast.")] = 0,
    trust: Annotated[
        bool, typer.Option(help="Accept an agent that differs from its manifest.")
    ] = False,
) -> int:
    """Write a report with proposed doses beside the current ones, or with why there are none."""
    from rich.console import Console

    from ..clinic import write_report
    from ..clinic.review import note_answer
    from ..evaluation.write import check_outputs
    from ..records import kind_of_record

    check_outputs(out, json_file, inputs=[record, policy, certificate, twin, watch, audit])
    wish = _Wish(
        record,
        policy,
        certificate,
        watch,
        unit,
        timezone,
        dates,
        weight_kg,
        age_years,
        draws,
        seed,
        trust,
    )
    kind = kind_of_record(record)
    own = {"twin": twin, "hours": hours, "format": format, "subject": subject, "days": days}
    _check_options(kind, own)
    consult = _pressure if kind == "pressure" else _glucose
    with Console(stderr=True).status("reading") as status:
        found = consult(wish, own, status.update)
        status.update("writing the report")
        write_report(found, out, json_file)
    if audit is not None:
        note_answer(audit, found)
    _print(found, out)
    return REFUSED if found.refused else 0


@dataclass(frozen=True)
class _Wish:
    """What is asked, whatever the record is of."""

    record: Path
    policy: str | None
    certificate: Path | None
    watch: Path | None
    unit: str | None
    timezone: str | None
    dates: Any
    weight_kg: float | None
    age_years: float | None
    draws: int | None
    seed: int
    trust: bool


def _check_options(kind: str, own: Mapping[str, Any]) -> None:
    """Refuse an option that a record of this kind has no use for."""
    idle = OF_GLUCOSE if kind == "pressure" else OF_PRESSURE
    for name in idle:
        if own[name] is not None:
            raise InputError(f"--{name} has no meaning for a record of {kind}; leave it out")


def _glucose(wish: _Wish, own: Mapping[str, Any], tell: Callable[[str], None]) -> Any:
    """Recommend insulin from a record of glucose."""
    from ..clinic import recommend
    from ..policies import load_policy
    from ..records import read_record

    timeline = read_record(
        wish.record,
        format=own["format"],
        unit=wish.unit,
        timezone=wish.timezone,
        dates=wish.dates,
        person=own["subject"],
    )
    if wish.policy is None:
        raise InputError("policy is not given; choose one with --policy, such as basal_bolus")
    return recommend(
        timeline,
        load_policy(wish.policy, trust=wish.trust),
        certificate=wish.certificate,
        watch=wish.watch,
        twin=own["twin"],
        hours=24 if own["hours"] is None else own["hours"],
        seed=wish.seed,
        draws=200 if wish.draws is None else wish.draws,
        weight_kg=wish.weight_kg,
        age_years=wish.age_years,
        progress=tell,
    )


def _pressure(wish: _Wish, own: Mapping[str, Any], tell: Callable[[str], None]) -> Any:
    """Recommend tablets from a record of blood pressure."""
    from ..clinic import recommend_pressure
    from ..clinic.pressure_consult import DAYS, DEFAULT_POLICY
    from ..policies import load_policy
    from ..records import read_pressure

    record = read_pressure(wish.record, unit=wish.unit, timezone=wish.timezone, dates=wish.dates)
    return recommend_pressure(
        record,
        load_policy(DEFAULT_POLICY if wish.policy is None else wish.policy, trust=wish.trust),
        certificate=wish.certificate,
        watch=wish.watch,
        days=DAYS if own["days"] is None else own["days"],
        seed=wish.seed,
        draws=400 if wish.draws is None else wish.draws,
        weight_kg=wish.weight_kg,
        age_years=wish.age_years,
        progress=tell,
    )


def _print(found: Any, out: Path) -> None:
    """Print the verdict with its reasons in short, and where the report is."""
    from rich.console import Console

    console = Console(highlight=False)
    if found.refused:
        console.print("[bold red]No recommendation.[/bold red] The current regimen stays as it is.")
    else:
        what = f"Proposal for the next {found.span}"
        console.print(f"[bold green]{what}[/bold green], for review by a clinician.")
    for reason in (*found.reasons, *found.next_steps):
        console.print(f"  {reason}", markup=False)
    console.print(f"Report: {out}", markup=False)
