"""What a record tells otherwise than what was taken in of it before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..records.series import GlucoseSeries
from ..records.timeline import Timeline
from .ensemble_kalman import STEPS_A_DAY
from .stream_grid import STEP_S, Steps, number_of, steps_of
from .stream_state import Following

DAYS_KEPT = 14
RUN_IN_STEPS = 12  # before what is compared, so that a meal on the plate is whole


def no_steps(number: int) -> Steps:
    """Return what was taken in when nothing was, interval ``number`` being the last before it."""
    none, five = np.zeros(0), np.zeros((0, 5))
    flags, side = np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int8)
    return Steps(
        STEP_S * (number + 1), five, five, flags, none, five, side, none, none, none, False
    )


def unseen(record: Timeline, end_s: float) -> Timeline:
    """Return a record without the readings that a fit until ``end_s`` has seen.

    A fit takes the reading nearest to each of its times, which are half an interval away at most.
    """
    glucose = record.glucose
    new = glucose.time_s > end_s + 0.5 * STEP_S
    series = GlucoseSeries(glucose.time_s[new], glucose.mg_dl[new], glucose.censored[new])
    return replace(record, glucose=series)


def laid_out(record: Timeline, state: Following, last: int) -> Steps:
    """Lay out what is kept of the record until interval ``last``."""
    first = max(state.first_number, state.now.number - DAYS_KEPT * STEPS_A_DAY)
    begin = first - RUN_IN_STEPS
    fitted = state.twins[min(state.twins)].end_s
    steps = steps_of(unseen(record, fitted), STEP_S * begin, last - begin + 1, state.usual_u_per_h)
    return steps.since(RUN_IN_STEPS)


def first_change(old: Steps, new: Steps, record: Timeline, done: int) -> int | None:
    """Return the first interval taken in that the record now tells otherwise."""
    first = max(number_of(old.start_s), number_of(new.start_s))
    if len(record.glucose):
        # An export of the last days only has not deleted what lies before it.
        first = max(first, number_of(float(record.glucose.time_s[0])) + 1)
    last = min(number_of(old.start_s) + len(old) - 1, done)
    if last < first:
        return None
    if old.own_basal != new.own_basal:
        return first
    a = slice(first - number_of(old.start_s), last - number_of(old.start_s) + 1)
    b = slice(first - number_of(new.start_s), last - number_of(new.start_s) + 1)
    differs = np.zeros(last - first + 1, dtype=bool)
    for one, other in zip(old.columns(), new.columns(), strict=True):
        x, y = one[a].astype(np.float64), other[b].astype(np.float64)
        unequal = ~((np.abs(x - y) <= 1e-9) | (np.isnan(x) & np.isnan(y)))
        differs |= unequal.reshape(len(differs), -1).any(axis=1)
    at = np.flatnonzero(differs)
    return None if not len(at) else first + int(at[0])


def last_number(record: Timeline) -> int:
    """Return the interval of the last reading; one at an interval's end belongs to it."""
    if not len(record.glucose):
        return -1
    return int(np.ceil(float(record.glucose.time_s[-1]) / STEP_S - 1e-9)) - 1
