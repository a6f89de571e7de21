"""The report in a real browser: silent, unclipped, readable on a desk, a phone and paper."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_checks import CLIPPED, FAINT, WIDTHS

from dosegym.clinic import PressureRecommendation, Recommendation, write_report

pytestmark = pytest.mark.browser

VERDICTS = ("released", "refused", "pressure-given", "pressure-denied")


@pytest.fixture(scope="module")
def reports(
    released: Recommendation,
    refused: Recommendation,
    given: PressureRecommendation,
    denied: PressureRecommendation,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Write all reports."""
    folder = tmp_path_factory.mktemp("report")
    found = dict(zip(VERDICTS, (released, refused, given, denied), strict=True))
    return {name: write_report(each, folder / f"{name}.html") for name, each in found.items()}


@pytest.fixture(params=[(v, w) for v in VERDICTS for w in WIDTHS], ids=lambda p: f"{p[0]}-{p[1]}")
def page(request: pytest.FixtureRequest, browser: Any, reports: dict[str, Path]) -> Iterator[Any]:
    """Open a report at a width; what the console says and what is requested is kept."""
    verdict, width = request.param
    sheet = browser.new_page(viewport={"width": width, "height": 900})
    sheet.said, sheet.asked = [], []
    sheet.on("console", lambda message: sheet.said.append(message.text))
    sheet.on("pageerror", lambda error: sheet.said.append(str(error)))
    sheet.on("request", lambda request: sheet.asked.append(request.url))
    sheet.goto(reports[verdict].as_uri())
    yield sheet
    sheet.close()


def test_console_is_silent_and_nothing_else_is_loaded(page: Any) -> None:
    """No error, no warning, no request but the file itself (and its empty icon)."""
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [page.url]


def test_nothing_overflows_or_is_clipped(page: Any) -> None:
    """The page is no wider than the window, text fits its boxes, labels fit their drawings."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    assert page.evaluate(CLIPPED) == []


def test_text_is_dark_enough(page: Any) -> None:
    """Every word has a contrast of at least 4.5 (WCAG 2, level AA)."""
    assert page.evaluate(FAINT) == []


def test_one_of_two_drawings_shows(page: Any) -> None:
    """Charts are drawn for wide and for narrow screens; just one of each pair is visible."""
    wide, narrow = (page.locator(f".{name}:visible").count() for name in ("wide", "narrow"))
    assert (wide > 0) != (narrow > 0)
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('.figure svg')]
             .filter(s => s.getClientRects().length)
             .map(s => 12 * s.getBoundingClientRect().width / s.viewBox.baseVal.width))"""
    )
    assert smallest >= 9.0  # pixels of a label's letters


@pytest.mark.parametrize("verdict", VERDICTS)
def test_prints_on_a4(verdict: str, browser: Any, reports: dict[str, Path], tmp_path: Path) -> None:
    """The PDF is A4, of a handful of pages, none of them empty."""
    sheet = browser.new_page()
    sheet.goto(reports[verdict].as_uri())
    out = tmp_path / "report.pdf"
    sheet.pdf(path=str(out), prefer_css_page_size=True, print_background=True)
    sheet.close()
    data = out.read_bytes()
    boxes = set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", data))
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", data))
    assert len(boxes) == 1
    width, height = (float(v) for v in boxes.pop().split()[2:])
    assert width == pytest.approx(595.0, abs=1.5)
    assert height == pytest.approx(842.0, abs=1.5)
    assert 5 <= pages <= 13
