"""Whether importance weights can be trusted: the shape of their upper tail.

The largest weights are fitted by a generalised Pareto distribution. Above a shape k of 0.7 their
mean converges too slowly to be of use, whatever the effective sample size says (Vehtari, Simpson,
Gelman, Yao and Gabry, J Mach Learn Res 2024;25:72). The fit is that of Zhang and Stephens
(Technometrics 2009;51:316-25, doi:10.1198/tech.2009.08017): a posterior mean over a grid of one
parameter, with a weak prior that draws k of few weights towards 0.5.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LARGEST_K: Final = 0.7
FEWEST_IN_TAIL: Final = 5
PRIOR_K, PRIOR_WEIGHT = 0.5, 10.0


def pareto_k(log_weights: Array) -> float:
    """Return the shape k of the upper tail of weights (n,), given as logarithms.

    Minus infinity where all large weights are alike, infinity where there are too few to tell.
    """
    n = len(log_weights)
    tail = int(np.ceil(min(0.2 * n, 3.0 * np.sqrt(n))))
    if tail < FEWEST_IN_TAIL or n <= tail:
        return float("inf")
    ordered = np.sort(log_weights - np.max(log_weights))
    cutoff = ordered[-tail - 1]
    excess = np.exp(ordered[-tail:]) - np.exp(cutoff)
    # Weights all alike leave no tail: an average of them converges as fast as it can.
    if excess[-1] <= 1e-12:
        return float("-inf")
    return tail_fit(np.maximum(excess, 1e-300))[0]


def tail_fit(excess: Array) -> tuple[float, float]:
    """Return shape k and scale of the generalised Pareto distribution of excesses (n,), sorted."""
    n = len(excess)
    grid = 30 + int(np.sqrt(n))
    quartile = excess[int(n / 4.0 + 0.5) - 1]
    steps = np.arange(1, grid + 1) - 0.5
    b = (1.0 - np.sqrt(grid / steps)) / (3.0 * quartile) + 1.0 / excess[-1]
    shape = np.log1p(-b[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-b / shape) - shape - 1.0)
    weight = np.exp(profile - np.max(profile))
    weight /= weight.sum()
    best = float((weight * b).sum())
    k = float(np.log1p(-best * excess).mean())
    scale = -k / best
    return (n * k + PRIOR_WEIGHT * PRIOR_K) / (n + PRIOR_WEIGHT), scale
