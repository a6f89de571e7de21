"""The console program: which verbs it lists, and how each kind of failure ends."""

import subprocess
import sys
from importlib import metadata

import pydantic
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import dosegym.cli.envs
from dosegym.cli import main as console
from dosegym.physiology.errors import InputError


class Dose(pydantic.BaseModel):
    """A record for validation errors."""

    model_config = pydantic.ConfigDict(extra="forbid")
    units: float


def validation_error() -> Exception:
    """Return the error of a record with two defects."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Dose.model_validate({"units": "many", "route": "oral"})
    return caught.value


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the verb ``envs`` raise an error from inside."""

    def broken() -> list[dict[str, object]]:
        raise error

    monkeypatch.setattr(dosegym.cli.envs, "registered_environments", broken)


def test_help_lists_exactly_the_verbs_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """Only verbs with a file are offered, each with its file's first line."""
    assert console.main([]) == 0
    listed = capsys.readouterr().out.partition("Commands:")[2].splitlines()
    shown = dict(line.split(maxsplit=1) for line in listed if line.strip())
    assert set(shown) == set(console.verbs())
    assert shown["envs"] == console.verbs()["envs"]
    assert {"envs", "doctor"} <= set(shown)


def test_help_imports_nothing_heavy() -> None:
    """The help of the program needs neither torch, nor SB3, nor numba, nor any verb."""
    code = (
        "import sys; from dosegym.cli.main import main; main(['--help']);"
        "heavy = {'torch', 'stable_baselines3', 'numba', 'pandas', 'matplotlib'};"
        "heavy |= {name for name in sys.modules if name.startswith('dosegym.cli.')};"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "loaded: ['dosegym.cli.main']"


def test_every_verb_keeps_the_contract_and_imports_lightly() -> None:
    """Each verb has a first line and a function ``command``; importing all draws no torch."""
    names = sorted(console.verbs())
    code = (
        "import sys\nfrom importlib import import_module\n"
        f"for name in {names!r}:\n"
        "    module = import_module(f'dosegym.cli.{name}')\n"
        "    assert module.__doc__.strip(), name\n    assert callable(module.command), name\n"
        "print(sorted({'torch', 'stable_baselines3', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (InputError("weight -3 kg is below 2 kg:\n give kilograms"), 2, "weight -3 kg"),
        (typer.BadParameter("days must be 1 or more"), 2, "days must be 1 or more"),
        (validation_error(), 2, "units: Input should be a valid number"),
        (validation_error(), 2, "(got 'many'); and 1 more"),
        (RuntimeError("the pump\nis on fire"), 1, "unexpected RuntimeError: the pump is on fire"),
        (RuntimeError("x"), 1, "with --debug and report"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_failures_end_in_one_line(
    error: BaseException,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each kind of failure has its exit status and exactly one line, without a traceback."""
    fail_with(error, monkeypatch)
    assert console.main(["envs"]) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("error: ")
    assert words in captured.err


@pytest.mark.parametrize(
    ("words", "told"), [(["dose"], "'dose'"), (["envs", "--jsno"], "--jsno"), (["-x"], "-x")]
)
def test_misspelt_words_are_named(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown verb or option is named in one line that says where the help is."""
    assert console.main(words) == 2
    line = capsys.readouterr().err
    assert told in line
    assert "--help" in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("words", [["--debug", "envs"], ["envs", "--debug"]])
def test_debug_shows_the_traceback(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --debug, before or after the verb, a defect shows where it arose."""
    fail_with(RuntimeError("boom"), monkeypatch)
    assert console.main(words) == 1
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "in broken" in told


@pytest.mark.parametrize("returned", [0, 1, 3])
def test_a_verb_returns_its_exit_status(returned: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number that a verb returns is the program's exit status."""
    monkeypatch.setattr(dosegym.cli.envs, "command", lambda: returned)
    assert console.main(["envs"]) == returned


def test_the_module_runs_and_knows_its_version() -> None:
    """``python -m dosegym --version`` prints the installed distribution's version."""
    result = subprocess.run(
        [sys.executable, "-P", "-m", "dosegym", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == f"dosegym {metadata.version('dosegym')}\n"


@given(st.text())
def test_any_message_becomes_one_line(text: str) -> None:
    """No message, whatever separators it holds, breaks the promise of one line."""
    for error in (InputError(text), RuntimeError(text), typer.BadParameter(text)):
        line, _ = console._explain(error)
        assert len(line.splitlines()) <= 1
