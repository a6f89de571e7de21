"""Where the bundled demonstration record lies."""

from __future__ import annotations

from pathlib import Path


def demo_record() -> Path:
    """Return the path of the bundled record, in Nightscout's format.

    It is simulated by `examples/make_demo_record.py`; nobody's data are in it.
    """
    return Path(__file__).parent / "data" / "demo_nightscout.json"
