"""Rewards by name, made so that it does not pay to die.

===================  ============================================================================
name                 reward of one interval ending at glucose G (mg/dL)
===================  ============================================================================
``magni``            1 - min(r, 100) / 100, r the Magni risk (Magni 2007; used by Fox 2020)
``kovatchev``        1 - min(r, 50) / 50, r the Kovatchev risk (Kovatchev 1997)
``time_in_range``    1 if 70 <= G <= 180 else 0
``simglucose``       r(before) - r(now), r the Kovatchev risk: simglucose's reward
===================  ============================================================================

At a termination (death) a penalty is subtracted.

The first three lie in [0, 1] while the person lives. So from any moment on, living to the end
returns at least 0, dying at once at most 1 - penalty: dying never beats living on, discounted or
not, if the penalty is at least 1. This compares futures, not whole lives: hours in range followed
by a death can still return more than a whole life out of range, so deaths must be counted beside
the return.

``simglucose`` telescopes to r(start) - r(end). Its penalty is at least 100, the largest possible
risk, so that undiscounted and from the same start every death returns less than every survival: at
most r(start) - r(end) - 100 against at least r(start) - 100. (They can only tie if ``terminate`` is
set so that someone dies at zero risk, about 112.5 mg/dL.)

With ``cost_weights`` none of this is certain any more: hours of a weighted cost can outweigh the
penalty. It stays certain if the penalty is at least 1 + the sum of the weights x the steps of an
episode.

The caps of the risks and the default penalty are project choices: the cap of Kovatchev's risk, 50,
is reached at 33 and 370 mg/dL, that of Magni's, 100, at 35 and 573 mg/dL.
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
