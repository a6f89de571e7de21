"""The safety case in a real browser: silent, unclipped, readable on a desk and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from page_checks import CLIPPED, FAINT, WIDTHS

from dosegym.evaluation.safety_page import write_page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_clipped_faint_or_noisy(
    browser: Any, pressure_case: Any, tmp_path: Path, width: int
) -> None:
    """Text fits its box, contrasts with its ground, and the page loads nothing from elsewhere."""
    path = write_page(pressure_case, tmp_path / "case.html")
    page = browser.new_page(viewport={"width": width, "height": 900})
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("requestfailed", lambda request: told.append(request.url))
    page.goto(path.as_uri())
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(FAINT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert told == []
    page.close()
