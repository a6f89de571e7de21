"""Virtual people who answer drugs in ways that the blood-pressure body does not know.

The body spreads responses about the same mean in everyone. Here the mean itself depends on the
person: blockers of the renin system and beta-blockers do more in the young, calcium blockers and
thiazides in the old (the AB/CD rule: Dickerson 1999, doi:10.1016/S0140-6736(98)07511-X), thiazides
less where kidneys fail, mineralocorticoid antagonists more in obesity. Sizes are project choices.
What a residual is trained and judged on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.population import Patients
from ..physiology.pressure_people import COLUMNS, HYPERTENSIVE, people_at
from ..physiology.pressure_quantities import PARAMETERS
from ..therapy.formulary import CLASSES

Array = NDArray[np.float64]

PER_DOZEN_YEARS: Final = 0.3
KIDNEYS: Final = 0.8
PER_FIVE_BMI: Final = 0.25
# What a chart tells; every other trait is unknown until a record shows it.
CHARTED: Final = ("age", "sex", "sbp", "egfr", "bmi", "height", "diabetes")


def shifts(covariates: Mapping[str, Any]) -> Array:
    """Return by how much (n, 6) the logarithm of each class's response differs from the body's."""
    age = np.clip((np.asarray(covariates["age_years"]) - 60.0) / 12.0, -2.0, 2.0)
    bmi = np.clip((np.asarray(covariates["bmi"]) - 29.0) / 5.0, -2.0, 2.0)
    failing = np.log(np.minimum(np.asarray(covariates["egfr0"]) / 60.0, 1.0))
    old = PER_DOZEN_YEARS * age
    by = {
        "acei": -old, "arb": -old, "beta_blocker": -old,
        "ccb": old, "thiazide": old + KIDNEYS * failing, "mra": PER_FIVE_BMI * bmi,
    }  # fmt: skip
    return np.stack([by[name] for name in CLASSES], axis=1)


def other_people(n: int, rng: np.random.Generator) -> tuple[Patients, Patients]:
    """Return n people as they are, and as the body believes them from their charts alone."""
    places = rng.random((n, len(COLUMNS)))
    plain = people_at(places, HYPERTENSIVE)
    columns = [i for i, q in enumerate(PARAMETERS) if q.name in {f"r_{c}" for c in CLASSES}]
    order = [PARAMETERS[i].name for i in columns]
    params = plain.params.copy()
    shift = shifts(plain.covariates)[:, [CLASSES.index(name[2:]) for name in order]]
    params[:, columns] = np.clip(params[:, columns] * np.exp(shift), 0.0, 6.0)
    unknown = [i for i, name in enumerate(COLUMNS) if name not in CHARTED]
    places = places.copy()
    places[:, unknown] = 0.5
    return replace(plain, params=params), people_at(places, HYPERTENSIVE)
