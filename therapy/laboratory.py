"""Blood tests of blood-pressure treatment: error of potassium, sodium and creatinine, turnaround.

result = true x (1 + CV z), rounded as laboratories report; CV^2 = biological^2 + analytical^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .presets import amend, check, choose

Array = NDArray[np.float64]

POTASSIUM, SODIUM, CREATININE = range(3)
N_DRAWS: Final = 3


class LabResult(NamedTuple):
    """Reported values, each (B,): potassium and sodium in mmol/L, creatinine in mg/dL."""

    potassium: Array
    sodium: Array
    creatinine: Array


@dataclass(frozen=True)
class Laboratory:
    """One laboratory.

    Parameters
    ----------
    name, source : str
    potassium_cv, sodium_cv, creatinine_cv : float
        Biological variation within a person.
    potassium_cva, sodium_cva, creatinine_cva : float
        Analytical variation.
    turnaround_days : float
        From drawing blood to the report.
    """

    name: str
    source: str
    potassium_cv: float = 0.041
    sodium_cv: float = 0.005
    creatinine_cv: float = 0.050
    potassium_cva: float = 0.015
    sodium_cva: float = 0.006
    creatinine_cva: float = 0.011
    turnaround_days: float = 2.0

    def __post_init__(self) -> None:
        for field in ("potassium", "sodium", "creatinine"):
            for part in ("cv", "cva"):
                check(f"laboratory {field}_{part}", getattr(self, f"{field}_{part}"), 0.0, 0.3)
        check("laboratory turnaround_days", self.turnaround_days, 0.0, 28.0, "days")

    @property
    def cvs(self) -> Array:
        """Total coefficient of variation of potassium, sodium and creatinine, (3,)."""
        own = np.array([self.potassium_cv, self.sodium_cv, self.creatinine_cv])
        machine = np.array([self.potassium_cva, self.sodium_cva, self.creatinine_cva])
        return np.asarray(np.hypot(own, machine))

    def draws(self, rng: np.random.Generator, visits: int) -> Array:
        """Return the standard normals (visits, N_DRAWS) of one person's visits."""
        return rng.standard_normal((visits, N_DRAWS))

    def apply(self, potassium: Array, sodium: Array, creatinine: Array, draws: Array) -> LabResult:
        """Return what is reported of true values (B,), with this visit's draws (B, N_DRAWS)."""
        factor = 1.0 + self.cvs * draws
        return LabResult(
            np.maximum(np.round(potassium * factor[..., POTASSIUM], 1), 0.1),
            np.round(sodium * factor[..., SODIUM]),
            np.maximum(np.round(creatinine * factor[..., CREATININE], 2), 0.01),
        )


LABORATORIES: Final[Mapping[str, Laboratory]] = MappingProxyType(
    {
        lab.name: lab
        for lab in (
            Laboratory(
                "usual",
                "creatinine: meta-analysis of 37 studies (10.3389/fmed.2022.1009358), 5.0 % within "
                "a person, 1.1 % analytical; potassium 4.1 % and sodium 0.5 %: EuBIVAS 2018 "
                "(10.1373/clinchem.2018.288415), figures recalled, unverified; their analytical "
                "part and the turnaround: project choice",
            ),
            Laboratory(
                "error_free",
                "project choice: true values at once",
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
            ),
        )
    }
)


def load_laboratory(name: str | Mapping[str, Any] = "usual") -> Laboratory:
    """Return a laboratory by name, or one with some numbers changed.

    Raises
    ------
    InputError
        If the preset, a field or a value is not acceptable.
    """
    lab, changes = choose("laboratory", name, LABORATORIES, "usual")
    return amend("laboratory", lab, changes)
