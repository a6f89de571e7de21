"""Slow change of a person: insulin action day by day, and how fast a twin grows old."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.timeline import Timeline
from .bank import Bank
from .coordinates import AT_START, GLUCOSE_AT_START, NAMES, start_coordinate
from .forward import first_reading, run
from .observations import observe
from .twin import Twin

Array = NDArray[np.float64]

# Page's CUSUM on daily means, in units of how much days differ. The reference rests on a week only,
# hence more slack than the textbook's half a unit (project choices; tests tell what they find).
SLACK, LIMIT = 0.75, 6.0
SMALLEST_DAY_SD = 0.1
REFERENCE_DAYS, FEWEST_DAYS = 7, 3


def insulin_action(bank: Bank) -> float:
    """Return the logarithm of one person's insulin action, comparable between fits.

    Mean of log Vmx and log kp3, the sensitivity in force added, over the weighed filters.
    """
    main = bank.main
    index = main.model.parameter_index
    log = np.log(main.params()[:, [index["Vmx"], index["kp3"]]]).mean()
    fast = float((main["day"] + main["effect"]).mean())
    return float(log + fast + bank.sensitivity()[0])


def changed(daily: Sequence[float], day_sd: float) -> tuple[bool, float]:
    """Tell whether daily insulin action has changed, and by how much (log units) of late.

    Parameters
    ----------
    daily : sequence of float
        Mean logarithm of insulin action of each day, oldest first.
    day_sd : float
        How much it differs between days by itself.
    """
    if len(daily) <= FEWEST_DAYS:
        return False, 0.0
    values = np.asarray(daily, dtype=np.float64)
    reference = float(np.median(values[: min(REFERENCE_DAYS, len(values) - 1)]))
    unit = max(day_sd, SMALLEST_DAY_SD)
    up = down = 0.0
    for value in (values - reference) / unit:
        step = float(np.clip(value, -4.0, 4.0))
        up, down = max(0.0, up + step - SLACK), max(0.0, down - step - SLACK)
    return max(up, down) > LIMIT, float(values[-3:].mean() - reference)


def decay(twins: Sequence[Twin], record: Timeline, end_s: float) -> list[tuple[float, float]]:
    """Return age in days and forecast error of the last day (mg/dL) of each remembered twin.

    Each twin's most probable body is run open loop through the day with its doses and meals.
    """
    try:
        seen = observe(record.window(end_s - 86400.0, end_s + 1.0))
    except InputError:
        return []
    there = np.isfinite(seen.glucose)
    rows = []
    for twin in twins:
        z = twin.z.copy()
        z[[NAMES.index(name) for name in AT_START]] = 0.0
        z[NAMES.index(GLUCOSE_AT_START)] = start_coordinate(first_reading(seen))
        error = (seen.glucose - run(twin.where, z[None], seen)[:, 0])[there]
        age = (end_s - twin.end_s) / 86400.0
        rows.append((round(age, 2), float(np.sqrt(np.mean(error**2)))))
    return rows
