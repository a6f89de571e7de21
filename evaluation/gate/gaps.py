"""How far simulated people are from real ones: measured errors, and a margin for limits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from ...physiology.errors import InputError
from ...therapy.signals import SIGNALS
from ...therapy.strict_yaml import yaml_as_json
from ..conformal_margin import conformal_margin

FILES: Final = {"dosegym/BloodPressure-v0": "blood-pressure.yaml"}


@dataclass(frozen=True)
class Gap:
    """One signal's error, real minus simulated, over trajectories that the model was not fitted to.

    Parameters
    ----------
    signal, unit : str
    coverage : float
        Share of further such errors that the margin is to hold.
    errors : tuple of float, in ``unit``
    sources : tuple of str
        Where each error comes from.
    note : str
        What the errors are of, and what they are not.
    """

    signal: str
    unit: str
    coverage: float
    errors: tuple[float, ...]
    sources: tuple[str, ...]
    note: str

    @property
    def margin(self) -> float:
        """Conformal quantile of the errors' size; infinite where they are too few for it."""
        sizes = [abs(error) for error in self.errors]
        return conformal_margin(sizes, self.coverage) if sizes else math.inf

    def said(self) -> str:
        """Return the margin in words."""
        return (
            f"{self.signal.replace('_', ' ')} moved by {self.margin:.3g} {self.unit}, which holds "
            f"{100 * self.coverage:g} % of {len(self.errors)} measured errors"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the gap in JSON."""
        return {
            "signal": self.signal, "unit": self.unit, "coverage": self.coverage,
            "margin": self.margin, "errors": list(self.errors), "sources": list(self.sources),
            "note": self.note,
        }  # fmt: skip


@cache
def gaps_of(env_id: str) -> tuple[Gap, ...]:
    """Return the gaps that were measured for an environment; none where nobody did.

    Raises
    ------
    InputError
        If the file does not hold what it should.
    """
    if env_id not in FILES:
        return ()
    origin = FILES[env_id]
    text = resources.files("dosegym.evaluation.gate").joinpath(origin).read_text("utf-8")
    data = json.loads(yaml_as_json(text, origin))
    try:
        return tuple(_gap(entry) for entry in data["gaps"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{origin} does not hold gaps ({error}); correct it") from None


def _gap(entry: Mapping[str, Any]) -> Gap:
    pairs = entry["trajectories"]
    signal, unit = str(entry["signal"]), str(entry["unit"])
    if SIGNALS[signal].unit != unit:
        raise ValueError(f"{signal} is in {SIGNALS[signal].unit}, not in {unit}")
    errors = tuple(float(p["real"]) - float(p["simulated"]) for p in pairs)
    sources = tuple(str(p["source"]) for p in pairs)
    return Gap(signal, unit, float(entry["coverage"]), errors, sources, str(entry["note"]))
