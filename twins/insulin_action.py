"""How injected insulins that are no rapid-acting analogue reach the body, as rates over hours.

The body's own model absorbs a rapid-acting insulin within about an hour; what is spread here runs
through that model, so each peak stands an hour before the published one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..records.series import INSULINS, Boluses

Array = NDArray[np.float64]


class Course(NamedTuple):
    """A rate that rises evenly to its peak and falls evenly to its end; flat where both agree."""

    peak_min: float
    end_min: float


# Lepore 2000 (doi:10.2337/diabetes.49.12.2142): action of NPH peaks after 4.5 h and ends after
# 14 h, of UltraLente after 10.1 and 20 h. Regular human insulin peaks after 2 to 3 h and ends after
# 5 to 8 h (American Diabetes Association, Insulin Basics [unverified]).
COURSES = {
    "regular": Course(90.0, 300.0),
    "nph": Course(210.0, 840.0),
    "ultralente": Course(546.0, 1200.0),
}
# Glargine acts about evenly for about a day (Lepore 2000); it stands for any unnamed one.
FLAT_MIN = 1440


def course_of(name: str) -> Array:
    """Return the share of a dose that enters in each minute after its injection; the sum is 1."""
    if name not in COURSES:
        return np.full(FLAT_MIN, 1.0 / FLAT_MIN)
    peak, end = COURSES[name]
    minute = np.arange(end) + 0.5
    rate = np.where(minute < peak, minute / peak, (end - minute) / (end - peak))
    return np.asarray(rate / rate.sum(), dtype=float)


def spread(injections: Boluses, start_s: float, minutes: int) -> Array:
    """Return injected insulin (T,), U/min, each dose laid on the hours after it.

    Parameters
    ----------
    injections : Boluses
    start_s : float, seconds since 1970 UTC
    minutes : int
    """
    out = np.zeros(minutes)
    first = np.floor((injections.time_s - start_s) / 60.0).astype(np.int64).tolist()
    courses = {code: course_of(INSULINS[code]) for code in set(injections.insulin.tolist())}
    for at, units, code in zip(
        first, injections.units.tolist(), injections.insulin.tolist(), strict=True
    ):
        course = courses[code]
        low, high = max(at, 0), min(at + len(course), minutes)
        if low < high:
            out[low:high] += units * course[low - at : high - at]
    return out
