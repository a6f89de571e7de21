"""Whether logged data can tell anything of a target: weights, support, overlap."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ..logged_episode import Array
from .steps import Steps

RARE: Final = 0.01
"""Probability (levels) or density (doses) below which an act counts as hardly supported."""


SURE: Final = 3.0
"""Standard errors by which a mean weight must fall short of 1 before weight counts as missing."""


def effective_size(weights: Array) -> float:
    """Return (sum w)^2 / sum w^2 (Kish), 0 where all weights are 0."""
    square = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / square if square > 0.0 else 0.0


def diagnose(steps: Steps, log_ratio: Array, cumulative: Array) -> dict[str, Any]:
    """Return what the weights say of the overlap of target and behaviour.

    Parameters
    ----------
    steps : Steps
    log_ratio, cumulative : array (E, T)
        Log ratios of each decision, and weights of all decisions up to it.

    Returns
    -------
    dict
        ``ess``, effective sample size of whole courses, in patients; ``ess_by_step`` (T,), up to
        each decision; ``max_weight_share``, of the heaviest patient; ``mean_weight`` and its
        standard error ``mean_weight_se``: 1 where probabilities are right and the behaviour does
        whatever the target would; ``missing_weight``, what is at least lacking from 1 at the worst
        decision (the mean plus three standard errors), which the effective sample does not show;
        ``rare_share``, of decisions to which the behaviour gave less
        than 0.01; ``never_share``, of logged decisions that the target would never take;
        ``overlap``: group -> effective share of its patients.
    """
    weights = steps.by_patient(cumulative)
    final, n = weights[:, -1], len(steps.patients)
    alive, total = steps.alive, float(final.sum())
    groups = np.array(steps.groups)
    return {
        "ess": effective_size(final),
        "ess_by_step": [effective_size(column) for column in weights.T],
        "max_weight_share": float(final.max()) / total if total > 0.0 else float("nan"),
        "mean_weight": float(final.mean()),
        "mean_weight_se": float(final.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan"),
        "missing_weight": missing_weight(weights),
        "rare_share": float(np.mean(steps.log_b[alive] < np.log(RARE))),
        "never_share": float(np.mean(np.isneginf(log_ratio[alive]))),
        "overlap": {
            str(g): effective_size(final[groups == g]) / int((groups == g).sum())
            for g in sorted(set(steps.groups))
        },
    }


def missing_weight(weights: Array) -> float:
    """Return by how much mean weights (n, T) surely fall short of 1, at the worst decision.

    Weights have a mean of 1 if the behaviour does all that the target would. Where it does not, the
    rest of the target's courses is missing from the log, however even the weights of what is left.
    """
    n = len(weights)
    if n < 2:
        return 0.0
    reached = weights.mean(axis=0) + SURE * weights.std(axis=0, ddof=1) / np.sqrt(n)
    return float(np.clip(1.0 - reached, 0.0, 1.0).max())
