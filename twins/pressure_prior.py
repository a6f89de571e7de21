"""People like one person: the population at their age, sex and build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from ..physiology.population import Patients
from ..physiology.pressure_people import COLUMNS, HYPERTENSIVE, PressureSpec, people_at

if TYPE_CHECKING:
    from .pressure_residual import PressureResidual

Array = NDArray[np.float64]
Four = tuple[float, float, float, float]

# Wider than the population of hypertensive people: a record may be of somebody hardly ill
# (project choice).
UNTREATED_SBP: Final = (150.0, 18.0, 105.0, 230.0)
EGFR: Final = (80.0, 20.0, 15.0, 130.0)
AGES: Final = (18.0, 100.0)
BMIS: Final = (15.0, 60.0)
KEPT: Final = (
    "age_years", "weight_kg", "height_cm", "bmi", "diabetes", "cvd", "smoker", "statin", "pregnant",
    "asthma", "heart_block", "angioedema", "gout", "total_cholesterol_mg_dl", "hdl_mg_dl", "cyp2d6",
)  # fmt: skip


@dataclass(frozen=True)
class Prior:
    """The population as far as it resembles one person.

    Parameters
    ----------
    spec : PressureSpec
        What is believed before the readings.
    known : mapping of str to float
        Covariates that the person's chart states; they replace drawn ones.
    residual : PressureResidual, optional
        Learned gains on the bodies' responses; which member is right is one more coordinate.
    """

    spec: PressureSpec
    known: Mapping[str, float]
    residual: PressureResidual | None = None

    @property
    def size(self) -> int:
        """Coordinates of a place."""
        return len(COLUMNS) + (self.residual is not None)

    def people(self, z: Array) -> Patients:
        """Return the people at standard normal places (n, size) of the population."""
        people = people_at(ndtr(z[:, : len(COLUMNS)]), self.spec)
        fixed = {k: np.full(len(z), self.known[k]) for k in KEPT if k in self.known}
        people = replace(people, covariates={**people.covariates, **fixed})
        if self.residual is None:
            return people
        count = len(self.residual.members)
        member = np.minimum(ndtr(z[:, -1]) * count, count - 1).astype(np.int64)
        return self.residual.applied(people, member)


def prior_of(covariates: Mapping[str, float], residual: PressureResidual | None = None) -> Prior:
    """Return the prior of a person from what their chart states.

    Parameters
    ----------
    covariates : mapping of str to float
        Any of the sampler's covariates; what is not stated stays as varied as in the population.
    residual : PressureResidual, optional
    """
    changes: dict[str, float | Four] = {"untreated_sbp": UNTREATED_SBP, "egfr": EGFR}
    if "age_years" in covariates:
        age = float(np.clip(covariates["age_years"], *AGES))
        changes["age"] = (age, 0.5, age - 0.5, age + 0.5)
    if "bmi" in covariates:
        bmi = float(np.clip(covariates["bmi"], *BMIS))
        changes["bmi"] = (bmi, 0.5, bmi - 0.5, bmi + 0.5)
    if "female" in covariates:
        changes["female"] = float(covariates["female"])
    spec = replace(HYPERTENSIVE, **changes)  # type: ignore[arg-type]
    return Prior(spec, dict(covariates), residual)
