"""Certify a policy on virtual patients; exit 0 only on RELEASE."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

NOT_RELEASED = 1


def command(
    policy: Annotated[str, typer.Option(help="Built-in name, trained agent, or module:attribute.")],
    constraints: Annotated[
        str,
        typer.Option(help="Constraint set: a name or a YAML file; by default the environment's."),
    ] = "",
    env: Annotated[str, typer.Option(help="Environment id; that of the policy by default.")] = "",
    patients: Annotated[int, typer.Option(help="Virtual patients.")] = 3000,
    seed: Annotated[int | None, typer.Option(help="Seed of patients and days.")] = None,
    groups: Annotated[str, typer.Option(help="Groups, comma-separated; all by default.")] = "",
    env_kwargs: Annotated[str, typer.Option(help="Environment keywords as JSON.")] = "",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the certificate.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the safety case: claims, argument, evidence.")
    ] = None,
    logged: Annotated[
        Path | None, typer.Option(help="Logged treatment of real people, which may veto.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Folder for finished parts: a killed run goes on from it.")
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Append what was decided to this audit record.")
    ] = None,
    trust: Annotated[
        bool, typer.Option(help="Accept an agent whose hash is not its manifest's.")
    ] = False,
) -> int:
    """Test a policy on independent virtual patients and print every bound beside its limit."""
    from ..evaluation.gate.record import note_case
    from ..evaluation.safety import SEED, certify
    from ..evaluation.safety_page import write_page
    from ..evaluation.write import check_outputs
    from .options import bar, json_object

    check_outputs(json_file, html, inputs=[policy, constraints, logged, audit])
    keywords = json_object("--env-kwargs", env_kwargs)
    rules = _rules(constraints, env)
    with bar("drawing virtual patients") as progress:
        case = certify(
            policy,
            constraints=rules,
            patients=patients,
            seed=SEED if seed is None else seed,
            groups=[g.strip() for g in groups.split(",")] if groups else None,
            env_kwargs=keywords,
            logged=logged,
            work=work,
            trust=trust,
            progress=progress,
        )
    if audit is not None:
        note_case(audit, case)
    if json_file is not None:
        case.write_json(json_file)
    if html is not None:
        write_page(case, html)
    print_case(case)
    return 0 if case.passed else NOT_RELEASED


def _rules(constraints: str, env: str) -> str | None:
    """Return the constraint set to use; None leaves it to the policy.

    Raises
    ------
    InputError
        If the set is not for the environment that was asked for.
    """
    from ..evaluation.constraints import load_constraints
    from ..evaluation.subjects import subject_of
    from .options import one_of

    if env and constraints:
        one_of("--env", env, "that of --constraints", load_constraints(constraints).environment)
    return constraints or (subject_of(env).examination.constraints if env else None)


def print_case(case: Any) -> None:
    """Print the verdict, the bounds against their limits, the sentence and the assumptions."""
    from rich.console import Console
    from rich.table import Column, Table

    from ..evaluation.item_words import told
    from ..evaluation.subjects import subject_of

    console = Console()
    table = Table(
        Column("group", no_wrap=True),
        Column("constraint", no_wrap=True),
        "observed",
        "bound",
        "limit",
        "holds",
    )
    for group in dict.fromkeys(item.group for item in case.items):
        for item in (i for i in case.items if i.group == group):
            t = told(item)
            table.add_row(
                group,
                item.id,
                f"{t.observed:.2f} {t.unit.removesuffix(' of patients')}",
                f"{t.bound:.2f}",
                "none" if item.type == "hard" else f"{t.limit:.2f}",
                "yes" if item.passed else "NO",
                style=None if item.passed else "bold red",
            )
        table.add_section()
    console.print(table)
    print_lanes(console, case)
    console.print(f"[bold]{case.verdict}[/bold]  {case.sentence}")
    for a in case.assumptions:
        console.print(f"  {a['id']}: {a['text']} ({a['status']})", highlight=False)
    if case.worst:
        worst = case.worst[0]
        words = subject_of(case.environment["id"]).examination.worst_words(worst)
        console.print(
            f"  worst patient: {worst['patient']}, seed {worst['seed']}: {words}", highlight=False
        )


def print_lanes(console: Any, case: Any, most: int = 2) -> None:
    """Print what each lane found: its status, and the first of its reasons."""
    colours = {"passed": "green", "failed": "bold red", "unknown": "bold red"}
    for lane in case.lanes:
        status = f"[{colours.get(lane.status, 'dim')}]{lane.status}[/]"
        console.print(f"{lane.id:>4} {status}", highlight=False)
        for reason in lane.reasons[:most]:
            console.print(f"       {reason}", highlight=False, markup=False)
        if len(lane.reasons) > most:
            console.print(f"       and {len(lane.reasons) - most} more", highlight=False)
