"""The clinic's recommendations, and a browser to look at them with; skipped where there is none."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "unit" / "clinic" / "conftest.py"
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("clinic_fixtures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_clinic = _load(FIXTURES)
record, twin, policy, case = _clinic.record, _clinic.twin, _clinic.policy, _clinic.case
certified, ask = _clinic.certified, _clinic.ask
released, refused = _clinic.released, _clinic.refused
pressure_record, guideline = _clinic.pressure_record, _clinic.guideline
pressure_case, consult = _clinic.pressure_case, _clinic.consult
given, denied = _clinic.given, _clinic.denied


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start Debian's chromium, or skip with the reason."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield running
        running.close()
