"""Clarke's error grid: how much harm acting on a wrong glucose value could do.

Clarke WL, Cox D, Gonder-Frederick LA, Carter W, Pohl SL. Evaluating clinical accuracy of systems
for self-monitoring of blood glucose. Diabetes Care 1987;10:622-8 (doi:10.2337/diacare.10.5.622).
A: within 20 % of the reference, or both below 70; B: outside, but harmless; C: would overcorrect;
D: would miss a low or a high; E: would treat one for the other. The lines between the zones are
those that public implementations agree on; the paper's figure was not seen.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError

ZONES: Final = ("A", "B", "C", "D", "E")
LOW, HIGH, VERY_HIGH, SHARE = 70.0, 180.0, 240.0, 0.2
# C: above reference + 110, up to 290; and below 7/5 reference - 182, from 130 to 180.
ABOVE, ABOVE_UNTIL = 110.0, 290.0
BELOW_FROM, BELOW_SLOPE, BELOW_OFFSET = 130.0, 1.4, 182.0
# D: below a reference of 70 the border to B is 6/5 of the reference.
LOW_SLOPE = 1.2


def clarke_zones(reference: ArrayLike, value: ArrayLike) -> NDArray[np.str_]:
    """Return the zone of each pair.

    Parameters
    ----------
    reference, value : array (...), mg/dL
        What is true, and what is told.

    Returns
    -------
    array (...) of str
        Of ``ZONES``.

    Raises
    ------
    InputError
        If shapes differ, or a number is not finite or not above 0.
    """
    ref, told = np.asarray(reference, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if ref.shape != told.shape:
        raise InputError(f"reference has shape {ref.shape}, value {told.shape}; give equal ones")
    for name, column in (("reference", ref), ("value", told)):
        bad = ~np.isfinite(column) | (column <= 0.0)
        if bad.any():
            raise InputError(f"{name} is {column[bad][0]} mg/dL; give finite numbers above 0")
    a = (np.abs(told - ref) <= SHARE * ref) | ((ref < LOW) & (told < LOW))
    e = ((ref >= HIGH) & (told <= LOW)) | ((ref <= LOW) & (told >= HIGH))
    c = (ref >= LOW) & (ref <= ABOVE_UNTIL) & (told >= ref + ABOVE)
    c |= (ref >= BELOW_FROM) & (ref <= HIGH) & (told <= BELOW_SLOPE * ref - BELOW_OFFSET)
    middle = (told >= LOW) & (told <= HIGH)
    d = middle & ((ref >= VERY_HIGH) | ((ref < LOW) & (told >= LOW_SLOPE * ref)))
    zone = np.full(ref.shape, "B", dtype="<U1")
    for name, where in (("D", d), ("C", c), ("E", e), ("A", a)):
        zone[where] = name
    return zone


def clarke_shares(reference: ArrayLike, value: ArrayLike) -> dict[str, float]:
    """Return the share of pairs in each zone.

    Raises
    ------
    InputError
        As ``clarke_zones``, or if there are no pairs.
    """
    zones = clarke_zones(reference, value)
    if not zones.size:
        raise InputError("reference holds 0 values; give at least 1")
    return {name: float((zones == name).mean()) for name in ZONES}
