"""Blood-pressure measurement: what office, home and ambulatory readings show of true pressure.

reading = true x (1 + CV z) + white coat, rounded, with a within-person coefficient of variation CV
and standard normals z correlated between systolic and diastolic. The CV is that of repeated
visits, so it holds the device's error and the pressure's own wandering about the body's level.
True pressure is the awake, unattended level. All chance is drawn at an episode's start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from ..physiology import circadian
from ..physiology.errors import InputError
from .presets import check, choose, verify

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Setting = Literal["office", "home", "ambulatory"]

# Columns of a visit's draws, all standard normal.
SBP, DBP, HEART_RATE, STANDING_SBP, STANDING_DBP, NIGHT, MISSED = range(7)
N_DRAWS: Final = 7
LOWEST_MMHG: Final = 20.0


class Reading(NamedTuple):
    """One visit's readings, each an array (B,); mmHg and 1/min. NaN where not attended.

    ``sbp`` and ``dbp`` are what a controller acts on: the visit's mean, the week's mean at home,
    or the ambulatory day mean. The last four are NaN unless measured over 24 h.
    """

    attended: Flags
    sbp: Array
    dbp: Array
    heart_rate: Array
    standing_fall_sbp: Array
    standing_fall_dbp: Array
    full_sbp: Array
    full_dbp: Array
    night_sbp: Array
    night_dbp: Array


@dataclass(frozen=True)
class PressureDevice:
    """One way of measuring pressure.

    Parameters
    ----------
    name, source : str
        What it is, and where its numbers come from.
    setting : {"office", "home", "ambulatory"}
    sbp_cv, dbp_cv : float
        Within-person coefficient of variation of one result (a visit, a week, a 24-h mean).
    correlation : float
        Of systolic with diastolic error.
    white_coat_share, white_coat_dbp_share : float
        Share of a person's white-coat effect (mmHg systolic) that the systolic and the diastolic
        reading show.
    rounding_mmhg : float
        Readings are multiples of it.
    heart_rate_sd_bpm, standing_sbp_sd_mmhg, standing_dbp_sd_mmhg : float
        Error of heart rate, and of the fall of pressure on standing.
    dip_sd_mmhg : float
        Error of the systolic day-night difference of one ambulatory day.
    missed_rate : float
        Probability that a visit is missed.
    habituation_mmhg, habituation_dbp_share, habituation_weeks : float
        How far systolic readings fall by themselves after entry, the diastolic share of it, and
        the time constant: what placebo arms show (``pressure_protocols.STUDY_EFFECT``).
    """

    name: str
    setting: Setting
    sbp_cv: float
    dbp_cv: float
    source: str
    correlation: float = 0.7
    white_coat_share: float = 0.0
    white_coat_dbp_share: float = 0.0
    rounding_mmhg: float = 1.0
    heart_rate_sd_bpm: float = 5.0
    standing_sbp_sd_mmhg: float = 8.0
    standing_dbp_sd_mmhg: float = 5.0
    dip_sd_mmhg: float = 0.0
    missed_rate: float = 0.078
    habituation_mmhg: float = 0.0
    habituation_dbp_share: float = 0.5
    habituation_weeks: float = 4.0

    def __post_init__(self) -> None:
        if self.setting not in ("office", "home", "ambulatory"):
            raise InputError(
                f"measurement setting is {self.setting!r}; give office, home or ambulatory"
            )
        for field, high in (("sbp_cv", 0.3), ("dbp_cv", 0.3), ("missed_rate", 0.9)):
            check(f"measurement {field}", getattr(self, field), 0.0, high)
        for field in ("white_coat_share", "white_coat_dbp_share"):
            check(f"measurement {field}", getattr(self, field), 0.0, 2.0)
        check("measurement correlation", self.correlation, -1.0, 1.0)
        check("measurement rounding_mmhg", self.rounding_mmhg, 0.0, 20.0, "mmHg")
        check("measurement heart_rate_sd_bpm", self.heart_rate_sd_bpm, 0.0, 30.0, "1/min")
        check("measurement habituation_mmhg", self.habituation_mmhg, 0.0, 30.0, "mmHg")
        check("measurement habituation_dbp_share", self.habituation_dbp_share, 0.0, 2.0)
        check("measurement habituation_weeks", self.habituation_weeks, 0.1, 52.0, "weeks")
        for field in ("standing_sbp_sd_mmhg", "standing_dbp_sd_mmhg", "dip_sd_mmhg"):
            check(f"measurement {field}", getattr(self, field), 0.0, 30.0, "mmHg")

    def draws(self, rng: np.random.Generator, visits: int) -> Array:
        """Return the standard normals (visits, N_DRAWS) of one person's visits.

        A longer course begins as the shorter one does.
        """
        return rng.standard_normal((visits, N_DRAWS))

    def attends(self, draws: Array) -> Flags:
        """Return whether the visit takes place, (B,); ``draws`` is (B, N_DRAWS)."""
        attends: Flags = draws[..., MISSED] >= ndtri(self.missed_rate)
        return attends

    def apply(
        self,
        sbp: Array,
        dbp: Array,
        heart_rate: Array,
        standing_sbp: Array,
        standing_dbp: Array,
        draws: Array,
        white_coat: ArrayLike = 0.0,
        amplitudes: ArrayLike = circadian.AMPLITUDES,
        weeks: ArrayLike = 0.0,
    ) -> Reading:
        """Return a visit's readings of true values.

        Parameters
        ----------
        sbp, dbp, standing_sbp, standing_dbp : array (B,), mmHg
            True seated and standing pressure.
        heart_rate : array (B,), 1/min
        draws : array (B, N_DRAWS)
            Of this visit, from :meth:`draws`.
        white_coat : array (B,), mmHg
            Each person's white-coat effect.
        amplitudes : array (B, 2, 2), mmHg
            Of the circadian rhythm; read by ambulatory devices only.
        weeks : array (B,)
            Since entry.
        """
        if self.habituation_mmhg > 0.0:
            settled = 1.0 - np.exp(-np.asarray(weeks, np.float64) / self.habituation_weeks)
            less = self.habituation_mmhg * settled
            sbp, standing_sbp = sbp - less, standing_sbp - less
            less = less * self.habituation_dbp_share
            dbp, standing_dbp = dbp - less, standing_dbp - less
        attended = self.attends(draws)
        present = np.where(attended, 1.0, np.nan)
        z_sbp = draws[..., SBP]
        z_dbp = self.correlation * z_sbp + np.sqrt(1.0 - self.correlation**2) * draws[..., DBP]
        nothing = np.full(attended.shape, np.nan)
        if self.setting == "ambulatory":
            night_error = self.dip_sd_mmhg * draws[..., NIGHT]
            systolic = _ambulatory(sbp, 0, self.sbp_cv * z_sbp, night_error, amplitudes)
            diastolic = _ambulatory(dbp, 1, self.dbp_cv * z_dbp, 0.65 * night_error, amplitudes)
        else:
            coat = np.asarray(white_coat, np.float64)
            full_s = sbp * (1.0 + self.sbp_cv * z_sbp) + self.white_coat_share * coat
            full_d = dbp * (1.0 + self.dbp_cv * z_dbp) + self.white_coat_dbp_share * coat
            systolic = circadian.Means(nothing, full_s, nothing)
            diastolic = circadian.Means(nothing, full_d, nothing)
        fall_s = sbp - standing_sbp + self.standing_sbp_sd_mmhg * draws[..., STANDING_SBP]
        fall_d = dbp - standing_dbp + self.standing_dbp_sd_mmhg * draws[..., STANDING_DBP]
        rate = heart_rate + self.heart_rate_sd_bpm * draws[..., HEART_RATE]
        return Reading(
            attended,
            present * self._shown(systolic.day),
            present * self._shown(diastolic.day),
            present * np.maximum(np.round(rate), 20.0),
            present * self._rounded(fall_s),
            present * self._rounded(fall_d),
            present * self._shown(systolic.full),
            present * self._shown(diastolic.full),
            present * self._shown(systolic.night),
            present * self._shown(diastolic.night),
        )

    def _rounded(self, pressure: Array) -> Array:
        if self.rounding_mmhg == 0.0:
            return pressure
        return np.asarray(np.round(pressure / self.rounding_mmhg) * self.rounding_mmhg)

    def _shown(self, pressure: Array) -> Array:
        return np.asarray(np.maximum(self._rounded(pressure), LOWEST_MMHG))

    def within_sd(self, sbp: ArrayLike, dbp: ArrayLike) -> tuple[Array, Array]:
        """Return the SD of repeated results, mmHg, before rounding: for likelihoods."""
        return np.asarray(self.sbp_cv * np.asarray(sbp)), np.asarray(self.dbp_cv * np.asarray(dbp))


def _ambulatory(
    level: Array, which: int, error: Array, dip_error: Array, amplitudes: ArrayLike
) -> circadian.Means:
    """Return measured means: ``error`` is that of 24 h, ``dip_error`` that of day less night."""
    true = circadian.means(level, which, amplitudes)
    full = true.full * (1.0 + error)
    dip = true.day - true.night + dip_error
    day = full + (1.0 - circadian.DAY_SHARE) * dip
    return circadian.Means(full, day, day - dip)


_WARREN: Final = "Warren 2010 (10.3399/bjgp10X515403)"
_CHOICES: Final = (
    "missed visits: Claveau 2020, family practice, 7.8 % (PMC7219803); correlation: Gavish 2008, "
    "0.74 within 24 h (J Hypertens 26:199); heart rate, standing, dip: project choice"
)
MEASUREMENTS: Final[Mapping[str, PressureDevice]] = MappingProxyType(
    {
        device.name: device
        for device in (
            PressureDevice(
                "office_attended",
                "office",
                0.086,
                0.086,
                f"{_WARREN}, office; white coat diastolic share and rounding: project choice; "
                f"{_CHOICES}",
                white_coat_share=1.0,
                white_coat_dbp_share=0.5,
                rounding_mmhg=2.0,
            ),
            PressureDevice(
                "office_unattended",
                "office",
                0.0815,
                0.0815,
                f"{_WARREN}, office, times 14.5/15.3: SD of one-year differences unattended over "
                "attended, Asayama 2022 (10.1097/HJH.0000000000003026); no white coat and equal to "
                "awake pressure: Roerecke 2019 (10.1001/jamainternmed.2018.6551); " + _CHOICES,
            ),
            PressureDevice(
                "home_week",
                "home",
                0.042,
                0.039,
                f"{_WARREN}, mean of a week of self-measurement; {_CHOICES}",
                heart_rate_sd_bpm=2.5,
            ),
            PressureDevice(
                "ambulatory",
                "ambulatory",
                0.055,
                0.049,
                f"{_WARREN}, 24-h mean; day and night: Sheng 2013 (10.1038/aps.2013.45); "
                f"{_CHOICES}",
                heart_rate_sd_bpm=3.0,
                dip_sd_mmhg=5.0,
            ),
            PressureDevice(
                "noise_free",
                "office",
                0.0,
                0.0,
                "project choice: true values, no missed visit",
                rounding_mmhg=0.0,
                heart_rate_sd_bpm=0.0,
                standing_sbp_sd_mmhg=0.0,
                standing_dbp_sd_mmhg=0.0,
                missed_rate=0.0,
            ),
        )
    }
)

# Office minus awake pressure of one person, mmHg: N(5, 6^2). Unverified: the project's reference
# gives +3 to +10 on average; Roerecke 2019 pools +7.0 (research) and +14.5 (routine) over AOBP.
WHITE_COAT_MEAN_MMHG: Final = 5.0
WHITE_COAT_SD_MMHG: Final = 6.0


def white_coat(normals: ArrayLike) -> Array:
    """Return people's white-coat effects, mmHg, of standard normals."""
    return np.asarray(WHITE_COAT_MEAN_MMHG + WHITE_COAT_SD_MMHG * np.asarray(normals, np.float64))


def load_measurement(name: str | Mapping[str, Any] = "office_unattended") -> PressureDevice:
    """Return a way of measuring by name, or one with some numbers changed.

    Parameters
    ----------
    name : str or mapping
        One of ``MEASUREMENTS``, or ``{"preset": name, field: value, ...}``.

    Raises
    ------
    InputError
        If the preset, a field or a value is not acceptable.
    """
    device, changes = choose("measurement", name, MEASUREMENTS, "office_unattended")
    verify("measurement", device, changes)
    return replace(device, **changes)
