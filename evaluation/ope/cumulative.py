"""The distribution of returns under a target: its mean, its tail, its quantiles (UnO)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from ...physiology.errors import InputError
from ..declared import error_probability
from ..logged_episode import Array
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import MOST_LOST, REPETITIONS, resampled

Of = Literal["mean", "cvar", "quantile"]
_CHUNK = 2_000_000


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
    is a percentile bootstrap over patients.
    """

    of: Of = "cvar"
    level: float = 0.1
    normalised: bool = True
    needs_odds: ClassVar[bool] = True

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
        rows = max(1, _CHUNK // len(who))
        draws = np.concatenate(
            [at(resampled(n, min(rows, REPETITIONS - k), rng)) for k in range(0, REPETITIONS, rows)]
        )
        lost = float(np.mean(~np.isfinite(draws)))
        low = high = float("nan")
        if np.isfinite(value) and lost <= MOST_LOST and n > 1:
            half = 0.5 * error_probability(confidence)
            low, high = np.quantile(draws[np.isfinite(draws)], [half, 1.0 - half]).tolist()
        told: dict[str, Any] = {**evidence.diagnostics, "lost_resamples": lost}
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
