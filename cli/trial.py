"""Run an in-silico trial beside its published results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    protocol: Annotated[
        str, typer.Argument(help="Trial, e.g. quartet, or a YAML file of your own.")
    ],
    engine: Annotated[
        str, typer.Option(help="Where people are simulated: local, or ray (optional extra).")
    ] = "local",
    people: Annotated[
        int | None, typer.Option(help="People to enrol instead of the protocol's number.")
    ] = None,
    part: Annotated[int, typer.Option(help="People simulated at once.")] = 2048,
    study_effect: Annotated[
        bool, typer.Option(help="Readings fall by themselves, as in placebo arms.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all results.")] = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write the table as Markdown.")
    ] = None,
) -> int:
    """Enrol people, let every arm live, and print published beside simulated numbers.

    The exit status is 1 if a threshold of the file is missed.
    """
    from ..evaluation.trial import run_trial
    from ..evaluation.trial_table import markdown, text
    from ..evaluation.write import check_outputs, write_text
    from .options import bar

    check_outputs(json_file, markdown_file, inputs=[protocol])
    with bar("composing the arms") as progress:
        result = run_trial(
            protocol, engine=engine, n=people, part=part, study_effect=study_effect,
            progress=progress,
        )  # fmt: skip
    if json_file is not None:
        result.write_json(json_file)
    if markdown_file is not None:
        write_text(markdown_file, markdown(result))
    typer.echo(text(result), nl=False)
    return 0 if result.passed else 1
