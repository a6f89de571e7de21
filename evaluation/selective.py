"""When to abstain: the loosest acceptance threshold that keeps accepted harm rare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..physiology.errors import InputError
from .declared import finite_series
from .learn_then_test import control_family


@dataclass(frozen=True)
class Selective:
    """A rule "recommend if the score is at most the threshold", with its guarantee.

    Parameters
    ----------
    threshold : float
        -inf where no threshold could be shown: abstain always.
    accepted : float
        Share of calibration cases that it accepts.
    unsafe_accepted : int
        Calibration cases that it accepts and that were unsafe.
    n : int
        Calibration cases.
    epsilon, delta : float
        P(accepted and unsafe) <= epsilon, but for a chance delta over the calibration.
    """

    threshold: float
    accepted: float
    unsafe_accepted: int
    n: int
    epsilon: float
    delta: float

    def accepts(self, score: float) -> bool:
        """Return whether a case of this score is accepted; one without a score never is."""
        return score <= self.threshold


def selective_threshold(
    scores: ArrayLike, unsafe: ArrayLike, epsilon: float, delta: float
) -> Selective:
    """Return the loosest threshold with P(accept and unsafe) <= epsilon, with chance 1 - delta.

    Learn then test in a fixed sequence from the strictest threshold on, each tested by the exact
    binomial p-value of "accepted and unsafe". That the thresholds tried are the scores themselves
    costs nothing: the risk rises with the threshold, so the first one that breaks the limit decides
    (the argument of Bates 2021, doi 10.1145/3478535).

    Parameters
    ----------
    scores : array (n,)
        How far out of the known each case lies; high is worse.
    unsafe : array (n,) of bool
        Whether accepting it would have harmed.
    epsilon : float
        Tolerated share of all cases that are accepted and unsafe, in (0, 1).
    delta : float
        Chance of a threshold that is too loose, in (0, 1).

    Returns
    -------
    Selective
        Angelopoulos 2021, arXiv 2110.01052. Fewer than ln(delta) / ln(1 - epsilon) cases show
        nothing: abstain always (299 for 1 % at 95 %).

    Raises
    ------
    InputError
        Missing scores, flags that are not one for one or not 0 and 1, bad epsilon or delta.
    """
    data, flags = finite_series(scores), finite_series(unsafe)
    if flags.size != data.size or not np.isin(flags, (0.0, 1.0)).all():
        raise InputError(
            f"unsafe has {flags.size} entries for {data.size} scores; give true or false for each"
        )
    for name, value in (("epsilon", epsilon), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise InputError(f"{name} is {value:g}; choose one strictly between 0 and 1")
    tried = np.unique(data)
    harmed = np.searchsorted(np.sort(data[flags == 1.0]), tried, side="right")
    p_values = stats.binom.cdf(harmed, data.size, epsilon)
    shown = len(control_family(p_values, delta, "fixed_sequence"))
    if not shown:
        return Selective(float("-inf"), 0.0, 0, data.size, epsilon, delta)
    threshold = float(tried[shown - 1])
    accepted = float(np.mean(data <= threshold))
    return Selective(threshold, accepted, int(harmed[shown - 1]), data.size, epsilon, delta)
