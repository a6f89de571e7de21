"""The noise of a fit: autocorrelated, heavy-tailed, censored at the sensor's limits.

Errors follow an AR(1) process; what enters the fit are its innovations, scaled by their standard
deviation, weighted as Student-t with five degrees of freedom. Treating autocorrelated errors as
independent makes a fit look several times more certain than it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .observations import Observations

Array = NDArray[np.float64]
STUDENT_NU = 5.0
# A misfit looks like noise of ever longer memory; past this the fit would follow slopes only.
LARGEST_RHO = 0.97
# No sensor reads to better than this (mg/dL, project choice).
SMALLEST_SIGMA = 2.0
BLOCK_SAMPLES = 24


@dataclass(frozen=True)
class Noise:
    """Standard deviation (mg/dL) and correlation over five minutes of the errors."""

    sigma: float = 20.0
    rho: float = 0.9


@dataclass(frozen=True)
class Whitening:
    """Which samples enter, and how far each lies behind the one before it."""

    index: NDArray[np.int64]
    gap: NDArray[np.int64]


def whitening(seen: Observations) -> Whitening:
    """Return the scored samples: those with a reading."""
    index = np.flatnonzero(np.isfinite(seen.glucose))
    gap = np.diff(index, prepend=-(10**6))
    return Whitening(index, gap)


def errors(glucose: Array, seen: Observations, use: Whitening) -> Array:
    """Return reading minus model (N, B); none where a censored reading agrees with the model."""
    reading = seen.glucose[use.index, None]
    censored = seen.censored[use.index, None]
    error = reading - glucose[use.index]
    agrees = ((censored < 0) & (error > 0)) | ((censored > 0) & (error < 0))
    return np.where(agrees, 0.0, error)


def innovations(error: Array, use: Whitening, noise: Noise) -> Array:
    """Return standardised innovations (N, B) of the AR(1) errors across gaps of any length."""
    keep = np.power(noise.rho, np.minimum(use.gap, 10**4).astype(np.float64))[:, None]
    before = np.concatenate([np.zeros((1, error.shape[1])), error[:-1]])
    return np.asarray((error - keep * before) / (noise.sigma * np.sqrt(1.0 - keep**2)))


def weights(standard: Array) -> Array:
    """Return the Student-t weights of standardised innovations."""
    return (STUDENT_NU + 1.0) / (STUDENT_NU + standard**2)


def estimate(
    error: Array, use: Whitening, slope: Array, covariance: Array, largest_rho: float = LARGEST_RHO
) -> Noise:
    """Estimate the noise of a fit, counting in what the fit has taken up of it.

    Parameters
    ----------
    error : array (N,), mg/dL
    slope : array (N, K)
        Derivatives of glucose by the unknowns.
    covariance : array (K, K)
        Of the unknowns.
    largest_rho : float
        Bound on the correlation over five minutes.
    """
    spread = slope @ covariance
    variance = error**2 + (spread * slope).sum(axis=1)
    near = use.gap[1:] == 1
    product = error[1:] * error[:-1] + (spread[1:] * slope[:-1]).sum(axis=1)
    rho = float(product[near].sum() / max(float(variance[:-1][near].sum()), 1e-9))
    sigma = max(float(np.sqrt(variance.mean())), SMALLEST_SIGMA)
    return Noise(sigma, float(np.clip(rho, 0.0, largest_rho)))


def misfit_factor(score: Array, information: Array, use: Whitening) -> float:
    """Return by how much the errors of a misfitting model understate the uncertainty.

    The variance of the score over two-hour blocks, against the information a well-specified model
    would have: the magnitude adjustment of a composite likelihood (Pauli, Racugno and Ventura, Stat
    Sin 2011;21:149-64). The likelihood is weakened by this factor; 1 means nothing is lost.

    Parameters
    ----------
    score : array (N, d)
        Contribution of each sample to the gradient of the log likelihood.
    information : array (d, d)
        Gauss-Newton information of the likelihood; where it holds nothing, nothing can be lost.
    """
    block = use.index // BLOCK_SAMPLES
    sums = np.zeros((int(block.max()) + 1, score.shape[1]))
    np.add.at(sums, block, score)
    d = len(information)
    if not np.trace(information) > 0.0:
        # Nothing was estimated (a body known already), so nothing can be understated.
        return 1.0
    total = float(np.trace(information))
    if not total > 0.0:
        return 1.0
    ridge = 1e-3 * total / d * np.eye(d)
    return max(1.0, float(np.trace(np.linalg.solve(information + ridge, sums.T @ sums)) / d))
