"""The page on the console program names every verb, and every option of those with a section."""

import importlib
import re
from pathlib import Path

import pytest
import typer

from dosegym.cli.main import verbs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "console.md"
TEXT = PAGE.read_text(encoding="utf-8")
WITH_SECTION = ("certify", "explain", "replay", "recommend", "review", "doctor")


def options(verb: str) -> set[str]:
    """Return the long options of a verb, as typer makes them."""
    program = typer.Typer()
    program.command()(importlib.import_module(f"dosegym.cli.{verb}").command)
    params = typer.main.get_command(program).params
    return {o for p in params for o in p.opts if o.startswith("--")} - {
        "--help", "--install-completion", "--show-completion",
    }  # fmt: skip


def test_every_verb_is_on_the_page_and_no_other() -> None:
    """What the program offers is what the page tells of."""
    assert set(re.findall(r"`dosegym ([a-z]+)", TEXT)) >= set(verbs())
    assert set(re.findall(r"^## `dosegym ([a-z]+)`", TEXT, re.M)) <= set(verbs())


@pytest.mark.parametrize("verb", WITH_SECTION)
def test_options_are_those_of_the_code(verb: str) -> None:
    """A section tells every option that its verb has."""
    section = TEXT.split(f"## `dosegym {verb}`")[1].split("\n## ")[0]
    told = set(re.findall(r"--[a-z][a-z-]*", section))
    assert options(verb) <= told
    others = {o for name in verbs() for o in options(name)}
    assert told <= others
