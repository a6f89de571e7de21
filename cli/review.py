"""Put a decision about a proposal on the audit record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    answer: Annotated[Path, typer.Argument(help="What `dosegym recommend --json` wrote.")],
    audit: Annotated[Path, typer.Option(help="The audit record that holds it.")],
    decision: Annotated[str, typer.Option(help="accept, modify or reject.")],
    reviewer: Annotated[str, typer.Option(help="Who decides: a role or an identifier.")],
    reason: Annotated[str, typer.Option(help="Why, in the reviewer's words.")],
) -> None:
    """Record accept, modify or reject, with who decided and why."""
    from ..clinic.review import review

    entry = review(answer, audit, decision=decision, reviewer=reviewer, reason=reason)
    typer.echo(f"entry {entry.seq} of {audit}: {decision}, {entry.sha256[:12]}")
