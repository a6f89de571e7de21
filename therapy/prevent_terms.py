"""The terms that PREVENT's coefficients multiply, built from a person's chart.

Splines, centres and interactions are those of Khan 2024, Circulation 149:430
(doi:10.1161/CIRCULATIONAHA.123.067626); HbA1c is centred at 5.3 %, deprivation is in deciles.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..physiology.units import cholesterol_mg_dl_to_mmol_l

Array = NDArray[np.float64]


def base_terms(person: Mapping[str, Array]) -> dict[str, Array]:
    """Return the terms of the base model by name.

    Parameters
    ----------
    person : mapping of str to array (n,)
        ``age_years``, ``sbp`` (mmHg), ``total_cholesterol_mg_dl``, ``hdl_mg_dl``, ``bmi``
        (kg/m2), ``egfr`` (mL/min/1.73 m2) and the flags ``diabetes``, ``smoker``, ``treated``
        and ``statin`` (0 or 1).

    Returns
    -------
    dict of str to array (n,)
    """
    age = (person["age_years"] - 55.0) / 10.0
    hdl_mmol = cholesterol_mg_dl_to_mmol_l(person["hdl_mg_dl"])
    non_hdl = cholesterol_mg_dl_to_mmol_l(person["total_cholesterol_mg_dl"]) - hdl_mmol - 3.5
    hdl = (hdl_mmol - 1.3) / 0.3
    sbp, bmi, egfr = person["sbp"], person["bmi"], person["egfr"]
    diabetes, smoker = person["diabetes"], person["smoker"]
    sbp_high = (np.maximum(sbp, 110.0) - 130.0) / 20.0
    bmi_high = (np.maximum(bmi, 30.0) - 30.0) / 5.0
    egfr_low = (np.minimum(egfr, 60.0) - 60.0) / -15.0
    return {
        "constant": np.ones_like(age),
        "age": age,
        "age_squared": age**2,
        "non_hdl": non_hdl,
        "hdl": hdl,
        "sbp_below_110": (np.minimum(sbp, 110.0) - 110.0) / 20.0,
        "sbp_from_110": sbp_high,
        "diabetes": diabetes,
        "smoker": smoker,
        "bmi_below_30": (np.minimum(bmi, 30.0) - 25.0) / 5.0,
        "bmi_from_30": bmi_high,
        "egfr_below_60": egfr_low,
        "egfr_from_60": (np.maximum(egfr, 60.0) - 90.0) / -15.0,
        "treated": person["treated"],
        "statin": person["statin"],
        "treated_sbp_from_110": person["treated"] * sbp_high,
        "statin_non_hdl": person["statin"] * non_hdl,
        "age_non_hdl": age * non_hdl,
        "age_hdl": age * hdl,
        "age_sbp_from_110": age * sbp_high,
        "age_diabetes": age * diabetes,
        "age_smoker": age * smoker,
        "age_bmi_from_30": age * bmi_high,
        "age_egfr_below_60": age * egfr_low,
    }


def extra_terms(person: Mapping[str, Array]) -> dict[str, Array]:
    """Return the terms of albuminuria, HbA1c and deprivation; NaN means not known.

    Parameters
    ----------
    person : mapping of str to array (n,)
        ``uacr_mg_g``, ``hba1c_percent``, ``sdi_decile`` and the flag ``diabetes``.

    Returns
    -------
    dict of str to array (n,)
    """
    uacr, hba1c, sdi = person["uacr_mg_g"], person["hba1c_percent"], person["sdi_decile"]
    diabetes = person["diabetes"]
    excess = np.where(np.isnan(hba1c), 0.0, hba1c - 5.3)
    return {
        "ln_uacr": np.log(np.where(np.isnan(uacr), 1.0, uacr)),
        "uacr_missing": np.isnan(uacr).astype(float),
        "hba1c_diabetes": excess * diabetes,
        "hba1c_no_diabetes": excess * (1.0 - diabetes),
        "hba1c_missing": np.isnan(hba1c).astype(float),
        "sdi_4_to_6": ((sdi >= 4) & (sdi <= 6)).astype(float),
        "sdi_7_to_10": (sdi >= 7).astype(float),
        "sdi_missing": np.isnan(sdi).astype(float),
    }
