"""List the registered environments."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print every ``dosegym/…`` id with its one-line description."""
    rows = registered_environments()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("environment", "what it is", "steps")
    for row in rows:
        steps = row["max_episode_steps"]
        table.add_row(row["id"], row["description"], "" if steps is None else str(steps))
    Console().print(table)


def registered_environments() -> list[dict[str, Any]]:
    """Return id, description, steps and default keywords of every DoseGym environment."""
    import gymnasium

    from ..envs.registry import ENTRIES

    known = {entry.id: entry.doc for entry in ENTRIES}
    return [
        {
            "id": spec.id,
            "description": known.get(spec.id) or _first_line(spec.entry_point),
            "max_episode_steps": spec.max_episode_steps,
            "kwargs": dict(spec.kwargs),
        }
        for spec in sorted(gymnasium.registry.values(), key=lambda spec: spec.id)
        if spec.namespace == "dosegym"
    ]


def _first_line(entry_point: Any) -> str:
    """Return the first line of the docstring behind the entry point of somebody else's id."""
    from gymnasium.envs.registration import load_env_creator

    creator = load_env_creator(entry_point) if isinstance(entry_point, str) else entry_point
    return (creator.__doc__ or "").strip().partition("\n")[0]
