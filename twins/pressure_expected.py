"""What virtual people with a person's tablets would have shown at the person's visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.laboratory import load_laboratory
from ..therapy.pressure_measurement import load_measurement
from .pressure_body import PressureBodies, live
from .pressure_seen import LABS, PressureSeen
from .pressure_weights import Noise

Array = NDArray[np.float64]

# What the model leaves out of a visit: stress, season, salt of the week (project choice).
MISFIT_MMHG: Final = 3.0
MISFIT_BPM: Final = 4.0
SETTLE_DAYS: Final = 120
# A week at home means two readings on six days; a single one errs as one office visit does.
WEEK_READINGS: Final = 12.0
SINGLE: Final = "office_unattended"
NOW: Final = ("sbp", "dbp", "potassium", "egfr")
TRAITS: Final = ("untreated_sbp", "white_coat_mmhg")


@dataclass(frozen=True)
class Expected:
    """What each of B people would have shown.

    Parameters
    ----------
    bodies : PressureBodies
        At the end of the record.
    sbp, dbp : array (V, B), mmHg
        At each visit, by a device of its kind without error.
    heart_rate : array (V, B), 1/min
    labs : array (L, B)
        Each laboratory result without error.
    now : mapping of str to array (B,)
        Quantities at the end and lasting traits.
    """

    bodies: PressureBodies
    sbp: Array
    dbp: Array
    heart_rate: Array
    labs: Array
    now: dict[str, Array]


def expected_of(seen: PressureSeen, bodies: PressureBodies) -> Expected:
    """Let people live through a record.

    Parameters
    ----------
    seen : PressureSeen
    bodies : PressureBodies
        Untreated people; they take the record's first regimen for some months beforehand.
    """
    first = min([0.0, *seen.day.tolist(), *seen.lab_day.tolist()])
    settle = SETTLE_DAYS if seen.doses.on(np.array([first]))[0].any() else 1
    length = int(np.ceil(-first)) + settle
    days = np.arange(length, dtype=np.float64) - (length - 1)
    at = {d: max(length + int(np.floor(d)), 0) for d in {*seen.day, *seen.lab_day, 0.0}}
    wanted = sorted(set(at.values()))
    bodies, series = live(bodies, seen.doses.on(days), wanted)
    row = {day: wanted.index(at[day]) for day in at}
    visits = [row[d] for d in seen.day]
    extra_s, extra_d = white_coat(seen.setting, bodies)
    traits = {k: np.asarray(bodies.people.covariates[k], dtype=np.float64) for k in TRAITS}
    now = {name: series[name][row[0.0]] for name in NOW}
    return Expected(
        bodies,
        series["sbp"][visits] + extra_s,
        series["dbp"][visits] + extra_d,
        series["heart_rate"][visits],
        _labs(seen, series, row, len(bodies)),
        {**now, **traits, "adherence": bodies.share},
    )


def _labs(seen: PressureSeen, series: dict[str, Array], row: dict[float, int], n: int) -> Array:
    found = [series[k][row[d]] for k, d in zip(seen.lab_name, seen.lab_day, strict=True)]
    return np.array(found).reshape(len(found), n)


def white_coat(setting: Sequence[str], bodies: PressureBodies) -> tuple[Array, Array]:
    """Return what a clinic adds to systolic and diastolic readings (V, B), mmHg."""
    coat = np.asarray(bodies.people.covariates["white_coat_mmhg"], dtype=np.float64)[None]
    devices = [load_measurement(name) for name in setting]
    share_s = np.array([[d.white_coat_share] for d in devices])
    share_d = np.array([[d.white_coat_dbp_share] for d in devices])
    return share_s * coat, share_d * coat


def noise_of(seen: PressureSeen) -> Noise:
    """Return the error of each visit's mean by its device and number of readings."""
    devices = [load_measurement(name) for name in seen.setting]
    count = zip(devices, seen.readings.tolist(), strict=True)
    wider = np.array([_single_share(d.setting, n) for d, n in count])
    single = load_measurement(SINGLE)
    cv = {
        name: np.sqrt(own**2 + wider * np.maximum(alone**2 - own**2, 0.0))
        for name, own, alone in (
            ("sbp", np.array([d.sbp_cv for d in devices]), single.sbp_cv),
            ("dbp", np.array([d.dbp_cv for d in devices]), single.dbp_cv),
        )
    }
    return Noise(cv["sbp"], cv["dbp"], np.array([d.correlation for d in devices]), MISFIT_MMHG)


def _single_share(setting: str, readings: float) -> float:
    """Return how far a week at home is from its usual dozen of readings: 1 for a single one."""
    if setting != "home":
        return 0.0
    return float(np.clip((WEEK_READINGS / max(readings, 1.0) - 1.0) / (WEEK_READINGS - 1.0), 0, 1))


def lab_sd(names: Sequence[str], expected: Array) -> Array:
    """Return the standard deviations (L, B) of laboratory results about their true values."""
    cvs: dict[str, float] = dict(zip(LABS, load_laboratory().cvs, strict=True))
    rounding: dict[str, float] = {"potassium": 0.03, "sodium": 0.3, "creatinine": 0.003}
    cv = np.array([cvs[name] for name in names])[:, None]
    least = np.array([rounding[name] for name in names])[:, None]
    return np.asarray(np.hypot(cv * expected, least))


def heart_rate_sd(seen: PressureSeen) -> Array:
    """Return the errors (V,) of heart rates, the person's own wandering included, 1/min."""
    own = np.array([load_measurement(name).heart_rate_sd_bpm for name in seen.setting])
    return np.asarray(np.hypot(own, MISFIT_BPM))
