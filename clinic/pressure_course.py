"""The coming weeks under one regimen, over all of a twin's draws, and its summaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.formulary import CLASSES, DRUGS, Formulary
from ..therapy.pressure_protocols import LIMITS, orthostatic, pressure_target
from .checks import percent

Array = NDArray[np.float64]

QUANTILES: Final = (0.05, 0.50, 0.95)
TARGET: Final = pressure_target("acc_aha_2025")


@dataclass(frozen=True)
class Harm:
    """One harm that a forecast looks for.

    Parameters
    ----------
    id, title : str
    serious : bool
        Whether it alone may refuse a proposal.
    """

    id: str
    title: str
    serious: bool = False


HARMS: Final = (
    Harm("potassium_high", f"Potassium above {LIMITS.potassium_high:g} mmol/L", True),
    Harm("potassium_low", f"Potassium below {LIMITS.potassium_low:g} mmol/L"),
    Harm("sbp_low", f"Systolic pressure below {LIMITS.sbp_low_mmhg:g} mmHg", True),
    Harm(
        "orthostatic",
        f"Fall of {LIMITS.standing_fall_sbp_mmhg:g} mmHg on standing "
        f"(or {LIMITS.standing_fall_dbp_mmhg:g} diastolic)",
    ),
    Harm("egfr_drop", f"Kidney function down by {percent(LIMITS.egfr_drop_share)} or more", True),
    Harm("bradycardia", f"Heart rate below {LIMITS.heart_rate_low_bpm:g} a minute", True),
)


@dataclass(frozen=True)
class PressureCourse:
    """The coming weeks under one regimen.

    Parameters
    ----------
    name : str
    formulary : Formulary
    mg : array (6,)
        Prescribed a day.
    day : array (T,)
        Days of the series, from 0.
    series : mapping of str to array (T, n)
        Outputs of the model at the end of each day, one column a draw.
    """

    name: str
    formulary: Formulary
    mg: Array
    day: Array
    series: Mapping[str, Array]

    def band(self, name: str) -> Array:
        """Return the 5, 50 and 95 % quantiles (3, T) of a series over the draws."""
        quantiles: Array = np.quantile(self.series[name], QUANTILES, axis=1)
        return quantiles

    def last(self, name: str) -> Array:
        """Return each draw's value (n,) on the last day."""
        return np.asarray(self.series[name][-1])

    def harmed(self, harm: str) -> NDArray[np.bool_]:
        """Return for each draw (n,) whether the harm is met on any day."""
        s = self.series
        met: Any
        if harm == "potassium_high":
            met = s["potassium"] > LIMITS.potassium_high
        elif harm == "potassium_low":
            met = s["potassium"] < LIMITS.potassium_low
        elif harm == "sbp_low":
            met = s["sbp"] < LIMITS.sbp_low_mmhg
        elif harm == "orthostatic":
            met = orthostatic(s["sbp"], s["dbp"], s["standing_sbp"], s["standing_dbp"])
        elif harm == "egfr_drop":
            met = s["egfr"] <= (1.0 - LIMITS.egfr_drop_share) * s["egfr"][:1]
        else:
            met = s["heart_rate"] < LIMITS.heart_rate_low_bpm
        found: NDArray[np.bool_] = met.any(axis=0)
        return found

    def chance(self, harm: str) -> float:
        """Return the share of draws that meet a harm."""
        return float(self.harmed(harm).mean())

    def in_target(self, sbp: float = TARGET.sbp_mmhg, dbp: float = TARGET.dbp_mmhg) -> float:
        """Return the share of draws below a target at the end."""
        return float(((self.last("sbp") < sbp) & (self.last("dbp") < dbp)).mean())

    def chances(self) -> dict[str, float]:
        """Return the share of draws of every harm."""
        return {harm.id: self.chance(harm.id) for harm in HARMS}

    def drugs(self) -> list[tuple[str, str, float]]:
        """Return (class, drug, mg a day) of each drug taken."""
        return [
            (kind, self.formulary.drugs[slot], float(self.mg[slot]))
            for slot, kind in enumerate(CLASSES)
            if self.mg[slot] > 0.0
        ]

    def standard_doses(self) -> float:
        """Return the regimen's total in standard doses."""
        usual = np.array([DRUGS[name].standard_mg for name in self.formulary.drugs])
        return float((self.mg / usual).sum())

    def words(self) -> str:
        """Return the regimen as text."""
        parts = [f"{name} {mg:g} mg" for _, name, mg in self.drugs()]
        return " + ".join(parts) or "no drug"


def course_json(course: PressureCourse) -> dict[str, Any]:
    """Return a course in plain JSON types: weekly quantiles, chances of harm."""
    weekly = slice(None, None, 7)
    return {
        "regimen_mg_per_day": {name: mg for _, name, mg in course.drugs()},
        "day": course.day[weekly].tolist(),
        **{
            name: dict(
                zip(("q05", "q50", "q95"), course.band(name)[:, weekly].tolist(), strict=True)
            )
            for name in ("sbp", "dbp", "heart_rate", "potassium", "sodium", "creatinine", "egfr")
        },
        "chances": course.chances(),
        "in_target": course.in_target(),
    }
