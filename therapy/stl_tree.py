"""The tree of a temporal formula: what each kind of node is, and how far in time it looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from ..physiology.errors import InputError

Connective = Literal["and", "or", "implies"]
WindowKind = Literal["always", "eventually", "historically", "once"]
ReachKind = Literal["until", "since"]

FUTURE: Final = ("always", "eventually", "until")
ENDLESS: Final = math.inf


@dataclass(frozen=True)
class Interval:
    """A window of time relative to now, in minutes; ``end`` is infinite where it has no end.

    Parameters
    ----------
    start, end : float
        Minutes, 0 <= start <= end; away from now, ahead or back as the operator looks.
    """

    start: float = 0.0
    end: float = ENDLESS

    def steps(self, step_min: float) -> tuple[int, int | None]:
        """Return the first and the last sample inside the window; None where it has no end.

        Raises
        ------
        InputError
            If no sample lies within it.
        """
        first = math.ceil(self.start / step_min - 1e-9)
        if math.isinf(self.end):
            return first, None
        last = math.floor(self.end / step_min + 1e-9)
        if last < first:
            raise InputError(
                f"the window from {self.start:g} to {self.end:g} min holds no sample taken every "
                f"{step_min:g} min; widen it"
            )
        return first, last

    def __str__(self) -> str:
        if self == EVER:
            return ""
        end = "inf" if math.isinf(self.end) else f"{self.end:g} min"
        return f"[{self.start:g} min, {end}]"


EVER: Final = Interval()


@dataclass(frozen=True)
class Truth:
    """``true`` or ``false``."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True)
class Predicate:
    """sum of coefficient x signal + ``constant`` >= 0, or > 0 where ``strict``.

    Parameters
    ----------
    terms : tuple of (float, str)
        Coefficient and signal.
    constant : float
        In ``unit``.
    strict : bool
        Whether 0 itself does not satisfy it.
    unit : str
        Unit of every signal in it.
    """

    terms: tuple[tuple[float, str], ...]
    constant: float
    strict: bool
    unit: str

    def __str__(self) -> str:
        text = " ".join(f"{c:+.12g} * {name}" for c, name in self.terms)
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{text} {'>' if self.strict else '>='} {0.0 - self.constant:.12g}{unit}"


@dataclass(frozen=True)
class Not:
    """``not child``."""

    child: Node

    def __str__(self) -> str:
        return f"not ({self.child})"


@dataclass(frozen=True)
class Both:
    """Two formulas joined by ``and``, ``or`` or ``implies``."""

    kind: Connective
    left: Node
    right: Node

    def __str__(self) -> str:
        return f"({self.left}) {self.kind} ({self.right})"


@dataclass(frozen=True)
class Window:
    """``child`` at all times or at some time of a window ahead (or, of the past, behind)."""

    kind: WindowKind
    child: Node
    interval: Interval

    def __str__(self) -> str:
        return f"{self.kind}{self.interval} ({self.child})"


@dataclass(frozen=True)
class Reach:
    """``left until right``: right at some time of the window, and left at every time before it.

    ``left since right`` looks back: right at some time of the window, and left ever after it.
    Left need not hold at the very time at which right does.
    """

    kind: ReachKind
    left: Node
    right: Node
    interval: Interval

    def __str__(self) -> str:
        return f"({self.left}) {self.kind}{self.interval} ({self.right})"


Node = Truth | Predicate | Not | Both | Window | Reach


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below."""
    if isinstance(node, Not | Window):
        return (node.child,)
    if isinstance(node, Both | Reach):
        return (node.left, node.right)
    return ()


def signals_in(node: Node) -> tuple[str, ...]:
    """Return the signals that a node speaks of, in order, each once."""
    own = [name for _, name in node.terms] if isinstance(node, Predicate) else []
    below = [name for child in children(node) for name in signals_in(child)]
    return tuple(dict.fromkeys([*own, *below]))


def ahead_min(node: Node) -> float:
    """Return how many minutes ahead of now the node looks; infinite where it has no end."""
    below = max((ahead_min(child) for child in children(node)), default=0.0)
    looks = isinstance(node, Window | Reach) and node.kind in FUTURE
    return below + (node.interval.end if looks and isinstance(node, Window | Reach) else 0.0)


def back_min(node: Node) -> float:
    """Return how many minutes before now the node looks; infinite where it has no end."""
    below = max((back_min(child) for child in children(node)), default=0.0)
    looks = isinstance(node, Window | Reach) and node.kind not in FUTURE
    return below + (node.interval.end if looks and isinstance(node, Window | Reach) else 0.0)


def longest_min(node: Node) -> float:
    """Return how many minutes away the farthest end, or start of an endless, window lies."""
    own = 0.0
    if isinstance(node, Window | Reach):
        span = node.interval
        own = span.start if math.isinf(span.end) else span.end
    return max([own, *(longest_min(child) for child in children(node))])
