"""Published interval formulas that do not hold, each as short as its fault; facts, own words."""

from __future__ import annotations

import numpy as np
from scipy import stats


def scope_rl_hoeffding_half_width(samples: np.ndarray, delta: float = 0.05) -> float:
    """Two-sided half-width of SCOPE-RL 0.2.1: multiplies by n, takes the sample's maximum."""
    return float(samples.max() * np.sqrt(np.log(2 / delta) / 2 * samples.size))


def scope_rl_t_half_width(samples: np.ndarray, delta: float = 0.05) -> float:
    """Two-sided half-width of SCOPE-RL 0.2.1 from the one-sided quantile of Student's t."""
    quantile = stats.t.ppf(1 - delta, samples.size - 1)
    return float(quantile * samples.std(ddof=1) / np.sqrt(samples.size))


def sample_maximum_hoeffding_upper(samples: np.ndarray, delta: float = 0.05) -> float:
    """Hoeffding's upper bound with the sample's maximum for its range, as if known in advance."""
    return float(samples.mean() + samples.max() * np.sqrt(np.log(1 / delta) / (2 * samples.size)))


def swapped_hoeffding_p_value(mean: float, n: int, limit: float) -> float:
    """Hoeffding's p-value with a maximum for the minimum (im2im-uq, issue 3).

    Says nothing where the mean keeps the limit, and all where it breaks it.
    """
    most = max(mean, limit)
    return float(np.exp(-n * stats.entropy([most, 1 - most], [limit, 1 - limit])))
