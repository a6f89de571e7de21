"""The day's course of blood pressure: two harmonics about a level, and its day and night means.

BP(t) = base + A12 cos(2 pi (t - p12) / 12 h) + A24 cos(2 pi (t - p24) / 24 h), t from midnight;
typical amplitudes, shared phases and between-person variances of Sheng 2013 (Acta Pharmacol Sin
34:1043, 10.1038/aps.2013.45, Table 2, read second-hand in nlmixr2lib), 24-h monitoring of 38
untreated hypertensives of 140/89.5 mmHg on average. Two departures, both ours: the amplitudes
scale with the person's pressure, and the level handed in is the awake mean (08:00-22:00), from
which the base follows. The published variances of the phases (10.9 and 1.2 days squared) are
meaningless for a periodic function and are not used.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# rows: systolic, diastolic; columns: 12-h, 24-h harmonic; mmHg
AMPLITUDES: Final = np.array([[7.52, 8.64], [5.61, 6.27]])
AMPLITUDE_SDS: Final = np.sqrt([[5.63, 4.73], [6.58, 6.71]])
BASES_MMHG: Final = np.array([140.0, 89.5])
PERIODS_H: Final = np.array([12.0, 24.0])
# -0.652 and 3.61 days, taken modulo the periods
PHASES_H: Final = np.array([-0.652 * 24.0 % 12.0, 3.61 * 24.0 % 24.0])
DAY_H: Final = (8.0, 22.0)
DAY_SHARE: Final = (DAY_H[1] - DAY_H[0]) / 24.0


class Means(NamedTuple):
    """Mean pressures of 24 h, day (08:00-22:00) and night, mmHg; each systolic or diastolic."""

    full: Array
    day: Array
    night: Array


def _interval_mean(start_h: float, stop_h: float) -> Array:
    """Return the mean of each harmonic's cosine between two times, (2,)."""
    angle = 2.0 * np.pi / PERIODS_H
    rise = np.sin(angle * (stop_h - PHASES_H)) - np.sin(angle * (start_h - PHASES_H))
    return np.asarray(rise / (angle * (stop_h - start_h)))


DAY_MEAN: Final = _interval_mean(*DAY_H)
NIGHT_MEAN: Final = -DAY_MEAN * DAY_SHARE / (1.0 - DAY_SHARE)


def amplitudes(normals: ArrayLike) -> Array:
    """Return people's amplitudes at the study's mean pressure.

    Parameters
    ----------
    normals : array (..., 2, 2)
        Standard normals: systolic and diastolic, 12-h and 24-h harmonic. Zeros give the typical
        person.

    Returns
    -------
    array (..., 2, 2), mmHg
    """
    return np.asarray(AMPLITUDES + AMPLITUDE_SDS * np.asarray(normals, np.float64))


def _waves(level: Array, which: int, shape: Array) -> tuple[Array, Array]:
    """Return base and amplitudes, mmHg, for which the awake mean is ``level``."""
    share = shape[..., which, :] / BASES_MMHG[which]
    base = level / (1.0 + share @ DAY_MEAN)
    return base, base[..., None] * share


def means(level: ArrayLike, which: int, shape: ArrayLike = AMPLITUDES) -> Means:
    """Return the mean pressures of a day whose awake mean is known.

    Parameters
    ----------
    level : array (...), mmHg
        Awake mean.
    which : int
        0 for systolic, 1 for diastolic.
    shape : array (..., 2, 2), mmHg
        From :func:`amplitudes`.
    """
    day = np.asarray(level, np.float64)
    base, waves = _waves(day, which, np.asarray(shape, np.float64))
    return Means(base, day, np.asarray(base + waves @ NIGHT_MEAN))


def day_profile(
    sbp: ArrayLike, dbp: ArrayLike, shape: ArrayLike = AMPLITUDES, hours: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Return systolic and diastolic pressure by the hour.

    Parameters
    ----------
    sbp, dbp : array (...), mmHg
        Awake means (the level that the blood-pressure model gives).
    shape : array (..., 2, 2), mmHg
        From :func:`amplitudes`.
    hours : array (H,), hours
        Times from midnight; the 24 whole hours by default.

    Returns
    -------
    sbp, dbp : array (..., H), mmHg
    """
    times = np.arange(24.0) if hours is None else np.asarray(hours, np.float64)
    cosines = np.cos(2.0 * np.pi * (times - PHASES_H[:, None]) / PERIODS_H[:, None])
    curves = []
    for which, level in enumerate((sbp, dbp)):
        base, waves = _waves(np.asarray(level, np.float64), which, np.asarray(shape, np.float64))
        curves.append(np.asarray(base[..., None] + waves @ cosines))
    return curves[0], curves[1]
