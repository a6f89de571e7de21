"""Published targets and limits of blood-pressure treatment, each with its source.

The one place for such numbers: rewards, costs, rules, policies and reports import them. Pressures
are mmHg seated, potassium and sodium mmol/L, creatinine mg/dL, eGFR mL/min/1.73 m2. A source with
``verified=False`` was seen second-hand only; read the original before printing it as established.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from .protocols import Source

Flags = NDArray[np.bool_]

ACC_AHA_2025: Final = Source(
    "2025 AHA/ACC guideline on high blood pressure in adults: below 130/80 mmHg (summaries seen)",
    "10.1016/j.jacc.2025.05.007",
    verified=False,
)
ESC_2024: Final = Source(
    "ESC 2024 guidelines on elevated blood pressure: systolic 120-129, diastolic 70-79 mmHg "
    "(summaries seen)",
    "10.1093/eurheartj/ehae178",
    verified=False,
)
ESH_2023: Final = Source(
    "ESH 2023 guidelines: below 140/80 mmHg first, then below 130/80 where tolerated (recalled)",
    "10.1097/HJH.0000000000003480",
    verified=False,
)
WHO_2021: Final = Source(
    "WHO 2021 guideline on drugs for hypertension: start at 140/90 mmHg, at 130 systolic with "
    "cardiovascular disease (read); treat to below 140/90, to below 130 with it (recalled)",
    "",
    verified=False,
)
SPRINT_2015: Final = Source(
    "SPRINT 2015, systolic below 120 (intensive) or 135-139 mmHg (standard)",
    "10.1056/NEJMoa1511939",
)
KDIGO_AKI: Final = Source(
    "KDIGO 2012 guideline on acute kidney injury: creatinine up by 0.3 mg/dL within 48 h or to 1.5 "
    "times its value within 7 days (quoted by several reviews)",
)
KDIGO_BP: Final = Source(
    "KDIGO 2021 blood pressure in chronic kidney disease: creatinine and potassium 2-4 weeks after "
    "start or rise of a RAS blocker; continue unless creatinine rises above 30 % (summaries seen)",
    verified=False,
)
ACC_AHA_2017: Final = Source(
    "2017 ACC/AHA guideline: electrolytes and kidney function 2-4 weeks after a RAS blocker or "
    "diuretic, monthly visits until control, then every 3-6 months (summaries seen)",
    "10.1161/HYP.0000000000000065",
    verified=False,
)
HF_GUIDANCE: Final = Source(
    "practical guidance on MRAs (McMurray; BNF): caution above K 5.0, reduce between 5.5 and 6.0, "
    "stop above 6.0 mmol/L; eGFR above 30 to start (as tabled in the Postgraduate Medical Journal)",
)
ORTHOSTATIC: Final = Source(
    "consensus on orthostatic hypotension, Freeman 2011: fall of 20 systolic or 10 diastolic",
    "10.1007/s10286-011-0119-5",
    verified=False,
)

CORRESPONDING: Final = Source(
    "2017 ACC/AHA guideline, corresponding values of office, home and ambulatory (table seen)"
)
LOW_PRESSURE: Final = Source(
    "project choice: usual bedside limit at which antihypertensive treatment is stepped down"
)
LOW_POTASSIUM: Final = Source("usual definition of hypokalaemia; ALLHAT counted K below 3.5 mmol/L")
SLOW_HEART: Final = Source(
    "heart rate below which beta-blocker labels and heart-failure guidance ask for a lower dose"
)
LAB_ALERTS: Final = Source(
    "laboratory alerts of SPRINT: Na below 130, K below 3.0 or above 5.5 mmol/L (second-hand)",
    verified=False,
)
DIZZY: Final = Source(
    "seated 90 mmHg: the usual definition of hypotension; standing 100 mmHg after a fall: project "
    "choice, by which about 0.5 % of people a year have symptoms on an ACE inhibitor; in ONTARGET "
    "1.7 % stopped ramipril for them over 56 months",
    "10.1056/NEJMoa0801317",
)
STOP_THIAZIDE: Final = Source(
    "usual practice: stop a thiazide at Na below 130 or K below 3.0 mmol/L (not re-read)",
    verified=False,
)


PLACEBO_ARMS: Final = Source("PATHWAY-2 placebo arm; Song 2013", "10.1016/S0140-6736(15)00257-3")


@dataclass(frozen=True)
class StudyEffect:
    """By how much pressure readings fall in a trial without any change of drugs, mmHg.

    4.2 is the fall of home systolic pressure in PATHWAY-2's placebo arm; Song 2013 models 3.5 to
    5.3 in office readings. Both are calibration data of this project.
    """

    sbp_mmhg: float = 4.2
    source: Source = PLACEBO_ARMS


STUDY_EFFECT: Final = StudyEffect()


@dataclass(frozen=True)
class PressureTarget:
    """What a guideline treats to.

    Parameters
    ----------
    name : str
    sbp_mmhg, dbp_mmhg : float
        Treated pressure should lie below both.
    sbp_floor_mmhg : float
        Lowest systolic pressure the guideline aims at; 0 where it names none.
    start_sbp_mmhg, start_dbp_mmhg : float
        Drug treatment of everyone starts at or above either.
    source : Source
    """

    name: str
    sbp_mmhg: float
    dbp_mmhg: float
    sbp_floor_mmhg: float = 0.0
    start_sbp_mmhg: float = 140.0
    start_dbp_mmhg: float = 90.0
    source: Source = ACC_AHA_2025


_TARGETS = (
    PressureTarget("acc_aha_2025", 130.0, 80.0),
    PressureTarget("esc_2024", 130.0, 80.0, 120.0, source=ESC_2024),
    PressureTarget("esh_2023", 130.0, 80.0, source=ESH_2023),
    PressureTarget("esh_2023_first", 140.0, 80.0, source=ESH_2023),
    PressureTarget("who_2021", 140.0, 90.0, source=WHO_2021),
    PressureTarget("who_2021_cvd", 130.0, 90.0, start_sbp_mmhg=130.0, source=WHO_2021),
    PressureTarget("sprint_intensive", 120.0, 90.0, 0.0, 130.0, source=SPRINT_2015),
    PressureTarget("sprint_standard", 140.0, 90.0, 135.0, source=SPRINT_2015),
)
TARGETS: Final[Mapping[str, PressureTarget]] = MappingProxyType({t.name: t for t in _TARGETS})


def pressure_target(name: str) -> PressureTarget:
    """Return the target called ``name``.

    Raises
    ------
    InputError
        If there is no such target; the message lists those there are.
    """
    if name not in TARGETS:
        raise InputError(f"pressure target is {name!r}; choose one of {', '.join(TARGETS)}")
    return TARGETS[name]


@dataclass(frozen=True)
class Equivalents:
    """Readings that correspond to 130/80 mmHg in the office, by way of measuring, mmHg."""

    office: tuple[float, float] = (130.0, 80.0)
    home_week: tuple[float, float] = (130.0, 80.0)
    day: tuple[float, float] = (130.0, 80.0)
    night: tuple[float, float] = (110.0, 65.0)
    full_day: tuple[float, float] = (125.0, 75.0)
    source: Source = CORRESPONDING


@dataclass(frozen=True)
class HarmLimits:
    """Limits behind the named costs; crossing one on any day of an interval costs 1."""

    sbp_low_mmhg: float = 100.0
    potassium_high: float = 5.5
    potassium_low: float = 3.5
    egfr_drop_share: float = 0.30
    heart_rate_low_bpm: float = 50.0
    standing_fall_sbp_mmhg: float = 20.0
    standing_fall_dbp_mmhg: float = 10.0
    control_sbp_mmhg: float = 140.0
    control_dbp_mmhg: float = 90.0
    sbp_source: Source = LOW_PRESSURE
    potassium_source: Source = HF_GUIDANCE
    potassium_low_source: Source = LOW_POTASSIUM
    egfr_source: Source = KDIGO_BP
    heart_rate_source: Source = SLOW_HEART
    standing_source: Source = ORTHOSTATIC


@dataclass(frozen=True)
class EventRules:
    """Simulated events: acute kidney injury, electrolyte event, symptomatic hypotension.

    Symptoms of low pressure are assumed below ``dizzy_sbp_mmhg`` seated, or standing below
    ``dizzy_standing_mmhg`` after an orthostatic fall.
    """

    injury_ratio: float = 1.5
    injury_rise_mg_dl: float = 0.3
    injury_window_days: int = 7
    rise_window_days: int = 2
    sodium_low: float = 130.0
    potassium_low: float = 3.0
    potassium_high: float = 5.5
    dizzy_sbp_mmhg: float = 90.0
    dizzy_standing_mmhg: float = 100.0
    injury_source: Source = KDIGO_AKI
    electrolyte_source: Source = LAB_ALERTS
    dizzy_source: Source = DIZZY


@dataclass(frozen=True)
class SafetyLimits:
    """Limits of the hard rules in ``therapy.contraindication``."""

    ras_rise_potassium: float = 5.5
    mra_rise_potassium: float = 5.0
    stop_potassium: float = 6.0
    mra_egfr: float = 30.0
    thiazide_sodium: float = 130.0
    thiazide_potassium: float = 3.0
    beta_blocker_heart_rate: float = 50.0
    potassium_source: Source = HF_GUIDANCE
    thiazide_source: Source = STOP_THIAZIDE


@dataclass(frozen=True)
class LabRule:
    """When potassium, sodium and creatinine are due (all in days).

    Due at entry, then ``first_days`` to ``latest_days`` after start or change of dose of a RAS
    blocker, diuretic or MRA, else every ``routine_days`` while one of these is taken (every
    ``close_days`` with eGFR below ``close_egfr``), and never otherwise.
    """

    first_days: float = 14.0
    latest_days: float = 28.0
    routine_days: float = 364.0
    close_days: float = 182.0
    close_egfr: float = 60.0
    classes: tuple[str, ...] = ("acei", "arb", "thiazide", "mra")
    source: Source = ACC_AHA_2017

    def due(
        self,
        change_age_days: ArrayLike,
        labs_age_days: ArrayLike,
        egfr: ArrayLike,
        taking: ArrayLike,
    ) -> Flags:
        """Return whether a laboratory test is due, (B,).

        Parameters
        ----------
        change_age_days : array (B,), days
            Since one of ``classes`` was started or changed in dose; infinite if never.
        labs_age_days : array (B,), days
            Since blood was last drawn; infinite if never.
        egfr : array (B,), mL/min/1.73 m2
            Latest known.
        taking : array (B,), bool
            Whether one of ``classes`` is taken.
        """
        change, labs = np.asarray(change_age_days), np.asarray(labs_age_days)
        never = ~np.isfinite(labs)
        after = (change >= self.first_days) & (labs > change - self.first_days)
        every = np.where(np.asarray(egfr) < self.close_egfr, self.close_days, self.routine_days)
        due: Flags = never | (np.asarray(taking, bool) & (after | (labs >= every)))
        return due


EQUIVALENTS: Final = Equivalents()
LIMITS: Final = HarmLimits()
EVENTS: Final = EventRules()
SAFETY: Final = SafetyLimits()
LABS: Final = LabRule()


def kidney_injury(creatinine: ArrayLike, before: ArrayLike) -> Flags:
    """Return whether creatinine, mg/dL, reaches 1.5 times its value before; shapes broadcast."""
    injured: Flags = np.asarray(creatinine) >= EVENTS.injury_ratio * np.asarray(before)
    return injured


def kidney_injury_days(creatinine: ArrayLike) -> Flags:
    """Return on which days the KDIGO creatinine criteria hold, looking back as far as given.

    Parameters
    ----------
    creatinine : array (..., T), mg/dL
        One value a day.

    Returns
    -------
    bool array (..., T)
        Up to 1.5 times the lowest of the last 7 days, or by 0.3 mg/dL within 2 days.
    """
    value = np.asarray(creatinine, np.float64)
    injured = np.zeros(value.shape, np.bool_)
    for lag in range(1, min(EVENTS.injury_window_days + 1, value.shape[-1])):
        now, then = value[..., lag:], value[..., :-lag]
        hit = now >= EVENTS.injury_ratio * then
        if lag <= EVENTS.rise_window_days:
            # Laboratories report hundredths: 1.2 - 0.9 must count as 0.3.
            hit |= now - then >= EVENTS.injury_rise_mg_dl - 1e-9
        injured[..., lag:] |= hit
    return injured


def electrolyte_event(sodium: ArrayLike, potassium: ArrayLike) -> Flags:
    """Return whether sodium or potassium, mmol/L, is outside the alert limits of ``EVENTS``."""
    k = np.asarray(potassium)
    event: Flags = (
        (np.asarray(sodium) < EVENTS.sodium_low)
        | (k < EVENTS.potassium_low)
        | (k > EVENTS.potassium_high)
    )
    return event


def orthostatic(
    sbp: ArrayLike, dbp: ArrayLike, standing_sbp: ArrayLike, standing_dbp: ArrayLike
) -> Flags:
    """Return whether standing lowers pressure by 20 mmHg systolic or 10 diastolic."""
    fall: Flags = (np.asarray(sbp) - np.asarray(standing_sbp) >= LIMITS.standing_fall_sbp_mmhg) | (
        np.asarray(dbp) - np.asarray(standing_dbp) >= LIMITS.standing_fall_dbp_mmhg
    )
    return fall


def symptomatic_hypotension(sbp: ArrayLike, standing_sbp: ArrayLike) -> Flags:
    """Return whether systolic pressure, seated or standing, mmHg, is low enough to be felt."""
    seated, standing = np.asarray(sbp), np.asarray(standing_sbp)
    fall = seated - standing >= LIMITS.standing_fall_sbp_mmhg
    low: Flags = (seated < EVENTS.dizzy_sbp_mmhg) | (fall & (standing < EVENTS.dizzy_standing_mmhg))
    return low
