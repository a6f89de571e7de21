"""Finite-sample bounds on a mean of unbounded non-negative weights, by clipping and betting.

A weighted return has no useful upper limit, so no interval for bounded variables applies to it. But
clipping non-negative values at any c chosen beforehand only lowers their mean, so a lower bound on
the clipped mean is one on the mean itself (Thomas, Theocharous and Ghavamzadeh 2015, AAAI, "High
confidence off-policy evaluation"). An upper bound follows by reflection: with returns in [a, b],
the mean of w (b - G) is at most b - J. Neither needs the behaviour to do all that the target would:
what it never does is missing from both means, which only widens the interval.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..betting import betting_lower_unit
from ..declared import Support, error_probability
from ..logged_episode import Array

PILOT: Final = 0.1
"""Share of patients who choose where to clip; they are not used again (a project choice)."""
_GRID: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


def clipped_lower(values: Array, delta: float) -> float:
    """Return a lower bound of confidence 1 - delta on the mean of non-negative values.

    Parameters
    ----------
    values : array (n,)
        Independent, one per patient, in an order that does not depend on them. The first tenth
        chooses the clip.
    delta : float

    Returns
    -------
    float
        At least 0; 0 where there are too few values to tell.
    """
    pilot = max(2, int(PILOT * len(values)))
    rest = values[pilot:]
    if len(rest) < 2:
        return 0.0
    clip = _clip(values[:pilot], len(rest), delta)
    if clip <= 0.0:
        return 0.0
    return clip * float(betting_lower_unit(np.minimum(rest, clip) / clip, delta)[0])


def _clip(pilot: Array, n: int, delta: float) -> float:
    """Return the clip at which an empirical Bernstein bound foresees most (Maurer, Pontil 2009)."""
    grid = np.unique(
        np.concatenate([np.quantile(pilot, _GRID), pilot.max() * np.array([2.0, 4.0])])
    )
    best, found = -np.inf, float(grid[-1])
    for clip in grid[grid > 0.0]:
        kept = np.minimum(pilot, clip)
        reach = np.log(2.0 / delta)
        foreseen = (
            kept.mean() - np.sqrt(2.0 * kept.var() * reach / n) - 7.0 * clip * reach / (3 * n)
        )
        if foreseen > best:
            best, found = float(foreseen), float(clip)
    return found


def clipped_interval(
    above: Array, below: Array, support: Support, confidence: float
) -> tuple[float, float]:
    """Return a finite-sample interval of a target's value.

    Parameters
    ----------
    above, below : array (n,)
        Each patient's weighted return above the least, and weighted shortfall from the most.
    support : (float, float)
        Least and most return that are possible, declared before the data were seen.
    confidence : float
        Two-sided; half of the error goes to each end.
    """
    delta = 0.5 * error_probability(confidence)
    least, most = support
    low, high = least + clipped_lower(above, delta), most - clipped_lower(below, delta)
    return max(low, least), min(high, most)
