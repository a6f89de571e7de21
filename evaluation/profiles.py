"""Whole-cohort summaries beside a mean: how far short of a goal, how many beyond each threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..physiology.errors import InputError
from .bootstrap import Interval, bootstrap_interval, mean_intervals
from .declared import finite_series


def optimality_gap(
    values: ArrayLike,
    goal: float,
    *,
    rng: np.random.Generator,
    strata: Sequence[str] | None = None,
    higher_is_better: bool = True,
    confidence: float = 0.95,
    repetitions: int = 2000,
) -> Interval:
    """Mean shortfall from a goal, patients beyond it counting 0, with a stratified interval.

    Parameters
    ----------
    values : array (n,)
        One per patient, for instance time in range in %.
    goal : float
        In the same unit, for instance 70 %; set before looking.
    rng, strata, confidence, repetitions
        As in :func:`dosegym.evaluation.bootstrap.bootstrap_interval`.
    higher_is_better : bool
        Which way the metric improves.

    Returns
    -------
    Interval
        Agarwal 2021, arXiv 2108.13264.
    """
    sign = 1.0 if higher_is_better else -1.0
    short = np.maximum(sign * (goal - finite_series(values)), 0.0)
    return bootstrap_interval(
        short, rng=rng, strata=strata, confidence=confidence, repetitions=repetitions
    )


def performance_profile(
    values: ArrayLike,
    thresholds: ArrayLike,
    *,
    rng: np.random.Generator,
    strata: Sequence[str] | None = None,
    confidence: float = 0.95,
    repetitions: int = 2000,
) -> list[Interval]:
    """Share of patients above each threshold, with pointwise stratified intervals.

    Parameters
    ----------
    values : array (n,)
        One per patient.
    thresholds : array (T,)
        In the same unit.
    rng, strata, confidence, repetitions
        As in :func:`dosegym.evaluation.bootstrap.bootstrap_interval`.

    Returns
    -------
    list of Interval
        Agarwal 2021, arXiv 2108.13264; by percentiles, since shares end at 0 and 1.

    Raises
    ------
    InputError
        Missing values or thresholds, strata of another length.
    """
    data, bars = finite_series(values), finite_series(thresholds)
    if strata is not None and len(strata) != data.size:
        raise InputError(f"strata has {len(strata)} labels, values {data.size}; match them")
    above = (data[:, None] > bars).astype(float)
    return mean_intervals(
        above,
        rng=rng,
        strata=strata,
        confidence=confidence,
        repetitions=repetitions,
        method="percentile",
    )
