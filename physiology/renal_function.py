"""Creatinine, its clearance and the filtration rate estimated from it, each from the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

UMOL_L_PER_MG_DL = 88.42


def sex_constants(female: ArrayLike) -> tuple[Array, Array]:
    """Return CKD-EPI 2021's kappa (mg/dL) and alpha by sex."""
    woman = np.asarray(female) > 0.5
    return np.where(woman, 0.7, 0.9), np.where(woman, -0.241, -0.302)


def ckd_epi_2021(creatinine_mg_dl: ArrayLike, age_years: ArrayLike, female: ArrayLike) -> Array:
    """Return the estimated filtration rate in mL/min/1.73 m2.

    Inker 2021, doi:10.1056/NEJMoa2102953: the equation from creatinine, without race.

    Parameters
    ----------
    creatinine_mg_dl, age_years, female : array (B,)
        ``female`` is 0 or 1.
    """
    kappa, alpha = sex_constants(female)
    ratio = np.asarray(creatinine_mg_dl, dtype=np.float64) / kappa
    power = np.minimum(ratio, 1.0) ** alpha * np.maximum(ratio, 1.0) ** -1.2
    return np.asarray(_largest(age_years, female) * power)


def creatinine_from_egfr(egfr: ArrayLike, age_years: ArrayLike, female: ArrayLike) -> Array:
    """Return the serum creatinine (mg/dL) at which CKD-EPI 2021 gives ``egfr``.

    The exact inverse of :func:`ckd_epi_2021`; arrays (B,).
    """
    kappa, alpha = sex_constants(female)
    share = np.asarray(egfr, dtype=np.float64) / _largest(age_years, female)
    return np.asarray(kappa * share ** np.where(share > 1.0, 1.0 / alpha, -1.0 / 1.2))


def _largest(age_years: ArrayLike, female: ArrayLike) -> Array:
    age = np.asarray(age_years, dtype=np.float64)
    return np.asarray(142.0 * 0.9938**age * np.where(np.asarray(female) > 0.5, 1.012, 1.0))


def cockcroft_gault(
    creatinine_mg_dl: ArrayLike, age_years: ArrayLike, weight_kg: ArrayLike, female: ArrayLike
) -> Array:
    """Return creatinine clearance in mL/min (Cockcroft and Gault 1976, doi:10.1159/000180580).

    Not normalised to body surface, as the kinetics of drugs are published; arrays (B,).
    """
    # The formula has no meaning near its pole at 140 years.
    years = np.maximum(140.0 - np.asarray(age_years, dtype=np.float64), 10.0)
    sex = np.where(np.asarray(female) > 0.5, 0.85, 1.0)
    weight = np.asarray(weight_kg, dtype=np.float64)
    return np.asarray(years * weight * sex / (72.0 * np.asarray(creatinine_mg_dl)))
