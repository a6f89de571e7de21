"""Rewards by name; each is bounded per step and takes death as worse than any survival.

===================  ============================================================================
name                 reward of one interval ending at glucose G (mg/dL)
===================  ============================================================================
``magni``            1 - min(r, 100) / 100, r the Magni risk (Magni 2007; used by Fox 2020)
``kovatchev``        1 - min(r, 50) / 50, r the Kovatchev risk (Kovatchev 1997)
``time_in_range``    1 if 70 <= G <= 180 else 0
``simglucose``       r(before) - r(now), r the Kovatchev risk: simglucose's reward
===================  ============================================================================

At a termination (death) a penalty is subtracted. The first three never fall below zero while the
person lives, so that dying can never pay. ``simglucose`` telescopes to r(start) - r(end); its penalty
is 100, the largest possible risk, so that the return of any death is below that of any survival.
"""

from __future__ import annotations

import numpy as np

from ..physiology.errors import InputError
from ..therapy.protocols import LEVELS

REWARDS = ("magni", "kovatchev", "time_in_range", "simglucose")
CAPS = {"magni": 100.0, "kovatchev": 50.0}
DEATH_PENALTY = 30.0
LARGEST_RISK = 100.0


def reward_code(name: str) -> int:
    """Return the compiled code of a reward.

    Raises
    ------
    InputError
        If there is no such reward.
    """
    if name not in REWARDS:
        raise InputError(f"reward is {name!r}; choose one of {', '.join(REWARDS)}")
    return REWARDS.index(name)


def reward_table(death_penalty: float) -> np.ndarray:
    """Return (4, 3): risk cap or lower bound, death penalty, upper bound, by reward code."""
    return np.array(
        [
            [CAPS["magni"], death_penalty, 0.0],
            [CAPS["kovatchev"], death_penalty, 0.0],
            [LEVELS.low, death_penalty, LEVELS.high],
            [0.0, max(death_penalty, LARGEST_RISK), 0.0],
        ]
    )
