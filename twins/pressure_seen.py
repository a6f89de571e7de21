"""What a record tells of a person's pressure, as arrays on a clock of days that ends at 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.formulary import CLASSES, Formulary

Array = NDArray[np.float64]

LABS: Final = ("potassium", "sodium", "creatinine")
HOME: Final = "home_week"
OFFICE: Final = "office_attended"


@dataclass(frozen=True)
class Doses:
    """A piecewise constant regimen.

    Parameters
    ----------
    formulary : Formulary
        The drug of each class.
    day : array (k,), days
        Rising; the first entry also holds for all days before it.
    mg : array (k, 6), mg a day
        From each day on.
    """

    formulary: Formulary
    day: Array
    mg: Array

    def on(self, days: Array) -> Array:
        """Return the daily mg (n, 6) on days (n,)."""
        at = np.clip(np.searchsorted(self.day, days, side="right") - 1, 0, None)
        return np.asarray(self.mg[at], dtype=np.float64)

    @property
    def now(self) -> Array:
        """The daily mg (6,) at the end."""
        return np.asarray(self.mg[-1], dtype=np.float64)


def no_doses(formulary: Formulary) -> Doses:
    """Return the regimen of somebody who takes none of the drugs."""
    return Doses(formulary, np.zeros(1), np.zeros((1, len(CLASSES))))


@dataclass(frozen=True)
class PressureSeen:
    """Everything of a record that a twin is fitted to.

    Parameters
    ----------
    subject, record_sha256 : str
    end_s : float, seconds since 1970 UTC
        The time of day 0: the last reading.
    day : array (V,), days
        Of each visit, or of the middle of each week at home; rising, at most 0.
    sbp, dbp, heart_rate : array (V,)
        Means of the visit, mmHg and 1/min; heart rate NaN where unknown.
    setting : tuple of str (V,)
        A preset of the measuring devices.
    readings : array (V,)
        How many readings each mean is of.
    lab_day, lab_value : array (L,)
        Day and value of each laboratory result.
    lab_name : tuple of str (L,)
        Of ``LABS``.
    doses : Doses
    covariates : mapping of str to float
        What the chart knows: age_years, female, weight_kg, height_cm and others of the sampler.
    """

    subject: str
    record_sha256: str
    end_s: float
    day: Array
    sbp: Array
    dbp: Array
    heart_rate: Array
    setting: tuple[str, ...]
    readings: Array
    lab_day: Array
    lab_value: Array
    lab_name: tuple[str, ...]
    doses: Doses
    covariates: dict[str, float]

    def __len__(self) -> int:
        return len(self.day)

    def until(self, visit: int) -> PressureSeen:
        """Return what was known at a visit: that visit, those before it, and earlier labs."""
        last = float(self.day[visit])
        labs = [i for i, day in enumerate(self.lab_day) if day <= last]
        upto = slice(0, visit + 1)
        return replace(
            self,
            day=self.day[upto],
            sbp=self.sbp[upto],
            dbp=self.dbp[upto],
            heart_rate=self.heart_rate[upto],
            setting=self.setting[upto],
            readings=self.readings[upto],
            lab_day=self.lab_day[labs],
            lab_value=self.lab_value[labs],
            lab_name=tuple(self.lab_name[i] for i in labs),
        )

    def labs(self, name: str) -> tuple[Array, Array]:
        """Return days and values of one laboratory quantity, in time."""
        rows = [i for i, each in enumerate(self.lab_name) if each == name]
        return self.lab_day[rows], self.lab_value[rows]
