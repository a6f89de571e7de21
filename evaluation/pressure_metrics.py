"""From the visits of a blood-pressure rollout to metrics per patient: control, harms, burden.

Everything is true physiology unless its name says measured. Time-weighted means follow the length
of each interval between visits, which need not be equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..therapy.formulary import CLASSES
from ..therapy.serious_harm import serious_harm
from .trajectory import Rollout

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

COSTS: Final = (
    "sbp_below_100", "potassium_high", "potassium_low", "egfr_drop", "bradycardia", "orthostatic",
    "contraindicated",
)  # fmt: skip
SYMPTOMS: Final = ("oedema", "cough", "other_symptoms")
DOSES: Final = tuple(f"dose_{kind}" for kind in CLASSES)
RECORD: Final = (
    "time_min", *COSTS, "limited", "sbp_mmhg", "dbp_mmhg", "egfr", "in_target", "lowest_sbp_mmhg",
    "lowest_heart_rate", "highest_potassium", "lowest_potassium", "lowest_sodium", "egfr_ratio",
    "measured_sbp_mmhg", "measured_dbp_mmhg", "n_drugs", "standard_doses", "adherence",
    "hypotension", *SYMPTOMS, "kidney_injury", "electrolyte_event", "attended", *DOSES,
)  # fmt: skip

MINUTES_A_DAY: Final = 1440.0
NO_CHANGE_DAYS: Final = 4000.0
DAYS_A_YEAR: Final = 365.25
# Time in target range of SPRINT's intensive arm, by linear interpolation between visits: Fatani
# 2021, doi:10.1016/j.jacc.2021.01.014 (abstract read).
RANGE_MMHG: Final = (110.0, 130.0)
CONTROL_MMHG: Final = {"control_140_90": (140.0, 90.0), "control_130_80": (130.0, 80.0)}


def pressure_metrics(run: Rollout) -> dict[str, Array]:
    """Return metrics (B,) of a blood-pressure rollout.

    Parameters
    ----------
    run : Rollout
        With the columns ``RECORD``; index 0 is entry, index t the visit that ended interval t.

    Returns
    -------
    dict of str to array (B,)
        Shares of time, of intervals or of visits and 0-or-100 events in percent; pressures in
        mmHg; names and units are those of ``subjects.blood_pressure_metrics.METRICS``.
    """
    log = {name: column.astype(np.float64) for name, column in run.series.items()}
    days = np.diff(log["time_min"], axis=0) / MINUTES_A_DAY
    lived = days > 0.0
    return {
        **_control(log, days),
        **_pressures(log, days, lived),
        **_harms(log, days, lived),
        **_burden(log, days, lived),
        "mean_reward": _mean(log["reward"][1:], lived),
    }


def interpolated_share(values: ArrayLike, low: float, high: float) -> Array:
    """Return the share of each segment between neighbouring values that lies within [low, high].

    Parameters
    ----------
    values : array (T + 1, B)
        Joined by straight lines (Rosendaal 1993, doi:10.1055/s-0038-1651587).

    Returns
    -------
    array (T, B)
        Fractions; a level segment counts whole or not at all.
    """
    points = np.asarray(values, np.float64)
    bottom, top = np.minimum(points[:-1], points[1:]), np.maximum(points[:-1], points[1:])
    rise = top - bottom
    inside = np.clip(np.minimum(top, high) - np.maximum(bottom, low), 0.0, None)
    level = (bottom >= low) & (top <= high)
    share: Array = np.where(rise > 0.0, inside / np.where(rise > 0.0, rise, 1.0), level)
    return share


def titration_gap(run: Rollout) -> Array:
    """Return days from the last change of the regimen to each change, (T + 1, B).

    Parameters
    ----------
    run : Rollout
        With ``time_min`` and the doses; those at index t were begun at the visit t - 1.

    Returns
    -------
    array (T + 1, B)
        Days where the regimen of the interval that ended at t differs from the one before; else,
        and for the first change of all, ``NO_CHANGE_DAYS``.
    """
    days = run.series["time_min"].astype(np.float64) / MINUTES_A_DAY
    doses = np.stack([run.series[name] for name in DOSES])
    gaps = np.full(days.shape, NO_CHANGE_DAYS)
    last = np.full(days.shape[1], -np.inf)
    for t in range(1, len(days)):
        changed = (doses[:, t] != doses[:, t - 1]).any(axis=0)
        gaps[t] = np.where(changed, np.minimum(days[t - 1] - last, NO_CHANGE_DAYS), gaps[t])
        last = np.where(changed, days[t - 1], last)
    return gaps


def _control(log: Mapping[str, Array], days: Array) -> dict[str, Array]:
    """Return time in target and who is controlled at the end, truly and as last measured."""
    share = interpolated_share(log["sbp_mmhg"], *RANGE_MMHG)
    found: dict[str, Array] = {
        "time_in_target": 100.0 * _mean(log["in_target"][1:], days),
        "time_110_130": 100.0 * _mean(share, days),
    }
    seen = _last_attended(log)
    for name, (sbp, dbp) in CONTROL_MMHG.items():
        found[name] = _percent((log["sbp_mmhg"][-1] < sbp) & (log["dbp_mmhg"][-1] < dbp))
        found[f"measured_{name}"] = _percent((seen[0] < sbp) & (seen[1] < dbp))
    return found


def _pressures(log: Mapping[str, Array], days: Array, lived: Flags) -> dict[str, Array]:
    """Return mean, last and lowest pressures and heart rates."""
    seen = _last_attended(log)
    return {
        "mean_sbp": _mean(_between(log["sbp_mmhg"]), days),
        "mean_dbp": _mean(_between(log["dbp_mmhg"]), days),
        "last_sbp": log["sbp_mmhg"][-1],
        "last_dbp": log["dbp_mmhg"][-1],
        "measured_last_sbp": seen[0],
        "measured_last_dbp": seen[1],
        "lowest_sbp": _extreme(np.minimum, log["lowest_sbp_mmhg"], lived),
        "lowest_heart_rate": _extreme(np.minimum, log["lowest_heart_rate"], lived),
    }


def _harms(log: Mapping[str, Array], days: Array, lived: Flags) -> dict[str, Array]:
    """Return costs by interval, events, symptoms and the composite of serious harm."""
    worst = {
        "highest_potassium": _extreme(np.maximum, log["highest_potassium"], lived),
        "lowest_potassium": _extreme(np.minimum, log["lowest_potassium"], lived),
        "lowest_sodium": _extreme(np.minimum, log["lowest_sodium"], lived),
    }
    injured = _any(log["kidney_injury"], lived)
    serious = serious_harm(
        **worst,
        lowest_sbp=_extreme(np.minimum, log["lowest_sbp_mmhg"], lived),
        lowest_heart_rate=_extreme(np.minimum, log["lowest_heart_rate"], lived),
        kidney_injury=injured,
    )
    low_days = np.where(lived, log["hypotension"][1:], 0.0).sum(axis=0)
    total = days.sum(axis=0)
    return {
        **{name: 100.0 * _mean(log[name][1:], lived) for name in COSTS},
        **{name: 100.0 * _mean(log[name][1:], lived) for name in SYMPTOMS},
        "hypotension_days": 100.0 * low_days / total,
        "hypotension_per_year": _mean(log["hypotension"][1:] > 0.0, lived)
        * lived.sum(axis=0)
        * (DAYS_A_YEAR / total),
        **worst,
        "last_egfr_ratio": log["egfr"][-1] / log["egfr"][0],
        "lowest_egfr_ratio": _extreme(np.minimum, log["egfr_ratio"], lived),
        "kidney_injury": _percent(injured),
        "electrolyte_event": _percent(_any(log["electrolyte_event"], lived)),
        "serious_harm": _percent(serious),
    }


def _burden(log: Mapping[str, Array], days: Array, lived: Flags) -> dict[str, Array]:
    """Return drugs, doses, changes, visits and adherence."""
    doses = np.stack([log[name] for name in DOSES])
    changed = (np.diff(doses, axis=1) != 0.0).any(axis=0)
    years = days.sum(axis=0) / DAYS_A_YEAR
    return {
        "n_drugs": _mean(log["n_drugs"][1:], days),
        "last_n_drugs": log["n_drugs"][-1],
        "standard_doses": _mean(log["standard_doses"][1:], days),
        "changes_per_year": (changed & lived).sum(axis=0) / years,
        "visits_attended": 100.0 * _mean(log["attended"][1:], lived),
        "adherence": 100.0 * _mean(log["adherence"][1:], days),
        "shielded": 100.0 * _mean(log["limited"][1:] > 0.0, lived),
    }


def _percent(flags: Flags) -> Array:
    return np.where(flags, 100.0, 0.0)


def _between(points: Array) -> Array:
    """Return the mean of each segment (T, B)."""
    return 0.5 * (points[:-1] + points[1:])


def _mean(values: ArrayLike, weights: ArrayLike) -> Array:
    """Return the weighted mean over time, (B,); NaN where nothing was lived."""
    weigh = np.asarray(weights, np.float64)
    total = weigh.sum(axis=0)
    known = np.where(weigh > 0.0, np.asarray(values, np.float64), 0.0)
    mean = np.full(total.shape, np.nan)
    np.divide((known * weigh).sum(axis=0), total, out=mean, where=total > 0.0)
    return mean


def _extreme(of: np.ufunc, values: Array, lived: Flags) -> Array:
    """Return the least or greatest value after entry, (B,)."""
    away = np.inf if of is np.minimum else -np.inf
    found: Array = of.reduce(np.where(lived, values[1:], away), axis=0)
    return found


def _any(flags: Array, lived: Flags) -> Flags:
    return np.asarray(((flags[1:] > 0.0) & lived).any(axis=0))


def _last_attended(log: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the pressures measured at each patient's last attended visit, entry included."""
    came = log["attended"] > 0.0
    came[0] = True
    at = came.shape[0] - 1 - np.argmax(came[::-1], axis=0)
    lane = np.arange(came.shape[1])
    return log["measured_sbp_mmhg"][at, lane], log["measured_dbp_mmhg"][at, lane]
