"""Stopping by Ctrl-C without loss: noted at once, honoured where a run can be continued."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class TrainingInterrupted(KeyboardInterrupt):
    """A run was interrupted after it had written a checkpoint; its message says how to go on."""


class Interrupts:
    """Notes Ctrl-C while it is entered; a second one stops at once.

    Outside the main thread signals cannot be caught, and Ctrl-C keeps its usual meaning.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None
        self._listening = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)
            self._listening = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listening:
            signal.signal(signal.SIGINT, self._before)
            self._listening = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
