"""People like one person: the population at their age, sex and build, and where to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.population import Patients
from ..physiology.pressure_people import HYPERTENSIVE, PressureSpec, sample_pressure

Array = NDArray[np.float64]
Four = tuple[float, float, float, float]

# Wider than the population of hypertensive people: a record may be of somebody hardly ill
# (project choice).
UNTREATED_SBP: Final = (150.0, 18.0, 105.0, 230.0)
EGFR: Final = (80.0, 20.0, 15.0, 130.0)
EGFR_PER_YEAR: Final = 0.8
AGES: Final = (18.0, 100.0)
BMIS: Final = (15.0, 60.0)
# How much wider than what a pilot found the second look is, and never narrower than this.
WIDEN: Final = 1.5
LEAST_SD: Final = (4.0, 4.0)
KEPT: Final = (
    "age_years", "weight_kg", "height_cm", "bmi", "diabetes", "cvd", "smoker", "statin", "pregnant",
    "asthma", "heart_block", "angioedema", "gout", "total_cholesterol_mg_dl", "hdl_mg_dl",
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
    """

    spec: PressureSpec
    known: Mapping[str, float]

    def sample(
        self, n: int, rng: np.random.Generator, look: PressureSpec | None = None
    ) -> Patients:
        """Return people drawn from the prior, or from where ``look`` says."""
        people = sample_pressure(n, rng, look or self.spec)
        fixed = {k: np.full(n, self.known[k]) for k in KEPT if k in self.known}
        return replace(people, covariates={**people.covariates, **fixed})

    def log_ratio(self, people: Patients, look: PressureSpec | None) -> Array:
        """Return the log of prior over proposal density (n,), up to a constant."""
        if look is None:
            return np.zeros(len(people))
        chart = people.covariates
        by_age = EGFR_PER_YEAR * (np.asarray(chart["age_years"]) - 60.0)
        return _log_ratio(chart["untreated_sbp"], self.spec.untreated_sbp, look.untreated_sbp) + (
            _log_ratio(np.asarray(chart["egfr0"]) + by_age, self.spec.egfr, look.egfr)
        )

    def look(self, people: Patients, weights: Array) -> PressureSpec:
        """Return where to look next: about what a pilot's weights favour, but wider."""
        chart = people.covariates
        by_age = EGFR_PER_YEAR * (np.asarray(chart["age_years"]) - 60.0)
        return replace(
            self.spec,
            untreated_sbp=_about(chart["untreated_sbp"], weights, self.spec.untreated_sbp, 0),
            egfr=_about(np.asarray(chart["egfr0"]) + by_age, weights, self.spec.egfr, 1),
        )


def _log_ratio(values: Array, prior: Four, proposal: Four) -> Array:
    def density(four: Four) -> Array:
        return np.asarray(-0.5 * ((values - four[0]) / four[1]) ** 2)

    return density(prior) - density(proposal)


def _about(values: Array, weights: Array, prior: Four, which: int) -> Four:
    mean = float(np.sum(weights * values))
    sd = WIDEN * float(np.sqrt(np.sum(weights * (values - mean) ** 2)))
    return mean, float(np.clip(sd, LEAST_SD[which], prior[1])), prior[2], prior[3]


def prior_of(covariates: Mapping[str, float]) -> Prior:
    """Return the prior of a person from what their chart states.

    Parameters
    ----------
    covariates : mapping of str to float
        Any of the sampler's covariates; what is not stated stays as varied as in the population.
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
    return Prior(replace(HYPERTENSIVE, **changes), dict(covariates))  # type: ignore[arg-type]
