"""Certify again from a certificate, to see the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SHOWN = 12


def command(
    record: Annotated[Path, typer.Argument(help="A certificate that `dosegym certify` wrote.")],
    policy: Annotated[
        str, typer.Option(help="The policy, where it lies elsewhere than the certificate says.")
    ] = "",
    trust: Annotated[
        bool, typer.Option(help="Accept an agent whose hash is not its manifest's.")
    ] = False,
) -> int:
    """Repeat the certification and compare the verdict, every bound and every lane.

    The exit status is 0 only where all is the same and the verdict is RELEASE.
    """
    from rich.console import Console

    from ..evaluation.gate.replay import replay
    from ..evaluation.safety_case import load_case
    from .options import bar

    case = load_case(record)
    with bar("certifying again") as progress:
        found = replay(case, policy or None, trust=trust, progress=progress)
    console = Console(highlight=False)
    if found.same:
        console.print(f"The same bit for bit: {case.verdict}, {len(case.items)} bounds.")
        return 0 if case.passed else 1
    console.print(f"NOT the same: {len(found.differences)} differences.", style="bold red")
    for line in found.differences[:SHOWN]:
        console.print(f"  {line}", markup=False)
    old, new = dict(case.versions), dict(found.case.versions)
    for name in old:
        if old[name] != new.get(name):
            console.print(f"  {name} was {old[name]}, is {new.get(name)}", markup=False)
    return 1
