"""Random formulas, random traces and a slow reading of formulas, straight from the definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from dosegym.physiology.quantity import Quantity
from dosegym.therapy.stl_tree import Both, Interval, Node, Not, Predicate, Reach, Truth, Window

SIGNALS = {
    "a": Quantity("a", "mg/dL", -100.0, 100.0, "one"),
    "b": Quantity("b", "mg/dL", -100.0, 100.0, "another"),
}
STEP = 5.0


@st.composite
def predicates(draw: Any) -> Predicate:
    """Return a comparison with whole numbers, so that ties are met."""
    terms = draw(
        st.sampled_from([((1.0, "a"),), ((-1.0, "a"),), ((1.0, "b"),), ((1.0, "a"), (-1.0, "b"))])
    )
    return Predicate(terms, float(draw(st.integers(-3, 3))), draw(st.booleans()), "mg/dL")


@st.composite
def intervals(draw: Any, endless: bool = True) -> Interval:
    """Return a window of up to eight samples, now and then without an end."""
    if endless and draw(st.integers(0, 4)) == 0:
        return Interval()
    first = draw(st.integers(0, 4))
    return Interval(first * STEP, (first + draw(st.integers(0, 4))) * STEP)


def formulas(endless: bool = True, truths: bool = True) -> st.SearchStrategy[Node]:
    """Return formulas of a few operators."""
    leaves: st.SearchStrategy[Node] = predicates()
    if truths:
        leaves = leaves | st.builds(Truth, st.booleans())
    windows = st.sampled_from(["always", "eventually", "historically", "once"])
    reach, span = st.sampled_from(["until", "since"]), intervals(endless)
    return st.recursive(
        leaves,
        lambda node: (
            st.builds(Not, node)
            | st.builds(Both, st.sampled_from(["and", "or", "implies"]), node, node)
            | st.builds(Window, windows, node, span)
            | st.builds(Reach, reach, node, node, span)
        ),
        max_leaves=6,
    )


def values(gaps: bool = True) -> st.SearchStrategy[float]:
    """Return small whole numbers and, if wanted, gaps."""
    numbers = st.integers(-4, 4).map(float)
    return st.one_of(numbers, numbers, numbers, st.just(math.nan)) if gaps else numbers


@st.composite
def traces(
    draw: Any, gaps: bool = True, lanes: int = 3, shortest: int = 1
) -> dict[str, np.ndarray]:
    """Return the two signals, (lanes, T)."""
    times = draw(st.integers(shortest, 14))
    rows = st.lists(values(gaps), min_size=lanes * times, max_size=lanes * times)
    return {name: np.array(draw(rows)).reshape(lanes, times) for name in SIGNALS}


def slowly(node: Node, lane: dict[str, np.ndarray], t: int, crisp: bool) -> float:
    """Return the value of a node at one time of one complete trace, by definition alone."""
    top, last = (1.0 if crisp else math.inf), len(lane["a"]) - 1
    if isinstance(node, Truth):
        return top if node.value else -top
    if isinstance(node, Predicate):
        margin = sum(c * float(lane[name][t]) for c, name in node.terms) + node.constant
        if not crisp:
            return margin
        return 1.0 if margin > 0.0 or (margin == 0.0 and not node.strict) else -1.0
    if isinstance(node, Not):
        return -slowly(node.child, lane, t, crisp)
    if isinstance(node, Both):
        left, right = (slowly(n, lane, t, crisp) for n in (node.left, node.right))
        if node.kind == "implies":
            return max(-left, right)
        return min(left, right) if node.kind == "and" else max(left, right)
    first = round(node.interval.start / STEP)
    end = last + 1 if math.isinf(node.interval.end) else round(node.interval.end / STEP)
    sign = 1 if node.kind in ("always", "eventually", "until") else -1
    seen = [t + sign * k for k in range(first, end + 1) if 0 <= t + sign * k <= last]
    if isinstance(node, Window):
        found = [slowly(node.child, lane, k, crisp) for k in seen]
        if node.kind in ("always", "historically"):
            return min(found, default=top)
        return max(found, default=-top)
    best = -top
    for k in seen:
        between = range(t, k) if sign == 1 else range(k + 1, t + 1)
        held = min((slowly(node.left, lane, j, crisp) for j in between), default=top)
        best = max(best, min(held, slowly(node.right, lane, k, crisp)))
    return best
