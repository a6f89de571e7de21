"""What counts as serious harm of blood-pressure treatment: one composite, its limits and sources.

The parts follow the serious adverse events of interest that SPRINT reported (hypotension, slow
heart, electrolyte abnormality, acute kidney injury; doi:10.1056/NEJMoa1511939). Falls and syncope
are left out: the body has none. Rates of that trial are not used anywhere here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .pressure_protocols import EVENTS, SAFETY
from .protocols import Source

SLOW: Final = Source(
    "2018 ACC/AHA/HRS guideline on bradycardia: a sinus rate below 50/min is slow (recalled); that "
    "10 below it, at rest and awake, is harm is a project choice",
    "10.1161/CIR.0000000000000628",
    verified=False,
)


@dataclass(frozen=True)
class SeriousLimits:
    """Beyond any of these a person came to serious harm; units mmHg, mmol/L, 1/min."""

    sbp_mmhg: float = EVENTS.dizzy_sbp_mmhg
    potassium_high: float = SAFETY.stop_potassium
    potassium_low: float = EVENTS.potassium_low
    sodium_low: float = EVENTS.sodium_low
    heart_rate_bpm: float = 40.0
    sbp_source: Source = EVENTS.dizzy_source
    potassium_source: Source = SAFETY.potassium_source
    electrolyte_source: Source = EVENTS.electrolyte_source
    heart_rate_source: Source = SLOW


SERIOUS: Final = SeriousLimits()


def serious_harm(
    *,
    lowest_sbp: ArrayLike,
    highest_potassium: ArrayLike,
    lowest_potassium: ArrayLike,
    lowest_sodium: ArrayLike,
    lowest_heart_rate: ArrayLike,
    kidney_injury: ArrayLike,
) -> NDArray[np.bool_]:
    """Return who came to serious harm, (B,).

    Parameters
    ----------
    lowest_sbp : array (B,), mmHg
    highest_potassium, lowest_potassium, lowest_sodium : array (B,), mmol/L
    lowest_heart_rate : array (B,), 1/min
    kidney_injury : array (B,), bool
    """
    harmed: NDArray[np.bool_] = (
        (np.asarray(lowest_sbp) < SERIOUS.sbp_mmhg)
        | (np.asarray(highest_potassium) >= SERIOUS.potassium_high)
        | (np.asarray(lowest_potassium) < SERIOUS.potassium_low)
        | (np.asarray(lowest_sodium) < SERIOUS.sodium_low)
        | (np.asarray(lowest_heart_rate) < SERIOUS.heart_rate_bpm)
        | np.asarray(kidney_injury, bool)
    )
    return harmed
