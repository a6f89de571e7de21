"""Whether a policy asks for insulin of the right size: against each patient's own daily dose."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Insulin of a day over the patient's usual daily dose, least and most, for one patient and for the
#: middle one. Project choices: a unit taken for another is wrong by 60 (hours and minutes), 100
#: (units and hundredths) or 10; sick days and growth at most double the need.
ONE: Final = (0.05, 5.0)
MIDDLE: Final = (0.2, 2.5)


def sizes(task: Any, asked: NDArray[Any], log: Array) -> dict[str, str]:
    """Return what was checked, and what is wrong with it where it is.

    Parameters
    ----------
    task : InsulinTask
    asked : array (T, B, A)
        Actions.
    log : array (T, B, columns)
        Of the same steps.
    """
    column = {name: log[:, :, i] for i, name in enumerate(task.log_columns)}
    units = column["basal_u_per_h"] * task.step_min / 60.0 + column["bolus_u"]
    days = len(log) * task.step_min / 1440.0
    ratio = units.sum(axis=0) / days / task.cohort.therapy.total_daily_dose_u
    middle, least, most = float(np.median(ratio)), float(ratio.min()), float(ratio.max())
    wrong = ""
    if not (MIDDLE[0] <= middle <= MIDDLE[1] and ONE[0] <= least and most <= ONE[1]):
        wrong = (
            f"insulin of a day is {middle:.2g} times the usual daily dose (from {least:.2g} to "
            f"{most:.2g}), outside {MIDDLE[0]:g} to {MIDDLE[1]:g}"
        )
    return {"asks for insulin of the size of each patient's daily dose": wrong}
