"""The read-only columns of a chart: blood pressures, and one measured quantity's values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .series import Floats, freeze_columns, frozen_column, require_sorted

Words = NDArray[np.str_]

SETTINGS: Final = ("office", "home", "ambulatory")


@dataclass(frozen=True, eq=False)
class Pressures:
    """Blood-pressure readings.

    Parameters
    ----------
    time_s : array (n,), seconds since 1970 UTC
        Of a mean over a period, its end.
    sbp, dbp : array (n,), mmHg
    heart_rate : array (n,), 1/min
        Taken with the reading; NaN where none was.
    setting : array (n,) of str
        One of ``SETTINGS``.
    averaged : array (n,)
        Measurements that the reading is the mean of; 1 for a single one, NaN for a mean of an
        untold number.
    """

    time_s: Floats
    sbp: Floats
    dbp: Floats
    heart_rate: Floats
    setting: Words
    averaged: Floats

    def __post_init__(self) -> None:
        names = ("time_s", "sbp", "dbp", "heart_rate", "averaged")
        freeze_columns(self, {**dict.fromkeys(names, float), "setting": np.str_})
        require_sorted(self.time_s, "blood pressure")
        if not np.isin(self.setting, SETTINGS).all():
            raise InputError(f"blood pressure: a setting is unknown; use {', '.join(SETTINGS)}")

    def __len__(self) -> int:
        return int(self.time_s.size)

    def take(self, where: NDArray[np.bool_]) -> Pressures:
        """Return the readings at which `where` (n,) is true."""
        return Pressures(
            self.time_s[where],
            self.sbp[where],
            self.dbp[where],
            self.heart_rate[where],
            self.setting[where],
            self.averaged[where],
        )


@dataclass(frozen=True, eq=False)
class Labs:
    """The values of one measured quantity.

    Parameters
    ----------
    time_s : array (n,), seconds since 1970 UTC
    value : array (n,)
        In the unit of ``LAB_UNITS``.
    """

    time_s: Floats
    value: Floats

    def __post_init__(self) -> None:
        freeze_columns(self, {"time_s": float, "value": float})
        require_sorted(self.time_s, "laboratory")

    def __len__(self) -> int:
        return int(self.time_s.size)


def empty_pressures() -> Pressures:
    """Return a series without readings."""
    none = np.zeros(0)
    return Pressures(none, none, none, none, frozen_column([], np.str_), none)
