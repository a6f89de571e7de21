"""The targets of the blood-pressure calibration, from ``data/pressure_targets.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

from .errors import InputError

ROLES: Final = ("calibration", "check", "known_miss", "shown")


@dataclass(frozen=True)
class Target:
    """One published or chosen figure and the band within which the model agrees.

    Parameters
    ----------
    name, what, unit, source, note : str
    published : float
    low, high : float or None
        None where a figure is only shown.
    fit_sd : float or None
        Distance from ``published`` that counts as one in the fit; None where not fitted.
    role : str
        One of ``ROLES``.
    status : str
        ``published``, ``second-hand``, ``unverified`` or ``choice``.
    """

    name: str
    what: str
    unit: str
    published: float
    low: float | None
    high: float | None
    fit_sd: float | None
    role: str
    status: str
    source: str
    note: str

    def agrees(self, value: float) -> bool | None:
        """Return whether a value lies within the band; None where there is none."""
        if self.low is None or self.high is None:
            return None
        return self.low <= value <= self.high


@lru_cache(maxsize=1)
def load_targets() -> dict[str, Target]:
    """Return the shipped targets by name, in the order of the file.

    Raises
    ------
    InputError
        On a row whose role, band or number cannot be.
    """
    path = resources.files("dosegym.physiology.data").joinpath("pressure_targets.csv")
    return read_targets(path.read_text("utf-8"))


def read_targets(text: str) -> dict[str, Target]:
    """Read targets from the text of a table; lines that begin with ``#`` are comments.

    Raises
    ------
    InputError
        On a row whose role, band or number cannot be.
    """
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {row["name"]: _target(row) for row in csv.DictReader(lines)}


def _target(row: Mapping[str, str]) -> Target:
    name = row["name"]

    def number(column: str) -> float | None:
        try:
            return float(row[column]) if row[column] else None
        except ValueError:
            raise InputError(
                f"{column} of target {name} is {row[column]!r}; give a number"
            ) from None

    published, low, high = number("published"), number("low"), number("high")
    if row["role"] not in ROLES:
        raise InputError(f"role of target {name} is {row['role']!r}; give {', '.join(ROLES)}")
    if published is None:
        raise InputError(f"target {name} has no published value; give a number")
    banded = low is not None and high is not None
    if banded == (row["role"] == "shown") or (banded and not low <= published <= high):  # type: ignore[operator]
        raise InputError(
            f"band of target {name} is {low} to {high}; give one around {published:g}, and none "
            "where the role is shown"
        )
    if row["role"] == "known_miss" and not row["note"]:
        raise InputError(f"target {name} is a known miss without a cause; say it in its note")
    texts = {key: row[key] for key in ("what", "unit", "role", "status", "source", "note")}
    return Target(
        name=name, published=published, low=low, high=high, fit_sd=number("fit_sd"), **texts
    )
