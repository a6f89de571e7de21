"""A record as a fit sees it: minutes of insulin and carbohydrate, five-minute glucose."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.timeline import Timeline

Array = NDArray[np.float64]
SAMPLE_MIN = 5
EATING_G_PER_MIN = 5.0
LONGEST_DAYS = 14
SHORTEST_HOURS = 12


@dataclass(frozen=True)
class Observations:
    """Inputs each minute and glucose every five, from ``start_s`` on.

    Parameters
    ----------
    start_s : float, seconds since 1970 UTC
    insulin : array (T,), U/min
    carbs : array (T,), g/min
        Eaten, at most 5 g/min, as the record's grams say.
    glucose : array (T / 5 + 1,), mg/dL
        NaN where there is no reading.
    censored : array of int8
        -1 below, +1 above the sensor's range.
    """

    start_s: float
    insulin: Array
    carbs: Array
    glucose: Array
    censored: NDArray[np.int8]

    @property
    def days(self) -> float:
        """Length in days."""
        return len(self.insulin) / 1440.0

    def until(self, samples: int) -> Observations:
        """Return the first ``samples`` five-minute intervals."""
        minutes = samples * SAMPLE_MIN
        return replace(
            self,
            insulin=self.insulin[:minutes],
            carbs=self.carbs[:minutes],
            glucose=self.glucose[: samples + 1],
            censored=self.censored[: samples + 1],
        )


def eat(grams: Array) -> Array:
    """Return grams eaten each minute when meals wait on a plate and go down at 5 g/min."""
    out, plate = np.zeros(len(grams)), 0.0
    for t, served in enumerate(grams.tolist()):
        plate += served
        out[t] = min(plate, EATING_G_PER_MIN)
        plate -= out[t]
    return out


def observe(timeline: Timeline) -> Observations:
    """Return the last (at most 14) days of a record for fitting.

    Raises
    ------
    InputError
        If there is no insulin, or less than half a day of glucose.
    """
    readings = timeline.glucose
    hours = timeline.span_days * 24.0
    if hours < SHORTEST_HOURS:
        raise InputError(
            f"the record holds {hours:.1f} h of glucose; a twin needs at least {SHORTEST_HOURS} h "
            "(give a longer export)"
        )
    if timeline.basal is None and len(timeline.boluses) == 0:
        raise InputError(
            "the record holds no insulin (neither basal nor bolus); a twin cannot be fitted "
            "without doses: add the pump's export"
        )
    end = float(readings.time_s[-1])
    start = max(float(readings.time_s[0]), end - LONGEST_DAYS * 86400.0)
    samples = int((end - start) // (SAMPLE_MIN * 60))
    fine = timeline.on_grid(start, samples * SAMPLE_MIN, 1.0)
    coarse = timeline.on_grid(start, samples + 1, SAMPLE_MIN)
    insulin = np.array(fine.insulin_u_per_min)
    known = np.array(fine.basal_known)
    if known.any() and not known.all():
        # Where the pump's log has a gap, the person most likely had the usual basal.
        insulin[~known] += float(np.median(insulin[known]))
    return Observations(
        start, insulin, eat(np.array(fine.carbs_g)), np.array(coarse.glucose),
        np.array(coarse.censored),
    )  # fmt: skip
