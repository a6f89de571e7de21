"""Values of a temporal formula over many traces at once: robustness, or three-valued truth.

Both are one recursion in the algebra of minimum and maximum. Every value is a pair (low, high):
what is certain whatever the missing samples are, and what is possible. A complete trace has
low = high, then one array serves as both. Windows are scipy's running extremes, so the cost does
not grow with their length; ``until`` is one backward sweep over time, vectorised over patients.

Bounded ``until`` is taken apart (Donze, Ferrere and Maler 2013, doi 10.1007/978-3-642-39799-8_19,
for its robustness): right within the window, left up to the window's start, and from there on the
``until`` without bounds. No step of that negates, so it holds for both ends of a pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from .stl_tree import FUTURE, Both, Connective, Node, Not, Predicate, Reach, Truth, Window

Values = NDArray[Any]
Pair = tuple[Values, Values]
Beyond = Literal["truncate", "unknown"]

_TOP: Final = {True: 1, False: np.inf}


@dataclass(frozen=True)
class Reading:
    """How a formula is read.

    Parameters
    ----------
    step_min : float
        Minutes between samples.
    beyond : {"truncate", "unknown"}
        Whether a window ends with the trace, or what lies behind the end is unknown.
    crisp : bool
        True for truth (+1 and -1), False for robustness.
    """

    step_min: float
    beyond: Beyond
    crisp: bool

    @property
    def top(self) -> Any:
        """The largest value: 1 or infinity."""
        return _TOP[self.crisp]


def evaluate(node: Node, traces: Mapping[str, Values], how: Reading) -> Pair:
    """Return the pair (low, high) of a node at every time.

    Parameters
    ----------
    node : Node
    traces : mapping of str to array (B, T)
        In the units of the formula's signals; NaN where a sample is missing.
    how : Reading

    Returns
    -------
    tuple of array (B, T)
        float64 in the signals' units, or int8; one and the same array twice where all is known.
    """
    if isinstance(node, Predicate):
        return _predicate(node, traces, how)
    if isinstance(node, Truth):
        shape = next(iter(traces.values())).shape
        kind = np.int8 if how.crisp else np.float64
        flat = np.full(shape, how.top if node.value else -how.top, kind)
        return flat, flat
    if isinstance(node, Not):
        return negate(evaluate(node.child, traces, how))
    if isinstance(node, Both):
        left, right = evaluate(node.left, traces, how), evaluate(node.right, traces, how)
        return join(node.kind, left, right)
    if isinstance(node, Window):
        return _window(node, evaluate(node.child, traces, how), how)
    left, right = evaluate(node.left, traces, how), evaluate(node.right, traces, how)
    return _reach(node, left, right, how)


def _predicate(node: Predicate, traces: Mapping[str, Values], how: Reading) -> Pair:
    total: Values = np.asarray(node.constant)
    for coefficient, name in node.terms:
        trace = traces[name]
        part = (
            trace if coefficient == 1.0 else -trace if coefficient == -1.0 else coefficient * trace
        )
        total = part + total
    gone = np.isnan(total)
    if how.crisp:
        holds = total > 0.0 if node.strict else total >= 0.0
        total = np.where(holds, np.int8(1), np.int8(-1))
    if not gone.any():
        return total, total
    low, high = total.copy(), total.copy()
    low[gone], high[gone] = -how.top, how.top
    return low, high


def negate(pair: Pair) -> Pair:
    """Return the pair of ``not``."""
    low, high = pair
    flipped = -high
    return flipped, flipped if low is high else -low


def join(kind: Connective, left: Pair, right: Pair) -> Pair:
    """Return the pair of ``and``, ``or`` or ``implies``."""
    if kind == "implies":
        left = negate(left)
    of = np.minimum if kind == "and" else np.maximum
    low = of(left[0], right[0])
    known = left[0] is left[1] and right[0] is right[1]
    return low, low if known else of(left[1], right[1])


def _ends(least: bool, ahead: bool, how: Reading) -> tuple[Any, Any]:
    """Return what low and high are taken to be outside the trace.

    An empty "always" holds and an empty "eventually" does not; but what has not been seen yet may
    be either.
    """
    if ahead and how.beyond == "unknown":
        return -how.top, how.top
    empty = how.top if least else -how.top
    return empty, empty


def _window(node: Window, child: Pair, how: Reading) -> Pair:
    least = node.kind in ("always", "historically")
    ahead = node.kind in FUTURE
    first, last = node.interval.steps(how.step_min)
    outside = _ends(least, ahead, how)
    low = _extreme(child[0], first, last, least, ahead, outside[0])
    if child[0] is child[1] and outside[0] == outside[1]:
        return low, low
    return low, _extreme(child[1], first, last, least, ahead, outside[1])


def _extreme(
    values: Values, first: int, last: int | None, least: bool, ahead: bool, outside: Any
) -> Values:
    """Return the running minimum or maximum of values (B, T) over samples first..last from now."""
    if not ahead:
        return _extreme(values[:, ::-1], first, last, least, True, outside)[:, ::-1]
    moved = _later(values, first, outside)
    if last is None:
        of: Any = np.minimum if least else np.maximum
        whole = of.accumulate(moved[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(of(whole, np.asarray(outside, values.dtype)))
    size = min(last - first, values.shape[1]) + 1
    if size == 1:
        return moved
    run: Any = minimum_filter1d if least else maximum_filter1d
    return np.asarray(run(moved, size, axis=1, mode="constant", cval=outside, origin=-(size // 2)))


def _later(values: Values, steps: int, outside: Any) -> Values:
    """Return values (B, T) of so many samples later."""
    if steps == 0:
        return values
    moved = np.full(values.shape, outside, values.dtype)
    if steps < values.shape[1]:
        moved[:, : values.shape[1] - steps] = values[:, steps:]
    return moved


def _reach(node: Reach, left: Pair, right: Pair, how: Reading) -> Pair:
    ahead = node.kind == "until"
    first, last = node.interval.steps(how.step_min)
    unseen = _ends(False, ahead, how)

    def one(k: int) -> Values:
        hold, goal = (left[k], right[k]) if ahead else (left[k][:, ::-1], right[k][:, ::-1])
        found = _until(hold, goal, first, last, unseen[k], ahead and how.beyond == "unknown", how)
        return found if ahead else found[:, ::-1]

    low = one(0)
    known = left[0] is left[1] and right[0] is right[1] and unseen[0] == unseen[1]
    return low, low if known else one(1)


def _until(
    hold: Values, goal: Values, first: int, last: int | None, unseen: Any, open_end: bool,
    how: Reading,
) -> Values:  # fmt: skip
    """Return hold until goal within first..last samples; ``unseen`` is its value after the end."""
    found = np.empty_like(np.ascontiguousarray(goal.T))
    holds, goals = np.ascontiguousarray(hold.T), np.ascontiguousarray(goal.T)
    after = np.full(found.shape[1], unseen, found.dtype)
    for t in range(len(found) - 1, -1, -1):
        np.minimum(holds[t], after, out=found[t])
        np.maximum(found[t], goals[t], out=found[t])
        after = found[t]
    whole = np.ascontiguousarray(found.T)
    if last is not None:
        # Within an open end the unseen goal may come in time; within a closed one it never does.
        ended = _extreme(goal, first, last, False, True, unseen)
        whole = np.minimum(_later(whole, first, unseen), ended)
    else:
        whole = _later(whole, first, unseen)
    if first > 0:
        before = unseen if open_end else how.top
        whole = np.minimum(whole, _extreme(hold, 0, first - 1, True, True, before))
    return whole
