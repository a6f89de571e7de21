"""Drawing: numbers to pieces of SVG; every path is finite and inside its frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

INK: Final = "#1c2b36"
QUIET: Final = "#4d5b66"
RULE: Final = "#d5dce2"
FONT_PX: Final = 12


@dataclass(frozen=True)
class Frame:
    """A plot area and the values at its edges.

    Parameters
    ----------
    width, height : float
        Of the whole drawing.
    left, right, top, bottom : float
        Margins around the plot area.
    x0, x1, y0, y1 : float
        Values at the left, right, lower and upper edge.
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: ArrayLike) -> np.ndarray:
        """Return horizontal positions, held inside the plot area."""
        share = (np.asarray(value, dtype=np.float64) - self.x0) / (self.x1 - self.x0)
        return self.left + np.clip(share, 0.0, 1.0) * (self.width - self.left - self.right)

    def y(self, value: ArrayLike) -> np.ndarray:
        """Return vertical positions, held inside the plot area."""
        share = (np.asarray(value, dtype=np.float64) - self.y0) / (self.y1 - self.y0)
        span = self.height - self.top - self.bottom
        return self.height - self.bottom - np.clip(share, 0.0, 1.0) * span


def number(value: float) -> str:
    """Return a coordinate with one decimal, without a needless ".0"."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def picture(frame: Frame, parts: Iterable[str], title: str, description: str) -> str:
    """Return a whole drawing that scales with its container and tells readers what it shows."""
    size = f"{number(frame.width)} {number(frame.height)}"
    return (
        f'<svg viewBox="0 0 {size}" role="img" aria-label="{escape(title)}. {escape(description)}" '
        f'font-size="{FONT_PX}">{"".join(parts)}</svg>'
    )


def _runs(*columns: np.ndarray) -> list[slice]:
    """Return the stretches in which all columns are finite."""
    good = np.all([np.isfinite(column) for column in columns], axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return " ".join(f"{number(a)},{number(b)}" for a, b in zip(x, y, strict=True))


def line(
    frame: Frame, x: ArrayLike, y: ArrayLike, colour: str, width: float = 2.0, dash: str = ""
) -> str:
    """Return a line through the finite points; gaps stay open."""
    at, value = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    pieces = []
    for run in _runs(at, value):
        points = _points(frame.x(at[run]), frame.y(value[run]))
        pieces.append("M" + points.replace(" ", "L"))
    if not pieces:
        return ""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path d="{"".join(pieces)}" fill="none" stroke="{colour}" stroke-width="{number(width)}" '
        f'stroke-linejoin="round"{dashes}/>'
    )


def steps(
    frame: Frame, edges: ArrayLike, y: ArrayLike, colour: str, width: float = 2.0, dash: str = ""
) -> str:
    """Return a step line: ``y`` (n,) holds between ``edges`` (n + 1,)."""
    at = np.repeat(np.asarray(edges, dtype=np.float64), 2)[1:-1]
    return line(frame, at, np.repeat(np.asarray(y, dtype=np.float64), 2), colour, width, dash)


def band(
    frame: Frame, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, opacity: float = 0.25
) -> str:
    """Return the area between two lines, drawn where both are finite."""
    at, below, above = (np.asarray(v, dtype=np.float64) for v in (x, low, high))
    shapes = []
    for run in _runs(at, below, above):
        there = _points(frame.x(at[run]), frame.y(above[run]))
        back = _points(frame.x(at[run])[::-1], frame.y(below[run])[::-1])
        shapes.append(
            f'<polygon points="{there} {back}" fill="{colour}" fill-opacity="{opacity:g}"/>'
        )
    return "".join(shapes)


def step_band(
    frame: Frame, edges: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str, opacity: float
) -> str:
    """Return the area between two step lines."""
    at = np.repeat(np.asarray(edges, dtype=np.float64), 2)[1:-1]
    return band(frame, at, np.repeat(low, 2), np.repeat(high, 2), colour, opacity)


def dots(frame: Frame, x: ArrayLike, y: ArrayLike, colour: str, radius: float = 1.4) -> str:
    """Return small discs at the finite points, as one path."""
    at, value = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    good = np.isfinite(at) & np.isfinite(value)
    places = zip(frame.x(at[good]), frame.y(value[good]), strict=True)
    marks = "".join(f"M{number(a)},{number(b)}h0" for a, b in places)
    if not marks:
        return ""
    return (
        f'<path d="{marks}" stroke="{colour}" stroke-width="{number(2 * radius)}" '
        f'stroke-linecap="round" fill="none"/>'
    )


def rings(frame: Frame, x: ArrayLike, y: ArrayLike, colour: str, radius: float = 3.0) -> str:
    """Return small open circles at the finite points."""
    at, value = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    good = np.isfinite(at) & np.isfinite(value)
    places = zip(frame.x(at[good]), frame.y(value[good]), strict=True)
    circles = "".join(
        f'<circle cx="{number(a)}" cy="{number(b)}" r="{number(radius)}"/>' for a, b in places
    )
    if not circles:
        return ""
    return f'<g fill="none" stroke="{colour}" stroke-width="1.6">{circles}</g>'


def box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0) -> str:
    """Return a filled rectangle in drawing units; negative sizes draw nothing."""
    if width <= 0.0 or height <= 0.0:
        return ""
    faint = f' fill-opacity="{opacity:g}"' if opacity < 1.0 else ""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
        f'fill="{colour}"{faint}/>'
    )


def triangle(x: float, base: float, colour: str) -> str:
    """Return a small triangle that stands on ``base`` (drawing units) and points up."""
    corners = _points(np.array([x, x - 5.0, x + 5.0]), np.array([base - 9.0, base, base]))
    return f'<polygon points="{corners}" fill="{colour}"/>'


def area(frame: Frame, low: float, high: float, colour: str, opacity: float = 1.0) -> str:
    """Return a band across the whole plot area between two values."""
    top, bottom = float(frame.y(high)), float(frame.y(low))
    width = frame.width - frame.left - frame.right
    return box(frame.left, top, width, bottom - top, colour, opacity)


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    colour: str = QUIET,
    bold: bool = False,
) -> str:
    """Return a label; ``anchor`` is start, middle or end."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}" fill="{colour}"{weight}>'
        f"{escape(words)}</text>"
    )


def grid(
    frame: Frame, values: Sequence[float], label: str = "", strong: Sequence[float] = ()
) -> str:
    """Return horizontal rules at ascending values, and the axis' unit above.

    The values stand on the left where they do not touch the one below.
    """
    parts, last = [], np.inf
    for value in values:
        y = float(frame.y(value))
        colour, width = (QUIET, 1.0) if value in strong else (RULE, 1.0)
        parts.append(
            f'<path d="M{number(frame.left)},{number(y)}H{number(frame.width - frame.right)}" '
            f'stroke="{colour}" stroke-width="{number(width)}" fill="none"/>'
        )
        if abs(last - y) >= FONT_PX:
            parts.append(text(frame.left - 6, y + 4, f"{value:g}", anchor="end"))
            last = y
    if label:
        parts.append(text(4, frame.top - 13, label))
    return "".join(parts)


def ticks(frame: Frame, at: Sequence[float], labels: Sequence[str]) -> str:
    """Return labels under the plot area with short marks, the outer ones kept inside."""
    parts = []
    base = frame.height - frame.bottom
    for value, words in zip(at, labels, strict=True):
        x = float(frame.x(value))
        parts.append(f'<path d="M{number(x)},{number(base)}v4" stroke="{QUIET}" fill="none"/>')
        room = 3.3 * len(words)
        place = "end" if x + room > frame.width else "start" if x - room < 0 else "middle"
        parts.append(text(x, base + 17, words, anchor=place))
    return "".join(parts)


def tidy_top(highest: float, parts: int = 4) -> tuple[float, list[float]]:
    """Return a round upper edge and the rules below it, for values from 0 to ``highest``."""
    raw = max(highest, 1e-6) / parts
    scale = 10.0 ** np.floor(np.log10(raw))
    step = float(next(s for s in (1.0, 2.0, 2.5, 5.0, 10.0) if s * scale >= raw - 1e-12) * scale)
    top = float(np.ceil(max(highest, 1e-6) / step - 1e-9) * step)
    return top, [float(v) for v in np.round(np.arange(0.0, top + step / 2, step), 10)]
