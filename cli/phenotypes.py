"""Look for kinds of people in their twins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    twins: Annotated[list[Path], typer.Argument(help="Twins of different people, as JSON.")],
    out: Annotated[Path | None, typer.Option(help="Write the finding here, as JSON.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it here, as PNG.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of draws and resamples.")] = 0,
) -> None:
    """Group people by the posterior of their twins; say so where there are no groups."""
    import numpy as np

    from ..evaluation.phenotype_plot import phenotypes_png
    from ..evaluation.phenotypes import find_phenotypes
    from ..evaluation.write import check_outputs, write_text
    from ..twins import load_twin

    check_outputs(out, plot, inputs=twins)
    found = find_phenotypes([load_twin(path) for path in twins], np.random.default_rng(seed))
    if out is not None:
        write_text(out, json.dumps(found.to_dict(), indent=1) + "\n")
    if plot is not None:
        phenotypes_png(found, plot)
    _print(found)


def _print(found: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(found.verdict, highlight=False)
    if found.groups == 1:
        return
    table = Table("kind", "people", "stands out by", "found again")
    for kind in found.to_dict()["kinds"]:
        words = (str(kind["kind"]), str(kind["people"]), kind["stands_out"])
        table.add_row(*words, f"{100 * kind['stability']:.0f} %")
    console.print(table)
