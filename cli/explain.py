"""Say in words what a certificate claims and rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    record: Annotated[Path, typer.Argument(help="A certificate that `dosegym certify` wrote.")],
    html: Annotated[
        Path | None, typer.Option(help="Write the safety case: claims, argument, evidence.")
    ] = None,
) -> int:
    """Explain a certificate; the exit status is 0 only for a RELEASE that has not expired."""
    from rich.console import Console

    from ..evaluation.safety_case import load_case
    from ..evaluation.safety_page import write_page
    from ..evaluation.write import check_outputs

    check_outputs(html, inputs=[record])
    case = load_case(record)
    if html is not None:
        write_page(case, html)
    console = Console(highlight=False, soft_wrap=True)
    scope = f" for {', '.join(case.scope)}" if case.scope else ""
    console.print(f"[bold]{case.verdict}[/bold]{scope}, of {case.created[:10]}")
    console.print(case.sentence, markup=False)
    _lanes(console, case)
    _bounds(console, case)
    console.print("\nIt assumes:")
    for a in case.assumptions:
        console.print(f"  {a['id']}: {a['text']} ({a['status']})", markup=False)
    if case.expired():
        console.print(f"[bold red]It expired on {case.expires[:10]}.[/]")
    return 0 if case.passed and not case.expired() else 1


def _lanes(console: Any, case: Any) -> None:
    for lane in case.lanes:
        console.print(f"\n[bold]{lane.id}[/] {lane.claim}")
        console.print(f"  {lane.status}" + (": " if lane.reasons else ""))
        for reason in lane.reasons:
            console.print(f"  - {reason}", markup=False)


def _bounds(console: Any, case: Any) -> None:
    """Print the bounds that fail, with how many patients they would take; else the closest."""
    from ..evaluation.gate.bounds import said

    order = sorted(case.items, key=lambda i: i.slack / max(abs(i.limit), 1e-12))
    failed = [i for i in order if not i.passed]
    title = "Bounds that do not hold:" if failed else "Bounds closest to their limits:"
    console.print(f"\n{title}")
    for item in failed or order[:3]:
        console.print(f"  {item.group}: {said(item)}{_needed(item)}", markup=False)


def _needed(item: Any) -> str:
    """Return how many patients would show a limit, were they harmed as those seen."""
    from ..evaluation.planning import patients_needed

    if item.type != "chance" or item.passed:
        return ""
    if item.observed >= item.limit:
        return "; more patients will not help: too many were harmed"
    n = item.n
    for _ in range(20):
        need = patients_needed(
            item.limit, failures=round(item.observed * n), confidence=item.confidence
        )
        if need <= n:
            break
        n = max(need, int(1.2 * n))
    return f"; at this rate about {n} patients of {item.group} would show it"
