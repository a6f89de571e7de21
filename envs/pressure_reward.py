"""Rewards of the blood-pressure environment, by name.

====================  ============================================================================
name                  reward of the interval between two visits
====================  ============================================================================
``risk``              (ln-hazard lowered - conditions - 0.01 per drug) x interval / 28 days - events
``time_in_target``    share of its days with true pressure below the target and not below 100
``sprint``            share of its days with true systolic pressure from 110 to 130 mmHg
====================  ============================================================================

The logarithm of the hazard falls by -ln(0.80)/10 per mmHg of true systolic pressure below the
untreated one (major cardiovascular events, Ettehad 2016, doi:10.1016/S0140-6736(15)01225-8), down
to 115 mmHg: below it no benefit is counted (Lewington 2002 follows risk down to 115 mmHg,
doi:10.1016/S0140-6736(02)11911-8). 110 to 130 is the range in which SPRINT's intensive arm counted
time in target (Fatani 2021, doi:10.1161/HYPERTENSIONAHA.120.16598 [unverified]). The weights of
harms and of a drug (pill burden) are a project choice in the same unit: 0.22 is 10 mmHg kept for
28 days. Conditions last and weigh by the time between visits; events are counted as they happen.

At a termination ``risk`` is charged ``LOST`` for each 28 days that are left: more than all harms of
such an interval, so that dying does not beat living on. The other two are never negative, and need
no charge. With ``cost_weights`` this is certain no more.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]

REWARDS: Final = ("risk", "time_in_target", "sprint")
PER_MMHG: Final = -np.log(0.80) / 10.0
LOWEST_USEFUL_MMHG: Final = 115.0
SPRINT_RANGE_MMHG: Final = (110.0, 130.0)
PILL: Final = 0.01
HARMS: Final = MappingProxyType(
    {
        "hypotension": 0.05,
        "orthostatic": 0.1,
        "oedema": 0.1,
        "cough": 0.1,
        "other_symptoms": 0.1,
        "kidney_injury": 1.0,
        "electrolyte_event": 0.5,
        "sbp_below_100": 0.3,
        "potassium_high": 0.2,
        "potassium_low": 0.2,
        "bradycardia": 0.2,
        "contraindicated": 0.5,
    }
)
"""Weight of an event, of ``hypotension`` for each day with symptoms; of a condition for 28 days."""
CONDITIONS: Final = (
    *("orthostatic", "oedema", "cough", "other_symptoms"),
    *("potassium_high", "potassium_low", "bradycardia"),
)
"""Harms that last: their weight is in proportion to the interval."""
LOST: Final = 5.0


def check_reward(name: str) -> str:
    """Return the name of a reward.

    Raises
    ------
    InputError
        If there is no such reward.
    """
    if not isinstance(name, str) or name not in REWARDS:
        raise InputError(f"reward is {name!r}; choose one of {', '.join(REWARDS)}")
    return name


def risk_reward(
    sbp: Array, untreated_sbp: Array, harms: dict[str, Array], drugs: Array, days: Array
) -> Array:
    """Return the reward ``risk`` (B,).

    Parameters
    ----------
    sbp, untreated_sbp : array (B,), mmHg
        True systolic pressure at the end of the interval, and without any drug.
    harms : mapping of str to array (B,)
        Events of the interval, by the names of ``HARMS``.
    drugs : array (B,)
    days : array (B,)
    """
    fall = untreated_sbp - np.maximum(sbp, LOWEST_USEFUL_MMHG)
    lasting, events = np.zeros_like(fall), np.zeros_like(fall)
    for name, weight in HARMS.items():
        kind = lasting if name in CONDITIONS else events
        kind += weight * harms[name]
    return np.asarray((PER_MMHG * fall - PILL * drugs - lasting) * days / 28.0 - events)
