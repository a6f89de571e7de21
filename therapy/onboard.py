"""What a controller remembers of a patient: insulin on board, recent doses, recent glucose.

Insulin on board is the part of delivered insulin, above the prescribed basal, that has not acted
yet. Its activity curve is two equal compartments in a row (t/tau^2 exp(-t/tau)), whose peak lies at
tau; tau = 75 min is the peak of rapid-acting insulin in Loop's exponential model (LoopKit
``ExponentialInsulinModelPreset.rapidActingAdult``: peak 75 min, duration 6 h). At rest on the
prescribed basal it is zero; after a suspension it is negative, as in Loop and oref0.
"""

from __future__ import annotations

import numpy as np

PEAK_MIN = 75.0
FILTERS_MIN = (20.0, 50.0, 100.0, 200.0, 500.0)
CARBS_FILTER_MIN = 60.0
DAY_FILTER_MIN = 1440.0
# On board (two compartments), dose filters, told carbohydrate, mean CGM, burden of lows.
MEMORIES = 2 + len(FILTERS_MIN) + 3


def filter_decays(step_min: float) -> np.ndarray:
    """Return exp(-step / tau) of: on board, the dose filters, told carbohydrate, the day's glucose.

    Returns
    -------
    array (MEMORIES - 2,)
    """
    taus = np.array([PEAK_MIN, *FILTERS_MIN, CARBS_FILTER_MIN, DAY_FILTER_MIN])
    return np.exp(-step_min / taus)


def iob_cap(basal_u_per_h: np.ndarray, daily_dose_u: np.ndarray) -> np.ndarray:
    """Return the most insulin on board (U) taken as safe: a mean meal bolus + 3 h of basal.

    The rule of thumb for ``max_iob`` in the OpenAPS documentation (average meal bolus plus three
    times the basal rate), with the mean meal bolus taken as a third of the daily dose that is not
    basal.
    """
    bolus = np.maximum(daily_dose_u - 24.0 * basal_u_per_h, 0.1 * daily_dose_u) / 3.0
    return bolus + 3.0 * basal_u_per_h
