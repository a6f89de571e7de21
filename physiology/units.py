"""The only place where clinical units are converted.

The library works in mg/dL; mmol/L exists only at the border, in files and on screens.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Quantity = TypeVar("Quantity", float, NDArray[np.float64])

MG_DL_PER_MMOL_L = 18.01559
"""mg/dL of glucose per mmol/L: a tenth of its molar mass, 180.1559 g/mol (as Tidepool uses it)."""


def mmol_l_to_mg_dl(value: Quantity) -> Quantity:
    """Convert a glucose concentration (or a correction factor) from mmol/L to mg/dL.

    Parameters
    ----------
    value : float or array
        Glucose, mmol/L; or a correction factor, mmol/L per U.

    Returns
    -------
    float or array
        The same quantity in mg/dL (per U).
    """
    return value * MG_DL_PER_MMOL_L


def mg_dl_to_mmol_l(value: Quantity) -> Quantity:
    """Convert a glucose concentration (or a correction factor) from mg/dL to mmol/L.

    Parameters
    ----------
    value : float or array
        Glucose, mg/dL; or a correction factor, mg/dL per U.

    Returns
    -------
    float or array
        The same quantity in mmol/L (per U).
    """
    return value / MG_DL_PER_MMOL_L


MMOL_L_PER_MG_DL_CHOLESTEROL = 0.02586
"""mmol/L of cholesterol per mg/dL (molar mass 386.65 g/mol), the figure that PREVENT uses."""

MG_DL_PER_UMOL_L_CREATININE = 1.0 / 88.42
"""mg/dL of creatinine per umol/L (molar mass 113.12 g/mol)."""

MMHG_PER_KPA = 7.50062
"""mmHg per kPa."""

MG_G_PER_MG_MMOL_CREATININE = 8.842
"""mg/g per mg/mmol of an albumin-creatinine ratio (molar mass of creatinine 113.12 g/mol)."""


MG_DL_PER_MMOL_L_TRIGLYCERIDES = 88.57
"""mg/dL of triglycerides per mmol/L (molar mass taken as 885.7 g/mol)."""

KG_PER_LB = 0.45359237
"""kg per avoirdupois pound."""

CM_PER_INCH = 2.54
"""cm per inch."""


def cholesterol_mg_dl_to_mmol_l(value: Quantity) -> Quantity:
    """Convert a cholesterol concentration from mg/dL to mmol/L.

    Parameters
    ----------
    value : float or array, mg/dL

    Returns
    -------
    float or array, mmol/L
    """
    return value * MMOL_L_PER_MG_DL_CHOLESTEROL


def hba1c_percent(mmol_per_mol: Quantity) -> Quantity:
    """Convert HbA1c from mmol/mol (IFCC) to % (NGSP).

    The master equation of Hoelzel 2004 (Clin Chem 50:166): % = 0.09148 mmol/mol + 2.152.

    Parameters
    ----------
    mmol_per_mol : float or array, mmol/mol

    Returns
    -------
    float or array, %
    """
    return 0.09148 * mmol_per_mol + 2.152


_FACTORS: Mapping[tuple[str, str, str], float] = MappingProxyType(
    {
        ("glucose", "mmol/L", "mg/dL"): MG_DL_PER_MMOL_L,
        ("creatinine", "umol/L", "mg/dL"): MG_DL_PER_UMOL_L_CREATININE,
        ("", "kPa", "mmHg"): MMHG_PER_KPA,
        ("", "U/min", "U/h"): 60.0,
        ("", "min", "d"): 1.0 / 1440.0,
        ("", "h", "d"): 1.0 / 24.0,
        ("", "h", "min"): 60.0,
        ("", "d", "min"): 1440.0,
    }
)
_SPELLINGS: Mapping[str, str] = MappingProxyType({"µmol/L": "umol/L", "μmol/L": "umol/L"})


def conversion_factor(unit: str, to: str, substance: str = "") -> float | None:
    """Return by what a number in ``unit`` is multiplied to be in ``to``; None if by nothing.

    Parameters
    ----------
    unit, to : str
    substance : str
        ``glucose`` or ``creatinine`` where the factor depends on it.
    """
    unit = _SPELLINGS.get(unit, unit)
    if unit == to:
        return 1.0
    for kind in (substance, ""):
        if (kind, unit, to) in _FACTORS:
            return _FACTORS[kind, unit, to]
    return None


def units_of(to: str, substance: str = "") -> tuple[str, ...]:
    """Return the units that convert to ``to``, itself first."""
    others = [u for kind, u, known in _FACTORS if known == to and kind in (substance, "")]
    return (to, *others)
