"""Whether a policy asks for regimens that no label allows, whoever takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...envs.blood_pressure_orders import levels_of
from ...therapy.formulary import CLASSES

Array = NDArray[np.float64]


def sizes(task: Any, asked: NDArray[Any], log: Array) -> dict[str, str]:
    """Return what was checked, and what is wrong with it where it is.

    Parameters
    ----------
    task : BloodPressureTask
    asked : array (T, B, A)
        Actions.
    log : array (T, B, columns)
        Of the same steps.

    Notes
    -----
    Two blockers of the renin system: ONTARGET, doi 10.1056/NEJMoa0801317, and the warnings of
    every label since.
    """
    levels = np.array([levels_of(task, np.asarray(a, dtype=np.float64)) for a in asked])
    both = (levels[..., CLASSES.index("acei")] > 0) & (levels[..., CLASSES.index("arb")] > 0)
    forbidden = log[:, :, task.log_columns.index("contraindicated")] > 0.0
    return {
        "asks for no two blockers of the renin system": (
            f"it does at {int(both.sum())} of {both.size} visits" if both.any() else ""
        ),
        "asks for nothing that is contraindicated in whoever is treated": (
            f"it does at {int(forbidden.sum())} of {forbidden.size} visits"
            if forbidden.any()
            else ""
        ),
    }
