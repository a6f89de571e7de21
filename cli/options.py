"""What several verbs share: JSON options, a progress bar, numbers for tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..physiology.errors import InputError


def json_object(option: str, text: str | None) -> dict[str, Any]:
    """Return the JSON object given to an option.

    Raises
    ------
    InputError
        If it is not JSON, or not an object.
    """
    if not text:
        return {}
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{option} is not JSON ({error}); write e.g. '{{\"days\": 2}}'") from None
    if not isinstance(value, dict):
        raise InputError(f"{option} is {text!r}; give a JSON object such as '{{\"days\": 2}}'")
    return value


def one_of(first: str, one: str, second: str, other: str) -> str:
    """Return whichever of two ways to say the same was used, or an empty text.

    Raises
    ------
    InputError
        If both were used and disagree.
    """
    if one and other and one != other:
        raise InputError(f"{first} is {one!r} and {second} is {other!r}; give one of them")
    return one or other


class Bar:
    """A progress bar that takes (done, total) or (what, done, total)."""

    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def __call__(self, *words: Any) -> None:
        """Move the bar."""
        *what, done, total = words
        update = {"description": what[0]} if what else {}
        self._progress.update(self._task, completed=done, total=total, **update)


@contextmanager
def bar(what: str) -> Iterator[Bar]:
    """Show a bar with the time left while the work runs, on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), Remaining())
    console = Console(stderr=True)
    # Elsewhere rich would leave an empty line before an error's one line.
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        yield Bar(progress, progress.add_task(what, total=None))


def interval(entry: dict[str, float], digits: int = 1) -> str:
    """Return a mean with its interval, as a table shows it."""
    mean, low, high = (entry[k] for k in ("mean", "low", "high"))
    if low != low:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
