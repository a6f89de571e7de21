"""Split-conformal margins: how far off the next case will be, shift of population included."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..physiology.errors import InputError
from .declared import finite_series

# Sums of weights are compared to within this share, so that rounding cannot skip a rank.
_ROUNDING = 1e-12


def conformal_margin(errors: ArrayLike, level: float) -> float:
    """Return the margin that the next error keeps with probability at least ``level``.

    The ceil((n + 1) level)-th smallest of n calibration errors, which holds whatever their
    distribution, on average over calibrations, if the next case is exchangeable with them.

    Parameters
    ----------
    errors : array (n,)
        One per calibration case (patient), of cases that nothing was fitted to.
    level : float
        In (0, 1).

    Returns
    -------
    float
        In the unit of the errors; +inf where n is too small to promise the level (below
        level / (1 - level), for 95 % fewer than 19 cases). Vovk 2005, doi 10.1007/b106715.

    Raises
    ------
    InputError
        No errors, a missing one, a level outside (0, 1).
    """
    data = np.sort(finite_series(errors))
    _check_level(level)
    rank = int(np.ceil((data.size + 1) * level * (1.0 - _ROUNDING)))
    return float(data[rank - 1]) if rank <= data.size else float("inf")


def weighted_quantile(
    scores: ArrayLike, weights: ArrayLike, test_weight: float, level: float
) -> float:
    """Return the conformal margin of a case from another population, by its likelihood ratio.

    Calibration scores weigh by how much likelier their covariates are in the new population; the
    new case's own weight sits at +inf.

    Parameters
    ----------
    scores : array (n,)
        Calibration scores.
    weights : array (n,)
        Likelihood ratio of each calibration case, new population over old, up to one factor.
    test_weight : float
        The same of the new case.
    level : float
        In (0, 1).

    Returns
    -------
    float
        Smallest score with at least ``level`` of all weight at or below it; +inf where the new
        case alone weighs more than 1 - level: the calibration says too little about such a case.
        Tibshirani 2019, arXiv 1904.06019. With equal weights, :func:`conformal_margin`.

    Raises
    ------
    InputError
        Missing scores, weights that are negative, missing, all zero or too few.
    """
    data, share = finite_series(scores), finite_series(weights)
    _check_level(level)
    if share.size != data.size:
        raise InputError(f"weights has {share.size} entries, scores {data.size}; match them")
    if share.min() < 0.0 or not 0.0 <= test_weight < np.inf:
        worst = min(float(share.min()), test_weight)
        raise InputError(f"a weight is {worst:g}; give likelihood ratios, finite and at least 0")
    total = float(share.sum()) + test_weight
    if total == 0.0:
        raise InputError("weights are all 0; the two populations share no case, so abstain")
    order = np.argsort(data, kind="stable")
    reached = np.flatnonzero(np.cumsum(share[order]) >= level * total * (1.0 - _ROUNDING))
    return float(data[order[reached[0]]]) if reached.size else float("inf")


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise InputError(f"level is {level:g}; choose one strictly between 0 and 1")
