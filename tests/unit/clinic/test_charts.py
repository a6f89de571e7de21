"""Drawings are finite, stay inside their frame, and escape what they are told."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.clinic import charts
from dosegym.clinic.charts import Frame

FRAME = Frame(200, 100, 30, 10, 20, 15, 0.0, 10.0, 40.0, 350.0)
NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
VALUES = st.lists(
    st.one_of(st.floats(-1e4, 1e4), st.just(float("nan")), st.just(float("inf"))),
    min_size=2, max_size=30,
)  # fmt: skip


def coordinates(svg: str) -> list[tuple[float, float]]:
    """Return the points of all paths and polygons of a fragment."""
    found = []
    for attribute in re.findall(r'(?:d|points)="([^"]*)"', svg):
        pairs = re.findall(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)", attribute)
        found += [(float(x), float(y)) for x, y in pairs]
    return found


def inside(points: list[tuple[float, float]], frame: Frame) -> bool:
    """Tell whether points lie in the plot area, give or take the rounding."""
    return all(
        frame.left - 0.06 <= x <= frame.width - frame.right + 0.06
        and frame.top - 0.06 <= y <= frame.height - frame.bottom + 0.06
        for x, y in points
    )


@given(VALUES)
def test_lines_bands_and_dots_stay_inside(values: list[float]) -> None:
    """Whatever the numbers, nothing drawn is NaN, infinite or outside of the plot area."""
    x = np.linspace(-2.0, 12.0, len(values))
    y = np.array(values)
    edges = np.linspace(-2.0, 12.0, len(values) + 1)
    for drawn in (
        charts.line(FRAME, x, y, "#000000"),
        charts.band(FRAME, x, y, y + 10.0, "#000000"),
        charts.steps(FRAME, edges, y, "#000000"),
        charts.dots(FRAME, x, y, "#000000"),
    ):
        assert "nan" not in drawn
        assert "inf" not in drawn
        assert inside(coordinates(drawn), FRAME)


def test_corners_of_the_frame() -> None:
    """The values at the edges land on the edges of the plot area."""
    assert FRAME.x([0.0, 10.0]).tolist() == [30.0, 190.0]
    assert FRAME.y([40.0, 350.0]).tolist() == [85.0, 20.0]
    assert float(FRAME.y(195.0)) == pytest.approx(52.5)


def test_gaps_break_lines() -> None:
    """A missing value leaves a gap: two strokes begin, none crosses."""
    drawn = charts.line(FRAME, [0, 1, 2, 3, 4], [100, 110, np.nan, 120, 130], "#000000")
    assert drawn.count("M") == 2
    assert len(coordinates(drawn)) == 4


def test_nothing_to_draw_is_empty() -> None:
    """No finite value gives no element rather than an empty path."""
    nothing = [np.nan, np.nan]
    assert charts.line(FRAME, [0, 1], nothing, "#000000") == ""
    assert charts.dots(FRAME, [0, 1], nothing, "#000000") == ""
    assert charts.box(0, 0, -1.0, 5.0, "#000000") == ""


def test_steps_hold_between_edges() -> None:
    """A step line has a flat piece for each value, from its edge to the next."""
    points = coordinates(charts.steps(FRAME, [0, 5, 10], [40, 350], "#000000"))
    assert points == [(30.0, 85.0), (110.0, 85.0), (110.0, 20.0), (190.0, 20.0)]


def test_words_are_escaped() -> None:
    """Markup in a label or a description is shown, never obeyed."""
    label = charts.text(1, 2, '<b>"&')
    whole = charts.picture(FRAME, [label], "<script>", 'a "quoted" & <tag>')
    assert "<script>" not in whole
    root = ElementTree.fromstring(whole)
    assert root.attrib["aria-label"] == '<script>. a "quoted" & <tag>'
    assert root[0].text == '<b>"&'


def test_grid_labels_do_not_touch() -> None:
    """Two rules closer than a line of text share one label."""
    drawn = charts.grid(FRAME, [40.0, 54.0, 350.0])
    assert re.findall(r">(\d+)<", drawn) == ["40", "350"]
    assert drawn.count("<path") == 3


def test_tick_labels_stay_on_the_drawing() -> None:
    """The outer labels turn inwards instead of being cut at the edge."""
    drawn = charts.ticks(FRAME, [0.0, 10.0], ["a long label", "another long label"])
    assert re.findall(r'text-anchor="(\w+)"', drawn) == ["start", "end"]


@given(st.floats(1e-3, 1e5), st.integers(2, 6))
def test_tidy_tops_are_round_and_high_enough(highest: float, parts: int) -> None:
    """The upper edge covers the highest value, and equal steps of 1, 2, 2.5 or 5 lead to it."""
    top, rules = charts.tidy_top(highest, parts)
    assert top >= highest * (1 - 1e-9)
    assert rules[0] == 0.0
    assert rules[-1] == pytest.approx(top)
    assert len(rules) <= parts + 2
    step = rules[1]
    digits = step / 10.0 ** np.floor(np.log10(step) + 1e-9)
    assert min(abs(digits - d) for d in (1.0, 2.0, 2.5, 5.0, 10.0)) < 1e-6


def test_numbers_are_short() -> None:
    """Coordinates carry one decimal at most."""
    assert charts.number(12.0) == "12"
    assert charts.number(12.345) == "12.3"
