"""Tasks side by side: one lane each, every one with a world of its own, for the one rollout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..envs.core import Step, Streams

Rows = TypeVar("Rows", bound=tuple)


class Abreast:
    """A batch whose lane i begins as the only lane of ``tasks[i]`` would.

    What a task decides at the start of an episode (people, meals, sensor errors, illness, starting
    glucose) may differ from lane to lane; how bodies live and are judged afterwards is the first
    task's, so the tasks must agree in everything else.

    Parameters
    ----------
    tasks : sequence of Task
        Each with a cohort of one and ``by_lane``.
    cohort : Cohort or PressureCohort
        Those people in that order.
    """

    def __init__(self, tasks: Sequence[Any], cohort: Any) -> None:
        self.tasks = tuple(tasks)
        self.cohort = cohort

    def __getattr__(self, name: str) -> Any:
        if name == "tasks":
            raise AttributeError(name)
        return getattr(self.tasks[0], name)

    def begin(self, streams: Sequence[Streams], lanes: Sequence[int]) -> tuple[Any, Any, Step]:
        """Begin each lane in its own task."""
        begun = [self.tasks[i].begin([s], [0]) for i, s in zip(lanes, streams, strict=True)]
        episode, state, step = (_stack(parts) for parts in zip(*begun, strict=True))
        return episode._replace(person=np.asarray(lanes, dtype=np.int64)), state, step


def _stack(parts: Sequence[Rows]) -> Rows:
    """Return records of one lane each as one record."""
    return type(parts[0])._make(_join(columns) for columns in zip(*parts, strict=True))  # type: ignore[attr-defined]


def _join(columns: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    known = [c for c in columns if c is not None]
    return np.concatenate(known) if known else None
