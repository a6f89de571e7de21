"""MAGIC: a blend of estimates that follow the data for some decisions and the model from there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.optimize import nnls
from scipy.stats import t as student

from ...physiology.errors import InputError
from ..logged_episode import Array
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import Ratios, interval
from .wdr import joined, parts
from .weighted import estimate_of, model_words

_RUNGS = 16


@dataclass(frozen=True)
class Magic:
    """Blend of least estimated mean square error (Thomas and Brunskill 2016, arXiv 1604.00923).

    Parameters
    ----------
    near : float
        Confidence of the interval about WDR, the distance to which stands for an estimate's bias;
        10 % as recalled from the paper's appendix, not checked again.

    Notes
    -----
    A blend leans on the model where weights tell little, so patients drawn again from the same
    networks would tell too narrow an interval. To the bootstrap's half-widths is added, in squares,
    Student's over networks fitted on other resamples of the patients. The blend itself is taken as
    given.
    """

    near: float = 0.1
    name: ClassVar[str] = "magic"
    needs_odds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0.0 < self.near < 1.0:
            raise InputError(f"near is {self.near!r}; give a confidence between 0 and 1")

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        surprises, values = parts(evidence)
        length = surprises.top.shape[1]
        ends = np.unique(np.linspace(-1, length - 1, min(length + 1, _RUNGS)).round().astype(int))
        ladder = [_until(surprises, values, j) for j in ends]
        share = _blend(ladder, self.near, rng)
        follows = np.array([share[ends >= t].sum() for t in range(length)])
        reached = np.array([share[ends >= t - 1].sum() for t in range(length + 1)])
        told = {f"{j + 1} decisions": float(x) for j, x in zip(ends, share, strict=True)}
        found = estimate_of(
            joined(surprises, values, follows, reached), self.name, evidence, rng=rng,
            confidence=confidence, more={"blend": told, **model_words(evidence)},
        )  # fmt: skip
        seeds = len(evidence.critic.q)
        each = [joined(*parts(evidence, s), follows, reached).value for s in range(seeds)]
        half = float(student.ppf(0.5 + 0.5 * confidence, seeds - 1) * np.std(each, ddof=1))
        low = found.value - math.hypot(found.value - found.low, half)
        return replace(
            found, low=low, high=found.value + math.hypot(found.high - found.value, half)
        )


def _until(surprises: Ratios, values: Ratios, j: int) -> Ratios:
    """Return the estimate that follows the data up to decision j (-1: none) and then the model."""
    t, s = np.arange(surprises.top.shape[1]), np.arange(values.top.shape[1])
    return joined(surprises, values, (t <= j) * 1.0, (s <= j + 1) * 1.0)


def _blend(ladder: list[Ratios], near: float, rng: np.random.Generator) -> Array:
    """Return the shares, non-negative and adding up to 1, of least covariance plus bias squared."""
    influence = np.stack([rung.influence for rung in ladder])
    value = np.array([rung.value for rung in ladder])
    low, high, _ = interval(ladder[-1], rng=rng, confidence=near, repetitions=400)
    if not (np.isfinite(influence).all() and np.isfinite(low)):
        return np.eye(len(ladder))[-1]
    bias = np.maximum(value - high, 0.0) + np.minimum(value - low, 0.0)
    error = np.cov(influence) / influence.shape[1] + np.outer(bias, bias)
    size = max(float(np.trace(error)), 1e-30)
    root = np.linalg.cholesky(error / size + 1e-9 * np.eye(len(error))).T
    heavy = 1e3
    shares, _ = nnls(np.vstack([root, heavy * np.ones(len(error))]), np.append(0.0 * value, heavy))
    return np.asarray(shares / shares.sum())
