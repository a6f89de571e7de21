"""MAGIC: a blend of estimates that follow the data for some decisions and the model from there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtri
from scipy.stats import t as student

from ...physiology.errors import InputError
from ..logged_episode import Array
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import Ratios, resampled, student_half
from .wdr import joined, parts
from .weighted import estimate_of, model_words

_RUNGS = 12
_RESAMPLES = 200
_SURE = 1e3


@dataclass(frozen=True)
class Magic:
    """Blend of least estimated mean square error (Thomas and Brunskill 2016, arXiv 1604.00923).

    Parameters
    ----------
    near : float
        Confidence of the interval about WDR, the distance to which stands for an estimate's bias;
        10 % as recalled from the paper's appendix, not checked again. It is a normal one here, so
        that the blend can be chosen anew in every resample.

    Notes
    -----
    A blend is chosen on the data it blends, and leans on the model where weights tell little. So
    the interval is the widest of the usual one and Student's over 200 resamples of the patients in
    each of which the blend is chosen anew; to its half-widths is added, in squares, Student's over
    networks fitted on other resamples of the patients.
    """

    near: float = 0.1
    name: str = field(default="magic", init=False)
    needs_odds: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if not 0.0 < self.near < 1.0:
            raise InputError(f"near is {self.near!r}; give a confidence between 0 and 1")

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        ladder = _Ladder(evidence, self.near)
        share = ladder.blend(np.ones(len(evidence.patients)))
        told = {f"{j + 1} decisions": float(x) for j, x in zip(ladder.ends, share, strict=True)}
        found = estimate_of(
            ladder.mix(share), self.name, evidence, rng=rng, confidence=confidence,
            more={"blend": told, **model_words(evidence)},
        )  # fmt: skip
        if not np.isfinite(found.low):
            return found
        again = student_half(ladder.error(rng), found.ess, confidence)
        seeds = len(evidence.critic.q)
        each = [ladder.mix(share, seed).value for seed in range(seeds)]
        model = float(student.ppf(0.5 + 0.5 * confidence, seeds - 1) * np.std(each, ddof=1))
        down, up = (max(abs(end - found.value), again) for end in (found.low, found.high))
        return replace(
            found,
            low=found.value - math.hypot(down, model),
            high=found.value + math.hypot(up, model),
        )


class _Ladder:
    """The estimates that follow the data up to some decision and then the model."""

    def __init__(self, evidence: Evidence, near: float) -> None:
        self._evidence = evidence
        self._near = float(ndtri(0.5 + 0.5 * near))
        surprises, values = parts(evidence)
        assert surprises.bottom is not None
        assert values.bottom is not None
        self._top = np.concatenate([surprises.top, values.top], axis=1)
        self._bottom = np.concatenate([surprises.bottom, values.bottom], axis=1)
        length = surprises.top.shape[1]
        rungs = np.linspace(-1, length - 1, min(length + 1, _RUNGS))
        self.ends = np.unique(rungs.round().astype(int))
        t, s = np.arange(length), np.arange(length + 1)
        follows, reached = t <= self.ends[:, None], s <= self.ends[:, None] + 1
        # Which columns each rung adds up: surprises up to its end, values up to one further.
        self._adds = np.concatenate([follows, reached], axis=1).astype(np.float64)
        self._length = length

    def mix(self, share: Array, seed: int | None = None) -> Ratios:
        """Return a blend as one table."""
        columns = share @ self._adds
        return joined(
            *parts(self._evidence, seed), columns[: self._length], columns[self._length :]
        )

    def blend(self, counts: Array) -> Array:
        """Return the shares of the rungs, 0 or more and adding up to 1, for weighted patients."""
        total = counts.sum()
        ratio, own = self._columns(counts)
        values, influence = ratio @ self._adds.T, own @ self._adds.T
        if not np.isfinite(influence).all():
            return np.eye(len(self.ends))[-1]
        spread = (influence * counts[:, None]).T @ influence / total**2
        reach = self._near * math.sqrt(spread[-1, -1])
        apart = values - values[-1]
        bias = np.sign(apart) * np.maximum(np.abs(apart) - reach, 0.0)
        error = spread + np.outer(bias, bias)
        size = max(float(np.trace(error)), 1e-30)
        root = np.linalg.cholesky(error / size + 1e-9 * np.eye(len(error))).T
        goal = np.append(np.zeros(len(error)), _SURE)
        shares, _ = nnls(np.vstack([root, _SURE * np.ones(len(error))]), goal)
        return np.asarray(shares / shares.sum())

    def error(self, rng: np.random.Generator) -> float:
        """Return the standard deviation over resamples, in each of which the blend is chosen."""
        found = []
        for counts in resampled(len(self._top), _RESAMPLES, rng):
            share, (ratio, _) = self.blend(counts), self._columns(counts)
            found.append(float(share @ (self._adds @ ratio)))
        return float(np.std(found, ddof=1))

    def _columns(self, counts: Array) -> tuple[Array, Array]:
        """Return each column's weighted mean and every patient's influence on it."""
        total = counts.sum()
        mean = counts @ self._bottom / total
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = counts @ self._top / total / mean
            own = (self._top - ratio * self._bottom) / mean
        return ratio, own
