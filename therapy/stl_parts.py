"""The parts of a running formula: what each keeps of the episode, and what it says so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .stl_tree import Both, Node, Not, Window, ahead_min, back_min
from .stl_value import Beyond, Pair, Reading, evaluate, join, negate

Sample = Mapping[str, NDArray[np.float64]]

_FOLDED: Final = ("always", "eventually")


class Part(Protocol):
    """A node being watched."""

    @property
    def kept(self) -> int:
        """Samples in memory."""
        ...

    def take(self, sample: Sample) -> None:
        """Take the next sample, each signal (B,)."""
        ...

    def pair(self, beyond: Beyond) -> Pair:
        """Return the node's (low, high) at the episode's first sample, each (B,)."""
        ...


def part_of(node: Node, step_min: float) -> Part:
    """Return the cheapest way to watch a node."""
    if isinstance(node, Not):
        return Joined(node, part_of(node.child, step_min))
    if isinstance(node, Both):
        return Joined(node, part_of(node.left, step_min), part_of(node.right, step_min))
    if isinstance(node, Window) and node.kind in _FOLDED and _bounded(node.child):
        return Folded(node, step_min)
    return Whole(node, step_min)


def _bounded(node: Node) -> bool:
    return math.isfinite(ahead_min(node) + back_min(node))


class Tail:
    """The last samples of each signal: ``most`` of them, or all where it is None."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._names: tuple[str, ...] = ()
        self._rows = np.empty((0, 0, 0))
        self._first = self._end = 0

    def __len__(self) -> int:
        return self._end - self._first

    def add(self, sample: Sample) -> None:
        """Put a sample at the end and forget what is no longer needed."""
        if self._end == self._rows.shape[2]:
            self._make_room(sample)
        for row, name in zip(self._rows, self._names, strict=True):
            row[:, self._end] = sample[name]
        self._end += 1
        if self._most is not None and len(self) > self._most:
            self._first += 1

    def _make_room(self, sample: Sample) -> None:
        if not self._names:
            self._names = tuple(sample)
        lanes, kept = len(sample[self._names[0]]), len(self)
        room = np.empty((len(self._names), lanes, 2 * max(kept, 16)))
        if kept:
            room[:, :, :kept] = self._rows[:, :, self._first : self._end]
        self._rows, self._first, self._end = room, 0, kept

    def traces(self) -> Sample:
        """Return what is kept, each signal (B, T)."""
        rows = self._rows[:, :, self._first : self._end]
        return dict(zip(self._names, rows, strict=True))


class Joined:
    """``not``, ``and``, ``or``, ``implies`` over parts that are watched each by itself."""

    def __init__(self, node: Not | Both, *parts: Part) -> None:
        self._node, self._parts = node, parts

    @property
    def kept(self) -> int:
        """Samples in memory, over all parts."""
        return sum(part.kept for part in self._parts)

    def take(self, sample: Sample) -> None:
        """Hand the sample on."""
        for part in self._parts:
            part.take(sample)

    def pair(self, beyond: Beyond) -> Pair:
        """Join what the parts say."""
        pairs = [part.pair(beyond) for part in self._parts]
        return negate(pairs[0]) if isinstance(self._node, Not) else join(self._node.kind, *pairs)


class Folded:
    """``always`` or ``eventually`` over a formula of bounded windows.

    What the child says of a time is settled once its windows ahead are full; it is then folded
    into one pair. Only the samples that unsettled times look at are kept.
    """

    def __init__(self, node: Window, step_min: float) -> None:
        self._child, self._step = node.child, step_min
        self._from, self._to = node.interval.steps(step_min)
        self._fold: Any = np.minimum if node.kind == "always" else np.maximum
        self._empty = 1 if node.kind == "always" else -1
        self._ahead = int(ahead_min(node.child) / step_min + 1e-9)
        self._tail = Tail(int(back_min(node.child) / step_min + 1e-9) + self._ahead + 1)
        self._seen = 0
        self._settled: Pair | None = None

    @property
    def kept(self) -> int:
        """Samples in memory."""
        return len(self._tail)

    @property
    def _over(self) -> bool:
        return self._to is not None and self._seen > self._to + self._ahead

    def take(self, sample: Sample) -> None:
        """Take the sample and fold the time that it settles."""
        if self._over:
            return
        self._tail.add(sample)
        self._seen += 1
        if self._settled is None:
            lanes = len(next(iter(sample.values())))
            flat = np.full(lanes, self._empty, np.int8)
            self._settled = (flat, flat)
        now = self._seen - 1 - self._ahead
        if now >= self._from:
            low, high = self._read("unknown")
            at = len(self._tail) - 1 - self._ahead
            self._settled = self._with(self._settled, (low[:, at], high[:, at]))

    def pair(self, beyond: Beyond) -> Pair:
        """Return the settled pair, joined with what is pending and with what is not yet seen."""
        assert self._settled is not None
        found = self._settled
        begin = max(self._from, self._seen - self._ahead)
        end = self._seen if self._to is None else min(self._seen, self._to + 1)
        if begin < end:
            low, high = self._read(beyond)
            part = slice(begin - self._seen + len(self._tail), end - self._seen + len(self._tail))
            pending = (self._fold.reduce(low[:, part], 1), self._fold.reduce(high[:, part], 1))
            found = self._with(found, pending)
        if beyond == "unknown" and (self._to is None or self._to >= self._seen):
            found = self._with(found, (np.int8(-1), np.int8(1)))
        return found

    def _read(self, beyond: Beyond) -> Pair:
        return evaluate(self._child, self._tail.traces(), Reading(self._step, beyond, True))

    def _with(self, one: Pair, other: Any) -> Pair:
        return self._fold(one[0], other[0]), self._fold(one[1], other[1])


class Whole:
    """A node that needs the episode from its first sample, until its windows are full."""

    def __init__(self, node: Node, step_min: float) -> None:
        self._node, self._step = node, step_min
        ahead = ahead_min(node)
        self._need = int(ahead / step_min + 1e-9) + 1 if math.isfinite(ahead) else None
        self._tail = Tail(None)

    @property
    def kept(self) -> int:
        """Samples in memory."""
        return len(self._tail)

    def take(self, sample: Sample) -> None:
        """Keep the sample, unless nothing after it can matter."""
        if self._need is None or len(self._tail) < self._need:
            self._tail.add(sample)

    def pair(self, beyond: Beyond) -> Pair:
        """Read the whole episode."""
        low, high = evaluate(self._node, self._tail.traces(), Reading(self._step, beyond, True))
        return low[:, 0], high[:, 0]
