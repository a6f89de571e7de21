"""How likely each virtual person makes a record, and a sample of people in proportion to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Below this many effective people a posterior is a handful of lucky draws (project choice).
FEWEST_EFFECTIVE: Final = 100.0


@dataclass(frozen=True)
class Noise:
    """Error of one visit's mean: relative standard deviations, their correlation, and misfit.

    Parameters
    ----------
    sbp, dbp : array (V,)
        Coefficients of variation about the person's true pressure.
    correlation : array (V,)
        Of the two errors.
    misfit_mmhg : float
        Standard deviation of what the model leaves out, added to each visit.
    """

    sbp: Array
    dbp: Array
    correlation: Array
    misfit_mmhg: float


def visit_likelihood(sbp: Array, dbp: Array, expected: tuple[Array, Array], noise: Noise) -> Array:
    """Return the log-likelihood (V, B) of visits under people, up to a constant.

    Parameters
    ----------
    sbp, dbp : array (V,), mmHg
        Read.
    expected : pair of array (V, B), mmHg
        What a device without error would have read.
    noise : Noise

    Returns
    -------
    array (V, B)
        Bivariate normal log-densities.
    """
    mean_s, mean_d = expected
    misfit = noise.misfit_mmhg**2
    var_s = (noise.sbp[:, None] * mean_s) ** 2 + misfit
    var_d = (noise.dbp[:, None] * mean_d) ** 2 + misfit
    both = noise.correlation[:, None] * noise.sbp[:, None] * mean_s * noise.dbp[:, None] * mean_d
    det = var_s * var_d - both**2
    a, b = sbp[:, None] - mean_s, dbp[:, None] - mean_d
    square = (var_d * a**2 - 2.0 * both * a * b + var_s * b**2) / det
    found: Array = -0.5 * (square + np.log(det))
    return found


def value_likelihood(value: Array, expected: Array, sd: Array) -> Array:
    """Return normal log-densities (L, B) of results (L,) with errors ``sd`` (L, B)."""
    found: Array = -0.5 * (((value[:, None] - expected) / sd) ** 2) - np.log(sd)
    return found


def weights_of(log_likelihood: Array, log_prior_ratio: Array | None = None) -> Array:
    """Return weights (B,) that sum to 1 from log-likelihoods (B,).

    Parameters
    ----------
    log_likelihood : array (B,)
    log_prior_ratio : array (B,), optional
        Log of prior over proposal density, where people were not drawn from the prior.
    """
    score = log_likelihood if log_prior_ratio is None else log_likelihood + log_prior_ratio
    shifted = np.exp(score - np.max(score))
    found: Array = shifted / shifted.sum()
    return found


def effective_size(weights: Array) -> float:
    """Return the effective number of people, 1 / sum of squared weights (Kong 1994)."""
    return float(1.0 / np.sum(weights**2))


def resample(weights: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return n positions in proportion to weights, by systematic resampling (Kitagawa 1996)."""
    edges = (np.arange(n) + rng.random()) / n
    total = np.cumsum(weights)
    total[-1] = 1.0
    return np.searchsorted(total, edges, side="right").astype(np.int64)


def weighted_sd(values: Array, weights: Array) -> float:
    """Return the standard deviation of values (B,) under weights (B,)."""
    mean = float(np.sum(weights * values))
    return float(np.sqrt(np.sum(weights * (values - mean) ** 2)))
