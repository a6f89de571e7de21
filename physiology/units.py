"""The only place where clinical units are converted.

The library works in mg/dL; mmol/L exists only at the border, in files and on screens.
"""

from __future__ import annotations

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
