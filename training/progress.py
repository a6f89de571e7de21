"""The progress bar of a run: steps, speed, time left, and the latest validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from types import TracebackType
from typing import Protocol


class Display(Protocol):
    """What a run tells somebody who watches it."""

    def at(self, step: int) -> None:
        """Say how many environment steps are done."""

    def validated(self, figures: Mapping[str, float]) -> None:
        """Show the figures of a validation."""


class Silent(nullcontext[None]):
    """Shows nothing."""

    def at(self, step: int) -> None:
        """Show nothing."""

    def validated(self, figures: Mapping[str, float]) -> None:
        """Show nothing."""


class Bar:
    """A line on the console (standard error) that rich keeps up to date.

    Parameters
    ----------
    name : str
    total : int
        Environment steps in all.
    done : int
        Steps already done by an earlier part of the run.
    brief : callable
        From the figures of a validation to a few words.
    """

    def __init__(
        self, name: str, total: int, done: int, brief: Callable[[Mapping[str, float]], str]
    ) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        self._total, self._brief = total, brief
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TaskProgressColumn(),
            TextColumn("{task.fields[speed]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
            refresh_per_second=4,
        )
        self._task = self._progress.add_task(
            name, total=total, completed=done, speed="", figures=""
        )

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last state of the line on the console."""
        self._progress.stop()

    def at(self, step: int) -> None:
        """Move the bar."""
        speed = self._progress.tasks[0].speed
        told = "" if speed is None else f"{speed:,.0f} steps/s"
        self._progress.update(self._task, completed=min(step, self._total), speed=told)

    def validated(self, figures: Mapping[str, float]) -> None:
        """Show the figures of the latest validation."""
        self._progress.update(self._task, figures=self._brief(figures))
