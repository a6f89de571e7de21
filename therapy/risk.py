"""Glucose risk functions: how dangerous one glucose value is, for rewards and summaries alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .protocols import KOVATCHEV, MAGNI

Array = NDArray[np.float64]

_END = 10.0**0.5  # |f| at both ends of the scale


def kovatchev_score(glucose: ArrayLike) -> Array:
    """Signed Kovatchev transform f: negative below about 112.5 mg/dL, positive above.

    Parameters
    ----------
    glucose : array of any shape, mg/dL
        f^2 is set to 10 at and beyond 20 and 600 mg/dL; NaN stays NaN.

    Returns
    -------
    array of the same shape, dimensionless
        Kovatchev 1997, doi 10.2337/diacare.20.11.1655.
    """
    clamped = np.clip(np.asarray(glucose, float), KOVATCHEV.clamp_low, KOVATCHEV.clamp_high)
    score: Array = KOVATCHEV.scale * (np.log(clamped) ** KOVATCHEV.power - KOVATCHEV.shift)
    # The published coefficients are rounded: f^2 would be 10.004 and 9.995 at the two ends.
    score = np.where(clamped <= KOVATCHEV.clamp_low, -_END, score)
    return np.where(clamped >= KOVATCHEV.clamp_high, _END, score)


def kovatchev_risk(glucose: ArrayLike) -> Array:
    """Kovatchev's blood-glucose risk, 0 near 112.5 mg/dL and 100 at 20 and 600 mg/dL.

    Parameters
    ----------
    glucose : array of any shape, mg/dL
        100 at and beyond 20 and 600 mg/dL; NaN stays NaN.

    Returns
    -------
    array of the same shape, dimensionless
        10 f^2; its mean over readings is LBGI + HBGI.
    """
    score = kovatchev_score(glucose)
    return 10.0 * score * score


def magni_risk(glucose: ArrayLike) -> Array:
    """Magni's risk: steeper for low glucose, least near 140 mg/dL.

    Parameters
    ----------
    glucose : array of any shape, mg/dL
        Floored at 1 mg/dL; NaN stays NaN.

    Returns
    -------
    array of the same shape, dimensionless, at least 0
        Magni 2007, as used by the published reinforcement-learning baselines.
    """
    floored = np.maximum(np.asarray(glucose, float), MAGNI.floor)
    score: Array = MAGNI.scale * (np.log(floored) ** MAGNI.power - MAGNI.shift)
    return 10.0 * score * score
