"""The endpoints of a trial: how one person's course becomes one number."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .rollout import Rollout

Array = NDArray[np.float64]

_COLUMN_AT_WEEK: Final = {"column": "needed", "week": "needed"}
_SPAN: Final = {"week": "optional", "from_week": "optional"}

# Which keys each measure needs or may have.
MEASURES: Final = MappingProxyType(
    {
        "value": _COLUMN_AT_WEEK,
        "change": {**_COLUMN_AT_WEEK, "from_week": "optional"},
        "below": {"limits": "needed", "week": "needed"},
        "rise": {**_COLUMN_AT_WEEK, "from_week": "needed"},
        "ever": {"column": "needed", "above": "optional", **_SPAN},
        "events": {"column": "needed", "above": "optional", **_SPAN},
        "within": {"column": "needed", "range": "needed", **_SPAN},
        "mean": {"column": "needed", **_SPAN},
    }
)
MINUTES_PER_WEEK: Final = 7 * 1440.0
YEAR_WEEKS: Final = 365.25 / 7.0
PERCENT: Final = 100.0


def values_of(endpoint: Any, run: Rollout) -> Array:
    """Return one number a person (B,) in the endpoint's own scale.

    Parameters
    ----------
    endpoint : Endpoint
        ``value`` and ``change`` are in the column's unit; ``below``, ``rise``, ``ever`` and
        ``within`` in percent (0 or 100 a person but for ``within``, the share of the time);
        ``events`` are intervals with the event, in 100 person-years; ``mean`` is over time.
    run : Rollout

    Raises
    ------
    InputError
        If a week is not one of a visit.
    """
    steps = len(run.series["reward"]) - 1
    last = steps if endpoint.week is None else visit_of(endpoint.week, run.step_min, steps)
    first = visit_of(endpoint.from_week or 0.0, run.step_min, steps)
    if endpoint.measure == "below":
        holds = np.ones(len(run.names), dtype=np.bool_)
        for column, limit in endpoint.limits.items():
            holds &= run.series[column][last] < limit
        return _percent(holds)
    series = run.series[endpoint.column].astype(np.float64)
    at_last: Array = series[last]
    if endpoint.measure == "value":
        return at_last
    if endpoint.measure == "change":
        return np.asarray(at_last - series[first], dtype=np.float64)
    if endpoint.measure == "rise":
        # Doses are kept in single precision; a real change of dose is far larger.
        return _percent(at_last > series[first] + 1e-4)
    return _over_time(endpoint, series, first, last, run.step_min)


def _percent(holds: Any) -> Array:
    """Return 0 or 100 for a condition, or a share in percent."""
    return PERCENT * np.asarray(holds, dtype=np.float64)


def _over_time(endpoint: Any, series: Array, first: int, last: int, step_min: float) -> Array:
    """Return a measure of a span: after ``first`` up to ``last``; means include a named start."""
    if not first < last:
        raise InputError(
            f"endpoint {endpoint.id} spans week {endpoint.from_week} to {endpoint.week}; give "
            "rising weeks"
        )
    span = series[first + 1 : last + 1]
    if endpoint.measure == "mean":
        span = series[first if endpoint.from_week is not None else 1 : last + 1]
        return np.asarray(span.mean(axis=0), dtype=np.float64)
    if endpoint.measure == "within":
        low, high = endpoint.range
        inside = (span >= (-np.inf if low is None else low)) & (
            span <= (np.inf if high is None else high)
        )
        return _percent(inside.mean(axis=0))
    present = span > (endpoint.above or 0.0)
    if endpoint.measure == "ever":
        return _percent(present.any(axis=0))
    years = (last - first) * step_min / MINUTES_PER_WEEK / YEAR_WEEKS
    return _percent(present.sum(axis=0) / years)


def visit_of(week: float, step_min: float, steps: int) -> int:
    """Return the number of the visit at a week.

    Raises
    ------
    InputError
        If no visit falls on it.
    """
    place = week * MINUTES_PER_WEEK / step_min
    visit = round(place)
    if abs(place - visit) > 1e-6 or visit > steps:
        days = step_min / 1440.0
        raise InputError(
            f"week is {week:g}, on which no visit falls: there are {steps} visits, one each "
            f"{days:g} days; choose a week of a visit"
        )
    return visit
