"""The nightly fit: the last fourteen days anew, about what older days had taught, discounted.

The prior is p(z) L_old(z)^(0.9^age): L_old is what the youngest twin that saw none of these
fourteen days had learnt, so that no reading is counted twice, and it loses a tenth of its weight
with each day of its age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..records.timeline import Timeline
from .coordinates import FITTED, Coordinates
from .ensemble_kalman import KEPT_A_DAY
from .fit import refit
from .observations import LONGEST_DAYS
from .twin import Twin

Array = NDArray[np.float64]
WINDOW_S = LONGEST_DAYS * 86400.0


def tempered(where: Coordinates, mean: Array, covariance: Array, kept: float) -> Coordinates:
    """Return the prior p L^kept, where a posterior N(mean, covariance) was p L.

    Parameters
    ----------
    where : Coordinates
        The prior p, standard normal in z.
    mean, covariance : array (d,), (d, d)
        Of the posterior of z.
    kept : float
        Exponent of the likelihood, 0 to 1.
    """
    k = len(FITTED)
    information = np.linalg.inv(covariance[:k, :k])
    learnt = information - np.eye(k)
    value, vector = np.linalg.eigh(0.5 * (learnt + learnt.T))
    learnt = (vector * np.maximum(value, 0.0)) @ vector.T
    left = np.linalg.inv(np.eye(k) + kept * learnt)
    middle = left @ (kept * (np.eye(k) + learnt) @ mean[:k])
    centre = dict(where.centre)
    for name, shift in zip(FITTED, (where.root @ middle).tolist(), strict=True):
        centre[name] += shift
    return replace(where, centre=centre, root=where.root @ np.linalg.cholesky(left))


def nightly(record: Timeline, twins: Sequence[Twin], end_s: float, seed: int) -> Twin:
    """Return the twin of the fourteen days before ``end_s``.

    Parameters
    ----------
    record : Timeline
    twins : sequence of Twin
        All that are remembered, the first one's prior being the person's.
    end_s : float, seconds since 1970 UTC
    seed : int

    Raises
    ------
    InputError
        If the record holds too little in these days.
    """
    base = twins[0]
    first = float(record.glucose.time_s[0]) if len(record.glucose) else end_s
    begin = max(first, end_s - WINDOW_S)
    past = record.window(begin, end_s + 1.0)
    old = [t for t in twins if t.end_s <= begin + 3600.0 and t.posterior is not None]
    where = base.where
    if old:
        last = old[-1]
        age = (end_s - last.end_s) / 86400.0
        # A later twin's coordinates are about a prior of its own.
        where = tempered(last.where, last.z, last.covariance, KEPT_A_DAY**age)
    return refit(past, where, base.group, seed=seed, threads=1)
