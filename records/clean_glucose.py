"""Glucose readings judged: unit, range, order, duplicates and stray clocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..physiology.errors import InputError
from ..physiology.units import mmol_l_to_mg_dl
from .clock import utc_text
from .limits import ABSURD, GLUCOSE, MEDIAN_SPLIT_MG_DL, SENSOR, Limit
from .quality import Ledger
from .raw import Reading
from .series import Bools, Flags, Floats, GlucoseSeries
from .values import GlucoseUnit

NEAR_S = 30.0  # sensors report every 60 s or slower, so two closer readings are one sent twice
STRAY_GAP_S = 366 * 86400.0
STRAY_SHARE, STRAY_FEW = 0.01, 3
MIXED_SHARE = 0.2
CONFLICT_MIN, CONFLICT_SHARE, CONFLICT_MG_DL = 20, 0.5, 20.0
NEIGHBOUR_S, NEIGHBOURS, OTHER_UNIT_RATIO = 1800.0, 2, 6.0
# A value without such neighbours is held against the nearest ones of a day, and only a ratio that
# no day of a living person shows counts (project choice; the units differ 18-fold).
DAY_S, NEAREST, LONE_RATIO = 86400.0, 4, 12.0
# Only these can be taken for the other unit and lie within the limits of both.
MG_DL_PER_MMOL_L = float(mmol_l_to_mg_dl(1.0))
OTHER_UNIT_LOW = GLUCOSE.high / MG_DL_PER_MMOL_L
OTHER_UNIT_HIGH = GLUCOSE.low * MG_DL_PER_MMOL_L


def clean_glucose(
    readings: Sequence[Reading],
    unit: GlucoseUnit,
    ledger: Ledger,
    *,
    kind: str = "glucose",
    device: Limit = SENSOR,
) -> GlucoseSeries:
    """Turn raw readings into the glucose column of a timeline.

    Parameters
    ----------
    readings : sequence of Reading
        In `unit`; any order, any duplicates.
    unit : "mg/dL" or "mmol/L"
    ledger : Ledger
        Losses are written here.
    kind : str
        Under which kind of value they are counted.
    device : Limit
        The range beyond which the device says a word.

    Returns
    -------
    GlucoseSeries
        Sorted, mg/dL, one reading per moment.

    Raises
    ------
    InputError
        When the values belong to the other unit, two units or two persons are mixed, or none is
        left.
    """
    table = np.array(readings, dtype=float).reshape(-1, 3)
    time, value, censored = table[:, 0], table[:, 1].copy(), table[:, 2].astype(np.int8)
    told = np.unique(table[censored == 0, :2], axis=0)  # what is sent twice has one vote
    require_unit(np.clip(told[:, 1], -ABSURD, ABSURD), unit)
    if unit == "mmol/L":
        value = np.asarray(mmol_l_to_mg_dl(np.clip(value, -ABSURD, ABSURD)))
    value[censored < 0], value[censored > 0] = device.low, device.high
    keep = GLUCOSE.holds(value)
    _note(ledger, kind, f"outside {GLUCOSE}", time, value, ~keep)
    order = np.lexsort((censored, value, time))
    order = order[keep[order]]
    time, value, censored = time[order], value[order], censored[order]
    if time.size == 0:
        worst = max(ledger.dropped(), key=lambda item: item.count, default=None)
        why = "" if worst is None else f" ({worst.count} lost, {worst.reason}: {worst.example})"
        raise InputError(
            f"glucose: none of the {len(readings)} readings is usable{why}; "
            "export a period in which the sensor was worn"
        )
    rules = (_not_stray, _not_repeated, _not_of_other_unit, _first_at_each_time, _not_too_near)
    for rule in rules:
        why, keep = rule(time, value, censored)
        _note(ledger, kind, why, time, value, ~keep)
        time, value, censored = time[keep], value[keep], censored[keep]
    return GlucoseSeries(time, value, censored)


def require_unit(measured: Floats, unit: GlucoseUnit) -> None:
    """Raise InputError where measured values belong to the other unit or to both.

    Parameters
    ----------
    measured : array (n,), in the declared unit
    unit : "mg/dL" or "mmol/L"
    """
    if measured.size == 0:
        return
    median = float(np.median(measured))
    other: GlucoseUnit = "mmol/L" if unit == "mg/dL" else "mg/dL"
    if (median < MEDIAN_SPLIT_MG_DL) != (unit == "mmol/L"):
        side = "below" if unit == "mg/dL" else "above"
        raise InputError(
            f"glucose: the median {median:.4g} declared as {unit} is {side} "
            f"{MEDIAN_SPLIT_MG_DL:g}, so the values are {other}; pass unit='{other}' or mend the "
            "file's unit"
        )
    mixed = float(np.mean((measured < MEDIAN_SPLIT_MG_DL) != (unit == "mmol/L")))
    if mixed > MIXED_SHARE:
        raise InputError(
            f"glucose: {mixed:.0%} of the values declared as {unit} look like {other}, more than "
            f"{MIXED_SHARE:.0%}; bring the file to one unit"
        )


def _note(ledger: Ledger, kind: str, why: str, time: Floats, value: Floats, lost: Bools) -> None:
    """Write losses to the ledger with the first of them as example."""
    if lost.any():
        first = int(np.flatnonzero(lost)[0])
        example = f"{utc_text(float(time[first]))} {value[first]:.4g} mg/dL"
        ledger.drop(kind, why, example, int(lost.sum()))


def _not_stray(time: Floats, value: Floats, censored: Flags) -> tuple[str, Bools]:
    """Reject small groups more than a year away from the rest: a clock that was reset."""
    group = np.cumsum(np.diff(time, prepend=time[:1]) > STRAY_GAP_S)
    size = np.bincount(group, minlength=1)
    main = (size > max(STRAY_FEW, STRAY_SHARE * time.size)) | (size == size.max())
    return "more than a year apart from the record (clock reset)", main[group]


def _not_of_other_unit(time: Floats, value: Floats, censored: Flags) -> tuple[str, Bools]:
    """Reject values of the other unit: plausible by themselves, not beside the others.

    Glucose does not change sixfold between neighbours half an hour apart, nor twelvefold between
    a value and most of the nearest four of a day; the units differ 18-fold. Such values may follow
    each other, so each is held against those that are not of its kind, the rarer kind first.
    """
    keep = np.ones(time.size, dtype=bool)
    kinds = [value < OTHER_UNIT_LOW, value > OTHER_UNIT_HIGH]
    for kind in sorted(kinds, key=np.count_nonzero):
        others = keep & ~kind
        doubtful = np.flatnonzero(kind & (censored == 0)).tolist()
        keep[[index for index in doubtful if _apart(index, time, value, others)]] = False
    return f"more than {OTHER_UNIT_RATIO:g} times off its neighbours (of the other unit)", keep


def _apart(index: int, time: Floats, value: Floats, others: Bools) -> bool:
    """Tell whether a value is many times off the others near it."""
    around, allowed = _beside(index, NEIGHBOUR_S, time, value, others), OTHER_UNIT_RATIO
    if around.size < NEIGHBOURS:
        around, allowed = _beside(index, DAY_S, time, value, others)[:NEAREST], LONE_RATIO
    ratio = float(np.median(around)) / value[index] if around.size >= NEIGHBOURS else 1.0
    return not 1 / allowed < ratio < allowed


def _beside(index: int, reach_s: float, time: Floats, value: Floats, others: Bools) -> Floats:
    """Return the other values within a reach of one, the nearest first."""
    first, last = np.searchsorted(time, time[index] + np.array([-1.0, 1.0]) * reach_s)
    beside = others[first:last].copy()
    beside[index - first] = False
    apart = np.abs(time[first:last] - time[index])[beside]
    return np.asarray(value[first:last][beside][np.argsort(apart, kind="stable")], dtype=float)


def _not_repeated(time: Floats, value: Floats, censored: Flags) -> tuple[str, Bools]:
    """Reject exact copies: overlapping exports, rows sent twice."""
    new = np.ones(time.size, dtype=bool)
    new[1:] = (np.diff(time) != 0) | (np.diff(value) != 0) | (np.diff(censored) != 0)
    return "exact duplicate (overlapping export)", new


def _first_at_each_time(time: Floats, value: Floats, censored: Flags) -> tuple[str, Bools]:
    """Keep the lowest of several readings of one moment: to err toward hypoglycaemia is safe."""
    new = np.ones(time.size, dtype=bool)
    new[1:] = np.diff(time) != 0
    last = np.append(np.flatnonzero(new)[1:], time.size) - 1
    spread = value[last] - value[new]
    shared = last - np.flatnonzero(new) > 0
    far = shared & (spread > CONFLICT_MG_DL)
    if far.sum() >= CONFLICT_MIN and far.sum() > CONFLICT_SHARE * shared.sum():
        raise InputError(
            f"glucose: {far.sum()} of {shared.sum()} moments with two readings differ by more "
            f"than {CONFLICT_MG_DL:g} mg/dL; the file mixes two sensors or two persons, export "
            "them one by one"
        )
    return "second reading of one moment (scan or second uploader), the lower is kept", new


def _not_too_near(time: Floats, value: Floats, censored: Flags) -> tuple[str, Bools]:
    """Reject a reading less than 30 s after the last one kept."""
    keep = np.ones(time.size, dtype=bool)
    if time.size and np.any(np.diff(time) < NEAR_S):
        last = -np.inf
        for index, moment in enumerate(time.tolist()):
            keep[index] = moment - last >= NEAR_S
            last = moment if keep[index] else last
    return f"less than {NEAR_S:g} s after another reading", keep
