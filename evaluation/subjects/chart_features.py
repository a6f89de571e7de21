"""What a chart tells of a person, on scales on which distances mean something."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def insulin_features(
    weight_kg: ArrayLike,
    daily_dose_u: ArrayLike,
    basal_u_per_h: ArrayLike,
    carb_ratio_g_per_u: ArrayLike,
    correction_mg_dl_per_u: ArrayLike,
) -> dict[str, Array]:
    """Return the features of people who take insulin, each of the shape of what is given."""
    weight = np.asarray(weight_kg, dtype=np.float64)
    table = {
        "log body weight": weight,
        "log daily dose per weight": np.asarray(daily_dose_u) / weight,
        "log basal rate per weight": np.asarray(basal_u_per_h) / weight,
        "log carb ratio": carb_ratio_g_per_u,
        "log correction factor": correction_mg_dl_per_u,
    }
    return {name: np.log(np.asarray(x, dtype=np.float64)) for name, x in table.items()}


def pressure_features(age_years: ArrayLike, bmi: ArrayLike, egfr: ArrayLike) -> dict[str, Array]:
    """Return the features of people with high pressure, each of the shape of what is given."""
    return {
        "age, decades": np.asarray(age_years, dtype=np.float64) / 10.0,
        "log BMI": np.log(np.asarray(bmi, dtype=np.float64)),
        "log eGFR": np.log(np.asarray(egfr, dtype=np.float64)),
    }
