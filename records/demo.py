"""Where the bundled demonstration records lie."""

from __future__ import annotations

from pathlib import Path


def demo_record() -> Path:
    """Return the path of the bundled record, in Nightscout's format.

    It is simulated by `examples/make_demo_record.py`; nobody's data are in it.
    """
    return Path(__file__).parent / "data" / "demo_nightscout.json"


def demo_pressure_record() -> Path:
    """Return the path of the bundled record of high blood pressure, in FHIR R4.

    It is simulated by `examples/make_demo_pressure.py`; nobody's data are in it.
    """
    return Path(__file__).parent / "data" / "demo_pressure.json"
