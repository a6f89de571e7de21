"""The gains of the blood-pressure body: those all people share, and the typical person's own."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources


@lru_cache(maxsize=1)
def gain_rows() -> tuple[Mapping[str, str], ...]:
    """Return the rows of the table of gains: kind, name, value, unit, status, source."""
    folder = resources.files("dosegym.physiology.data")
    text = folder.joinpath("dosegym_bp_2026.csv").read_text("utf-8")
    return tuple(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def shipped_gains() -> dict[str, float]:
    """Return the gains that all people share, from ``data/dosegym_bp_2026.csv``."""
    return {row["name"]: float(row["value"]) for row in gain_rows() if row["kind"] == "gain"}


def typical_values() -> dict[str, float]:
    """Return the typical person's own gains, from the same file."""
    return {row["name"]: float(row["value"]) for row in gain_rows() if row["kind"] == "typical"}
