"""The console program's entry: finds the verbs, runs one, and turns each failure into one line.

A verb is a file of this folder whose name stands in ``VERBS``; its first line is its help. Its
function ``command`` (arguments annotated for typer) does the work and returns None or an exit
status. Only verbs named on the command line are imported: help needs neither torch nor numba.
"""

from __future__ import annotations

import ast
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__

VERBS = (
    "demo",
    "envs",
    "train",
    "evaluate",
    "benchmark",
    "certify",
    "explain",
    "replay",
    "fit",
    "whatif",
    "phenotypes",
    "recommend",
    "review",
    "serve",
    "trial",
    "federate",
    "doctor",
)
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the console program.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; ``sys.argv[1:]`` by default.

    Returns
    -------
    status : int
        0 for success, 1 for an adverse result or a defect, 2 for bad input, 130 when interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    # --debug is accepted anywhere, because it is typed after a failure, at the end of the line.
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        program: Any = typer.main.get_command(_program(words))
        status = program.main(args=words, prog_name="dosegym", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except Exception as error:  # noqa: BLE001  the one border where every failure is answered
        if debug:
            traceback.print_exception(error)
        line, status = _explain(error)
        typer.echo(f"error: {line}", err=True)
    if status == INTERRUPTED:
        typer.echo("error: interrupted", err=True)
    return status if isinstance(status, int) else 0


def verbs() -> dict[str, str]:
    """Return the verbs that exist, each with the first line of its file."""
    found = {}
    for name in VERBS:
        path = Path(__file__).with_name(f"{name}.py")
        if path.is_file():
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found[name] = text.partition("\n")[0]
    return found


def _program(words: Iterable[str]) -> typer.Typer:
    """Build the typer program; only verbs among the words are imported."""
    program = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    program.callback()(_root)
    named = set(words)
    for name, summary in verbs().items():
        command: Callable[..., Any] = _not_loaded
        if name in named:
            command = import_module(f".{name}", __package__).command
        program.command(name, help=summary, short_help=summary)(command)
    return program


def _not_loaded() -> None:
    """Stand for a verb that only the help lists."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dosegym {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Patient digital twins for treatment policies. Research software, not a medical device."""


def _explain(error: Exception) -> tuple[str, int]:
    """Return the line that tells a person what went wrong, and the exit status."""
    errors = sys.modules.get("dosegym.physiology.errors")
    if errors is not None and isinstance(error, errors.InputError):
        return str(error), 2
    # Typer's own errors have no common public class in all its versions; they share this method.
    told = getattr(error, "format_message", None)
    if told is not None:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "dosegym"
        return f"{_one_line(told())} (see {path} --help)", 2
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(error, pydantic.ValidationError):
        return _explain_validation(error), 2
    return (
        f"unexpected {type(error).__name__}: {_one_line(str(error))}; this is a defect of DoseGym: "
        "run the same command with --debug and report what it prints",
        1,
    )


def _explain_validation(error: Any) -> str:
    """Return a pydantic error's first complaint and the number of the others."""
    first, *rest = error.errors(include_url=False)
    place = ".".join(str(part) for part in first["loc"]) or error.title
    line = f"{place}: {first['msg']} (got {first['input']!r})"
    return _one_line(line + (f"; and {len(rest)} more" if rest else ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())
