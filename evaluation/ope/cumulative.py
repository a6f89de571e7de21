"""The distribution of returns under a target: its mean, its tail, its quantiles (UnO)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ...physiology.errors import InputError
from ..declared import error_probability
from ..logged_episode import Array
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import (
    MOST_LOST,
    REPETITIONS,
    in_blocks,
    jackknife_error,
    resampled,
    student_half,
)

Of = Literal["mean", "cvar", "quantile"]
_ROWS = 256


@dataclass(frozen=True)
class CumulativeDistribution:
    """F(x) = sum w 1{G <= x}, and what follows from it (Chandak et al. 2021, arXiv 2104.12820).

    Parameters
    ----------
    of : {"mean", "cvar", "quantile"}
        ``cvar`` is the mean of the worst ``level`` of returns, ``quantile`` the return below which
        that share lies.
    level : float
        Between 0 and 1.
    normalised : bool
        Whether weights are divided by their sum; else by the number of patients, and F is cut at 1
        (what is missing from 1 then lies at the largest return).

    Notes
    -----
    The paper's confidence band, which holds at any number of patients, is not built: the interval
    is a percentile bootstrap over patients, widened to Student's with the jackknife's error where
    that reaches further; a tail has as many effective patients as its share of them.
    """

    of: Of = "cvar"
    level: float = 0.1
    normalised: bool = True
    needs_odds: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if self.of not in ("mean", "cvar", "quantile"):
            raise InputError(f"of is {self.of!r}; choose mean, cvar or quantile")
        if not 0.0 < self.level < 1.0:
            raise InputError(f"level is {self.level!r}; give a share between 0 and 1")

    @property
    def name(self) -> str:
        """E.g. ``cd-cvar-0.1``."""
        kind = "cd" if self.normalised else "cd-is"
        return f"{kind}-mean" if self.of == "mean" else f"{kind}-{self.of}-{self.level:g}"

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        steps, n = evidence.steps, len(evidence.patients)
        per = np.bincount(steps.patient, minlength=n)
        share = evidence.final_weights / per[steps.patient]
        order = np.argsort(steps.returns, kind="stable")
        returns, who, share = steps.returns[order], steps.patient[order], share[order]

        def at(counts: Array) -> Array:
            return self._functional(counts[:, who] * share, counts.sum(axis=1), returns)

        value = float(at(np.ones((1, n)))[0])
        draws = in_blocks(lambda rows: at(resampled(n, rows, rng)), len(who), REPETITIONS)
        lost = float(np.mean(~np.isfinite(draws)))
        # Of a tail only its own patients tell.
        ess = evidence.diagnostics["ess"] * (1.0 if self.of == "mean" else self.level)
        low = high = float("nan")
        if np.isfinite(value) and lost <= MOST_LOST and n > 1:
            half = 0.5 * error_probability(confidence)
            low, high = np.quantile(draws[np.isfinite(draws)], [half, 1.0 - half]).tolist()
            # A quantile moves in jumps: its jackknife tells nothing.
            if self.of != "quantile":
                reach = student_half(jackknife_error(_left_out(at, n)), ess, confidence)
                low, high = min(low, value - reach), max(high, value + reach)
        told: dict[str, Any] = {**evidence.diagnostics, "lost_resamples": lost, "ess": ess}
        own = steps.by_patient(evidence.final_weights * steps.returns)
        if self.of != "mean":
            own = np.full(n, np.nan)
        return Estimate(
            value, low, high, self.name, n, own, told, confidence, people=evidence.people
        )

    def _functional(self, mass: Array, people: Array, returns: Array) -> Array:
        """Return the statistic (R,) of weighted returns: mass (R, E), returns (E,) ascending."""
        whole = mass.sum(axis=1) if self.normalised else people
        with np.errstate(divide="ignore", invalid="ignore"):
            reached = np.minimum(np.cumsum(mass, axis=1) / whole[:, None], 1.0)
        reached[:, -1] = np.where(np.isnan(reached[:, -1]), np.nan, 1.0)
        if self.of == "quantile":
            found = returns[(reached >= self.level).argmax(axis=1)]
            return np.where(np.isnan(reached[:, -1]), np.nan, found)
        top = 1.0 if self.of == "mean" else self.level
        kept = np.minimum(reached, top)
        step = np.diff(kept, axis=1, prepend=0.0)
        return np.asarray(step @ returns / top)


def _left_out(at: Callable[[Array], Array], n: int) -> Array:
    """Return the statistic (n,) with each patient left out in turn."""
    found = []
    for first in range(0, n, _ROWS):
        rows = np.arange(first, min(first + _ROWS, n))
        counts = np.ones((len(rows), n))
        counts[np.arange(len(rows)), rows] = 0.0
        found.append(at(counts))
    return np.concatenate(found)
