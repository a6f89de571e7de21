"""A timeline laid on equal time steps, as fits and environments need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..physiology.errors import InputError
from .series import (
    BasalIntervals,
    Boluses,
    Bools,
    Flags,
    Floats,
    GlucoseSeries,
    Meals,
    freeze_columns,
)


@dataclass(frozen=True, eq=False)
class RecordGrid:
    """One record on a regular grid.

    Parameters
    ----------
    start_s : float, seconds since 1970 UTC
    step_min : float, min
    time_s : array (n,), seconds since 1970 UTC
        Start of each step.
    glucose : array (n,), mg/dL
        The reading nearest to the start of the step, within half a step; NaN where there is none.
    censored : array (n,) of int8
        -1, 0 or +1 as in `GlucoseSeries`.
    insulin_u_per_min : array (n,), U/min
        Mean over the step: basal, plus boluses spread over the step in which they fall.
    carbs_g : array (n,), g
        Sum over the step.
    basal_known : array (n,) of bool
        True where a delivery log or a schedule covers the whole step.
    basal_assumed : array (n,) of bool
        True where any part of the step rests on the schedule without a delivery log.
    """

    start_s: float
    step_min: float
    time_s: Floats
    glucose: Floats
    censored: Flags
    insulin_u_per_min: Floats
    carbs_g: Floats
    basal_known: Bools
    basal_assumed: Bools

    def __post_init__(self) -> None:
        floats = ("time_s", "glucose", "insulin_u_per_min", "carbs_g")
        flags = {"censored": np.int8, "basal_known": bool, "basal_assumed": bool}
        freeze_columns(self, {**dict.fromkeys(floats, float), **flags})

    def __len__(self) -> int:
        return int(self.time_s.size)


def lay_on_grid(
    glucose: GlucoseSeries,
    basal: BasalIntervals | None,
    boluses: Boluses,
    meals: Meals,
    start_s: float,
    n: int,
    step_min: float,
) -> RecordGrid:
    """Lay the columns of a timeline on `n` steps of `step_min` minutes from `start_s`.

    Returns
    -------
    RecordGrid

    Raises
    ------
    InputError
        When `n` or `step_min` is not positive.
    """
    if n < 1 or not step_min > 0:
        raise InputError(f"grid: {n} steps of {step_min} min; both must be greater than 0")
    step_s = step_min * 60.0
    edges: Floats = start_s + step_s * np.arange(n + 1, dtype=np.float64)
    near, censored = _nearest(glucose, edges[:-1], step_s / 2)
    bolus = _sums(boluses.time_s, boluses.units, start_s, step_s, n)
    rate, known, assumed = np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    if basal is not None:
        rate = _overlap_sums(basal, basal.u_per_h / 60.0, edges) / step_s
        known = _overlap_sums(basal, np.ones(len(basal)), edges) > step_s * (1 - 1e-6)
        assumed = _overlap_sums(basal, basal.assumed.astype(float), edges) > 1e-6
    return RecordGrid(
        start_s=start_s,
        step_min=step_min,
        time_s=edges[:-1],
        glucose=near,
        censored=censored,
        insulin_u_per_min=rate + bolus / step_min,
        carbs_g=_sums(meals.time_s, meals.carbs_g, start_s, step_s, n),
        basal_known=known,
        basal_assumed=assumed,
    )


def _nearest(glucose: GlucoseSeries, at_s: Floats, reach_s: float) -> tuple[Floats, Flags]:
    """Return the nearest reading to each time within reach, NaN elsewhere; of two, the earlier."""
    value, flag = np.full(at_s.size, np.nan), np.zeros(at_s.size, dtype=np.int8)
    if len(glucose) == 0:
        return value, flag
    after = np.clip(np.searchsorted(glucose.time_s, at_s), 0, len(glucose) - 1)
    before = np.maximum(after - 1, 0)
    gap_before = np.abs(glucose.time_s[before] - at_s)
    gap_after = np.abs(glucose.time_s[after] - at_s)
    index = np.where(gap_before <= gap_after, before, after)
    found = np.minimum(gap_before, gap_after) <= reach_s
    value[found], flag[found] = glucose.mg_dl[index[found]], glucose.censored[index[found]]
    return value, flag


def _sums(time_s: Floats, amount: Floats, start_s: float, step_s: float, n: int) -> Floats:
    """Add up the amounts that fall into each step, its start included and its end not."""
    step = np.floor((time_s - start_s) / step_s).astype(np.int64)
    inside = (step >= 0) & (step < n)
    return np.bincount(step[inside], weights=amount[inside], minlength=n).astype(float)


def _overlap_sums(basal: BasalIntervals, rate: Floats, edges: Floats) -> Floats:
    """Integrate a piecewise constant rate over each step, in rate times seconds."""
    if len(basal) == 0:
        return np.zeros(edges.size - 1)
    knots = np.stack([basal.start_s, basal.end_s], axis=1).reshape(-1)
    area = np.cumsum(rate * (basal.end_s - basal.start_s))
    total = np.stack([np.append(0.0, area[:-1]), area], axis=1).reshape(-1)
    # Touching intervals share a knot at one height, so plain interpolation is exact.
    return np.diff(np.interp(edges, knots, total))
